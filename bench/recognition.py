"""`python -m bench recognition`: a check before ordering, over HTTP, in a store of a city's size.

One request at a time: what is measured is how long a doctor waits, not how many doctors there may be. The
bare handler answers in turns with it on the same machine.
"""

from __future__ import annotations

import asyncio
import random
import sys
from dataclasses import dataclass
from datetime import timedelta
from typing import Annotated

import orjson
import psutil
import typer
import uvloop

from backend import clock
from backend.directory.codes import HospitalLevel, OrganizationKind
from backend.directory.models import External, Organization
from backend.ids import new_id
from backend.patient_index.models import Chart, ChartNumber, Demographics
from backend.permissions import SYSTEM, Actor, Role
from backend.recognition.book import read_start, start_list
from backend.records.models import Body, Incoming, Source
from backend.records.sharing_models import CareKind
from backend.rulebooks.service import Upload
from bench import load
from bench.city import HOST, BenchCity, bench_city, made_up_id_number
from bench.record_filling import Place, fill

TARGET_MS = 50
PATH = "/hospital/v1/recognition/check"
# What a doctor orders at once, and what a patient of the ward has had in three months.
ORDERED, REPORTS, RESULTS = 8, 6, 20
_LOINC = "http://loinc.org"


class Ward:
    """Two hospitals on the lists, and patients of both."""

    def __init__(self, bench: BenchCity) -> None:
        self.bench, self.services = bench, bench.city.services
        self.items = [row for row in read_start("items") if row["形式"] == "检验"]
        self.dice = random.Random(7)
        self.charts: list[Chart] = []
        self.asking, self.source = (_hospital(name) for name in ("asking", "source"))
        self.actor = Actor(
            "client", new_id(), Role.HOSPITAL_CLIENT, frozenset({self.asking.id}), new_id(), "hospital"
        )
        self.token = self.services.tokens.issue(self.actor)

    async def prepare(self, people: int) -> None:
        """The lists, and so many patients with their results."""
        await self.services.directory.save_organizations([self.asking, self.source])
        lists, today = self.services.recognition.lists, clock.today()
        await lists.apply(SYSTEM, Upload("", start_list("370700", "健康城市"), today, "bench"), 0)
        mark = {"scope": "全国", "valid_until": (today + timedelta(days=365)).isoformat()}
        tables = {
            "institutions": [
                {"organization": place.id, "level": "三级"} for place in (self.asking, self.source)
            ],
            "marks": [
                {"organization": self.source.id, "item": row["项目编码"], **mark}
                for row in read_start("items")
            ],
        }
        await lists.apply(SYSTEM, Upload("", orjson.dumps(tables).decode(), today, "bench"), 1)
        for number in range(people):
            self.charts.append(await self._patient(number))

    async def _patient(self, number: int) -> Chart:
        who = Demographics(name="李小红", id_number=made_up_id_number(number))
        here, there = [
            await self.services.patient_index.chart_for(
                place.id, ChartNumber("bench", new_id()), who, _source(place)
            )
            for place in (self.asking, self.source)
        ]
        now = clock.now()
        await self.services.sharing.care.begin(
            CareKind.CONTRACT, here.person_id, self.asking.id, new_id(),
            begins_at=now, until=now + timedelta(days=1),
        )  # fmt: skip
        for _ in range(REPORTS):
            await self._report(there)
        return here

    async def _report(self, chart: Chart) -> None:
        at = (clock.now() - timedelta(days=self.dice.randrange(90))).isoformat()
        results = [_result(row, at) for row in self.dice.sample(self.items, RESULTS)]
        batch = [Incoming("Observation", chart.id, body) for body in results]
        source = _source(self.source)
        written = await self.services.records.write(self.source.id, batch, source)
        report = {
            "resourceType": "DiagnosticReport",
            "status": "final",
            "code": {"text": "生化检验"},
            "effectiveDateTime": at,
            "result": [{"reference": f"Observation/{each.id}"} for each in written],
        }
        await self.services.records.write(
            self.source.id, [Incoming("DiagnosticReport", chart.id, report)], source
        )

    def request(self) -> bytes:
        """A doctor orders for somebody."""
        number = self.dice.choice(self.charts).number
        body = {
            "patient": {"chart_number": {"assigner": number.assigner, "value": number.value}},
            "items": [row["LOINC"].split("；")[0] for row in self.dice.sample(self.items, ORDERED)],
            "practitioner": "D1",
        }
        headers = {"Authorization": f"Bearer {self.token}"}
        return load.request("POST", PATH, HOST, headers=headers, body=orjson.dumps(body))


