"""A short memory: shared loads, bounded size, nothing stale after a change."""

import asyncio

import pytest

from backend.directory.cache import ShortMemory


class Source:
    """Something slow to load, that counts how often it was asked."""

    def __init__(self) -> None:
        self.asked = 0
        self.open = asyncio.Event()
        self.open.set()

    async def load(self) -> int:
        self.asked += 1
        answer = self.asked
        await self.open.wait()
        return answer


async def test_what_is_known_is_not_asked_again():
    source, memory = Source(), ShortMemory[int](seconds=60)
    assert [await memory.get("a", source.load) for _ in range(3)] == [1, 1, 1]
    assert memory.peek("a") == 1


async def test_what_is_old_is_asked_again():
    source, memory = Source(), ShortMemory[int](seconds=0)
    assert [await memory.get("a", source.load) for _ in range(3)] == [1, 2, 3]
    assert memory.peek("a") is None


async def test_callers_of_one_moment_share_one_load():
    source, memory = Source(), ShortMemory[int](seconds=60)
    assert await asyncio.gather(*(memory.get("a", source.load) for _ in range(20))) == [1] * 20


async def test_a_load_that_began_before_a_change_is_not_remembered():
    source, memory = Source(), ShortMemory[int](seconds=60)
    source.open.clear()
    early = asyncio.ensure_future(memory.get("a", source.load))
    await asyncio.sleep(0)
    memory.clear()
    source.open.set()
    assert await early == 1
    assert await memory.get("a", source.load) == 2


async def test_a_change_touches_only_what_it_names():
    source, memory = Source(), ShortMemory[int](seconds=60)
    for key in ("a", "b"):
        await memory.get(key, source.load)
    memory.drop(lambda key: key == "a")
    assert [memory.peek(key) for key in ("a", "b")] == [None, 2]


async def test_a_caller_that_leaves_takes_nothing_from_the_others():
    source, memory = Source(), ShortMemory[int](seconds=60)
    source.open.clear()
    leaving, staying = (asyncio.ensure_future(memory.get("a", source.load)) for _ in range(2))
    await asyncio.sleep(0)
    leaving.cancel()
    source.open.set()
    assert await staying == 1


async def test_a_failure_is_told_and_not_remembered():
    memory = ShortMemory[int](seconds=60)

    async def fail() -> int:
        raise OSError("away")

    for _ in range(2):
        with pytest.raises(OSError, match="away"):
            await memory.get("a", fail)
    assert await memory.get("a", Source().load) == 1


async def test_it_does_not_grow_without_bound():
    source, memory = Source(), ShortMemory[int](seconds=60, size=10)
    for number in range(100):
        await memory.get(number, source.load)
    assert [memory.peek(number) is not None for number in (0, 89, 90, 99)] == [False, False, True, True]
