"""Rate limits: token buckets in Redis, many questions in one call; in this process while Redis is away.

What guards a secret or costs money is asked of Redis first. What is asked at every click is decided here, by
what this process knows, and put on everybody's account a moment later: a flood over many processes gets a few
requests further, once, and nobody waits.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
import math
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from redis.asyncio import Redis
from redis.exceptions import NoScriptError, RedisError

from backend import metrics
from backend.errors import AppError, ErrorCode
from backend.pacing import EVERY_S, Pace
from backend.security.derive import derive_key
from backend.security.keys import Keyring

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Bucket:
    """So many at once, and one more every so many seconds: for each of what, and why (docs/limits.md)."""

    burst: int
    every_s: float
    scope: str = ""
    why: str = ""
    # Decided in this process first, and shared afterwards.
    loose: bool = False

    @property
    def interval_ms(self) -> int:
        """Milliseconds until one more token."""
        return max(1, math.ceil(self.every_s * 1000))


BUCKETS: dict[str, Bucket] = {
    "payment_query": Bucket(10, 2, "resident", '"I have paid": each one asks the payment channel.'),
    "login": Bucket(10, 30, "phone", "One-time codes tried."),
    "staff_address": Bucket(
        60,
        2,
        "address",
        "Console sign-ins: a whole hospital may come from one, all at eight o'clock.",
    ),
    "wechat_ip": Bucket(
        60,
        1,
        "address",
        "WeChat log-ins: a hospital's Wi-Fi may be one, and the app logs in at start.",
    ),
    "real_name": Bucket(
        5,
        1800,
        "resident",
        "Real-name checks, and ID numbers shown to change a phone.",
    ),
    "identity": Bucket(
        5,
        86400,
        "account",
        "ID numbers shown to sign in by the phone of an account that was idle for long.",
    ),
    "patient": Bucket(12, 600, "resident", "Patients added: each asks the population register."),
    "otp_phone": Bucket(5, 720, "phone", "SMS codes sent to one phone."),
    "otp_ip": Bucket(30, 6, "address", "SMS codes asked for: a hospital's Wi-Fi may be one."),
    "booking": Bucket(20, 3, "resident", "Holds, bookings and payments begun.", loose=True),
    "verify": Bucket(
        200, 0.02, "terminal or hospital system", "Health codes verified, offline uses uploaded.", loose=True
    ),
    "survey_page": Bucket(
        300, 0.2, "address", "Survey pages opened and answered: a ward's Wi-Fi may be one.", loose=True
    ),
    "shared_link": Bucket(
        60, 1, "address", "Shared reports opened: a hospital's Wi-Fi may be one.", loose=True
    ),
    "wall": Bucket(
        120, 0.5, "address", "Walls shown by a link: a building's screens may be one.", loose=True
    ),
    "open_data": Bucket(60, 1, "address", "Open data fetched: each answer is ready for an hour.", loose=True),
    "client_token": Bucket(10, 6, "hospital system or terminal", "Tokens by client credentials."),
    "second_factor": Bucket(5, 600, "patient", "Second factors tried with one patient's printed code."),
    "code": Bucket(30, 5, "resident", "Health codes made."),
    "search": Bucket(
        600,
        0.02,
        "resident or address",
        "The public directory looked through: a hospital's Wi-Fi may be one address.",
    ),
    "availability": Bucket(
        2000,
        0.01,
        "resident or address",
        "Free places looked at before and after signing in: a hospital's Wi-Fi may be one address.",
        loose=True,
    ),
    "refresh": Bucket(300, 0.2, "address", "Sessions refreshed: each phone does it every half hour."),
    "consent": Bucket(20, 30, "resident", "Consents given, and questions about readings."),
    "record_person": Bucket(
        600, 0.1, "hospital system", "Consents asked for, record windows opened: each names a person."
    ),
    "record_window": Bucket(
        600, 0.1, "address", "Record windows opened and leafed through: a whole hospital may come from one."
    ),
    "births": Bucket(60, 5, "resident", "Birth filings checked and changed: checks ask the licence library."),
    "paper_check": Bucket(
        60, 2, "address", "Printouts checked by their QR: a counter's Wi-Fi may be one.", loose=True
    ),
    "hospital_write": Bucket(
        2000,
        0.02,
        "hospital system",
        "Departments, schedules, sales: a night's publishing passes at once.",
    ),
}

# A bucket is one number, the instant at which it would be full again (GCRA): one GET, one SET per question.
# Redis' own clock is used, so that processes whose clocks differ share a bucket fairly.
_SCRIPT = """
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local waits = {}
for i, key in ipairs(KEYS) do
  local interval, burst = tonumber(ARGV[2 * i - 1]), tonumber(ARGV[2 * i])
  local full_at = math.max(tonumber(redis.call('GET', key) or 0), now) + interval
  local wait = full_at - now - burst * interval
  if wait > 0 then
    waits[i] = wait
  else
    redis.call('SET', key, string.format('%d', full_at), 'PX', full_at - now + 1000)
    waits[i] = 0
  end
