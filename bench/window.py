"""`python -m bench window`: from the doctor's click to the first page of the record window, step by step.

One doctor at a time, over HTTP: the signed address is asked for, opened, and followed to the page, as a
workstation does it. The bare handler answers in turns with it on the same machine.
"""

from __future__ import annotations

import asyncio
import random
import statistics
import sys
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Annotated, Any

import orjson
import typer
import uvloop

from backend.records.launches import actor_of
from backend.records.models import Purpose
from backend.records.sharing_models import Launch
from backend.records.sharing_schemas import asked_of
from bench import load
from bench.city import HOST, BenchCity, bench_city
from bench.recognition import Ward, filled

STEPS = ("address", "opened", "first page")
LAUNCH = "/hospital/v1/record-launches"
_PAGE = 60


@dataclass
class Seen:
    """What was measured, in seconds; `within` are the parts of the page, asked for one by one."""

    steps: dict[str, list[float]] = field(default_factory=lambda: {name: [] for name in STEPS})
    whole: list[float] = field(default_factory=list)
    bare: list[float] = field(default_factory=list)
    within: dict[str, list[float]] = field(default_factory=dict)
    commands: float = 0.0
    processor: float = 0.0
    resources: int = 0


@dataclass
class Answer:
    """One answer, and how long it took."""

    status: int
    headers: dict[str, str]
    body: bytes
    seconds: float


class Workstation:
    """One connection to the web, kept open."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    async def ask(self, request: bytes) -> Answer:
        """Send, and read the whole answer."""
        began = time.perf_counter()
        self._writer.write(request)
        head = (await self._reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        headers = {
            name.lower(): value.strip() for name, _, value in (line.partition(":") for line in head[1:])
        }
        body = await self._reader.readexactly(int(headers.get("content-length", "0")))
        return Answer(int(head[0].split(" ")[1]), headers, body, time.perf_counter() - began)

    async def get(self, path: str, cookie: str = "") -> Answer:
        """A page, with the cookie of the window."""
        return await self.ask(load.request("GET", path, HOST, headers={"Cookie": cookie} if cookie else {}))


async def connect(port: int) -> Workstation:
    """A workstation at a port."""
    return Workstation(*await asyncio.open_connection(HOST, port))


async def measure(resources: int, people: int, windows: int) -> Seen:
    """Fill, warm up, open windows in turns with the bare handler."""
    async with bench_city() as bench:
        made = await filled(bench, resources)
        ward = Ward(bench)
        sys.stderr.write(f"  {people} patients\n")
        await ward.prepare(people)
        seen, dice = Seen(resources=made), random.Random(11)
        for number in range(windows // 5 + windows):
            chart = dice.choice(ward.charts)
            kept = seen if number >= windows // 5 else Seen()
            await _open(bench, ward, chart.number, kept)
        await _count(bench, ward, seen, windows)
        for _ in range(windows):
            await _within(bench, ward, dice.choice(ward.charts).person_id, seen)
        return seen


async def _open(bench: BenchCity, ward: Ward, number: Any, seen: Seen) -> None:
    """Once to the first page; the bare handler before it."""
    bare, web = await connect(bench.bare_port), await connect(bench.web_port)
    one = load.request("POST", "/bare", HOST, headers={}, body=b"{}")
    await bare.ask(one)
    seen.bare.append((await bare.ask(one)).seconds)
    answers = await _first_page(web, ward, number)
    for name, answer in zip(STEPS, answers, strict=True):
        seen.steps[name].append(answer.seconds)
    seen.whole.append(sum(answer.seconds for answer in answers))


async def _first_page(web: Workstation, ward: Ward, number: Any) -> tuple[Answer, Answer, Answer]:
    asked = {
        "patient": {"chart_number": {"assigner": number.assigner, "value": number.value}},
        "practitioner": "D1",
    }
    headers = {"Authorization": f"Bearer {ward.token}"}
    made = await web.ask(load.request("POST", LAUNCH, HOST, headers=headers, body=orjson.dumps(asked)))
    _check(made, 201)
    opened = await web.get("/workstation" + orjson.loads(made.body)["url"].partition("/workstation")[2])
    _check(opened, 303)
    page = await web.get(opened.headers["location"], opened.headers["set-cookie"].partition(";")[0])
    _check(page, 200)
    if "生化检验" not in page.body.decode():
        raise SystemExit("the page shows no report")
    return made, opened, page


def _check(answer: Answer, status: int) -> None:
    if answer.status != status:
        raise SystemExit(f"answered {answer.status}: {answer.body[:200].decode(errors='replace')}")


async def _count(bench: BenchCity, ward: Ward, seen: Seen, windows: int) -> None:
    """What a first page costs the database and the web's processor, whoever else computes."""
    web, pages = await connect(bench.web_port), min(windows, 50)
    _, opened, _ = await _first_page(web, ward, ward.charts[0].number)
    cookie, path = opened.headers["set-cookie"].partition(";")[0], opened.headers["location"]
    before, used = await _commands(bench), bench.web.cpu_times()
    for _ in range(pages):
        _check(await web.get(path, cookie), 200)
    after, times = await _commands(bench), bench.web.cpu_times()
    seen.commands = (after - before) / pages
    seen.processor = (times.user + times.system - used.user - used.system) / pages


