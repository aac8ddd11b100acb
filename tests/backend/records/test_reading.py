"""Reading: what the basis covers and nothing else, in pages that stay put, each time on the log."""

from __future__ import annotations

from typing import Any

import pytest

from backend.audit.service import AuditService
from backend.db.client import Database
from backend.errors import AppError
from backend.ids import new_id
from backend.permissions import Actor, Role
from backend.records.models import BasisKind, Incoming, Purpose, RecordQuery
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

DOCTOR = Actor("client", new_id(), Role.HOSPITAL_CLIENT, frozenset({HOSPITAL}))


@pytest.fixture
def parts(db: Database) -> RecordParts:
    return RecordParts(db)


async def test_a_person_is_read_over_all_charts_and_after_a_merge_without_touching_a_resource(
    parts: RecordParts,
):
    here, there = parts.charts.add(), parts.charts.add(OTHER_HOSPITAL)
    await parts.write(condition(here, "a", on="2026-01-01"))
    await parts.write(condition(there, "b", on="2026-02-01"), by=OTHER_HOSPITAL)
    before = await parts.documents()
    alone = await parts.reader.timeline(a_basis(here))
    assert [each.owner for each in alone.items] == [here]
    # A merge is a link in the index: the next basis names both charts.
    together = await parts.reader.timeline(a_basis(here, there))
    assert [each.owner for each in together.items] == [there, here]
    assert await parts.documents() == before


async def test_pages_neither_repeat_nor_leave_out_while_others_write(parts: RecordParts):
    one, two = parts.charts.add(), parts.charts.add(OTHER_HOSPITAL)
    basis = a_basis(one, two)
    # Many at one instant, for it is the id that decides there.
    for chart, by in ((one, HOSPITAL), (two, OTHER_HOSPITAL)):
        await parts.write(
            *(
                condition(chart, f"c{n}", on="2026-03-01" if n % 2 else f"2026-03-{n + 1:02d}")
                for n in range(12)
            ),
            by=by,
        )
    expected = {doc["_id"] for doc in await parts.documents()}
    for sort in ("-at", "at", "-updated", "updated"):
        seen: list[str] = []
        cursor = None
        while True:
            page = await parts.reader.search(basis, RecordQuery(cursor=cursor, limit=5, sort=sort))
            seen += [each.id for each in page.items]
            # The newest of all comes in between: it belongs to the pages before, or to the end.
            on = "2020-01-01" if sort == "at" else "2027-01-01"
            await parts.write(condition(one, None, on=on))
            if page.cursor is None:
                break
            cursor = page.cursor
        old = [id for id in seen if id in expected]
        assert sorted(old) == sorted(expected)
        assert len(seen) == len(set(seen))


@pytest.mark.parametrize("cursor", ["x", "12.", "1.lower", f"{10**15 - 1}.{'A' * 26}", "1." + "A" * 99])
async def test_a_cursor_that_was_never_given_out_is_refused(parts: RecordParts, cursor: str):
    with pytest.raises(AppError, match="BAD_REQUEST"):
        await parts.reader.timeline(a_basis(new_id()), cursor=cursor)


async def test_things_are_found_by_what_a_body_says_of_them(parts: RecordParts):
    chart = parts.charts.add()
    visit = Incoming("Encounter", chart, {"status": "finished", "period": {"start": "2026-05-01"}}, key="v")
    (seen,) = await parts.write(visit)
    of_visit: dict[str, Any] = {"encounter": {"reference": f"Encounter/{seen.id}"}}
    written = await parts.write(
        observation(chart, "a", identifier=[{"system": "urn:lab", "value": "S-1"}], **of_visit),
        observation(chart, "b", effectiveDateTime="2020-02-02"),
        condition(chart, "c", "I10"),
        report(chart, "d", "preliminary"),
    )
    a, b, c, d = (each.id for each in written)
    basis = a_basis(chart)

    async def found(**query: Any) -> set[str]:
        return {each.id for each in (await parts.reader.search(basis, RecordQuery(**query))).items}

    assert await found(types=("Observation",)) == {a, b}
    assert await found(kinds=("lab",)) == {a, b, d}
    assert await found(codes=("http://loinc.org|2345-7",)) == await found(codes=("2345-7",)) == {a, b}
    assert await found(codes=("http://other.org|2345-7",)) == set()
    assert await found(codes=("2345-7", "I10")) == {a, b, c}
    assert await found(business=("urn:lab|S-1",)) == await found(business=("S-1",)) == {a}
    assert await found(encounter_id=seen.id) == {a}
    assert await found(statuses=("preliminary",)) == {d}
    assert await found(ids=(a, c, f"{new_id()}-{new_id()}")) == {a, c}
    assert await found(refs=(seen.id,)) == {a}
    assert await found(since=at(2020), until=at(2021)) == {b}
    assert await found(last_updated_since=at(2050)) == set()
    assert {each.id for each in (await parts.reader.timeline(basis)).items} == {seen.id, c, d}
    assert {each.id for each in (await parts.reader.timeline(basis, ["visit"])).items} == {seen.id}
    counted = await parts.reader.search(basis, RecordQuery(types=("Observation",), limit=1, count=True))
    assert (counted.total, len(counted.items)) == (2, 1)
    await parts.service.delete(HOSPITAL, a, a_message())
    assert await found(types=("Observation",)) == {b}


