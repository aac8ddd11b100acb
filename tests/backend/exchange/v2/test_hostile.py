"""What a broken or hostile sender does to the line: it costs what it weighs, and holds up nobody."""

from __future__ import annotations

import asyncio
import base64
import random
import zlib
from collections.abc import AsyncIterator

import pytest

from backend.bootstrap import City
from backend.exchange.v2.framing import START, framed, read_block
from backend.exchange.v2.models import SenderKind
from backend.exchange.v2.parsing import MOST_PARTS, lines_of
from backend.exchange.v2.server import MLLPServer
from backend.ids import new_id

HEAD = "MSH|^~\\&|LIS|QY|CITY|HUB|20260301083000||ORU^R01|{control}|P|2.5||||||UNICODE UTF-8"
PID = "PID|1||ZY0001^^^HIS^MR||王秀英||19560304|F"
OBR = "OBR|1||F1|RPT^报告^L|||20260301083000|||||||||||||||20260301091500||LAB|F"


@pytest.fixture
async def port(city: City) -> AsyncIterator[int]:
    exchange = city.services.exchange
    await exchange.senders.allow(SenderKind.FACILITY, "QY", new_id(), "")
    server = MLLPServer(exchange.receiver, idle_s=2)
    yield await server.listen("127.0.0.1", 0)
    await server.stop(5)


async def told(port: int, control: str, *segments: str) -> str:
    """The answer to one message on a connection of its own."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=1 << 22)
    block = "\r".join((HEAD.format(control=control), PID, OBR, *segments)) + "\r"
    writer.write(framed(block.encode()))
    answer = await asyncio.wait_for(read_block(reader), 60)
    writer.close()
    assert answer is not None
    return answer.decode()


def test_a_picture_in_a_hundred_thousand_lines_is_put_together_once() -> None:
    """Each line added to all before it would make a report of eight megabytes a matter of minutes."""
    lines = ["OBX|1|ED|X", *("A" * 76 for _ in range(100_000))]
    found = lines_of("MSH|^~\\&|\r" + "\r\n".join(lines))
    assert found[1] == "\\.br\\".join(lines)
    assert len(found) == 2


async def test_a_file_is_kept_as_it_came_and_nobody_unpacks_it(city: City, port: int) -> None:
    bomb = zlib.compress(bytes(200 << 20), 9)
    pdf = b"%%PDF-1.4\n1 0 obj<</Length %d/Filter/FlateDecode>>stream\n" % len(bomb) + bomb + b"\nendstream"
    noise = random.Random(7).randbytes(1 << 20)
    for number, (kind, data) in enumerate((("zip", b"PK\x03\x04" + bomb), ("pdf", pdf), ("pdf", noise))):
        packed = base64.encodebytes(data).decode().replace("\n", "\r\n")
        obx = f"OBX|1|ED|F{number}^附件^L||^application^{kind}^Base64^{packed}||||||F"
        assert "MSA|AA" in await told(port, f"F{number}", obx)
    records, sizes = city.services.records, []
    async for doc in city.db.collection("resources").find({"type": "DiagnosticReport"}):
        sizes += [form["size"] for form in records._store._documents.read(doc).body["presentedForm"]]
    assert sizes == [len(noise)], "the last of the report's files stands"


async def test_more_parts_than_any_message_has_are_refused_and_kept(city: City, port: int) -> None:
    for control, obx in {
        "fields": "OBX|1|ST|X" + "|" * MOST_PARTS,
        "parts": "OBX|1|ST|X||" + "&^~" * (MOST_PARTS // 3),
        "segments": "NTE|1\r" * (MOST_PARTS // 5),
    }.items():
        answer = await told(port, control, obx)
        assert "MSA|AE" in answer
        assert "102^" in answer
    assert "MSA|AA" in await told(port, "good", "OBX|1|ST|X^项目^L||text||||||F")
    assert await city.db.collection("hl7_messages").count_documents({"state": "dead"}) == 3


async def test_who_stops_in_the_middle_of_a_block_is_hung_up_on_and_nothing_is_kept(
    city: City, port: int
) -> None:
    half = START + HEAD.format(control="half").encode()
    silent, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(half)
    gone, ended = await asyncio.open_connection("127.0.0.1", port)
    ended.write(half)
    ended.write_eof()
    assert "MSA|AA" in await told(port, "whole", "OBX|1|ST|X^项目^L||text||||||F")
    for reader in (silent, gone):
        assert await asyncio.wait_for(reader.read(), 30) == b""
    writer.close()
    ended.close()
    kept = [doc["control_id"] async for doc in city.db.collection("hl7_messages").find()]
    assert kept == ["whole"]
