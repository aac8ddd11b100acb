"""`python -m bench.dialogues`: so many dialogues open at once, what a turn costs, what memory they hold.

A dialogue lies in the database between two messages, so what is open costs a process nothing: that is shown
here, not promised.
"""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

import psutil
import typer
import uvloop

from backend.conversations.models import Through
from bench.city import bench_city
from bots.engine import Engine, Heard

AT_ONCE = 64
_WARM = 200


@dataclass(frozen=True)
class Held:
    """What was seen."""

    talks: int
    answered: int
    turns_per_second: float
    grown_mb: float


async def hold_open(engine: Engine, talks: int, said: Sequence[str], *, prefix: str = "o") -> Held:
    """Have so many people say the first words, then all of them the next, and so on."""
    process = psutil.Process()
    await _everybody(engine, _WARM, said, f"{prefix}warm")
    before, started = process.memory_info().rss, time.perf_counter()
    answered = await _everybody(engine, talks, said, prefix)
    seconds = time.perf_counter() - started
    grown = (process.memory_info().rss - before) / 2**20
    return Held(talks, answered, talks * len(said) / seconds, round(grown, 1))


async def _everybody(engine: Engine, talks: int, said: Sequence[str], prefix: str) -> int:
    answered = 0
    for turn, words in enumerate(said):
        people = iter(range(talks))

        async def line(turn: int = turn, words: str = words) -> int:
            count = 0
            for person in people:  # noqa: B023 - each line is done before the next turn begins
                heard = Heard(Through.WECHAT, f"{prefix}{person:08d}", f"m{turn}", words)
                count += bool(await engine.hear(heard))
            return count

        answered += sum(await asyncio.gather(*(line() for _ in range(AT_ONCE))))
    return answered


async def _measure(talks: int) -> None:
    async with bench_city() as made:
        services = made.city.services
        held = await hold_open(services.bots.engine, talks, ["怎么去医院", "我要预约"])
        waiting = await made.city.db.collection("conversations").count_documents({"run.state": "waiting"})
        sys.stdout.write(
            f"{held.talks} dialogues, {waiting} of them open at once, {held.answered} answers: "
            f"{held.turns_per_second:.0f} turns/s in one process, {held.grown_mb} MB grown\n"
        )


def main(talks: Annotated[int, typer.Option(help="How many people talk.")] = 10_000) -> None:
    """Open so many dialogues on a city of its own, and print what they cost."""
    uvloop.run(_measure(talks))


if __name__ == "__main__":
    typer.run(main)
