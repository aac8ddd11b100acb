"""What is measured: a coroutine per benchmark, each in turns with the bare handler."""

from __future__ import annotations

import itertools
import statistics
from collections.abc import Awaitable, Callable
from dataclasses import asdict, dataclass, field
from typing import Any

import orjson
import psutil

from bench import load
from bench.city import HOST, SLOTS_PER_SCHEDULE, BenchCity

CONNECTIONS = 64
Progress = Callable[[str], None]


@dataclass
class Measured:
    """One benchmark's figures. Rates and the ratio are medians over the rounds."""

    name: str
    ratio: float
    per_second: float
    bare_per_second: float
    p50_ms: float
    p99_ms: float
    target: float
    cpu_us: int
    bare_cpu_us: int
    more: dict[str, Any] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        """Flat, for JSON."""
        flat: dict[str, Any] = asdict(self)
        more: dict[str, Any] = flat.pop("more")
        return flat | more


Round = Callable[[int], Awaitable[load.Result]]


async def alternate(bench: BenchCity, name: str, target: float, rounds: int, one: Round) -> Measured:
    """Run `one` and the bare handler in turns, so that a noisy machine is noisy for both."""
    ratios, rates, bares, latencies = [], [], [], load.Result()
    web_cpu, bare_cpu = _CPU(bench.web), _CPU(bench.bare)
    for number in range(rounds):
        with bare_cpu:
            before = await bare(bench)
        with web_cpu:
            result = await one(number)
        with bare_cpu:
            after = await bare(bench)
        bare_cpu.requests += len(before.latencies) + len(after.latencies)
        web_cpu.requests += len(result.latencies)
        limit = (before.per_second + after.per_second) / 2
        ratios.append(result.per_second / limit)
        rates.append(result.per_second)
        bares.append(limit)
        latencies.latencies += result.latencies
    return Measured(
        name=name,
        ratio=round(statistics.median(ratios), 3),
        per_second=round(statistics.median(rates), 1),
        bare_per_second=round(statistics.median(bares), 1),
        p50_ms=round(latencies.percentile(0.5), 2),
        p99_ms=round(latencies.percentile(0.99), 2),
        target=target,
        cpu_us=round(web_cpu.per_request_us),
        bare_cpu_us=round(bare_cpu.per_request_us),
    )


class _CPU:
    """Processor time of a server while it is being measured: tells cost from waiting on a busy machine."""

    def __init__(self, process: psutil.Process) -> None:
        self._process = process
        self._seconds = 0.0
        self._began = 0.0
        self.requests = 0

    def __enter__(self) -> None:
        self._began = self._now()

    def __exit__(self, *_: object) -> None:
        self._seconds += self._now() - self._began

    @property
    def per_request_us(self) -> float:
        return self._seconds / max(self.requests, 1) * 1e6

    def _now(self) -> float:
        times = self._process.cpu_times()
        return float(times.user + times.system)


async def bare(bench: BenchCity, count: int = 6_000) -> load.Result:
    """The limit: parse JSON, answer JSON."""
    body = orjson.dumps({"schedule_id": "01JD0000000000000000000000", "number": 1, "patient_id": "x"})
    one = load.request("POST", "/bare", HOST, headers={}, body=body)
    return await load.run(HOST, bench.bare_port, iter([one] * count), CONNECTIONS)


async def booking(bench: BenchCity, rounds: int, progress: Progress, *, per_round: int = 4_000) -> Measured:
    """Bookings of unique residents, each on a slot of its own, after each has looked at something."""
    return await _booking(bench, "booking", rounds, progress, per_round, seen_before=True)


async def booking_cold(
    bench: BenchCity, rounds: int, progress: Progress, *, per_round: int = 4_000
) -> Measured:
    """The same as every resident's very first request: the signature of each token has to be verified."""
    return await _booking(bench, "booking, cold", rounds, progress, per_round, seen_before=False)


