"""A hospital's own port is opened and shut while the process runs; nobody else's connection notices."""

from __future__ import annotations

import asyncio
import functools
import socket
from pathlib import Path
from typing import Any, cast

import pytest

from backend.bootstrap import City
from backend.db.client import Database
from backend.demo.leash import free_port
from backend.exchange.v2.framing import framed, read_block
from backend.exchange.v2.models import SenderKind
from backend.exchange.v2.own_ports import OwnPorts
from backend.exchange.v2.receiving import Receiver
from backend.exchange.v2.sender_store import SenderStore, sender_id
from backend.exchange.v2.server import MLLPServer
from backend.ids import new_id
from backend.permissions import SYSTEM
from tests.backend.exchange.v2.test_crash import message, send, start
from tests.support.polling import poll


async def say(line: tuple[asyncio.StreamReader, asyncio.StreamWriter], block: bytes) -> bytes | None:
    line[1].write(framed(block))
    return await asyncio.wait_for(read_block(line[0]), 20)


def nameless(number: int) -> bytes:
    """Nobody has entered what its MSH-4 says: by the port alone it is known whose it is."""
    return message(number).replace(b"|QY|", b"|ZZ|")


async def is_closed(port: int) -> bool:
    try:
        _, writer = await asyncio.open_connection("127.0.0.1", port)
    except OSError:
        return True
    writer.close()
    return False


@pytest.mark.xdist_group("processes")
async def test_the_real_process_follows_the_list_of_ports_without_dropping_others(
    city: City, db: Database, mongo_uri: str, keys_file: Path
) -> None:
    senders, theirs = city.services.exchange.senders, new_id()
    await senders.allow(SenderKind.FACILITY, "QY", new_id(), "")
    common, own, taken = free_port(), free_port(), free_port()
    lines: list[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = []
    process = start(mongo_uri, db.name, keys_file, common)

    async def answered(port: int, block: bytes) -> bytes | None:
        said = await send(port, block)
        return said if said is not None and b"MSA|AA|" in said else None

    try:
        await poll(functools.partial(answered, common, message(1)), 60)
        others = await asyncio.open_connection("127.0.0.1", common)
        lines.append(others)
        assert b"MSA|AA|C2" in (await say(others, message(2)) or b"")
        with socket.create_server(("127.0.0.1", taken)):
            # Something else holds this one: the process goes on, and opens the other.
            await senders.allow(SenderKind.PORT, str(taken), new_id(), "")
            await senders.allow(SenderKind.PORT, str(own), theirs, "")
            await poll(functools.partial(answered, own, nameless(3)), 60)
        kept = await db.collection("hl7_messages").find_one({"control_id": "C3"})
        assert kept is not None
        assert kept["organization_id"] == theirs
        await poll(functools.partial(answered, taken, nameless(4)), 60)
        silent = await asyncio.open_connection("127.0.0.1", own)
        lines.append(silent)
        await senders.block(SenderKind.PORT, str(own), theirs)
        assert await asyncio.wait_for(silent[0].read(), 30) == b""
        await poll(functools.partial(is_closed, own), 30)
        assert b"MSA|AA|C5" in (await say(others, message(5)) or b"")
        # Entered again for somebody else, it is opened again, and is his.
        await senders.allow(SenderKind.PORT, str(own), new_id(), "")
        await poll(functools.partial(answered, own, nameless(6)), 60)
        assert b"MSA|AA|C7" in (await say(others, message(7)) or b"")
        again = await db.collection("hl7_messages").find_one({"control_id": "C6"})
        assert again is not None
        assert again["organization_id"] != theirs
    finally:
        for _, writer in lines:
            writer.close()
        process.terminate()
        process.wait(timeout=30)
    assert process.returncode == 0


class Slow:
    """A receiver that answers when it is let."""

    def __init__(self) -> None:
        self.asked, self.may_answer = asyncio.Event(), asyncio.Event()

    async def take(self, block: bytes, link: Any) -> list[bytes]:
        self.asked.set()
        await self.may_answer.wait()
        return [b"MSA|AA|" + block]


async def test_a_message_under_way_is_answered_before_its_port_is_shut() -> None:
    slow = Slow()
    server = MLLPServer(cast("Receiver", slow))
    port = await server.listen("127.0.0.1", 0, own=True)
    line = await asyncio.open_connection("127.0.0.1", port)
    try:
        line[1].write(framed(b"MSH") + framed(b"MSH"))
        await asyncio.wait_for(slow.asked.wait(), 10)
        server.shut(port)
        slow.may_answer.set()
        assert await asyncio.wait_for(read_block(line[0]), 10) == b"MSA|AA|MSH"
        # What came behind it was not begun: the hospital sends it again elsewhere.
        assert (await asyncio.wait_for(line[0].read(), 10)).strip(b"\r") == b""
    finally:
        line[1].close()
        await server.stop(1)


async def test_a_port_that_is_also_the_common_one_is_left_alone(city: City) -> None:
    senders: SenderStore = city.services.exchange.senders
    server = MLLPServer(city.services.exchange.receiver)
    common = await server.listen("127.0.0.1", 0)
    await senders.allow(SenderKind.PORT, str(common), new_id(), "")
    own_ports = OwnPorts(server, senders, "127.0.0.1", common)
    try:
        for _ in range(2):
            await own_ports.settle()
        await senders.block(SenderKind.PORT, str(common), new_id())
        await own_ports.settle()
        assert not await is_closed(common)
    finally:
        await server.stop(1)


async def test_a_port_is_entered_as_a_connection_names_it(city: City) -> None:
    desk = city.services.exchange.desk
    sender = await desk.allow(SYSTEM, SenderKind.PORT, "02601", new_id(), "")
    assert sender.id == sender_id(SenderKind.PORT, "2601")