@dataclass(frozen=True)
class Asked:
    """What was measured, beside the bare handler."""

    checks: load.Result
    bare: load.Result
    resources: int
    processor_s: float


async def filled(bench: BenchCity, resources: int) -> int:
    """Put others' resources around what is measured; how many there are."""
    settings = bench.city.settings
    if settings.keys_file is None:
        raise SystemExit("no keys")
    place = Place(settings.mongodb_uri.get_secret_value(), settings.mongodb_database, settings.keys_file)
    _, made = await asyncio.to_thread(fill, place, resources)
    return made


async def measure(resources: int, people: int, checks: int) -> Asked:
    """Fill, warm up, ask in turns with the bare handler."""
    async with bench_city() as bench:
        made = await filled(bench, resources)
        ward = Ward(bench)
        sys.stderr.write(f"  {people} patients with {REPORTS} reports of {RESULTS} results each\n")
        await ward.prepare(people)
        await _ask(bench, ward, checks // 5)
        asked, bare, processor = load.Result(), load.Result(), 0.0
        for _ in range(5):
            _add(bare, await _bare(bench, checks // 5))
            before = _processor(bench.web)
            _add(asked, await _ask(bench, ward, checks // 5))
            processor += _processor(bench.web) - before
        return Asked(asked, bare, made + people * REPORTS * (RESULTS + 1), processor)


def _processor(web: psutil.Process) -> float:
    """Seconds of processor that the web has used: what a busy machine does not change."""
    times = [each.cpu_times() for each in (web, *web.children(recursive=True))]
    return sum(each.user + each.system for each in times)


async def _ask(bench: BenchCity, ward: Ward, count: int) -> load.Result:
    requests = [ward.request() for _ in range(count)]
    return await load.run(HOST, bench.web_port, iter(requests), 1)


async def _bare(bench: BenchCity, count: int) -> load.Result:
    one = load.request("POST", "/bare", HOST, headers={}, body=b"{}")
    return await load.run(HOST, bench.bare_port, iter([one] * count), 1)


def _add(total: load.Result, more: load.Result) -> None:
    total.latencies += more.latencies
    total.seconds += more.seconds
    for status, count in more.statuses.items():
        total.statuses[status] = total.statuses.get(status, 0) + count


def _hospital(name: str) -> Organization:
    return Organization(
        id=new_id(),
        external=External("bench", name),
        name=f"健康城市{name}医院",
        short_name="",
        kind=OrganizationKind.GENERAL,
        level=HospitalLevel.L3_A,
    )


def _source(place: Organization) -> Source:
    return Source("fhir", new_id(), place.id, clock.now())


def _result(row: dict[str, str], at: str) -> Body:
    return {
        "resourceType": "Observation",
        "status": "final",
        "category": [{"coding": [{"code": "laboratory"}]}],
        "code": {
            "coding": [{"system": _LOINC, "code": row["LOINC"].split("；")[0]}],
            "text": row["项目名称"],
        },
        "effectiveDateTime": at,
        "valueQuantity": {"value": 4.1, "unit": "mmol/L"},
        "referenceRange": [{"low": {"value": 3.5}, "high": {"value": 5.3}}],
    }


def main(
    resources: Annotated[int, typer.Option(help="How many resources of others there are.")] = 50_000,
    people: Annotated[int, typer.Option(help="How many patients of the ward are asked about.")] = 50,
    checks: Annotated[int, typer.Option(help="How often a doctor asks.")] = 300,
) -> None:
    """Measure, and print p50 and p99 in milliseconds with the ratio to the bare handler."""
    found = uvloop.run(measure(resources, people, checks))
    asked, bare = found.checks, found.bare
    if set(asked.statuses) != {200}:
        raise SystemExit(f"answered otherwise: {asked.statuses}")
    p50, p99 = (asked.percentile(share) for share in (0.5, 0.99))
    bare50, bare99 = (bare.percentile(share) for share in (0.5, 0.99))
    cpu = found.processor_s * 1000 / len(asked.latencies)
    sys.stdout.write(
        f"recognition    {found.resources} resources, {ORDERED} items a check  p50 {p50:.1f} ms  "
        f"p99 {p99:.1f} ms (target {TARGET_MS})  processor {cpu:.1f} ms  "
        f"bare p50 {bare50:.2f} ms  p99 {bare99:.2f} ms  ratio {p50 / bare50:.1f}\n"
    )


if __name__ == "__main__":
    typer.run(main)