async def _booking(
    bench: BenchCity, name: str, rounds: int, progress: Progress, per_round: int, *, seen_before: bool
) -> Measured:
    booked: list[tuple[str, int]] = []
    claims = bench.city.db.collection("claims")
    stored_before = await claims.count_documents({})
    wishes: list[list[bytes]] = []
    for number in range(rounds):
        progress(f"preparing {per_round} residents, round {number + 1} of {rounds}")
        wishes.append(await _wishes(bench, per_round, look_first=seen_before))

    def seen(status: int, body: bytes) -> None:
        if status == 201:
            answer = orjson.loads(body)
            booked.append((answer["schedule_id"], answer["number"]))

    async def one(number: int) -> load.Result:
        progress(f"{name}, round {number + 1} of {rounds}")
        return await load.run(HOST, bench.web_port, iter(wishes[number]), CONNECTIONS, seen)

    measured = await alternate(bench, name, 0.40, rounds, one)
    measured.more = {
        "booked": len(booked),
        "oversold": len(booked) - len(set(booked)),
        "undersold": rounds * per_round - len(set(booked)),
        "acknowledged_but_not_stored": len(booked) - (await claims.count_documents({}) - stored_before),
    }
    return measured


async def _wishes(bench: BenchCity, count: int, *, look_first: bool) -> list[bytes]:
    schedules = await bench.schedules(-(-count // SLOTS_PER_SCHEDULE))
    places = [(schedule.id, slot.number) for schedule in schedules for slot in schedule.slots][:count]
    wishes, looks = [], []
    for schedule_id, number in places:
        person, token = bench.resident()
        body = orjson.dumps({"schedule_id": schedule_id, "number": number, "patient_id": person})
        headers = {"Authorization": f"Bearer {token}", "Idempotency-Key": f"bench-{person}"}
        wishes.append(load.request("POST", "/api/v1/appointments", HOST, headers=headers, body=body))
        looks.append(load.request("GET", f"/api/v1/appointments/{person}", HOST, headers=headers))
    if look_first:
        await load.run(HOST, bench.web_port, iter(looks), CONNECTIONS)
    return wishes


async def verification(
    bench: BenchCity, rounds: int, progress: Progress, *, per_round: int = 2_000
) -> Measured:
    """Terminals verify dynamic codes: each code once, each use kept, the patient's name opened."""
    people, terminals = await bench.patients(400), await bench.terminals(40)

    async def one(number: int) -> load.Result:
        progress(f"verification, round {number + 1} of {rounds}")
        # Codes live for a minute, so they are made just before; making them is not what is measured.
        requests = []
        for each in range(per_round):
            person = people[each % len(people)]
            code = await bench.city.services.healthcodes.make_dynamic(person, person.id)
            body = orjson.dumps({"code": code.text, "step": "10101"})
            headers = {"Authorization": f"Bearer {terminals[each % len(terminals)]}"}
            requests.append(
                load.request("POST", "/hospital/v1/health-codes/verify", HOST, headers=headers, body=body)
            )
        return await load.run(HOST, bench.web_port, iter(requests), CONNECTIONS)

    return await alternate(bench, "verification", 0.20, rounds, one)


async def availability(
    bench: BenchCity, rounds: int, progress: Progress, *, per_round: int = 6_000
) -> Measured:
    """Reading a department's week while nobody books: what most people do most of the time.

    A hundred people read in turns: one alone would soon be asked to wait.
    """
    for days_ahead in range(7):
        for schedule in await bench.schedules(6, days_ahead=days_ahead):
            del schedule
    path = f"/api/v1/departments/{bench.department.id}/availability?days=7"
    people = [{"Authorization": f"Bearer {bench.resident()[1]}"} for _ in range(100)]
    reads = [load.request("GET", path, HOST, headers=headers) for headers in people]

    async def read(number: int) -> load.Result:
        progress(f"reading availability, round {number + 1} of {rounds}")
        requests = itertools.islice(itertools.cycle(reads), per_round)
        return await load.run(HOST, bench.web_port, requests, CONNECTIONS)

    return await alternate(bench, "availability", 0.50, rounds, read)
