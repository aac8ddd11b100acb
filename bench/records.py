"""`python -m bench records --resources 20000000`: does reading a record slow down when the store grows?

Two stores on one server, one of so many resources and one of a fortieth, filled with the same kind of made-up
people and read in turns, so that whatever else the machine does meets both. What is timed is the service's
whole answer: query, opening what is sealed, and the entry in the audit log.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import random
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated

import typer
import uvloop

from backend import clock
from backend.audit.chain import Chain
from backend.audit.service import AuditService
from backend.audit.store import AuditStore
from backend.db.client import Database
from backend.db.migrate import migrate
from backend.demo.embedded import start_mongod
from backend.ids import new_id
from backend.permissions import Actor, Role
from backend.records.blobs import Blobs
from backend.records.file_store import FileStore
from backend.records.files import RecordFiles
from backend.records.models import Basis, BasisKind, Purpose, RecordQuery, Sensitivity, Source
from backend.records.piece_store import PieceStore
from backend.records.reading import RecordReader
from backend.records.service import RecordService
from backend.records.store import ResourceStore
from backend.security.fields import BlindIndex, FieldCipher
from backend.security.keys import Keyring
from bench.record_filling import Place, fill, indexes_afterwards
from bench.record_people import HOSPITALS, charts_of, report_of

SMALLER = 40
TARGET = 1.3
_PAGE = 50


@dataclass(frozen=True)
class Hospital:
    """The chart of one hospital, as the index would know it."""

    id: str
    organization_id: str
    person_id: str


class NoIndex:
    """Every chart belongs to the hospital that asks: whose charts are whose is not what is measured."""

    async def chart(self, chart_id: str) -> Hospital | None:
        """The chart."""
        return Hospital(chart_id, HOSPITALS[0], chart_id)

    async def charts_of(self, person_id: str) -> list[Hospital]:
        """Nobody asks."""
        return []

    async def person_of(self, chart_id: str) -> str:
        """Nobody asks."""
        return chart_id


@dataclass
class Filled:
    """A store with its people, its services, and the milliseconds each question took."""

    name: str
    people: int
    resources: int
    reader: RecordReader
    service: RecordService
    times: dict[str, list[float]] = field(default_factory=dict)

    def basis(self, person: int) -> Basis:
        """A resident looks at his own record."""
        charts = charts_of(person)
        actor = Actor("resident", charts[0], Role.RESIDENT, real_name=True)
        return Basis(
            BasisKind.OWN, charts[0], tuple(charts), Purpose.PATIENT_REQUEST, actor,
            max_sensitivity=Sensitivity.SPECIAL,
        )  # fmt: skip

    def percentile(self, question: str, share: float) -> float:
        """So many of a hundred answers took no longer."""
        times = sorted(self.times[question])
        return times[min(len(times) - 1, int(len(times) * share))]


Ask = Callable[[Filled, int], Awaitable[object]]


async def _first_page(at: Filled, person: int) -> None:
    await at.reader.timeline(at.basis(person), limit=_PAGE)


async def _second_page(at: Filled, person: int) -> None:
    basis = at.basis(person)
    cursor = (await at.reader.timeline(basis, limit=_PAGE)).cursor
    await at.reader.timeline(basis, cursor=cursor, limit=_PAGE)


async def _diagnoses(at: Filled, person: int) -> None:
    await at.reader.timeline(at.basis(person), ["diagnosis"], limit=_PAGE)


async def _trend(at: Filled, person: int) -> None:
    query = RecordQuery(types=("Observation",), codes=("http://loinc.org|2345-7",), limit=_PAGE)
    await at.reader.search(at.basis(person), query)


async def _write_report(at: Filled, person: int) -> None:
    source = Source("v2", new_id(), HOSPITALS[0], clock.now())
    await at.service.write(HOSPITALS[0], report_of(charts_of(person)[0], new_id()), source)


QUESTIONS: dict[str, tuple[Ask, float]] = {
    "timeline": (_first_page, 1.0),
    "two pages of it": (_second_page, 0.3),
    "its diagnoses": (_diagnoses, 0.5),
    "one value's trend": (_trend, 0.5),
    "writing a report of 30": (_write_report, 0.2),
}


async def _measure(stores: list[Filled], reads: int) -> None:
    """Each question, of people chosen by chance, in each store in turns."""
    dice = random.Random(7)
    for question, (ask, share) in QUESTIONS.items():
        for _ in range(int(reads * share)):
            for at in dice.sample(stores, len(stores)):
                person = dice.randrange(at.people)
                started = time.perf_counter()
                await ask(at, person)
                at.times.setdefault(question, []).append((time.perf_counter() - started) * 1000)


@contextlib.asynccontextmanager
async def _server(cache_gb: float, kept: Path | None) -> AsyncIterator[tuple[str, Path]]:
    with contextlib.ExitStack() as stack:
        home = kept or Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="healthycity-bench-")))
        mongod = await asyncio.to_thread(
            start_mongod, home / "mongodb", home / "mongodb.log", cache_gb=cache_gb
        )
        keys = home / "keys.json"
        if not keys.exists():
            Keyring.generate(keys)
        try:
            yield mongod.url, keys
        finally:
            mongod.stop()


async def _filled(place: Place, resources: int) -> tuple[Filled, Database]:
    db = Database(place.uri, place.database, app_name="bench")
    await migrate(db)
    # A file beside the keys says that a store is whole: it is read again and not filled again.
    whole = place.keys.with_name(f"{place.database}.json")
    if not whole.exists():
        async with indexes_afterwards(db):
            filled = await asyncio.to_thread(fill, place, resources)
        whole.write_text(json.dumps(filled))
    people, made = json.loads(whole.read_text())
    ring = Keyring.from_file(place.keys)
    store = ResourceStore(db, FieldCipher(ring), BlindIndex(ring))
    chain = Chain(ring)
    reader = RecordReader(store, AuditService(AuditStore(db, chain), chain))
    files = RecordFiles(FileStore(db, FieldCipher(ring)), Blobs(PieceStore(db)))
    service = RecordService(store, NoIndex(), files, nudge=lambda: None)
    return Filled(place.database, people, made, reader, service), db


async def measure(resources: int, reads: int, cache_gb: float, kept: Path | None) -> list[Filled]:
    """Fill both stores and read them in turns."""
    async with _server(cache_gb, kept) as (uri, keys):
        opened = [
            await _filled(Place(uri, name, keys), count)
            for name, count in (("small", resources // SMALLER), ("large", resources))
        ]
        stores = [store for store, _ in opened]
        await _measure(stores, max(10, reads // 10))
        for store in stores:
            store.times.clear()
        await _measure(stores, reads)
        for _, db in opened:
            await db.close()
        return stores


def main(
    resources: Annotated[int, typer.Option(help="How many resources the large store holds.")] = 2_000_000,
    reads: Annotated[int, typer.Option(help="How often the timeline is read in each store.")] = 1_500,
    cache_gb: Annotated[float, typer.Option(help="How much of it the server keeps in memory.")] = 2,
    keep: Annotated[
        Path | None,
        typer.Option(help="A folder for the stores; what is whole there is not filled again."),
    ] = None,
) -> None:
    """Measure, and print p50 and p99 of both stores with their ratio."""
    small, large = uvloop.run(measure(resources, reads, cache_gb, keep))
    sys.stdout.write(
        f"records        {small.resources} resources of {small.people} people beside "
        f"{large.resources} of {large.people}\n"
    )
    for question in QUESTIONS:
        p50, p99 = ([each.percentile(question, share) for each in (small, large)] for share in (0.5, 0.99))
        sys.stdout.write(
            f"{question:<24} p50 {p50[0]:.1f} and {p50[1]:.1f} ms, ratio {p50[1] / p50[0]:.2f}   "
            f"p99 {p99[0]:.1f} and {p99[1]:.1f} ms, ratio {p99[1] / p99[0]:.2f}\n"
        )
    ratio = large.percentile("timeline", 0.99) / small.percentile("timeline", 0.99)
    sys.stdout.write(f"the timeline's p99 grew by {ratio:.2f} (target {TARGET})\n")


if __name__ == "__main__":
    typer.run(main)
