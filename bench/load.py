"""A small, fast HTTP/1.1 load generator: so many connections, each sending its next request at once.

It must cost less than what it measures, so it writes ready bytes and reads only what it needs: the status,
the length, and the body when asked for.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import cast


@dataclass
class Result:
    """What one run measured. Latencies in seconds."""

    seconds: float = 0.0
    latencies: list[float] = field(default_factory=list)
    statuses: dict[int, int] = field(default_factory=dict)
    failures: int = 0

    @property
    def per_second(self) -> float:
        """Answers with a 2xx status per second."""
        good = sum(count for status, count in self.statuses.items() if 200 <= status < 300)
        return good / self.seconds if self.seconds else 0.0

    def percentile(self, share: float) -> float:
        """The latency that `share` of the requests stayed within, in milliseconds."""
        if not self.latencies:
            return 0.0
        ordered = sorted(self.latencies)
        return ordered[min(int(len(ordered) * share), len(ordered) - 1)] * 1000


Seen = Callable[[int, bytes], None]


class _Connection(asyncio.Protocol):
    def __init__(self, requests: Iterator[bytes], result: Result, seen: Seen | None) -> None:
        self._requests = requests
        self._result = result
        self._seen = seen
        self._buffer = b""
        self._sent_at = 0.0
        self._transport: asyncio.Transport | None = None
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._next()

    def data_received(self, data: bytes) -> None:
        self._buffer = self._buffer + data if self._buffer else data
        head = self._buffer.find(b"\r\n\r\n")
        if head < 0:
            return
        length = _content_length(self._buffer[:head])
        end = head + 4 + length
        if len(self._buffer) < end:
            return
        status = int(self._buffer[9:12])
        result = self._result
        result.latencies.append(time.perf_counter() - self._sent_at)
        result.statuses[status] = result.statuses.get(status, 0) + 1
        if self._seen is not None:
            self._seen(status, self._buffer[head + 4 : end])
        self._buffer = b""
        self._next()

    def connection_lost(self, exc: Exception | None) -> None:
        if not self.done.done():
            self._result.failures += 1
            self.done.set_result(None)

    def _next(self) -> None:
        request = next(self._requests, None)
        if request is None:
            self.done.set_result(None)
            if self._transport is not None:
                self._transport.close()
            return
        self._sent_at = time.perf_counter()
        if self._transport is not None:
            self._transport.write(request)


def _content_length(head: bytes) -> int:
    at = head.lower().find(b"content-length:")
    if at < 0:
        return 0
    end = head.find(b"\r\n", at)
    return int(head[at + 15 : end if end > 0 else len(head)])


async def run(
    host: str, port: int, requests: Iterator[bytes], connections: int, seen: Seen | None = None
) -> Result:
    """Send every request over `connections` connections and return what was measured."""
    result = Result()
    loop = asyncio.get_running_loop()
    began = time.perf_counter()
    made = [
        await loop.create_connection(lambda: _Connection(requests, result, seen), host, port)
        for _ in range(connections)
    ]
    await asyncio.gather(*(protocol.done for _, protocol in made))
    result.seconds = time.perf_counter() - began
    return result


def request(method: str, path: str, host: str, *, headers: dict[str, str], body: bytes = b"") -> bytes:
    """One HTTP/1.1 request as bytes."""
    lines = [f"{method} {path} HTTP/1.1", f"Host: {host}"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    if body:
        lines += ["Content-Type: application/json", f"Content-Length: {len(body)}"]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body
