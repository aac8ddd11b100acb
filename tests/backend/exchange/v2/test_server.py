"""Messages over a socket: stored, mapped, answered; repeats, batches, refusals, sizes, characters."""

from __future__ import annotations

import asyncio
import base64
import random
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import Any

import pytest
from pymongo.errors import ConnectionFailure

from backend.bootstrap import City
from backend.exchange.v2.framing import framed, read_block
from backend.exchange.v2.models import Link, SenderKind
from backend.exchange.v2.server import MLLPServer
from backend.ids import new_id

HEAD = "MSH|^~\\&|LIS|{facility}|CITY|HUB|20260301083000||{kind}|{control}|P|2.5||||||{charset}"
HOSPITAL = new_id()
PID = "PID|1||ZY0001^^^HIS^MR||王秀英||19560304|F|||潍坊市奎文区东风街1号||13800001111"


@dataclass
class Line:
    """A connection to the server, spoken to like a hospital does."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    async def send(self, *segments: str, codec: str = "utf-8", end: str = "\r") -> str:
        return (await self.exchange((end.join(segments) + end).encode(codec))).decode(codec)

    async def exchange(self, block: bytes) -> bytes:
        self.writer.write(framed(block))
        await self.writer.drain()
        return await self.answer()

    async def answer(self) -> bytes:
        answer = await asyncio.wait_for(read_block(self.reader), 10)
        assert answer is not None
        return answer


@pytest.fixture
async def line(city: City) -> AsyncIterator[Line]:
    exchange = city.services.exchange
    await exchange.senders.allow(SenderKind.FACILITY, "QY", HOSPITAL, "")
    server = MLLPServer(exchange.receiver)
    port = await server.listen("127.0.0.1", 0)
    reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=1 << 22)
    yield Line(reader, writer)
    writer.close()
    await server.stop(5)


def head(kind: str, control: str = "1", facility: str = "QY", charset: str = "UNICODE UTF-8") -> str:
    return HEAD.format(kind=kind, control=control, facility=facility, charset=charset)


def verdict(answer: str) -> str:
    return next(part.split("|")[1] for part in answer.split("\r") if part.startswith("MSA"))


async def test_a_registration_and_a_result_become_resources_of_one_chart(city: City, line: Line) -> None:
    visit = "PV1|1|O|内科门诊^^^青医||||D01^李^明" + "|" * 12 + "MZ2026001" + "|" * 25 + "20260301082500"
    first = await line.send(head("ADT^A04^ADT_A01", "A1"), "EVN|A04|20260301082500", PID, visit)
    second = await line.send(
        head("ORU^R01^ORU_R01", "R1"),
        PID,
        visit,
        "OBR|1|P1|F1|GLU^葡萄糖^L|||20260301083000|||||||||||||||20260301091500||CH|F",
        "OBX|1|NM|GLU^葡萄糖^L||7.8|mmol/L|3.9-6.1|H|||F|||20260301090000",
    )

    assert (verdict(first), verdict(second)) == ("AA", "AA")
    kept = [doc async for doc in city.db.collection("hl7_messages").find()]
    assert {doc["state"] for doc in kept} == {"done"}
    assert len({doc["chart_id"] for doc in kept}) == 1
    types = [doc["type"] async for doc in city.db.collection("resources").find()]
    assert sorted(types) == ["DiagnosticReport", "Encounter", "Observation", "Patient"]


def result(number: int = 1, value: str = "7.8", status: str = "F") -> tuple[str, ...]:
    return (
        PID,
        f"OBR|1|P{number}|F{number}|GLU^葡萄糖^L|||20260301083000|||||||||||||||20260301091500||CH|{status}",
        f"OBX|1|NM|GLU^葡萄糖^L||{value}|mmol/L|3.9-6.1|H|||{status}|||20260301090000",
    )


async def test_a_repeat_gets_the_stored_answer_and_a_used_number_loses_nothing(
    city: City, line: Line
) -> None:
    first = await line.send(head("ORU^R01", "R1"), *result())
    later = head("ORU^R01", "R1").replace("20260301083000", "20260301084500")
    again = await line.send(later, *result())
    # Another result under a control id that was used before is no repeat: answering AA unread would lose it.
    other = await line.send(head("ORU^R01", "R1"), *result(2))

    assert again == first
    assert other != first
    assert verdict(other) == "AA"
    assert await city.db.collection("resources").count_documents({"type": "DiagnosticReport"}) == 2


async def test_what_many_send_at_once_shares_its_steps_and_each_gets_its_own_answer(
    city: City, line: Line, monkeypatch: pytest.MonkeyPatch
) -> None:
    receiver, steps = city.services.exchange.receiver, list[int]()
    await line.send(head("ORU^R01", "R0"), *result())
    finish = receiver._store._ends._call

    async def counted(ends: list[Any]) -> Sequence[bytes]:
        steps.append(len(ends))
        return await finish(ends)

    monkeypatch.setattr(receiver._store._ends, "_call", counted)
    # Three of them come twice at the same moment.
    sent = ["\r".join([head("ORU^R01", f"M{n % 8}"), *result(n % 8), ""]).encode() for n in range(11)]
    answers = [answer for (answer,) in await asyncio.gather(*(receiver.take(each, Link()) for each in sent))]
    assert [verdict(answer.decode()) for answer in answers] == ["AA"] * 11
    assert answers[:3] == answers[8:]
    assert len(set(answers)) == 8
    assert len(steps) < sum(steps), "several ended in one step"
    kept = [doc async for doc in city.db.collection("hl7_messages").find()]
    assert [doc["state"] for doc in kept] == ["done"] * 9
    again = [await receiver.take(each, Link()) for each in sent]
    assert [answer for (answer,) in again] == answers
    reports = {"type": "DiagnosticReport", "version": 1}
    assert await city.db.collection("resources").count_documents(reports) == 8


async def test_a_correction_changes_the_same_result(city: City, line: Line) -> None:
    await line.send(head("ORU^R01", "R1"), *result())
    await line.send(head("ORU^R01", "R2"), *result(value="6.0", status="C"))

    resources = city.db.collection("resources")
    found = {doc["type"]: doc async for doc in resources.find({"type": {"$ne": "Patient"}})}
    assert {type_: doc["version"] for type_, doc in found.items()} == {
        "DiagnosticReport": 2,
        "Observation": 2,
    }
    assert found["Observation"]["status"] == "corrected"


async def test_cancelling_a_discharge_opens_the_visit_again(city: City, line: Line) -> None:
    def visit(left: str) -> str:
        return (
            "PV1|1|I|内科^201^1^^||||D01^李^明" + "|" * 12 + "ZY2026001" + "|" * 25 + f"20260301082500|{left}"
        )

    async def state() -> str:
        found = await city.db.collection("resources").find_one({"type": "Encounter"})
        assert found is not None
        return str(found["status"])

    await line.send(head("ADT^A01", "1"), "EVN|A01|20260301", PID, visit(""))
    assert await state() == "in-progress"
    await line.send(head("ADT^A03", "2"), "EVN|A03|20260305", PID, visit("20260305100000"))
    assert await state() == "finished"
    await line.send(head("ADT^A13", "3"), "EVN|A13|20260305", PID, visit(""))
    assert await state() == "in-progress"
    await line.send(head("ADT^A11", "4"), "EVN|A11|20260305", PID, visit(""))
    assert await state() == "cancelled"
    assert await city.db.collection("resources").count_documents({"type": "Encounter"}) == 1


async def test_two_numbers_that_are_one_person_are_merged(city: City, line: Line) -> None:
    other = PID.replace("ZY0001", "ZY0002")
    await line.send(head("ADT^A28", "1"), "EVN|A28|20260301", PID)
    await line.send(head("ADT^A28", "2"), "EVN|A28|20260301", other)
    answer = await line.send(head("ADT^A40", "3"), "EVN|A40|20260301", PID, "MRG|ZY0002^^^HIS^MR")
    circle = await line.send(head("ADT^A40", "4"), "EVN|A40|20260301", other, "MRG|ZY0001^^^HIS^MR")

    assert verdict(answer) == "AA"
    charts = [
        await city.services.patient_index.chart(doc["_id"])
        async for doc in city.db.collection("charts").find()
    ]
    assert {str(chart.state) for chart in charts if chart} == {"active", "retired"}
    assert verdict(circle) == "AE"
    assert "\rERR||" in circle


REFUSED = {
    "no message at all": ("", "AR", "100"),
    "only a header": (head("ORU^R01"), "AE", "100"),
    "an unknown type": (head("QBP^Q11"), "AR", "200"),
    "an unknown event": (head("ADT^A99"), "AR", "201"),
    "a version of tomorrow": (head("ORU^R01").replace("|2.5|", "|3.0|"), "AR", "203"),
    "no control id": (head("ORU^R01", "") + "\r" + "\r".join(result()), "AE", "101"),
    "an odd processing id": (head("ORU^R01").replace("|P|", "|X|"), "AR", "202"),
    "no number": ("\r".join([head("ORU^R01"), *result()]).replace("ZY0001^^^HIS^MR", ""), "AE", "101"),
    "a stranger": ("\r".join([head("ORU^R01", facility="NOBODY"), *result()]), "AR", "204"),
}


@pytest.mark.parametrize("what", REFUSED)
async def test_what_cannot_be_taken_is_answered_with_its_reason(city: City, line: Line, what: str) -> None:
    text, wanted, code = REFUSED[what]
    answer = await line.send(*text.split("\r")) if text else (await line.exchange(b"GET / HTTP/1.1")).decode()

    assert verdict(answer) == wanted
    assert f"{code}^" in next(part for part in answer.split("\r") if part.startswith("ERR"))
    kept = await city.db.collection("hl7_messages").find_one({})
    stranger = what in ("a stranger", "no message at all")
    assert (kept is None) if stranger else (kept is not None and kept["state"] == "dead")
    if what == "a stranger":
        seen = await city.db.collection("hl7_senders").find_one({"value": "NOBODY"})
        assert seen is not None
        assert (seen["state"], seen["seen"]) == ("unknown", 1)


@pytest.mark.parametrize(
    ("asked", "good", "bad"),
    [
        ("|", "AA", "AE"),
        ("AL|NE", "CA", "CE"),
        ("NE|AL", "AA", "AE"),
        ("ER|AL", "AA", "CE"),
        ("SU|", "CA", "AE"),
    ],
)
async def test_the_sender_says_at_which_level_it_is_answered(
    line: Line, asked: str, good: str, bad: str
) -> None:
    first, second = asked.split("|")
    asking = head("ORU^R01").replace("|2.5||||||", f"|2.5|||{first}|{second}||")
    assert verdict(await line.send(asking, *result())) == good
    assert verdict(await line.send(asking, PID)) == bad


@pytest.mark.parametrize(
    ("declared", "codec", "end"),
    [
        ("GB 18030-2000", "gb18030", "\r"),
        ("GBK", "gb18030", "\r\n"),
        ("", "gb18030", "\n"),
        ("", "utf-8-sig", "\r"),
    ],
)
async def test_characters_that_hold_separators_stay_whole(
    city: City, line: Line, declared: str, codec: str, end: str
) -> None:
    # Their second bytes in GB18030 are | ^ ~ and backslash.
    pid = "PID|1||ZY9^^^HIS^MR||獆玕瑋獈||19560304|F"
    await line.send(head("ADT^A28", charset=declared), "EVN|A28|20260301", pid, codec=codec, end=end)

    chart = await city.db.collection("charts").find_one({})
    assert chart is not None
    found = await city.services.patient_index.chart(chart["_id"])
    assert found is not None
    assert found.who.name == "獆玕瑋獈"


async def test_an_answer_comes_in_the_senders_characters(line: Line) -> None:
    answer = await line.send(head("ORU^R01", charset="GBK"), codec="gb18030")
    assert "缺少" in answer
    assert answer.split("\r")[0].endswith("|GBK")


async def test_each_message_of_a_batch_is_answered_and_a_short_batch_is_refused(
    city: City, line: Line
) -> None:
    def batch(count: int) -> bytes:
        lines = ["FHS|^~\\&|LIS|QY", "BHS|^~\\&|LIS|QY"]
        for number in (1, 2, 3):
            lines += [head("ORU^R01", f"B{number}"), *result(number)]
        return "\r".join([*lines, f"BTS|{count}", "FTS|1", ""]).encode()

    line.writer.write(framed(batch(4)))
    assert [verdict((await line.answer()).decode()) for _ in range(3)] == ["AE"] * 3
    assert await city.db.collection("resources").count_documents({}) == 0
    line.writer.write(framed(batch(3)))
    assert [verdict((await line.answer()).decode()) for _ in range(3)] == ["AA"] * 3
    assert await city.db.collection("resources").count_documents({"type": "DiagnosticReport"}) == 3


async def test_a_large_report_is_kept_and_one_too_large_is_answered(city: City, line: Line) -> None:
    pdf = base64.b64encode(b"%PDF-1.7" + random.Random(1).randbytes(12 << 20)).decode()
    order = "OBR|1|P1|F1|CT^CT^L|||20260301083000|||||||||||||||20260301091500||RAD|F"
    answer = await line.send(
        head("ORU^R01", "big"), PID, order, f"OBX|1|ED|PDF^报告^L||^application^pdf^Base64^{pdf}||||||F"
    )
    assert verdict(answer) == "AA"
    kept = await city.db.collection("hl7_messages").find_one({})
    assert kept is not None
    types = sorted([doc["type"] async for doc in city.db.collection("resources").find()])
    assert types == ["Binary", "DiagnosticReport", "Patient"]
    (file,) = await city.db.collection("resource_files").find().to_list(None)
    assert (file["size"], "loose_since" in file) == ((12 << 20) + 8, False)

    line.writer.write(b"\x0b" + head("ORU^R01", "huge").encode() + b"\r" + b"x" * (33 << 20) + b"\x1c\r")
    assert verdict((await line.answer()).decode()) == "AR"
    assert verdict(await line.send(head("ORU^R01", "after"), *result())) == "AA"
    # That it came is known, and nobody can replay a part of it for the whole.
    letter = await city.db.collection("hl7_messages").find_one({"state": "dead"})
    assert letter is not None
    assert (letter["control_id"], letter["reason"]) == ("huge", "102")
    assert await city.services.exchange.receiver._store.raw_of(letter["_id"]) == (
        head("ORU^R01", "huge").encode() + b"\r"
    )


async def test_what_cannot_be_read_in_a_batch_is_kept_as_it_came(city: City, line: Line) -> None:
    broken = "王".encode("gb18030")[:1] + b"|"
    messages = [(head("ORU^R01", f"G{number}") + "\r").encode() + b"PID|1||" + broken for number in (1, 2)]
    line.writer.write(framed(b"BHS|^~\\&|LIS|QY\r" + b"\r".join(messages) + b"\rBTS|2\r"))
    assert all([b"\rMSA|AE|" in await line.answer() for _ in messages])
    store = city.services.exchange.receiver._store
    kept = [doc["_id"] async for doc in city.db.collection("hl7_messages").find().sort("control_id")]
    assert [(await store.raw_of(each)).rstrip(b"\r") for each in kept] == messages


async def test_a_referral_is_answered_with_what_it_was_about(line: Line) -> None:
    answer = await line.send(
        head("REF^I12^REF_I12", "T1"),
        "RF1|P|R|||20260301|TR001",
        "PRD|RP|李^明||||||D01",
        "PRD|RT|王^强||||||D02",
        PID,
        "DG1|1||I10^高血压^I10",
    )
    assert verdict(answer) == "AA"
    parts = answer.split("\r")
    assert parts[0].split("|")[8] == "RRI^I12^RRI_I12"
    assert [part[:3] for part in parts[1:]] == ["MSA", "RF1", "PRD", "PRD", "PID"]


async def test_a_database_that_is_away_is_said_and_nothing_is_promised(
    city: City, line: Line, monkeypatch: pytest.MonkeyPatch
) -> None:
    receiver = city.services.exchange.receiver

    async def away(*_: object) -> bool:
        raise ConnectionFailure("no primary")

    monkeypatch.setattr(receiver._store, "add", away)
    answer = await line.send(head("ORU^R01", "R1"), *result())
    assert verdict(answer) == "AR"
    assert "207^" in answer
    monkeypatch.undo()
    assert verdict(await line.send(head("ORU^R01", "R1"), *result())) == "AA"


async def test_the_text_of_a_message_lies_sealed(city: City, line: Line) -> None:
    await line.send(head("ORU^R01", "R1"), *result())
    kept = await city.db.collection("hl7_messages").find_one({})
    assert kept is not None
    for word in ("王秀英", "13800001111", "ZY0001", "7.8"):
        assert word not in str(kept)
