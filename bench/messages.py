"""`python -m bench messages`: so many text messages due at once, and how fast one process sends them all.

It works as a worker does, so many tasks of so many jobs at once beside the sweep, without a broker between.
Beside it the sandbox's own endpoint, asked by the same adapter as fast as it answers. What
the carrier reports is left out: it comes back through the web, a minute later.
"""

from __future__ import annotations

import asyncio
import contextlib
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import Path

import httpx
import orjson
import psutil
from pydantic import SecretStr
from pymongo import monitoring
from redis.asyncio import Redis

from backend import clock
from backend.audit.chain import Chain
from backend.audit.service import AuditService
from backend.audit.store import AuditStore
from backend.bootstrap.core import Close
from backend.bootstrap.outside import make_outside
from backend.db.client import Database
from backend.db.migrate import migrate
from backend.demo.embedded import start_mongod, start_redis
from backend.demo.environment import vendor_settings
from backend.demo.leash import die_with_parent
from backend.messages.gates import Hours
from backend.messages.models import Letter, MessageKind
from backend.messages.service import MessageService
from backend.residents.models import Contact
from backend.security.fields import BlindIndex, FieldCipher
from backend.security.keys import Keyring
from backend.security.limits import RateLimiter
from backend.settings import Settings
from backend.worker.events import Bus, EventKind
from backend.worker.outbox import CHUNK, Outbox
from notify.ports import SMS, SMSSender

AT_ONCE = 64
# As `healthycity worker` has it: so many tasks side by side.
TASKS = 8
_MOST_RAW = 3000
_MARKS = (0.1, 0.5, 1.0)
_FACTS = {"organization": "市人民医院", "title": "门诊回访", "until": "12月1日"}


class Phones:
    """Everybody has a phone, found without a look into any book: what is measured is the sending."""

    async def contact(self, resident_id: str) -> Contact:
        """The phone hidden in the id."""
        return Contact(resident_id, phone=resident_id.removeprefix("p"))


@dataclass
class Post:
    """What sends, and what it sends through."""

    service: MessageService
    outbox: Outbox
    db: Database
    sender: SMSSender


@dataclass(frozen=True)
class Drained:
    """What was seen. `peak_mb` is the process's largest size until a share of the messages was sent."""

    count: int
    sent: int
    per_second: float
    raw_per_second: float
    peak_mb: dict[str, float]
    commands: float
    cpu_us: int
    raw_cpu_us: int

    @property
    def ratio(self) -> float:
        """Of the endpoint's own speed."""
        return self.per_second / self.raw_per_second


class Watch:
    """How many jobs are over, and how large the process has been by then."""

    def __init__(self, count: int, progress: Callable[[str], None]) -> None:
        self._marks = {round(count * mark): f"{mark:.0%}" for mark in _MARKS}
        self._process = psutil.Process()
        self._progress = progress
        self._over = 0
        self._peak = 0.0
        self.peak_mb: dict[str, float] = {}

    def add(self, jobs: int) -> None:
        """So many more are over."""
        self._peak = max(self._peak, self._process.memory_info().rss / 2**20)
        self._over += jobs
        for mark in [mark for mark in self._marks if mark <= self._over]:
            name = self._marks.pop(mark)
            self.peak_mb[name] = round(self._peak, 1)
            self._progress(f"{name} over, {self.peak_mb[name]} MB at most")


class Commands(monitoring.CommandListener):
    """Counts what the driver sends."""

    def __init__(self) -> None:
        self.count = 0

    def started(self, event: monitoring.CommandStartedEvent) -> None:
        """One more."""
        self.count += 1

    def succeeded(self, event: monitoring.CommandSucceededEvent) -> None:
        """Nothing to count."""

    def failed(self, event: monitoring.CommandFailedEvent) -> None:
        """Nothing to count."""