end
return waits
"""
_SCRIPT_SHA = hashlib.sha1(_SCRIPT.encode(), usedforsecurity=False).hexdigest()
_LARGEST_BATCH = 1024
# What was decided here is on everybody's account after this much, under load.
_SHARED_WITHIN_S = 0.050
# After a failure Redis is left alone for this long.
_AWAY_S = 5.0
_TIMEOUT_S = 0.5

# Bucket and name, and who waits for the answer: nobody when it was decided here.
_Question = tuple[str, Bucket, "asyncio.Future[int] | None"]


class RateLimiter:
    """Takes tokens from named buckets. Keys are hashed, so no phone or address is in Redis."""

    def __init__(self, keyring: Keyring, redis: Redis | None = None) -> None:
        self._redis = redis
        self._salt = derive_key(keyring.active("csrf").secret, "limits")
        self._local = LocalBuckets()
        self._away_until = 0.0
        # Apart, so that nobody who waits for Redis waits for those who do not.
        self._asked = _Gathering(self._answer, self._answer_locally, EVERY_S)
        self._told = _Gathering(self._answer, self._answer_locally, _SHARED_WITHIN_S)

    async def take(self, bucket: str, key: str) -> None:
        """Take one token of `key`, or raise RATE_LIMITED saying after how many seconds to come back."""
        wait_ms = await self.ask(bucket, BUCKETS[bucket], key)
        if wait_ms > 0:
            metrics.RATE_LIMITED.labels(bucket).inc()
            retry_after_s = math.ceil(wait_ms / 1000)
            raise AppError(ErrorCode.RATE_LIMITED, f"bucket {bucket}", data={"retry_after_s": retry_after_s})

    async def ask(self, bucket: str, limit: Bucket, key: str) -> int:
        """Take one token of a bucket of one's own; 0, or the milliseconds after which there is one."""
        name = self._name(bucket, key)
        if self._redis is None or time.monotonic() < self._away_until:
            return self._local.take(name, limit)
        if not limit.loose:
            return await self._ask(name, limit)
        wait_ms = self._local.take(name, limit)
        if not wait_ms:
            self._told.put((name, limit, None))
        return wait_ms

    async def close(self) -> None:
        """Answer what is waiting and close the connection."""
        await self._asked.drained()
        await self._told.drained()
        if self._redis is not None:
            await self._redis.aclose()

    def _name(self, bucket: str, key: str) -> str:
        digest = hashlib.blake2b(f"{bucket}|{key}".encode(), key=self._salt, digest_size=12)
        return f"limit:{digest.hexdigest()}"

    def _ask(self, name: str, limit: Bucket) -> asyncio.Future[int]:
        future: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        self._asked.put((name, limit, future))
        return future

    async def _answer(self, batch: list[_Question]) -> None:
        try:
            async with asyncio.timeout(_TIMEOUT_S):
                waits = await self._call(batch)
        except (RedisError, OSError, TimeoutError) as error:
            self._away_until = time.monotonic() + _AWAY_S
            log.warning("limits_without_redis", extra={"error": type(error).__name__})
            self._answer_locally(batch)
            return
        except asyncio.CancelledError:
            self._answer_locally(batch)
            raise
        for (name, limit, future), wait_ms in zip(batch, waits, strict=True):
            if future is None:
                if wait_ms > 0:
                    self._local.empty(name, limit, wait_ms)
            elif not future.done():
                future.set_result(wait_ms)

    def _answer_locally(self, batch: list[_Question]) -> None:
        for name, limit, future in batch:
            if future is not None and not future.done():
                future.set_result(self._local.take(name, limit))

    async def _call(self, batch: list[_Question]) -> list[int]:
        assert self._redis is not None  # noqa: S101 - for the type checker; `take` has asked already
        names = [name for name, _, _ in batch]
        limits = [number for _, limit, _ in batch for number in (limit.interval_ms, limit.burst)]
        arguments: list[Any] = [*names, *limits]
        try:
            waits: list[int] = await self._redis.evalsha(_SCRIPT_SHA, len(names), *arguments)
        except NoScriptError:
            waits = await self._redis.eval(_SCRIPT, len(names), *arguments)
        return waits


