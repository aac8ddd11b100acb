"""The real mllp process, killed between the lines: what was answered AA is there for good."""

from __future__ import annotations

import asyncio
import functools
import os
import random
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from backend.bootstrap import City
from backend.db.client import Database
from backend.demo.leash import free_port
from backend.exchange.v2.framing import framed, read_block
from backend.exchange.v2.models import Kept, Link, SenderKind
from backend.ids import new_id
from tests.support.polling import poll

MESSAGES = 16
KILLS = 2


def message(number: int) -> bytes:
    head = f"MSH|^~\\&|LIS|QY|CITY|HUB|20260301083000||ORU^R01^ORU_R01|C{number}|P|2.5||||||UNICODE UTF-8"
    pid = f"PID|1||ZY{number % 7:04d}^^^HIS^MR||张三{number % 7}||19560304|F"
    order = f"OBR|1|P{number}|F{number}|GLU^葡萄糖^L|||20260301083000|||||||||||||||20260301091500||CH|F"
    return "\r".join(
        [head, pid, order, f"OBX|1|NM|GLU^葡萄糖^L||{number}.5|mmol/L|3.9-6.1|H|||F", ""]
    ).encode()


def start(mongo_uri: str, database: str, keys: Path, port: int) -> subprocess.Popen[bytes]:
    settings = {
        "ENVIRONMENT": "test",
        "MONGODB_URI": mongo_uri,
        "MONGODB_DATABASE": database,
        "BROKER_URL": "memory://",
        "KEYS_FILE": str(keys),
        "MLLP_PORT": str(port),
    }
    command = [sys.executable, "-m", "backend", "mllp"]
    return subprocess.Popen(
        command, env=os.environ | settings, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )


async def send(port: int, block: bytes) -> bytes | None:
    """One message on a connection of its own; None when nobody answers."""
    try:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
    except OSError:
        return None
    try:
        writer.write(framed(block))
        return await asyncio.wait_for(read_block(reader), 20)
    except (ConnectionError, TimeoutError):
        return None
    finally:
        writer.close()


@pytest.mark.xdist_group("processes")
async def test_what_was_answered_is_kept_however_often_the_process_dies(
    city: City, db: Database, mongo_uri: str, keys_file: Path
) -> None:
    await city.services.exchange.senders.allow(SenderKind.FACILITY, "QY", new_id(), "")
    port = free_port()
    process = start(mongo_uri, db.name, keys_file, port)
    answers: dict[int, bytes] = {}
    deaths = set(random.Random(4).sample(range(4, MESSAGES - 2), KILLS))

    async def arrives(number: int) -> bool:
        answer = await send(port, message(number))
        if answer is not None:
            answers[number] = answer
        return answer is not None

    try:
        for number in range(MESSAGES):
            if number in deaths:
                # In the middle of this message's way, wherever that is.
                under_way = asyncio.create_task(send(port, message(number)))
                await asyncio.sleep(random.Random(number).uniform(0, 0.02))
                process.send_signal(signal.SIGKILL)
                process.wait()
                early = await under_way
                process = start(mongo_uri, db.name, keys_file, port)
                await poll(functools.partial(arrives, number), 60)
                # What it said before it died it says again, byte for byte.
                assert early is None or early == answers[number]
            else:
                await poll(functools.partial(arrives, number), 60)
    finally:
        process.terminate()
        process.wait(timeout=30)

    assert all(b"MSA|AA|" in answer for answer in answers.values())
    assert await db.collection("hl7_messages").count_documents({"state": "done"}) == MESSAGES
    assert await db.collection("hl7_messages").count_documents({}) == MESSAGES
    assert await db.collection("resources").count_documents({"type": "DiagnosticReport"}) == MESSAGES
    assert await db.collection("charts").count_documents({}) == 7


async def test_a_message_that_breaks_us_does_not_stop_those_behind_it(
    city: City, db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    exchange, hospital = city.services.exchange, new_id()
    await exchange.senders.allow(SenderKind.FACILITY, "QY", hospital, "")
    messages = db.collection("hl7_messages")
    for number in (1, 2):
        await exchange.receiver.take(message(number), Link())
    async for stored in messages.find({}):
        left = {"state": "waiting", "retry_at": stored["received_at"]}
        await messages.update_one({"_id": stored["_id"]}, {"$set": left})
    make = exchange.receiver._make

    async def breaks(kept: Kept, *rest: Any) -> Any:
        if kept.control_id == "C1":
            raise ZeroDivisionError
        return await make(kept, *rest)

    monkeypatch.setattr(exchange.receiver, "_make", breaks)
    assert await exchange.receiver.sweep() == 2
    states = {doc["control_id"]: doc["state"] async for doc in messages.find({})}
    assert states == {"C1": "dead", "C2": "done"}
    # The sender was told so before, and is told nothing else now.
    [again] = await exchange.receiver.take(message(1), Link())
    assert b"MSA|AA|C1" in again


async def test_a_message_left_behind_is_mapped_by_the_sweep(city: City, db: Database) -> None:
    exchange, hospital = city.services.exchange, new_id()
    await exchange.senders.allow(SenderKind.FACILITY, "QY", hospital, "")
    messages = db.collection("hl7_messages")

    [answer] = await exchange.receiver.take(message(1), Link())
    # As a process leaves it that dies right after it was stored.
    stored = await messages.find_one({})
    assert stored is not None
    left = {"state": "waiting", "answer": None, "retry_at": stored["received_at"]}
    await messages.update_many({}, {"$set": left})
    await db.collection("resources").delete_many({})
    assert await exchange.receiver.sweep() == 1

    kept = await messages.find_one({})
    assert kept is not None
    assert kept["state"] == "done"
    assert await db.collection("resources").count_documents({"type": "DiagnosticReport"}) == 1
    [again] = await exchange.receiver.take(message(1), Link())
    assert b"MSA|AA|C1" in answer
    assert b"MSA|AA|C1" in again
