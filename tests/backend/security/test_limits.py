"""Rate limits, in Redis and without it."""

import asyncio
import socket
import time
from typing import Any

import pytest
from redis.asyncio import Redis

from backend.errors import AppError, ErrorCode
from backend.ids import new_id
from backend.security import limits as limits_module
from backend.security.keys import Keyring
from backend.security.limits import BUCKETS, Bucket, LocalBuckets, RateLimiter
from tests.support.polling import poll

KEYRING = Keyring.generate()


@pytest.fixture
async def limiter(redis_url):
    limiter = RateLimiter(KEYRING, Redis.from_url(redis_url))
    yield limiter
    await limiter.close()


async def allowed(limiter, bucket, key, times):
    answers = await asyncio.gather(*(limiter.take(bucket, key) for _ in range(times)), return_exceptions=True)
    refused = [answer for answer in answers if isinstance(answer, AppError)]
    assert all(answer.code is ErrorCode.RATE_LIMITED for answer in refused)
    return times - len(refused)


@pytest.mark.parametrize("bucket", BUCKETS)
async def test_a_burst_is_allowed_and_no_more(limiter, bucket):
    burst, begun = BUCKETS[bucket].burst, time.monotonic()
    passed = await allowed(limiter, bucket, new_id(), burst + 10)
    # A fast bucket gains tokens while the questions are on their way.
    gained = (time.monotonic() - begun) / BUCKETS[bucket].every_s
    assert burst <= passed <= burst + gained + 2


async def test_keys_do_not_share_a_bucket(limiter):
    one, other = new_id(), new_id()
    await allowed(limiter, "otp_phone", one, 10)
    assert await allowed(limiter, "otp_phone", other, 1) == 1


async def test_the_refusal_says_when_to_come_back(limiter):
    key = new_id()
    await allowed(limiter, "otp_phone", key, 5)
    with pytest.raises(AppError) as refused:
        await limiter.take("otp_phone", key)
    assert 700 < refused.value.data["retry_after_s"] <= 720
    assert key not in str(refused.value)


async def test_a_bucket_fills_again(limiter, monkeypatch):
    monkeypatch.setitem(limits_module.BUCKETS, "login", Bucket(burst=1, every_s=0.05))
    key = new_id()
    await limiter.take("login", key)
    assert await allowed(limiter, "login", key, 1) == 0
    await poll(lambda: allowed(limiter, "login", key, 1))


async def test_two_processes_share_a_bucket(limiter, redis_url):
    other = RateLimiter(KEYRING, Redis.from_url(redis_url))
    key = new_id()
    assert await allowed(limiter, "otp_phone", key, 4) == 4
    assert await allowed(other, "otp_phone", key, 4) == 1
    await other.close()


async def test_a_loose_bucket_is_shared_a_moment_later(limiter, redis_url):
    other = RateLimiter(KEYRING, Redis.from_url(redis_url))
    key = new_id()
    burst = BUCKETS["booking"].burst
    assert await allowed(limiter, "booking", key, burst + 5) == burst
    # The other process knows of nothing yet, and learns it by its first question.
    assert await allowed(other, "booking", key, 1) == 1

    async def refused() -> bool:
        return await allowed(other, "booking", key, 1) == 0

    await poll(refused)
    await other.close()


async def test_no_key_is_readable_in_redis(limiter, redis_url):
    phone = "13812345678"
    await limiter.take("otp_phone", phone)
    client = Redis.from_url(redis_url)
    names = await client.keys("*")
    assert names
    assert not any(phone.encode() in name for name in names)
    await client.aclose()


async def test_questions_of_one_moment_go_out_in_one_call(redis_url, monkeypatch):
    client = Redis.from_url(redis_url)
    limiter = RateLimiter(KEYRING, client)
    await limiter.take("code", new_id())
    asked: list[str] = []
    execute = client.execute_command

    async def counted(*command: Any, **more: Any) -> Any:
        asked.append(command[0])
        return await execute(*command, **more)

    monkeypatch.setattr(client, "execute_command", counted)
    await asyncio.gather(*(limiter.take("code", new_id()) for _ in range(50)))
    await limiter.close()
    assert 1 <= asked.count("EVALSHA") <= 2


async def test_without_redis_the_process_counts_by_itself():
    limiter = RateLimiter(KEYRING)
    assert await allowed(limiter, "otp_phone", "p", 8) == 5
    await limiter.close()


async def test_a_redis_that_is_away_delays_nobody_twice():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    limiter = RateLimiter(KEYRING, Redis(host="127.0.0.1", port=port, socket_connect_timeout=0.2))
    assert await allowed(limiter, "otp_phone", "p", 8) == 5
    assert await allowed(limiter, "otp_phone", "q", 3) == 3
    await limiter.close()


def test_the_memory_of_local_buckets_is_bounded():
    buckets = LocalBuckets(most=100)
    for n in range(1_000):
        buckets.take(f"k{n}", Bucket(burst=2, every_s=60))
    assert len(buckets._full_at_ms) <= 100