class _Gathering:
    """Questions on their way to Redis, `every_s` apart under load."""

    def __init__(
        self,
        answer: Callable[[list[_Question]], Awaitable[None]],
        answer_locally: Callable[[list[_Question]], None],
        every_s: float,
    ) -> None:
        self._answer = answer
        self._answer_locally = answer_locally
        self._waiting: list[_Question] = []
        self._flusher: asyncio.Task[None] | None = None
        self._pace = Pace(every_s)

    def put(self, question: _Question) -> None:
        """One more."""
        self._waiting.append(question)
        if self._flusher is None:
            # The task starts in the next tick: whatever else asks in this one goes along in the same call.
            self._flusher = asyncio.create_task(self._flush())

    async def drained(self) -> None:
        """Return when nothing is waiting."""
        while self._flusher is not None:
            await asyncio.wait([self._flusher])

    async def _flush(self) -> None:
        try:
            while self._waiting:
                await self._pace.wait()
                batch = self._waiting[:_LARGEST_BATCH]
                del self._waiting[:_LARGEST_BATCH]
                await self._answer(batch)
        finally:
            self._flusher = None
            # Only a cancelled flush leaves anything here; nobody may wait for ever.
            self._answer_locally(self._waiting)
            self._waiting = []


class LocalBuckets:
    """The same buckets in this process's memory, bounded."""

    def __init__(self, most: int = 50_000) -> None:
        self._full_at_ms: dict[str, float] = {}
        self._most = most

    def take(self, name: str, limit: Bucket) -> int:
        """Take one token; return 0, or the milliseconds until there is one."""
        now_ms = time.monotonic() * 1000
        full_at = max(self._full_at_ms.get(name, 0.0), now_ms) + limit.interval_ms
        wait_ms = full_at - now_ms - limit.burst * limit.interval_ms
        if wait_ms > 0:
            return math.ceil(wait_ms)
        if len(self._full_at_ms) >= self._most and name not in self._full_at_ms:
            self._make_room(now_ms)
        self._full_at_ms[name] = full_at
        return 0

    def empty(self, name: str, limit: Bucket, wait_ms: int) -> None:
        """The bucket is empty by everybody's account: refuse for so many milliseconds."""
        full_at = time.monotonic() * 1000 + wait_ms + (limit.burst - 1) * limit.interval_ms
        self._full_at_ms[name] = max(full_at, self._full_at_ms.get(name, 0.0))

    def _make_room(self, now_ms: float) -> None:
        # Full buckets say nothing; if all are in use, the oldest tenth goes.
        self._full_at_ms = {name: at for name, at in self._full_at_ms.items() if at > now_ms}
        surplus = len(self._full_at_ms) - self._most * 9 // 10
        for name in list(self._full_at_ms)[: max(surplus, 0)]:
            del self._full_at_ms[name]
