"""Every hot question is answered by its index, in order, without reading much more than it returns."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest

from backend.db.client import Database
from backend.records.models import Basis, BasisKind, Incoming, Kind, RecordQuery
from backend.records.store import _bearing
from tests.factories.record_parts import (
    HOSPITAL,
    RecordParts,
    a_basis,
    condition,
    observation,
    report,
)

MOST = 20
KINDS = frozenset({"diagnosis", "lab"})


def stages(plan: Any) -> Iterator[dict[str, Any]]:
    """Every stage of a plan, however deep."""
    if isinstance(plan, dict):
        if "stage" in plan:
            yield plan
        for each in plan.values():
            yield from stages(each)
    elif isinstance(plan, list):
        for each in plan:
            yield from stages(each)


async def explained(parts: RecordParts, basis: Basis, query: RecordQuery, *, shown: bool) -> dict[str, Any]:
    page = parts.store._page(basis, query, shown=shown)
    assert page is not None
    found = (
        parts.db.collection("resources")
        .find(page.rules)
        .sort(page.order)
        .hint(page.index)
        .limit(query.limit + 1)
    )
    return dict(await found.explain())


async def test_hot_questions_name_their_index_and_read_little_beyond_their_answer(db: Database):
    parts = RecordParts(db)
    charts = [parts.charts.add() for _ in range(3)]
    visit = ""
    for chart in charts:
        (seen,) = await parts.write(Incoming("Encounter", chart, {"status": "finished"}, key="v"))
        visit = seen.id
        about: dict[str, Any] = {"encounter": {"reference": f"Encounter/{visit}"}}
        batch = [condition(chart, None, f"A{n}", on=f"20{n % 26:02d}-01-01") for n in range(120)]
        batch += [
            observation(chart, None, effectiveDateTime=f"2020-01-01T{n % 24:02d}:00:00Z") for n in range(120)
        ]
        batch += [report(chart, None, identifier=[{"value": f"{chart}{n}"}], **about) for n in range(12)]
        await parts.write(*batch)
    person = a_basis(*charts)
    sent = a_basis(kind=BasisKind.ORIGIN, organization_id=HOSPITAL)
    first = RecordQuery(limit=MOST)
    _, cursor = await page_and_cursor(parts, person)
    cases: list[tuple[str, Basis, RecordQuery, bool]] = [
        ("timeline", person, first, True),
        ("timeline", person, RecordQuery(limit=MOST, cursor=cursor), True),
        ("timeline_of_kind", person, RecordQuery(limit=MOST, kinds=("lab", "visit")), True),
        ("timeline_of_kind", a_basis(*charts, kinds=KINDS), first, True),
        ("of_type", person, RecordQuery(limit=MOST, types=("Condition", "Encounter")), False),
        ("codes", person, RecordQuery(limit=MOST, codes=("A7", "A9"), types=("Condition",)), False),
        ("encounter", person, RecordQuery(limit=MOST, encounter_id=visit), False),
        ("business", person, RecordQuery(limit=MOST, business=(f"{charts[0]}3",)), False),
        ("business", sent, RecordQuery(limit=MOST, business=(f"{charts[0]}3",)), False),
        ("_id_", person, RecordQuery(limit=MOST, ids=(visit,)), False),
        ("sent", sent, RecordQuery(limit=MOST, types=("Condition",)), False),
        ("sent", sent, first, False),
    ]
    for index, basis, query, shown in cases:
        plan = await explained(parts, basis, query, shown=shown)
        won = list(stages(plan["queryPlanner"]["winningPlan"]))
        assert {each["indexName"] for each in won if each["stage"] == "IXSCAN"} <= {index}
        assert "COLLSCAN" not in {each["stage"] for each in won}
        run = plan["executionStats"]
        bounded = index in ("codes", "encounter", "business", "_id_")
        assert bounded or "SORT" not in {each["stage"] for each in won}, f"{index} is sorted by hand"
        assert run["totalDocsExamined"] <= 2 * MOST + 10, f"{index} looks at {run['totalDocsExamined']}"
        # One key more for each list of keys that is merged: charts, kinds, types.
        assert run["totalKeysExamined"] <= run["nReturned"] + 260


async def test_numbers_of_many_charts_are_looked_up_in_one_question_that_reads_no_others(db: Database):
    parts = RecordParts(db)
    charts = [parts.charts.add() for _ in range(8)]
    for chart in charts:
        numbered = [
            report(chart, None, identifier=[{"system": "urn:x", "value": f"F{n}"}]) for n in range(40)
        ]
        await parts.write(*numbered)
    questions: list[Any] = []
    find = parts.store._bearing._call

    async def noted(asked: list[Any]) -> Any:
        questions.append(asked)
        return await find(asked)

    parts.store._bearing._call = noted
    types = ("DiagnosticReport", "ServiceRequest")
    found = await asyncio.gather(
        *(parts.store.bearing(chart, types, [("urn:x", f"F{n}")]) for n, chart in enumerate(charts))
    )
    assert [each.doc["chart"] for (each,) in found] == charts
    said = [parts.store.body(each)["identifier"][0]["value"] for (each,) in found]
    assert said == [f"F{n}" for n in range(8)]
    (asked,) = questions
    wanted = db.collection("resources").find(_bearing(asked)).hint("business_of_chart")
    run = (await wanted.explain())["executionStats"]
    assert run["totalDocsExamined"] == len(charts)
    assert run["totalKeysExamined"] <= 3 * len(charts)


async def page_and_cursor(parts: RecordParts, basis: Basis) -> tuple[list[str], str]:
    found = await parts.reader.timeline(basis, limit=MOST)
    assert found.cursor is not None
    return [each.id for each in found.items], found.cursor


async def test_more_lists_than_the_server_merges_are_not_sorted_by_hand_either(db: Database):
    parts = RecordParts(db)
    charts = [parts.charts.add() for _ in range(30)]
    await parts.write(*(condition(chart, None) for chart in charts))
    every_kind = a_basis(*charts, kinds=frozenset(str(kind) for kind in Kind))
    plan = await explained(parts, every_kind, RecordQuery(limit=MOST), shown=True)
    won = list(stages(plan["queryPlanner"]["winningPlan"]))
    assert "SORT" not in {each["stage"] for each in won}


@pytest.mark.parametrize("charts", [(), ("x" * 26,)])
async def test_a_basis_without_charts_of_the_resource_asks_for_nothing(db: Database, charts: tuple[str, ...]):
    parts = RecordParts(db)
    chart = parts.charts.add()
    (written,) = await parts.write(condition(chart, "a"))
    nothing = a_basis(*charts)
    assert await parts.store.find(nothing, written.id) is None
    assert await parts.store.search(nothing, RecordQuery(ids=(written.id,))) == []
    assert await parts.store.versions(nothing, written.id, 9) == []
    assert await parts.store.count(nothing, RecordQuery(), shown=False, most=9) == 0
