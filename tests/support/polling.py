"""Waiting in tests: ask again until it holds or the deadline has passed; nobody sleeps for a guessed time."""

import asyncio
import inspect
import time
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar, overload

T = TypeVar("T")
PAUSE_S = 0.02


@overload
async def poll(
    condition: Callable[[], Awaitable[T]], deadline_s: float = 10.0, what: str = "the condition"
) -> T: ...
@overload
async def poll(condition: Callable[[], T], deadline_s: float = 10.0, what: str = "the condition") -> T: ...
async def poll(condition: Callable[[], Any], deadline_s: float = 10.0, what: str = "the condition") -> Any:
    """Return the first truthy answer of `condition` (plain or async); fail when the deadline has passed."""
    ends = time.monotonic() + deadline_s
    while True:
        answer = condition()
        value = await answer if inspect.isawaitable(answer) else answer
        if value:
            return value
        if time.monotonic() > ends:
            raise AssertionError(f"{what} did not hold within {deadline_s} s; the last answer was {value!r}")
        await asyncio.sleep(PAUSE_S)


def poll_sync(condition: Callable[[], T], deadline_s: float = 10.0, what: str = "the condition") -> T:
    """The same for a test that has no event loop."""
    ends = time.monotonic() + deadline_s
    while not (value := condition()):
        if time.monotonic() > ends:
            raise AssertionError(f"{what} did not hold within {deadline_s} s; the last answer was {value!r}")
        time.sleep(PAUSE_S)
    return value
