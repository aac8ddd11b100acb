"""HL7 messages to hospitals in the console: masked, corrected, sent again, set aside; where they go."""

from __future__ import annotations

from enum import StrEnum

import pytest

from admin import exchange_words
from backend.exchange.v2.outbound_models import Family, OutState
from backend.exchange.v2.outbound_referrals import TELLINGS
from backend.permissions import Role
from tests.admin.browser import Console
from tests.admin.conftest import Town
from tests.factories.exchange import make_dead_outgoing

BASE, TARGETS = "/admin/exchange/outbound", "/admin/exchange/targets"
REASON = "医院已更正"


@pytest.mark.parametrize(
    ("table", "keys"), [(exchange_words.OUT_STATES, OutState), (exchange_words.FAMILIES, Family)]
)
def test_every_state_and_family_has_a_word(table: dict[str, object], keys: type[StrEnum]) -> None:
    assert {str(key) for key in keys} == set(table)
    told = {f"{telling.kind}^{telling.event}" for several in TELLINGS.values() for telling in several}
    assert told <= set(exchange_words.OUT_KINDS)


async def test_a_refused_message_is_looked_at_corrected_and_sent_again(console: Console, town: Town) -> None:
    services = console.city.services
    message = await make_dead_outgoing(services, town.first.organization.id)
    browser = await console.sign_in(Role.CITY_OPERATOR)
    page = await browser.get(f"{BASE}?state=dead")
    link = f"{BASE}/{message}"
    assert link in page.links
    assert "待处理 1 条" in page.text
    page = await browser.get(link)
    for shown in ("缺少 PID-5", "AE 内容有误", "缺少必填字段", "内容经人工更正"):
        assert shown in page.text, shown
    for hidden in ("王秀英", "13800001111", "ZY0001"):
        assert hidden not in page.html
    await browser.get(f"{link}/reveal")
    assert "请填写原因" in (await browser.submit(f"{link}/reveal", reason="", expect=400)).text
    assert "王秀英" in (await browser.submit(f"{link}/reveal", reason=REASON)).text

    await browser.get(f"{link}/edit")
    page = await browser.submit(f"{link}/edit", reason=REASON, text="")
    text = (await services.exchange.outbound.desk.outgoing.text_of(message)).replace("\r", "\n")
    page = await browser.submit(f"{link}/edit", reason=REASON, text="PID|1", expect=400)
    assert "MSH-10" in page.text
    page = await browser.submit(f"{link}/edit", reason=REASON, text=text.replace("王秀英", "王秀瑛"))
    assert "待发送" in page.text
    stored = await services.exchange.outbound.desk.outgoing.text_of(message)
    assert "王秀瑛" in stored
    assert "|F1|" not in stored.split("\r")[0]  # A number of its own: the hospital has answered the old one.
    actions = await console.city.db.collection("audit").distinct("action")
    assert {"exchange.reveal", "exchange.correct"} <= set(actions)
    # What waits is nobody's to change.
    await browser.get(f"{link}/set-aside")
    await browser.submit(f"{link}/set-aside", reason=REASON, expect=409)


async def test_what_is_set_aside_is_no_dead_letter_any_more(console: Console, town: Town) -> None:
    message = await make_dead_outgoing(console.city.services, town.first.organization.id)
    operator = await console.sign_in(Role.HOSPITAL_OPERATOR, frozenset({town.second.organization.id}))
    assert "没有符合条件的消息" in (await operator.get(BASE)).text
    await operator.get(f"{BASE}/{message}", expect=404)
    browser = await console.sign_in(Role.CITY_OPERATOR)
    await browser.get(f"{BASE}/{message}/set-aside")
    assert "已搁置" in (await browser.submit(f"{BASE}/{message}/set-aside", reason=REASON)).text


async def test_where_messages_go_is_said_changed_and_paused(console: Console, town: Town) -> None:
    browser = await console.sign_in(Role.CITY_OPERATOR)
    await browser.get(TARGETS)
    place = town.first.organization.id
    for wrong in (
        {"host": "his.example", "port": "0", "families": "SIU"},
        {"host": "http://his", "port": "2575", "families": "SIU"},
        {"host": "10.1.1.1", "port": "2575", "families": "ZZZ"},
    ):
        await browser.submit(TARGETS, expect=400, organization=place, version="2.4", **wrong)
    page = await browser.submit(
        TARGETS,
        organization=place,
        version="2.4",
        charset="GB 18030-2000",
        host="10.1.1.1",
        port="2575",
        families=["SIU", "REF", "ORM", "OML"],
    )
    assert "10.1.1.1:2575" in page.text
    page = await browser.submit(f"{TARGETS}/{place}/pause")
    assert "已暂停" in page.text
    [target] = await console.city.services.exchange.outbound.desk.targets.list_of(None)
    assert (target.families, target.paused, target.version) == (frozenset(Family), True, "2.4")
    page = await browser.submit(f"{TARGETS}/{place}/resume")
    assert "还没有发送" in page.text
    own = await console.sign_in(Role.HOSPITAL_OPERATOR, frozenset({place}))
    page = await own.get(TARGETS)
    assert "10.1.1.1" in page.text
    assert "设置接收地址" not in page.text
