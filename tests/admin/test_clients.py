"""Hospitals' systems and terminals in the console: seeing them, another secret, shutting one out."""

import pytest

from backend.audit.models import AuditFilter
from backend.directory.clients import ClientService
from backend.directory.errors import TokenRefusedError
from backend.directory.models import IssuedClient, TerminalKind
from backend.errors import AppError
from backend.permissions import SYSTEM, Actor, Role
from tests.admin.browser import Browser, Console
from tests.admin.conftest import Town


@pytest.fixture
async def his(console: Console, town: Town) -> IssuedClient:
    return await clients_of(console).register_hospital(town.first.organization.id, "一院 HIS")


@pytest.fixture
async def window(console: Console, town: Town) -> IssuedClient:
    actor = Actor("client", "his", Role.HOSPITAL_CLIENT, town.scope)
    return await clients_of(console).register_terminal(actor, "收费窗口1号", TerminalKind.WINDOW)


def clients_of(console: Console) -> ClientService:
    return console.city.services.clients


async def token(console: Console, client_id: str, secret: str) -> str:
    return (await clients_of(console).grant("client_credentials", client_id, secret)).access_token


async def operator(console: Console, town: Town) -> Browser:
    return await console.sign_in(Role.HOSPITAL_OPERATOR, town.scope)


async def audited(console: Console, action: str) -> list[tuple[str, str]]:
    entries, _ = await console.city.services.audit.list_entries(SYSTEM, AuditFilter(action=action))
    return [(entry.object, entry.basis) for entry in entries]


async def test_an_operator_sees_the_systems_and_terminals_of_his_own_hospital(
    console: Console, town: Town, his: IssuedClient, window: IssuedClient
) -> None:
    other = await clients_of(console).register_hospital(town.second.organization.id, "妇幼 HIS")
    page = await (await operator(console, town)).get("/admin/clients")
    assert "一院 HIS" in page.text
    assert "收费窗口1号" in page.text
    assert "终端 · 窗口" in page.text
    assert "妇幼 HIS" not in page.text
    assert his.secret not in page.html
    theirs = await operator(console, town)
    for path in ("", "/secret", "/deactivate"):
        await theirs.get(f"/admin/clients/{other.client.id}{path}", expect=404)
    page = await theirs.get(f"/admin/clients?organization={town.second.organization.id}")
    assert "没有符合条件的系统或终端" in page.text
    page = await (await console.sign_in(Role.CITY_OPERATOR)).get("/admin/clients?kind=hospital")
    assert "妇幼 HIS" in page.text
    assert "收费窗口1号" not in page.text


async def test_a_new_secret_is_shown_once_and_voids_the_old_one(
    console: Console, town: Town, his: IssuedClient
) -> None:
    held = await token(console, his.client.id, his.secret)
    browser, address = await operator(console, town), f"/admin/clients/{his.client.id}"
    await browser.get(f"{address}/secret")
    page = await browser.submit(f"{address}/secret", old="void", reason="", expect=400)
    assert "请填写原因" in page.text
    page = await browser.submit(f"{address}/secret", old="void", reason="工程师离职")
    secret = page.html.partition('data-test="secret">')[2].partition("<")[0]
    assert await token(console, his.client.id, secret)
    with pytest.raises(TokenRefusedError):
        await token(console, his.client.id, his.secret)
    with pytest.raises(AppError):
        console.city.services.tokens.verify(held)
    assert secret not in (await browser.get(address)).html
    assert await audited(console, "client.new_secret") == [(f"client/{his.client.id}", "工程师离职")]
    kept = str(await console.city.db.collection("audit").find({}).to_list(None))
    assert secret not in kept


async def test_a_planned_change_keeps_the_old_secret_for_a_week(
    console: Console, town: Town, his: IssuedClient
) -> None:
    held = await token(console, his.client.id, his.secret)
    browser, action = await operator(console, town), f"/admin/clients/{his.client.id}/secret"
    await browser.get(action)
    await browser.submit(action, old="keep", reason="年度更换")
    assert await token(console, his.client.id, his.secret)
    assert console.city.services.tokens.verify(held).id == his.client.id


async def test_a_terminal_that_is_shut_out_is_out_at_once_and_for_good(
    console: Console, town: Town, window: IssuedClient
) -> None:
    held = await token(console, window.client.id, window.secret)
    browser, address = await operator(console, town), f"/admin/clients/{window.client.id}"
    await browser.get(f"{address}/deactivate")
    page = await browser.submit(f"{address}/deactivate", reason="", expect=400)
    assert "请填写原因" in page.text
    assert await token(console, window.client.id, window.secret)
    page = await browser.submit(f"{address}/deactivate", reason="设备丢失")
    assert "已停用，其密钥和令牌已失效" in page.text
    assert f"{address}/secret" not in page.links
    with pytest.raises(TokenRefusedError):
        await token(console, window.client.id, window.secret)
    with pytest.raises(AppError):
        console.city.services.tokens.verify(held)
    await browser.get(f"{address}/secret", expect=404)
    assert await audited(console, "client.deactivate") == [(f"client/{window.client.id}", "设备丢失")]


async def test_a_page_left_open_gives_no_secret_to_one_that_was_shut_out(
    console: Console, town: Town, his: IssuedClient
) -> None:
    browser, action = await operator(console, town), f"/admin/clients/{his.client.id}/secret"
    await browser.get(action)
    await console.city.services.client_care.deactivate(SYSTEM, his.client.id, "系统下线")
    page = await browser.submit(action, old="void", reason="年度更换", expect=409)
    assert "data-test" not in page.html


async def test_the_list_is_paged(console: Console, town: Town) -> None:
    for number in range(51):
        await clients_of(console).register_hospital(town.first.organization.id, f"系统{number}")
    browser = await operator(console, town)
    page = await browser.get("/admin/clients")
    assert page.html.count("/admin/clients/0") == 50
    [following] = [link for link in page.links if "cursor=" in link]
    page = await browser.get(following)
    assert page.html.count("/admin/clients/0") == 1
