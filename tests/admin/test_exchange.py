"""HL7 messages in the console: masked, unmasked, corrected, replayed; senders and code tables."""

from __future__ import annotations

from enum import StrEnum

import pytest

from admin import exchange_words
from backend.exchange.v2.mapping.codes import city_tables
from backend.exchange.v2.models import Link, MessageState, SenderKind, SenderState
from backend.permissions import Role
from backend.records.ids import is_resource_id
from tests.admin.browser import Console
from tests.admin.conftest import Town

BASE = "/admin/exchange"
HEAD = "MSH|^~\\&|LIS|QY|CITY|HUB|20260301083000||{kind}|{control}|P|2.5||||||UNICODE UTF-8"
PID = "PID|1||ZY0001^^^HIS^MR||王秀英||19560304|{sex}|||东风街1号||13800001111"
ORDER = "OBR|1|P1|F1|GLU^葡萄糖^L|||20260301083000|||||||||||||||20260301091500||CH|F"
VALUE = "OBX|1|NM|GLU^葡萄糖^L||7.8|mmol/L|3.9-6.1|{flag}|||F"


def result(control: str, *, sex: str = "F", flag: str = "H", name: bool = True) -> bytes:
    pid = PID.format(sex=sex) if name else PID.format(sex=sex).replace("王秀英", "")
    lines = [HEAD.format(kind="ORU^R01", control=control), pid, ORDER, VALUE.format(flag=flag), ""]
    return "\r".join(lines).encode()


@pytest.mark.parametrize(
    ("table", "keys"),
    [
        (exchange_words.STATES, MessageState),
        (exchange_words.SENDER_KINDS, SenderKind),
        (exchange_words.SENDER_STATES, SenderState),
    ],
)
def test_every_state_has_a_word(table: dict[str, object], keys: type[StrEnum]) -> None:
    assert {str(key) for key in keys} == set(table)


async def receive(console: Console, town: Town, *blocks: bytes) -> None:
    exchange = console.city.services.exchange
    await exchange.senders.allow(SenderKind.FACILITY, "QY", town.first.organization.id, "")
    for block in blocks:
        await exchange.receiver.take(block, Link())


async def test_a_message_is_shown_masked_and_whole_only_with_a_reason(console: Console, town: Town) -> None:
    await receive(console, town, result("R1"))
    browser = await console.sign_in(Role.CITY_OPERATOR)
    page = await browser.get(f"{BASE}?kind=ORU^R01&state=done")
    [link] = {link for link in page.links if f"{BASE}/messages/" in link}
    page = await browser.get(link)
    for shown in ("报告", "检验检查结果", "GLU^葡萄糖^L", "AA 已接收"):
        assert shown in page.text, shown
    # What it became is told, whose it is not: neither a name nor an id.
    assert "葡萄糖（GLU） 7.8 mmol/L" in page.text
    stored = await console.city.db.collection("hl7_messages").find_one({"control_id": "R1"})
    assert stored is not None
    ids = [each.rpartition("/")[2] for each in stored["resources"]]
    for hidden in ("王秀英", "13800001111", "ZY0001", "19560304", "1956-03-04", *ids):
        assert hidden not in page.html
    await browser.get(f"{link}/reveal")
    page = await browser.submit(f"{link}/reveal", reason="", expect=400)
    assert "请填写原因" in page.text
    page = await browser.submit(f"{link}/reveal", reason="医院来电核对")
    assert "王秀英" in page.text
    audit = console.city.db.collection("audit")
    assert await audit.find_one({"action": "exchange.reveal"}) is not None
    # Whom the message is about sees it among the readings of his record.
    looked = await audit.find_one({"action": "records.read", "basis": "origin:masked messages"})
    assert looked is not None
    assert sorted(looked["data"]["resources"]) == sorted(ids)
    read = await audit.find_one({"action": "records.read", "basis": "origin:message"})
    assert read is not None
    assert (read["data"]["way"], read["basis"], read["actor_kind"]) == ("message", "origin:message", "staff")
    assert read["object"].startswith("person/")
    assert read["data"]["count"] == len(read["data"]["resources"]) > 0
    assert all(is_resource_id(each) for each in read["data"]["resources"])
    # A place in the list at the end of the calendar is none.
    await browser.get(f"{BASE}?cursor=9999-12-31T23:59:59-12:00,X")
    # The link to the same page again shows nothing.
    assert "王秀英" not in (await browser.get(link)).html


