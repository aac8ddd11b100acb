"""`python -m bench mllp`: results a second, beside python-hl7's own loop that parses and answers.

Both are asked by the same client over loopback, one message at a time on each connection, in turns. Processor
time is that of this process, client included; round trips are the commands that MongoDB is sent.
"""

from __future__ import annotations

import asyncio
import statistics
import sys
import time
import warnings
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import uvloop
from hl7.mllp import HL7StreamReader, HL7StreamWriter, start_hl7_server
from pydantic import SecretStr
from pymongo import monitoring
from pymongo.monitoring import (
    CommandFailedEvent,
    CommandListener,
    CommandStartedEvent,
    CommandSucceededEvent,
)

from backend.bootstrap import open_city
from backend.db.migrate import migrate
from backend.demo.embedded import start_mongod
from backend.exchange.v2.framing import framed, read_block
from backend.exchange.v2.models import SenderKind
from backend.exchange.v2.server import MLLPServer
from backend.ids import new_id
from backend.security.keys import Keyring
from backend.settings import Settings

CONNECTIONS = 8
ROUNDS = 3
Say = Callable[[str], None]


def message(number: int) -> bytes:
    """A report of five results; every message another one."""
    lines = [
        f"MSH|^~\\&|LIS|QY|CITY|HUB|20260301083000||ORU^R01^ORU_R01|M{number}|P|2.5",
        f"PID|1||ZY{number % 500:04d}^^^HIS^MR||WANG^XIUYING||19560304|F",
        f"OBR|1|P{number}|F{number}|CBC^CBC^L|||20260301083000|||||||||||||||20260301091500||CH|F",
        *(
            f"OBX|{at}|NM|I{at}^ITEM {at}^L||{number % 90}.{at}|mmol/L|3.9-6.1|N|||F|||20260301090000"
            for at in range(1, 6)
        ),
    ]
    return ("\r".join(lines) + "\r").encode()


class RoundTrips(CommandListener):
    """Counts what the database is asked."""

    def __init__(self) -> None:
        self.count = 0

    def started(self, event: CommandStartedEvent) -> None:
        """One more."""
        self.count += 1

    def succeeded(self, event: CommandSucceededEvent) -> None:
        """Counted when it was sent."""

    def failed(self, event: CommandFailedEvent) -> None:
        """Counted when it was sent."""


@dataclass
class Round:
    """What one turn came to, for each message."""

    speed: float
    processor_ms: float
    trips: float
    took: list[float]


async def _bare(reader: HL7StreamReader, writer: HL7StreamWriter) -> None:
    try:
        while not writer.is_closing():
            received = await reader.readmessage()
            writer.writemessage(received.create_ack())
            await writer.drain()
    except asyncio.IncompleteReadError:
        writer.close()


async def _load(port: int, first: int, count: int) -> tuple[float, list[float]]:
    """Send `count` messages over some connections; messages a second, and how long each answer took."""
    numbers = iter(range(first, first + count))
    took: list[float] = []

    async def sender() -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        for number in numbers:
            began = time.perf_counter()
            writer.write(framed(message(number)))
            answer = await read_block(reader)
            if answer is None or b"MSA|AA|" not in answer:
                raise RuntimeError("not accepted")
            took.append(time.perf_counter() - began)
        writer.close()

    began = time.perf_counter()
    await asyncio.gather(*(sender() for _ in range(CONNECTIONS)))
    return count / (time.perf_counter() - began), took


async def _turn(trips: RoundTrips, port: int, first: int, count: int) -> Round:
    before, asked = time.process_time(), trips.count
    speed, took = await _load(port, first, count)
    spent = time.process_time() - before
    return Round(speed, spent / count * 1000, (trips.count - asked) / count, took)


async def measure(count: int, say: Say) -> str:
    """Turn by turn; the sentence with the figures."""
    say("starting MongoDB, the exchange and python-hl7's server")
    warnings.simplefilter("ignore")
    trips = RoundTrips()
    monitoring.register(trips)
    async with _exchange() as port:
        bare = await start_hl7_server(_bare, host="127.0.0.1", port=0, encoding="utf-8")
        bare_port = bare.sockets[0].getsockname()[1]
        ours, theirs = [], []
        await _load(port, 10_000_000, 50)
        for turn in range(ROUNDS):
            say(f"round {turn + 1} of {ROUNDS}")
            theirs.append(await _turn(trips, bare_port, 0, count))
            ours.append(await _turn(trips, port, turn * count, count))
        bare.close()
    return _told(ours, theirs)


def _told(ours: list[Round], theirs: list[Round]) -> str:
    speed, bare = (statistics.median(each.speed for each in rounds) for rounds in (ours, theirs))
    spent, bare_spent = (statistics.median(each.processor_ms for each in rounds) for rounds in (ours, theirs))
    trips = statistics.median(each.trips for each in ours)
    took = sorted(each for round in ours for each in round.took)
    return (
        f"mllp           ratio {speed / bare:.3f}  {speed:.0f}/s kept, mapped, answered beside "
        f"{bare:.0f}/s parsed and answered  "
        f"p50 {took[len(took) // 2] * 1000:.1f} ms  p99 {took[len(took) * 99 // 100] * 1000:.1f} ms  "
        f"processor {spent:.2f} ms beside {bare_spent:.2f} ms  {trips:.1f} round trips a message"
    )


@asynccontextmanager
async def _exchange() -> AsyncIterator[int]:
    with TemporaryDirectory() as folder:
        place = Path(folder)
        mongod = start_mongod(place / "mongodb", place / "mongodb.log")
        keys = place / "keys.json"
        Keyring.generate(keys)
        settings = Settings(
            environment="test", mongodb_uri=SecretStr(mongod.url), mongodb_database="bench", keys_file=keys
        )
        city = await open_city(settings, process="bench")
        try:
            await migrate(city.db)
            exchange = city.services.exchange
            await exchange.senders.allow(SenderKind.FACILITY, "QY", new_id(), "")
            server = MLLPServer(exchange.receiver)
            yield await server.listen("127.0.0.1", 0)
            await server.stop(5)
        finally:
            await city.close()
            mongod.stop()


def main(count: int) -> None:
    """Measure and print."""

    def say(text: str) -> None:
        sys.stderr.write(f"  {text}\n")

    sys.stdout.write(uvloop.run(measure(count, say)) + "\n")
