"""Messages over a socket: stored, mapped, answered; repeats, batches, refusals, sizes, characters."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass

import pytest

from backend.bootstrap import City
from backend.exchange.v2.framing import framed, read_block
from backend.exchange.v2.models import SenderKind
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
    visit = "PV1|1|O|内科门诊^^^青医||||D01^李^明|||INT||||||||MZ2026001" + "|" * 25 + "20260301082500"
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