async def test_a_hospital_finds_what_it_has_sent_itself_of_all_its_charts(parts: RecordParts):
    one, two, others = parts.charts.add(), parts.charts.add(), parts.charts.add(OTHER_HOSPITAL)
    mine = await parts.write(
        condition(one, "a"), condition(two, "b"), observation(two, "c", identifier=[{"value": "9"}])
    )
    await parts.write(condition(others, "d"), by=OTHER_HOSPITAL)
    origin = a_basis(kind=BasisKind.ORIGIN, organization_id=HOSPITAL, purpose=Purpose.TREAT, actor=DOCTOR)
    everything = await parts.reader.search(origin, RecordQuery())
    assert {each.id for each in everything.items} == {each.id for each in mine}
    assert len((await parts.reader.search(origin, RecordQuery(business=("9",)))).items) == 1
    of_one = a_basis(one, kind=BasisKind.ORIGIN, organization_id=HOSPITAL, actor=DOCTOR)
    assert [each.owner for each in (await parts.reader.search(of_one, RecordQuery())).items] == [one]
    foreign = a_basis(others, kind=BasisKind.ORIGIN, organization_id=HOSPITAL, actor=DOCTOR)
    assert (await parts.reader.search(foreign, RecordQuery())).items == []


async def test_each_version_is_read_under_the_basis_of_the_newest(parts: RecordParts):
    chart = parts.charts.add()
    (written,) = await parts.write(condition(chart, "a", "I10"))
    await parts.write(condition(chart, "a", "F32.1"))
    id = written.id
    wide, narrow = a_basis(chart), a_basis(chart, max_sensitivity=4)
    assert [each.version for each in await parts.reader.history(wide, id)] == [2, 1]
    first = await parts.reader.version(wide, id, 1)
    assert first is not None
    assert first.body["meta"]["versionId"] == "1"
    assert first.body["code"]["coding"][0]["code"] == "I10"
    assert await parts.reader.version(wide, id, 3) is None
    # What has become more than an ordinary basis opens is closed with all that it was before.
    assert await parts.reader.history(narrow, id) == []
    assert await parts.reader.version(narrow, id, 1) is None


async def test_a_resource_says_which_message_it_came_from_and_sending_it_back_changes_nothing(
    parts: RecordParts,
):
    chart = parts.charts.add()
    message = a_message()
    (written,) = await parts.write(condition(chart, "a"), source=message)
    found = await parts.reader.read(a_basis(chart), written.id)
    assert found is not None
    assert found.body["meta"]["source"] == f"urn:healthycity:v2:{message.id}"
    (again,) = await parts.write(Incoming("Condition", chart, found.body, key="a"))
    assert again.outcome == "unchanged"
    # What a sender says of it stays the sender's.
    (own,) = await parts.write(condition(chart, "b", meta={"source": "http://his.example/7"}))
    kept = await parts.reader.read(a_basis(chart), own.id)
    assert kept is not None
    assert kept.body["meta"]["source"] == "http://his.example/7"


async def test_the_log_says_who_read_what_of_whom_on_which_basis(parts: RecordParts):
    chart = parts.charts.add()
    (written,) = await parts.write(condition(chart, "a"))
    basis = a_basis(
        chart,
        kind=BasisKind.CONSENT,
        reference="consent-1",
        organization_id=HOSPITAL,
        actor=DOCTOR,
        practitioner="D1001",
        purpose=Purpose.TREAT,
    )
    await parts.reader.search(basis, RecordQuery(types=("Condition",), kinds=("diagnosis",)))
    (entry,) = await parts.entries()
    wanted = {
        "action": "records.read",
        "object": f"person/{basis.person_id}",
        "basis": "consent:consent-1",
        "organization_id": HOSPITAL,
        "actor_id": DOCTOR.id,
        "data": {
            "way": "search",
            "basis": "consent",
            "purpose": "TREAT",
            "practitioner": "D1001",
            "types": ["Condition"],
            "kinds": ["diagnosis"],
            "count": 1,
            "resources": [written.id],
            "found": ["diagnosis"],
        },
    }
    assert {name: entry[name] for name in wanted} == wanted


async def test_the_log_names_all_of_a_page_and_whose_it_was(parts: RecordParts):
    one, two = parts.charts.add(), parts.charts.add()
    mine = [condition(one, f"c{n}", f"I{n}") for n in range(70)] + [condition(two, "d")]
    written = await parts.write(*mine)
    own = a_basis(one)
    assert len((await parts.reader.timeline(own, limit=200)).items) == 70
    everything = a_basis(kind=BasisKind.ORIGIN, organization_id=HOSPITAL, actor=DOCTOR, person_id="")
    await parts.reader.search(everything, RecordQuery(limit=200))
    first, second = sorted(await parts.entries(), key=lambda entry: "charts" in entry["data"])
    assert set(first["data"]["resources"]) == {each.id for each in written[:70]}
    assert "charts" not in first["data"], "the entry is the person's already"
    assert set(second["data"]["resources"]) == {each.id for each in written}
    assert second["data"]["charts"] == sorted([one, two])


async def test_nothing_is_answered_when_it_cannot_be_written_down(
    parts: RecordParts, monkeypatch: pytest.MonkeyPatch
):
    chart = parts.charts.add()
    await parts.write(condition(chart, "a"))

    async def away(*_: Any, **__: Any) -> None:
        raise ConnectionError

    monkeypatch.setattr(AuditService, "record", away)
    with pytest.raises(ConnectionError):
        await parts.reader.timeline(a_basis(chart))