async def measure(count: int, progress: Callable[[str], None]) -> Drained:
    """Write so many messages, send them all, and ask the endpoint directly before and after."""
    commands = Commands()
    monitoring.register(commands)
    async with _post() as post:
        few = min(_MOST_RAW, max(100, count // 5))
        raw_began = time.process_time()
        raw = [await _raw(post.sender, few)]
        raw_cpu_us = _cpu_us(raw_began, few)
        progress(f"raw {raw[0]:.0f}/s; writing {count} messages")
        await _write(post.service, count)
        progress("sending")
        watch, before = Watch(count, progress), commands.count
        started, began = time.perf_counter(), time.process_time()
        await drain(post.outbox, watch.add)
        seconds, cpu_us = time.perf_counter() - started, _cpu_us(began, count)
        sent_with = commands.count - before
        raw.append(await _raw(post.sender, few))
        done = {"deliveries.sms.state": {"$in": ["sent", "delivered"]}}
        sent = await post.db.collection("messages").count_documents(done)
        each = round(sent_with / count, 2)
        return Drained(count, sent, sent / seconds, sum(raw) / 2, watch.peak_mb, each, cpu_us, raw_cpu_us)


def _cpu_us(began: float, count: int) -> int:
    """This process's processor time for each, which other work on the machine does not lengthen much."""
    return round((time.process_time() - began) / count * 1e6)


async def drain(outbox: Outbox, over: Callable[[int], None] = lambda _jobs: None) -> None:
    """Sweep and run side by side, as workers do, until nothing is due and nothing runs."""
    chunks: asyncio.Queue[list[str]] = asyncio.Queue()

    async def task() -> None:
        while True:
            chunk = await chunks.get()
            await outbox.run_many(chunk)
            over(len(chunk))
            chunks.task_done()

    tasks = [asyncio.create_task(task()) for _ in range(TASKS)]
    try:
        while await _sweep(outbox, chunks) or not await _is_over(chunks):
            pass
    finally:
        for each in tasks:
            each.cancel()


async def _sweep(outbox: Outbox, chunks: asyncio.Queue[list[str]]) -> bool:
    relayed, ids = await outbox.relay(), await outbox.take_due()
    for start in range(0, len(ids), CHUNK):
        chunks.put_nowait(ids[start : start + CHUNK])
    return bool(relayed or ids)


async def _is_over(chunks: asyncio.Queue[list[str]]) -> bool:
    """Whether nothing runs; else a little later."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(0.05):
            await chunks.join()
            return True
    return False


async def _write(service: MessageService, count: int) -> None:
    numbers = iter(range(count))

    async def line() -> None:
        for number in numbers:
            facts = _FACTS | {"link": f"https://jk.example.org/s/{number}"}
            who = f"p138{number:08d}"
            await service.tell(Letter(f"run-{number}", clock.now(), who, MessageKind.SURVEY_LINK, facts))

    await asyncio.gather(*(line() for _ in range(AT_ONCE)))


async def _raw(sender: SMSSender, count: int) -> float:
    """How many messages a second the endpoint takes when nothing stands before it."""
    numbers = iter(range(count))

    async def line() -> None:
        for number in numbers:
            await sender.send(SMS(f"139{number:08d}", "市人民医院想了解您近期就诊的情况，约2分钟。"))

    started = time.perf_counter()
    await asyncio.gather(*(line() for _ in range(AT_ONCE)))
    return count / (time.perf_counter() - started)


@contextlib.asynccontextmanager
async def _post() -> AsyncIterator[Post]:
    """A messages' service on a MongoDB, a Redis and a sandbox of its own."""
    with tempfile.TemporaryDirectory(prefix="healthycity-bench-") as folder, contextlib.ExitStack() as stack:
        home = Path(folder)
        mongod = await asyncio.to_thread(start_mongod, home / "mongodb", home / "mongodb.log", cache_gb=2)
        stack.callback(mongod.stop)
        redis = await asyncio.to_thread(start_redis, home / "redis", home / "redis.log")
        stack.callback(redis.stop)
        async with _sandbox(home / "sandbox") as url:
            credentials = orjson.loads((home / "sandbox" / "credentials.json").read_bytes())
            keyring = Keyring.generate(home / "keys.json")
            settings = Settings(
                environment="test",
                mongodb_uri=SecretStr(mongod.url),
                redis_url=SecretStr(redis.url),
                keys_file=home / "keys.json",
                sms_per_second=0,
                **vendor_settings(url, credentials),
            )
            async with _made(settings, keyring) as post:
                yield post


@contextlib.asynccontextmanager
async def _made(settings: Settings, keyring: Keyring) -> AsyncIterator[Post]:
    closers: list[Close] = []
    db = Database(settings.mongodb_uri.get_secret_value(), "bench", app_name="bench")
    await migrate(db)
    limits = RateLimiter(keyring, Redis.from_url(settings.redis_url.get_secret_value()))
    outside, bus, chain = make_outside(settings, keyring, closers), Bus(), Chain(keyring)
    service = MessageService(
        db,
        cipher=FieldCipher(keyring),
        blind=BlindIndex(keyring),
        people=Phones(),
        lines=outside.sms,
        messenger=outside.messenger,
        official=outside.official,
        notifier=outside.notifier,
        audit=AuditService(AuditStore(db, chain), chain),
        limits=limits,
        templates={},
        hours=Hours(0, 24),
    )
    outbox = Outbox(db, bus)
    outbox.watch("messages")
    bus.subscribe(EventKind.MESSAGE_DUE, "messages.on_message_due", service.on_message_due)
    sender = next(line.texts for line in outside.sms if line.texts is not None)
    try:
        yield Post(service, outbox, db, sender)
    finally:
        for close in (*closers, service.tallies.close, limits.close, db.close):
            await close()


@contextlib.asynccontextmanager
async def _sandbox(folder: Path) -> AsyncIterator[str]:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "sandbox", "--port", "0", "--city-url", "http://127.0.0.1:9",
        "--state-dir", str(folder), "--city-file", str(folder / "city.json"),
        stdout=asyncio.subprocess.PIPE, preexec_fn=die_with_parent(),
    )  # fmt: skip
    if process.stdout is None:
        raise RuntimeError("the sandbox has no output")
    try:
        url = (await asyncio.wait_for(process.stdout.readline(), 30)).decode().split()[-1]
        async with httpx.AsyncClient() as client:
            # Reports would be carried to a city that is not there.
            await client.post(f"{url}/control/switches", json={"lose_reports": True})
        yield url
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.terminate()
        await process.wait()