async def _commands(bench: BenchCity) -> int:
    counted = await bench.city.db.native.command("serverStatus")
    return sum(counted["opcounters"][name] for name in ("query", "insert", "update", "getmore"))


async def _within(bench: BenchCity, ward: Ward, person_id: str, seen: Seen) -> None:
    """The page's parts, asked of the services one after another."""
    services = bench.city.services
    launch, secret = await _opened(bench, ward, person_id)
    actor = actor_of(launch)

    async def timed(name: str, ask: Callable[[], Awaitable[Any]]) -> Any:
        began = time.perf_counter()
        found = await ask()
        seen.within.setdefault(name, []).append(time.perf_counter() - began)
        return found

    await timed("window", lambda: services.sharing.launches.find(launch.id, secret))
    basis = await timed("ground", lambda: services.record_gate.care(actor, person_id, asked_of(launch)))
    overview = await timed(
        "record and its entry", lambda: services.record_reader.overview(basis, [], None, _PAGE)
    )
    places = {each.organization_id for each in overview.timeline.items}
    await timed("hospitals", lambda: services.directory.organizations_by_id(places))
    await timed("who", lambda: services.residents.identities([person_id]))


async def _opened(bench: BenchCity, ward: Ward, person_id: str) -> tuple[Launch, str]:
    launches = bench.city.services.sharing.launches
    launch = await launches.make(
        ward.actor, ward.asking.id, person_id,
        practitioner="D1", encounter="", purpose=Purpose.TREAT, presented=False,
    )  # fmt: skip
    opened = await launches.open(launches.address(launch).rpartition("/")[2])
    return opened.launch, opened.secret


def _told(name: str, seconds: list[float]) -> str:
    ordered = sorted(seconds)
    p99 = ordered[min(int(len(ordered) * 0.99), len(ordered) - 1)]
    return f"{name:<22} p50 {statistics.median(ordered) * 1000:6.1f} ms  p99 {p99 * 1000:6.1f} ms\n"


def main(
    resources: Annotated[int, typer.Option(help="How many resources of others there are.")] = 50_000,
    people: Annotated[int, typer.Option(help="How many patients a doctor may open.")] = 50,
    windows: Annotated[int, typer.Option(help="How often a doctor opens one.")] = 200,
) -> None:
    """Measure, and print each step, the parts of the page, and the ratio to the bare handler."""
    seen = uvloop.run(measure(resources, people, windows))
    say = sys.stdout.write
    for name, seconds in seen.steps.items():
        say(_told(name, seconds))
    say(_told("click to page", seen.whole))
    say(_told("bare handler", seen.bare))
    ratio = statistics.median(seen.whole) / statistics.median(seen.bare)
    say(f"window         {seen.resources} resources  ratio {ratio:.1f} to a bare answer\n")
    say(f"the page       {seen.commands:.1f} commands, processor {seen.processor * 1000:.1f} ms\n")
    for name, seconds in seen.within.items():
        say(f"  {_told(name, seconds)}")


if __name__ == "__main__":
    typer.run(main)
