"""Whatever is asked on whatever basis, whatever is written by whomever: what the record promises holds."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from backend.db.client import Database
from backend.ids import new_id
from backend.records.ids import resource_id
from backend.records.models import Basis, BasisKind, Incoming, Kind, RecordQuery, Resource
from backend.records.reading import RecordReader
from tests.factories.record_parts import (
    HOSPITAL,
    OTHER_HOSPITAL,
    RecordParts,
    a_basis,
    a_message,
    at,
    condition,
    observation,
    report,
)

ON_A_DATABASE = settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
CODES = ("I10", "F32.1", "B20", "E11.9")
YEARS = range(2022, 2027)

# -- reading ---------------------------------------------------------------------------------------------


class World:
    """Three charts of two hospitals with something of every kind, and a plain list of what is in them."""

    def __init__(self, db: Database) -> None:
        self.parts = RecordParts(db)
        charts = self.parts.charts
        self.charts = [charts.add(HOSPITAL), charts.add(HOSPITAL), charts.add(OTHER_HOSPITAL)]
        self.strangers = charts.add(OTHER_HOSPITAL)
        self.all: list[Resource] = []

    async def fill(self) -> None:
        for n, chart in enumerate(self.charts):
            by = OTHER_HOSPITAL if n == 2 else HOSPITAL
            batch: list[Incoming] = [Incoming("Patient", chart, {"resourceType": "Patient"})]
            for year in YEARS:
                batch += [condition(chart, None, CODES[(year + n) % 4], on=f"{year}-0{n + 1}-01")]
                batch += [observation(chart, None, effectiveDateTime=f"{year}-06-01")]
                batch += [report(chart, None, effectiveDateTime=f"{year}-06-01")]
            written = await self.parts.write(*batch, by=by)
            await self.parts.write(condition(chart, None, id_of(written[1].id)), by=by)
            await self.parts.service.delete(by, written[2].id, a_message(by))
        everything = a_basis(*self.charts)
        for doc in await self.parts.documents():
            found = await self.parts.store.find(everything, doc["_id"])
            assert found is not None
            self.all.append(found)


def id_of(id: str) -> str:
    """A code of its own, so that nothing is said twice."""
    return f"X{id[-6:]}"


def covers(basis: Basis, it: Resource) -> bool:
    """Said here once more and otherwise than in the code: may it be read on this basis?"""
    if basis.kind is BasisKind.ORIGIN:
        right_place = it.organization_id == basis.organization_id
        right_chart = not basis.chart_ids or it.owner in basis.chart_ids
    else:
        right_place, right_chart = True, it.owner in basis.chart_ids
    in_time = (basis.since is None or basis.since <= it.at) and (basis.until is None or it.at < basis.until)
    right_kind = basis.kinds is None or it.kind in basis.kinds
    return right_place and right_chart and in_time and right_kind and it.sensitivity <= basis.max_sensitivity


def answers(query: RecordQuery, it: Resource, *, timeline: bool) -> bool:
    """Whether it is what was asked for."""
    if it.deleted or (timeline and (it.type not in ("Condition", "DiagnosticReport"))):
        return False
    return (
        (not query.types or it.type in query.types)
        and (not query.kinds or it.kind in query.kinds)
        and (query.since is None or query.since <= it.at)
        and (query.until is None or it.at < query.until)
        and (not query.ids or it.id in query.ids)
    )


INSTANTS = st.none() | st.builds(at, st.sampled_from(YEARS), st.integers(1, 12))
KINDS = st.sets(st.sampled_from([str(kind) for kind in Kind]), max_size=4)


@st.composite
def bases(draw: st.DrawFn) -> dict[str, Any]:
    """A basis; its charts by their numbers, one of which is nobody's."""
    return {
        "charts": draw(st.sets(st.integers(0, 3))),
        "kind": draw(st.sampled_from(BasisKind)),
        "organization_id": draw(st.sampled_from([HOSPITAL, OTHER_HOSPITAL])),
        "kinds": draw(st.none() | KINDS.map(frozenset)),
        "since": draw(INSTANTS),
        "until": draw(INSTANTS),
        "max_sensitivity": draw(st.integers(0, 5)),
    }


QUERIES = st.builds(
    RecordQuery,
    types=st.lists(st.sampled_from(["Condition", "Observation", "Patient"]), max_size=2).map(tuple),
    kinds=KINDS.map(tuple),
    since=INSTANTS,
    until=INSTANTS,
    limit=st.integers(1, 7),
    sort=st.sampled_from(["-at", "at", "-updated", "updated"]),
    count=st.booleans(),
)


@pytest.fixture
async def world(db: Database) -> World:
    made = World(db)
    await made.fill()
    return made


