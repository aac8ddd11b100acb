"""Writing: all or nothing, once however often it comes, one history however many write, own charts only."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

import pytest

from backend.db.client import Database
from backend.errors import AppError, ErrorCode
from backend.ids import new_id
from backend.records import bodies
from backend.records.ids import resource_id
from backend.records.models import Incoming, Outcome, Source
from tests.factories.record_parts import (
    HOSPITAL,
    OTHER_HOSPITAL,
    RecordParts,
    a_basis,
    a_message,
    condition,
    observation,
    report,
)

CREATED, UPDATED, UNCHANGED = Outcome.CREATED, Outcome.UPDATED, Outcome.UNCHANGED


@pytest.fixture
def parts(db: Database) -> RecordParts:
    return RecordParts(db)


def outcomes(written: list[Any]) -> list[tuple[int, Outcome]]:
    return [(each.version, each.outcome) for each in written]


async def refused(code: ErrorCode, parts: RecordParts, *batch: Incoming, by: str = HOSPITAL) -> None:
    with pytest.raises(AppError) as error:
        await parts.write(*batch, by=by)
    assert error.value.code is code


async def test_ids_come_of_the_senders_names_and_carry_their_owner(parts: RecordParts):
    chart = parts.charts.add()
    named = observation(chart, "lab-7")
    patient = Incoming("Patient", chart, {"resourceType": "Patient"}, key="whatever")
    about_itself = Incoming("Location", HOSPITAL, {"resourceType": "Location", "name": "三号楼"}, key="L3")
    written = await parts.write(named, patient, observation(chart, None), about_itself)
    assert written[0].id == resource_id(chart, "Observation", "lab-7")
    assert written[1].id == chart
    assert written[2].id.startswith(f"{chart}-")
    assert written[3].id.startswith(f"{HOSPITAL}-")
    assert {doc["_id"]: doc["chart"] for doc in await parts.documents()} == {
        each.id: each.id[:26] for each in written
    }


async def test_the_same_content_makes_no_new_version_whatever_the_store_has_added(parts: RecordParts):
    chart = parts.charts.add()
    first = await parts.write(observation(chart, "a"), condition(chart, "b"))
    assert outcomes(first) == [(1, CREATED), (1, CREATED)]
    read = await parts.reader.read(a_basis(chart), first[0].id)
    assert read is not None
    # Sent back as it was handed out, with id, version and date, and its members in another order.
    turned = dict(reversed(read.body.items()))
    again = await parts.write(Incoming("Observation", chart, turned, key="a"), condition(chart, "b"))
    assert outcomes(again) == [(1, UNCHANGED), (1, UNCHANGED)]
    changed = await parts.write(observation(chart, "a", 6.1), condition(chart, "b"))
    assert outcomes(changed) == [(2, UPDATED), (1, UNCHANGED)]
    older = await parts.documents("resource_versions")
    assert [(doc["resource_id"], doc["version"]) for doc in older] == [(first[0].id, 1)]


async def test_a_message_that_comes_again_after_a_newer_one_changes_nothing(parts: RecordParts):
    chart = parts.charts.add()
    early, late, corrected = a_message(), a_message(), a_message()
    await parts.write(observation(chart, "a", 1.0), source=early)
    await parts.write(observation(chart, "a", 2.0), source=late)
    again = await parts.write(observation(chart, "a", 1.0), observation(chart, "b"), source=early)
    assert outcomes(again) == [(2, UNCHANGED), (1, CREATED)]
    # Another message may well say again what the first one said: a correction of a correction.
    assert outcomes(await parts.write(observation(chart, "a", 1.0), source=corrected)) == [(3, UPDATED)]
    # And the newest may be read anew, once its sender's mapping has been put right.
    assert outcomes(await parts.write(observation(chart, "a", 1.5), source=corrected)) == [(4, UPDATED)]


async def test_of_several_forms_of_one_resource_in_a_batch_the_last_counts(parts: RecordParts):
    chart = parts.charts.add()
    written = await parts.write(*(observation(chart, "a", value) for value in (1.0, 2.0, 3.0)))
    assert outcomes(written) == [(1, CREATED)] * 3
    (doc,) = await parts.documents()
    assert doc["version"] == 1
    found = await parts.reader.read(a_basis(chart), doc["_id"])
    assert found is not None
    assert found.body["valueQuantity"]["value"] == 3.0


async def test_nothing_of_a_batch_is_written_when_one_of_it_is_refused(parts: RecordParts):
    mine, others = parts.charts.add(), parts.charts.add(OTHER_HOSPITAL)
    good = observation(mine, "good")
    too_large = condition(mine, "b", note=[{"text": "长" * bodies.LARGEST}])
    deep: Any = "x"
    for _ in range(200):
        deep = {"extension": [deep]}
    for bad, code in (
        (observation(others, "b"), ErrorCode.NOT_FOUND),
        (observation(new_id(), "b"), ErrorCode.NOT_FOUND),
        (observation(OTHER_HOSPITAL, "b"), ErrorCode.NOT_FOUND),
        (Incoming("Spaceship", mine, {}), ErrorCode.RESOURCE_INVALID),
        (Incoming("Condition", mine, {"resourceType": "Observation"}), ErrorCode.RESOURCE_INVALID),
        (Incoming("Condition", mine, {"note": deep}), ErrorCode.RESOURCE_INVALID),
        (Incoming("Condition", mine, {"note": object()}), ErrorCode.RESOURCE_INVALID),
        (Incoming("Condition", mine, {"note": "\ud800"}), ErrorCode.RESOURCE_INVALID),
        (replace(observation(mine, None), id=f"{others}-{new_id()}"), ErrorCode.RESOURCE_INVALID),
        (replace(observation(mine, None), id="../etc"), ErrorCode.RESOURCE_INVALID),
        (Incoming("Patient", mine, {}, id=f"{mine}-{new_id()}"), ErrorCode.RESOURCE_INVALID),
        (replace(observation(mine, "b"), if_version=3), ErrorCode.VERSION_CONFLICT),
        (too_large, ErrorCode.BODY_TOO_LARGE),
    ):
        await refused(code, parts, good, bad)
    await refused(ErrorCode.BODY_TOO_LARGE, parts, *[good] * (bodies.MOST_AT_ONCE + 1))
    assert await parts.documents() == []


async def test_an_id_keeps_its_type(parts: RecordParts):
    chart = parts.charts.add()
    (written,) = await parts.write(observation(chart, "a"))
    await refused(ErrorCode.RESOURCE_INVALID, parts, replace(condition(chart, None), id=written.id))


async def test_if_match_lets_only_one_of_two_writers_through(parts: RecordParts):
    chart = parts.charts.add()
    await parts.write(observation(chart, "a", 1.0))

    async def change(value: float) -> Outcome | ErrorCode:
        try:
            (written,) = await parts.write(replace(observation(chart, "a", value), if_version=1))
        except AppError as error:
            return error.code
        return written.outcome

    both = await asyncio.gather(change(2.0), change(3.0))
    assert sorted(both) == sorted([UPDATED, ErrorCode.VERSION_CONFLICT])
    # Asking once more for what has been done is no conflict.
    doc = (await parts.documents())[0]
    found = await parts.reader.read(a_basis(chart), doc["_id"])
    assert found is not None
    value = found.body["valueQuantity"]["value"]
    assert await change(value) is UNCHANGED


async def test_many_writers_of_one_resource_leave_one_history_without_gaps(parts: RecordParts):
    chart, moment = parts.charts.add(), a_message()

    async def write(n: int, source: Source) -> None:
        await parts.write(observation(chart, "a", float(n)), observation(chart, f"{n}"), source=source)

    async def values() -> list[float]:
        history = await parts.reader.history(a_basis(chart), resource_id(chart, "Observation", "a"))
        assert [each.version for each in history] == list(range(len(history), 0, -1))
        return [each.body["valueQuantity"]["value"] for each in history]

    # Of messages that came at one moment, each is in the history; of others, the last to come is what stands.
    await asyncio.gather(*(write(n, replace(moment, id=new_id())) for n in range(12)))
    assert sorted(await values()) == [float(n) for n in range(12)]
    later = [a_message() for _ in range(12)]
    await asyncio.gather(*(write(n + 20, later[n]) for n in (5, 11, 3, 8)))
    assert (await values())[0] == 31.0
    assert len(await parts.documents()) == 17


async def test_one_batch_from_many_sides_at_once_is_written_once(parts: RecordParts):
    chart, source = parts.charts.add(), a_message()
    batch = [report(chart, "r"), *(observation(chart, f"o{n}") for n in range(5))]
    results = await asyncio.gather(*(parts.write(*batch, source=source) for _ in range(8)))
    created = [each for written in results for each in written if each.outcome is CREATED]
    assert len(created) == len({each.id for each in created}) == 6
    assert {doc["version"] for doc in await parts.documents()} == {1}
    assert await parts.documents("resource_versions") == []


async def test_a_report_is_told_of_once_when_it_is_first_issued(parts: RecordParts):
    chart = parts.charts.add()
    for status in ("preliminary", "final", "corrected", "amended"):
        await parts.write(report(chart, "r", status))
    (doc,) = await parts.documents()
    (event,) = doc["events"]
    assert doc["events_due"] is True
    assert event["kind"] == "report.issued"
    assert event["data"] == {"chart_id": chart, "resource_id": doc["_id"], "organization_id": HOSPITAL}
    assert parts.nudged == 1


async def test_a_visit_is_told_of_when_it_begins_and_when_it_ends(parts: RecordParts):
    chart = parts.charts.add()
    for status in ("planned", "arrived", "in-progress", "finished", "in-progress", "finished"):
        body = {"resourceType": "Encounter", "status": status, "class": {"code": "IMP"}}
        await parts.write(Incoming("Encounter", chart, body, key="v"))
    (doc,) = await parts.documents()
    assert [event["kind"] for event in doc["events"]] == ["encounter.started", "encounter.finished"]
    assert doc["events"][1]["data"] == {
        "chart_id": chart, "resource_id": doc["_id"], "organization_id": HOSPITAL, "class": "IMP",
    }  # fmt: skip


async def test_what_is_taken_back_is_gone_but_its_history_stays_and_it_may_come_again(parts: RecordParts):
    chart = parts.charts.add()
    (written,) = await parts.write(observation(chart, "a"))
    basis = a_basis(chart)
    gone = await parts.service.delete(HOSPITAL, written.id, a_message())
    assert (gone.version, gone.outcome) == (2, Outcome.DELETED)
    twice = await parts.service.delete(HOSPITAL, written.id, a_message())
    assert (twice.version, twice.outcome) == (2, UNCHANGED)
    read = await parts.reader.read(basis, written.id)
    assert read is not None
    assert (read.deleted, read.body) == (True, {})
    assert [each.deleted for each in await parts.reader.history(basis, written.id)] == [True, False]
    assert outcomes(await parts.write(observation(chart, "a"))) == [(3, UPDATED)]
    with pytest.raises(AppError, match="NOT_FOUND"):
        await parts.service.delete(OTHER_HOSPITAL, written.id, a_message(OTHER_HOSPITAL))
    with pytest.raises(AppError, match="NOT_FOUND"):
        await parts.service.delete(HOSPITAL, f"{chart}-{new_id()}", a_message())
    with pytest.raises(AppError, match="VERSION_CONFLICT"):
        await parts.service.delete(HOSPITAL, written.id, a_message(), if_version=1)


async def test_what_needs_more_than_an_ordinary_basis_takes_its_results_along(parts: RecordParts):
    chart = parts.charts.add()
    result = observation(chart, "o", code={"coding": [{"system": "urn:hospital", "code": "X1"}]})
    about: dict[str, Any] = {
        "result": [{"reference": f"Observation/{resource_id(chart, 'Observation', 'o')}"}]
    }
    await parts.write(result, report(chart, "r", code={"text": "HIV抗体初筛"}, **about))
    assert {doc["sensitivity"] for doc in await parts.documents()} == {5}


async def test_what_came_before_a_sensitive_report_or_is_corrected_after_it_is_as_closed(parts: RecordParts):
    chart, other = parts.charts.add(), parts.charts.add(OTHER_HOSPITAL)
    code = {"coding": [{"system": "urn:hospital", "code": "X1"}]}
    result = observation(chart, "o", code=code)
    paper = Incoming(
        "Binary", chart, {"resourceType": "Binary", "contentType": "text/plain", "data": "YQ=="}, key="b"
    )
    picture = Incoming("Binary", chart, {"resourceType": "Binary", "contentType": "image/png"}, key="p")
    foreign = observation(other, "x", code=code)
    await parts.write(foreign, by=OTHER_HOSPITAL)
    first, hung, _ = await parts.write(result, paper, picture)
    foreign_id = resource_id(other, "Observation", "x")
    about: dict[str, Any] = {
        "result": [{"reference": f"Observation/{id}"} for id in (first.id, foreign_id)],
        "presentedForm": [{"contentType": "text/plain", "url": f"Binary/{hung.id}"}],
    }
    await parts.write(result, report(chart, "r", code={"text": "HIV抗体初筛"}, **about))
    await parts.write(observation(chart, "o", 7.7, code=code))
    ordinary = a_basis(chart, other, max_sensitivity=4)
    for id in (first.id, hung.id):
        assert await parts.reader.read(ordinary, id) is None
        assert await parts.reader.history(ordinary, id) == []
    # What hangs on nothing stays as it is, and nobody closes what another hospital has sent.
    assert await parts.reader.read(ordinary, resource_id(chart, "Binary", "p")) is not None
    assert await parts.reader.read(ordinary, foreign_id) is not None


async def test_no_body_code_or_identifier_stands_in_clear(parts: RecordParts):
    chart = parts.charts.add()
    secret: dict[str, Any] = {
        "identifier": [{"system": "urn:his", "value": "BL-778899"}],
        "note": [{"text": "住在三楼"}],
    }
    await parts.write(condition(chart, "a", "E11.9", **secret))
    await parts.write(condition(chart, "a", "E11.8", **secret))
    for collection in ("resources", "resource_versions"):
        (doc,) = await parts.documents(collection)
        stored = repr(doc)
        for word in ("BL-778899", "住在三楼", "E11", "icd-10"):
            assert word not in stored
