"""After a rotation of keys, or of the rules of reading, everything is found and opened as before."""

from __future__ import annotations

import pytest

from backend.db.client import Database
from backend.records import documents
from backend.records.ids import resource_id
from backend.records.models import Outcome, RecordQuery
from backend.security.lasting import SEALED
from backend.security.resealing import Resealing, SealedWork
from backend.security.resealing_store import ResealingStore
from tests.factories.record_parts import HOSPITAL, RecordParts, a_basis, a_message, condition, observation

ASKED = RecordQuery(codes=("2345-7",), business=("urn:lis|R1",))


@pytest.fixture
def parts(db: Database) -> RecordParts:
    return RecordParts(db)


def resealing(parts: RecordParts) -> Resealing:
    store = ResealingStore(parts.db)
    sealed = [SealedWork(store, parts.cipher, SEALED[name]) for name in ("resources", "resource_versions")]
    return Resealing(store, parts.ring, [*sealed, parts.indexes])


async def test_new_keys_leave_everything_found_read_and_known_for_what_it_is(parts: RecordParts):
    chart = parts.charts.add()
    first = observation(chart, "a", identifier=[{"system": "urn:lis", "value": "R1"}])
    (written,) = await parts.write(observation(chart, "a", 1.0))
    await parts.write(first, condition(chart, "gone"))
    await parts.service.delete(HOSPITAL, resource_id(chart, "Condition", "gone"), a_message())
    basis, work = a_basis(chart), resealing(parts)

    async def as_before() -> None:
        assert [each.id for each in (await parts.reader.search(basis, ASKED)).items] == [written.id]
        assert [each.version for each in await parts.reader.history(basis, written.id)] == [2, 1]
        (again,) = await parts.write(first)
        assert again.outcome is Outcome.UNCHANGED

    parts.ring.rotate("field")
    parts.ring.rotate("blind")
    await as_before()
    assert await parts.indexes.made_with("blind-1") == 2
    while await work.run():
        pass
    assert await parts.indexes.made_with("blind-1") == 0
    for collection in ("resources", "resource_versions"):
        kids = {doc["body"]["kid"] for doc in await parts.documents(collection) if doc["body"]}
        assert kids == {"field-2"}
    await as_before()


async def test_other_rules_index_everything_anew_and_open_nothing_wider(
    parts: RecordParts, monkeypatch: pytest.MonkeyPatch
):
    chart = parts.charts.add()
    await parts.write(condition(chart, "a", "F32.1"), condition(chart, "b", "I10"))
    before = await parts.documents()
    monkeypatch.setattr(documents, "RULES", "2/another")
    # As if the table had forgotten what it said of the one, and had learnt of the other.
    monkeypatch.setattr("backend.records.deriving.is_special", lambda system, code: code == "I10")
    while await resealing(parts).run():
        pass
    after = await parts.documents()
    assert sorted(doc["sensitivity"] for doc in before) == [4, 5]
    assert [doc["sensitivity"] for doc in after] == [5, 5]
    assert {(doc["version"], doc["rules"]) for doc in after} == {(1, "2/another")}


async def test_one_damaged_body_does_not_keep_the_others_from_the_new_key(parts: RecordParts):
    chart = parts.charts.add()
    written = await parts.write(condition(chart, "a"), condition(chart, "b"))
    resources = parts.db.collection("resources")
    await resources.update_one({"_id": written[0].id}, {"$set": {"body.ct": b"damaged"}})
    parts.ring.rotate("blind")
    await parts.indexes.batch(None, 10)
    blinds = {doc["_id"]: doc["blind"] for doc in await parts.documents()}
    assert blinds == {written[0].id: "blind-1", written[1].id: "blind-2"}