@ON_A_DATABASE
@given(drawn=bases(), query=QUERIES, one=st.integers(0, 1000), timeline=st.booleans())
async def test_no_path_returns_what_its_basis_does_not_cover_and_the_log_equals_the_accesses(
    world: World, drawn: dict[str, Any], query: RecordQuery, one: int, timeline: bool
):
    reader, charts = world.parts.reader, [*world.charts, world.strangers]
    chosen = [charts[n] for n in sorted(drawn["charts"])]
    rest = {name: value for name, value in drawn.items() if name != "charts"}
    basis = a_basis(*chosen, person_id=new_id(), **rest)
    if timeline:
        query = RecordQuery(kinds=query.kinds, limit=query.limit)
    before = len(await world.parts.entries())
    accesses: list[list[str]] = []
    seen: list[str] = []
    cursor: str | None = None
    total: int | None = None
    while cursor is not None or not accesses:
        if timeline:
            found = await reader.timeline(basis, query.kinds, cursor, query.limit)
        else:
            found = await reader.search(basis, replace(query, cursor=cursor))
        accesses.append([each.id for each in found.items])
        seen += accesses[-1]
        cursor, total = found.cursor, found.total
    wanted = [it.id for it in world.all if covers(basis, it) and answers(query, it, timeline=timeline)]
    assert sorted(seen) == sorted(wanted)
    assert total in (None, len(wanted))

    it = world.all[one % len(world.all)]
    for returned in await every_other_way(reader, basis, query, it.id):
        assert all(covers(basis, each) for each in returned)
        assert bool([each for each in returned if each.id == it.id]) <= covers(basis, it)
        accesses.append([each.id for each in returned])
    read = await reader.read(basis, it.id)
    history = await reader.history(basis, it.id)
    assert (read is not None) == bool(history) == covers(basis, it)
    accesses += [[it.id] if there else [] for there in (read, history)]

    log = await world.parts.entries()
    entries = [entry for entry in log if entry["object"] == f"person/{basis.person_id}"]
    logged = [set(entry["data"]["resources"]) for entry in entries]
    assert logged == [set(ids) for ids in accesses]
    assert len(log) - before == len(accesses)


async def every_other_way(
    reader: RecordReader, basis: Basis, query: RecordQuery, id: str
) -> list[list[Resource]]:
    """What else a reader can be asked, and what it has returned."""
    first = await reader.version(basis, id, 1)
    overview = await reader.overview(basis, query.kinds, limit=query.limit)
    found, beside = await reader.search_with_referring(basis, query, ["DiagnosticReport"])
    one, results = await reader.read_with_results(basis, id)
    return [
        [first] if first else [],
        [*overview.timeline.items, *overview.allergies, *overview.results.values()],
        [*found, *beside],
        [*([one] if one else []), *results.values()],
    ]


def test_every_way_of_reading_is_among_those_that_are_tried():
    ways = {name for name in vars(RecordReader) if not name.startswith("_")}
    tried = {"read", "history", "version", "search", "timeline"}
    assert ways == tried | {"overview", "search_with_referring", "read_with_results"}


# -- writing ---------------------------------------------------------------------------------------------

VALUES = st.integers(0, 2).map(float)
BATCH = st.lists(st.tuples(st.sampled_from("abc"), VALUES), min_size=1, max_size=3)
BATCHES = st.lists(BATCH, min_size=1, max_size=4)
ORDERS = st.lists(st.integers(0, 3), min_size=1, max_size=8)


@ON_A_DATABASE
@given(batches=BATCHES, again=ORDERS, at_once=st.booleans())
async def test_writing_any_batch_again_in_any_order_leaves_the_same_store(
    db: Database, batches: list[list[tuple[str, float]]], again: list[int], at_once: bool
):
    parts = RecordParts(db)
    chart = parts.charts.add()
    sources = [a_message() for _ in batches]

    async def send(n: int) -> None:
        await parts.write(*(observation(chart, key, value) for key, value in batches[n]), source=sources[n])

    for n in range(len(batches)):
        await send(n)
    before = await content(parts, chart)
    repeats = [send(n % len(batches)) for n in again]
    if at_once:
        await asyncio.gather(*repeats)
    else:
        for repeat in repeats:
            await repeat
    assert await content(parts, chart) == before


@ON_A_DATABASE
@given(batches=BATCHES, order=st.permutations(range(4)))
async def test_many_batches_at_once_end_in_one_history_that_each_of_them_is_in(
    db: Database, batches: list[list[tuple[str, float]]], order: list[int]
):
    parts = RecordParts(db)
    chart = parts.charts.add()
    wanted = [batches[n % len(batches)] for n in order]
    await asyncio.gather(
        *(parts.write(*(observation(chart, key, value) for key, value in batch)) for batch in wanted)
    )
    said: dict[str, set[float]] = {}
    for batch in batches:
        for key, value in dict(batch).items():
            said.setdefault(key, set()).add(value)
    basis = a_basis(chart)
    for key, values in said.items():
        history = await parts.reader.history(basis, resource_id(chart, "Observation", key))
        assert [each.version for each in history] == list(range(len(history), 0, -1))
        lived = [each.body["valueQuantity"]["value"] for each in history]
        assert all(one != other for one, other in pairwise(lived))
        assert set(lived) <= values
        received = [each.source.received_at for each in history]
        assert received == sorted(received, reverse=True)


async def content(parts: RecordParts, chart: str) -> list[tuple[Any, ...]]:
    """Everything that is stored of a chart, but for the nonces of what is sealed."""
    found: list[tuple[Any, ...]] = []
    for collection in ("resources", "resource_versions"):
        for doc in await parts.documents(collection):
            if doc["chart"] == chart:
                rest = {name: value for name, value in doc.items() if name != "body"}
                found.append((collection, doc["_id"], repr(rest), repr(parts.store._documents.read(doc))))
    return found
