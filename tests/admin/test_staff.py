"""Staff accounts in the console: opening, handing over, closing, resetting."""

import pyotp

from backend import clock
from backend.permissions import Role
from tests.admin.browser import Browser, Console, Page
from tests.admin.conftest import Town

NEW = {"login": "zhang.wei", "name": "张伟", "role": "hospital_operator", "scope": "some"}


def shown_once(page: Page, name: str) -> str:
    """The secret that the page shows under this name."""
    _, _, rest = page.html.partition(f'data-test="{name}">')
    return rest.partition("<")[0]


async def add(browser: Browser, town: Town, *, expect: int = 200, **changes: str | list[str]) -> Page:
    await browser.get("/admin/staff/new")
    fields = {**NEW, "organization": [town.first.organization.id], **changes}
    return await browser.submit("/admin/staff/new", expect=expect, **fields)


async def test_a_new_member_signs_in_with_what_is_shown_once(console: Console, town: Town) -> None:
    browser = await console.sign_in(Role.CITY_OPERATOR)
    page = await add(browser, town)
    password, secret = shown_once(page, "password"), shown_once(page, "totp-secret")
    assert "data:image/svg+xml" in page.html
    theirs = console.browser()
    await theirs.get("/admin/sign-in")
    await theirs.submit("/admin/sign-in", login="zhang.wei", password=password)
    answer = await theirs.submit("/admin/sign-in/code", code=pyotp.TOTP(secret).at(clock.now()))
    assert answer.path == "/admin/account/password"
    member = await console.city.services.staff.find_by_login("zhang.wei")
    assert member is not None
    assert member.organization_ids == town.scope
    page = await browser.get(f"/admin/staff/{member.id}")
    assert password not in page.html
    assert secret not in page.html


async def test_a_refused_form_comes_back_with_what_was_typed(console: Console, town: Town) -> None:
    browser = await console.sign_in(Role.CITY_OPERATOR)
    page = await add(browser, town, expect=400, login="Zhang Wei!")
    assert "登录名须为" in page.text
    assert 'value="Zhang Wei!"' in page.html
    assert 'value="张伟"' in page.html
    page = await add(browser, town, expect=400, organization=[])
    assert "至少选一家" in page.text
    page = await add(browser, town, expect=400, role="king")
    assert "角色" in page.text
    await add(browser, town)
    page = await add(browser, town, expect=409)
    assert "已被使用" in page.text


async def test_what_is_typed_is_never_read_as_html(console: Console, town: Town) -> None:
    browser = await console.sign_in(Role.CITY_OPERATOR)
    page = await add(browser, town, expect=400, login='"><script>alert(1)</script>')
    assert "<script>alert" not in page.html
    page = await add(browser, town, name="<b>张伟</b>")
    assert "<b>张伟" not in page.html


async def test_closing_an_account_throws_its_member_out(console: Console) -> None:
    known = await console.staff(Role.FINANCE)
    theirs = await console.sign_in_as(known)
    browser = await console.sign_in(Role.CITY_OPERATOR)
    action = f"/admin/staff/{known.member.id}/disable"
    await browser.get(action)
    page = await browser.submit(action, reason="", expect=400)
    assert "请填写原因" in page.text
    page = await browser.submit(action, reason="离职")
    assert "账号已停用" in page.text
    assert (await theirs.get("/admin/payments")).path == "/admin/sign-in"
    page = await browser.submit(f"/admin/staff/{known.member.id}/enable")
    assert "账号已启用" in page.text


async def test_resets_are_shown_once_and_work(console: Console) -> None:
    known = await console.staff(Role.FINANCE)
    browser = await console.sign_in(Role.CITY_OPERATOR)
    for what, shown, hidden in (("password", "password", "totp-secret"), ("code", "totp-secret", "password")):
        await browser.get(f"/admin/staff/{known.member.id}")
        page = await browser.submit(f"/admin/staff/{known.member.id}/reset/{what}")
        assert shown_once(page, shown)
        assert not shown_once(page, hidden)
        if what == "password":
            known.password = shown_once(page, "password")
        else:
            known.totp_secret = shown_once(page, "totp-secret")
    theirs = await console.sign_in_as(known)
    assert theirs.page is not None
    assert theirs.page.path == "/admin/account/password"


async def test_nobody_is_offered_to_close_his_own_account(console: Console) -> None:
    known = await console.staff(Role.CITY_OPERATOR)
    browser = await console.sign_in_as(known)
    page = await browser.get(f"/admin/staff/{known.member.id}")
    assert f"/admin/staff/{known.member.id}/disable" not in page.links
    assert not page.has_form(f"/admin/staff/{known.member.id}/reset/password")
    await browser.get(f"/admin/staff/{known.member.id}/disable")
    page = await browser.submit(f"/admin/staff/{known.member.id}/disable", reason="x", expect=403)
    assert "另一位管理员" in page.text


async def test_the_list_is_searched_and_paged(console: Console, town: Town) -> None:
    for _ in range(31):
        await console.staff(Role.DOCTOR, town.scope)
    browser = await console.sign_in(Role.CITY_OPERATOR)
    page = await browser.get("/admin/staff?role=doctor")
    assert page.html.count("/admin/staff/0") == 30
    [following] = [link for link in page.links if "cursor=" in link]
    page = await browser.get(following)
    assert page.html.count("/admin/staff/0") == 1
    page = await browser.get("/admin/staff?q=nobody-at-all")
    assert "没有符合条件的工作人员" in page.text