async def test_a_dead_letter_is_corrected_as_a_copy(console: Console, town: Town) -> None:
    await receive(console, town, result("R1", name=False))
    browser = await console.sign_in(Role.CITY_OPERATOR)
    page = await browser.get(f"{BASE}?state=dead")
    [link] = {link for link in page.links if f"{BASE}/messages/" in link}
    assert "缺少 PID-5" in (await browser.get(link)).text
    await browser.get(f"{link}/edit")
    page = await browser.submit(f"{link}/edit", reason="医院确认了姓名", text="")
    assert "19560304" in page.html
    page = await browser.submit(f"{link}/edit", reason="医院确认了姓名", text="PID|1", expect=400)
    assert "请保留一条完整的消息" in page.text
    assert "医院确认了姓名" in page.html
    text = result("R1").decode().replace("\r", "\n")
    page = await browser.submit(f"{link}/edit", reason="", text=text, expect=400)
    assert "请填写原因" in page.text
    page = await browser.submit(f"{link}/edit", reason="医院确认了姓名", text=text)
    assert "已入档" in page.text
    assert page.path != link
    assert "已更正" in (await browser.get(link)).text
    states = {doc["state"] async for doc in console.city.db.collection("hl7_messages").find()}
    assert states == {"done", "replaced"}


async def test_a_code_without_a_row_is_shown_mapped_and_replayed(console: Console, town: Town) -> None:
    await receive(console, town, result("R1", flag="偏高"))
    hospital = town.first.organization.id
    browser = await console.sign_in(Role.HOSPITAL_OPERATOR, frozenset({town.first.organization.id}))
    table = f"{BASE}/tables/{hospital}/interpretation"
    assert "（1 次）" in (await browser.get(table)).text
    page = await browser.submit(table, rows="偏高 = H", step="preview")
    assert "解决未对应编码" in page.text
    assert "（1 次）" in page.text
    await browser.submit(table, rows="偏高 = H", step="write")
    [link] = {link for link in (await browser.get(BASE)).links if f"{BASE}/messages/" in link}
    await browser.get(f"{link}/replay")
    page = await browser.submit(f"{link}/replay", reason="已补对码")
    assert "编码没有对应" not in page.text
    await browser.get(table)
    page = await browser.submit(table, rows="偏高 H", step="write", expect=400)
    assert "第 1 行" in page.text
    await browser.get(table)
    page = await browser.submit(table, rows="偏高 = 高", step="write", expect=400)
    assert "“偏高”的对应值“高”不是可用的编码" in page.text
    own = await console.city.db.collection("hl7_tables").find_one({"organization_id": hospital})
    assert own is not None
    assert [row["to"] for row in own["rows"]] == ["H"]


async def test_another_hospitals_messages_and_tables_look_like_none(console: Console, town: Town) -> None:
    exchange = console.city.services.exchange
    await exchange.senders.allow(SenderKind.FACILITY, "QY", town.second.organization.id, "")
    await exchange.receiver.take(result("R1"), Link())
    kept = await console.city.db.collection("hl7_messages").find_one({})
    assert kept is not None
    browser = await console.sign_in(Role.HOSPITAL_OPERATOR, frozenset({town.first.organization.id}))
    assert "没有符合条件的消息" in (await browser.get(BASE)).text
    for path in (
        f"{BASE}/messages/{kept['_id']}",
        f"{BASE}/messages/{kept['_id']}/replay",
        f"{BASE}/tables/{town.second.organization.id}/sex",
    ):
        await browser.get(path, expect=404)


async def test_a_stranger_is_seen_and_entered(console: Console, town: Town) -> None:
    receiver = console.city.services.exchange.receiver
    [refused] = await receiver.take(result("R1"), Link())
    assert b"MSA|AR|" in refused
    browser = await console.sign_in(Role.CITY_OPERATOR)
    assert "未登记" in (await browser.get(f"{BASE}/senders")).text
    page = await browser.submit(
        f"{BASE}/senders", kind="facility", value="QY", organization=town.first.organization.id, charset=""
    )
    assert "已登记" in page.text
    console.city.services.exchange.receiver._identity._known.clear()
    [taken] = await receiver.take(result("R1"), Link())
    assert b"MSA|AA|" in taken
    await browser.submit(
        f"{BASE}/senders", kind="port", value="no", organization=town.first.organization.id, expect=400
    )


async def test_who_acts_for_one_hospital_is_offered_no_sender_to_change(console: Console, town: Town) -> None:
    await receive(console, town, result("R1"))
    browser = await console.sign_in(Role.CITY_OPERATOR, frozenset({town.first.organization.id}))
    page = await browser.get(f"{BASE}/senders")
    assert "QY" in page.text
    assert "登记发送方" not in page.text
    assert "停用" not in page.text


async def test_no_rows_are_written_for_a_hospital_that_is_not_there(console: Console, town: Town) -> None:
    browser = await console.sign_in(Role.CITY_OPERATOR)
    await browser.get(f"{BASE}/tables")
    token = console.city.services.csrf.issue(browser.http.cookies["hc_console"])
    form: dict[str, str | list[str]] = {"_csrf": token, "rows": "偏高 = H", "step": "write"}
    await browser.post(f"{BASE}/tables/nowhere/interpretation", form, expect=404)
    assert await console.city.db.collection("hl7_tables").count_documents({}) == 0


async def test_every_table_is_shown_with_the_citys_rows(console: Console, town: Town) -> None:
    browser = await console.sign_in(Role.CITY_OPERATOR)
    page = await browser.get(f"{BASE}/tables?organization={town.first.organization.id}")
    for table in city_tables().values():
        assert table.name in page.text
