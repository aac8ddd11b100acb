"""`python -m bench booking --json`: measure, and print the ratio to a bare handler of the same run."""

from __future__ import annotations

import json
import sys
from collections.abc import Awaitable, Callable
from enum import StrEnum
from typing import Annotated

import typer
import uvloop

from bench import measures, messages, mllp, recognition, records, surveys, window
from bench.city import BenchCity, bench_city
from bench.measures import Measured, Progress


class Benchmark(StrEnum):
    """What can be measured."""

    BOOKING = "booking"
    BOOKING_COLD = "booking-cold"
    AVAILABILITY = "availability"
    VERIFICATION = "verification"
    MESSAGES = "messages"
    MLLP = "mllp"
    SURVEYS = "surveys"
    RECORDS = "records"
    RECOGNITION = "recognition"
    WINDOW = "window"
    ALL = "all"


Measure = Callable[[BenchCity, int, Progress], Awaitable[Measured]]
MEASURES: dict[Benchmark, Measure] = {
    Benchmark.AVAILABILITY: measures.availability,
    Benchmark.BOOKING: measures.booking,
    Benchmark.BOOKING_COLD: measures.booking_cold,
    Benchmark.VERIFICATION: measures.verification,
}


def main(
    what: Annotated[Benchmark, typer.Argument(help="What to measure.")] = Benchmark.ALL,
    rounds: Annotated[int, typer.Option(help="Rounds, each between two of the bare handler.")] = 3,
    count: Annotated[
        int, typer.Option(help="How many messages, or people of a campaign: `messages`, `surveys`.")
    ] = 5_000,
    resources: Annotated[
        int, typer.Option(help="How many resources the store holds: `records`.")
    ] = 2_000_000,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")] = False,
) -> None:
    """Measure over real HTTP with 64 connections against one web process. Takes about a minute each."""
    if what is Benchmark.MESSAGES:
        _say_drained(uvloop.run(messages.measure(count, _progress)))
        return
    if what is Benchmark.MLLP:
        mllp.main(min(count, 1_000))
        return
    if what is Benchmark.RECOGNITION:
        recognition.main()
        return
    if what is Benchmark.WINDOW:
        window.main()
        return
    if what is Benchmark.SURVEYS:
        surveys.main(count)
        return
    if what is Benchmark.RECORDS:
        records.main(resources)
        return
    wanted: list[Benchmark] = [*MEASURES] if what is Benchmark.ALL else [what]
    results = uvloop.run(_measure(wanted, rounds))
    if as_json:
        sys.stdout.write(json.dumps([result.to_dict() for result in results], indent=2) + "\n")
        return
    for result in results:
        more = "".join(f"  {name} {value}" for name, value in result.more.items())
        sys.stdout.write(
            f"{result.name:<14} ratio {result.ratio:.3f} (target {result.target:.2f})  "
            f"{result.per_second:.0f}/s beside {result.bare_per_second:.0f}/s bare  "
            f"p50 {result.p50_ms} ms  p99 {result.p99_ms} ms  "
            f"processor {result.cpu_us} us beside {result.bare_cpu_us} us{more}\n"
        )


def _say_drained(drained: messages.Drained) -> None:
    sys.stdout.write(
        f"messages       ratio {drained.ratio:.3f}  {drained.sent} of {drained.count} sent, "
        f"{drained.per_second:.0f}/s beside {drained.raw_per_second:.0f}/s of the bare endpoint  "
        f"{drained.commands} commands each  "
        f"processor {drained.cpu_us} us beside {drained.raw_cpu_us} us  "
        f"at most {', '.join(f'{mb} MB by {mark}' for mark, mb in drained.peak_mb.items())}\n"
    )


def _progress(text: str) -> None:
    sys.stderr.write(f"  {text}\n")


async def _measure(wanted: list[Benchmark], rounds: int) -> list[Measured]:
    _progress("starting MongoDB, Redis, the web and the bare handler")
    async with bench_city() as bench:
        return [await MEASURES[each](bench, rounds, _progress) for each in wanted]


if __name__ == "__main__":
    typer.run(main)
