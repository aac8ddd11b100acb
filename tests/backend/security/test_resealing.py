"""The re-sealing job: in small steps, resumable, by whoever comes by, never over a newer value."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from backend import clock
from backend.db.client import Database
from backend.security.fields import FieldCipher, SealedFieldError
from backend.security.keys import Keyring
from backend.security.lasting import SealedFields, is_declared
from backend.security.resealing import BATCH, Batch, Resealing, SealedWork
from backend.security.resealing_store import Replacement, ResealingStore

PLACE = SealedFields("things", {"a": "a", "deep.b": "b"})


class Sealed:
    """A collection of sealed things and the job on it."""

    def __init__(self, db: Database) -> None:
        self.ring = Keyring.generate()
        self.cipher = FieldCipher(self.ring)
        self.things = db.collection("things")
        self.store = ResealingStore(db)
        self.work = SealedWork(self.store, self.cipher, PLACE)
        self.job = Resealing(self.store, self.ring, [self.work])

    def doc(self, number: int) -> dict[str, Any]:
        doc_id = f"{number:06d}"
        return {
            "_id": doc_id,
            "a": self.cipher.seal("things", "a", doc_id, f"a{number}"),
            "deep": {"b": self.cipher.seal("things", "b", doc_id, f"b{number}"), "plain": 1},
        }

    async def fill(self, count: int) -> None:
        await self.things.insert_many([self.doc(number) for number in range(count)])

    async def under(self, kid: str) -> int:
        return await self.work.made_with(kid)


@pytest.fixture
def sealed(db: Database) -> Sealed:
    return Sealed(db)


async def test_every_field_is_sealed_anew_and_opens_to_what_it_was(sealed: Sealed):
    await sealed.fill(BATCH + 50)
    await sealed.things.insert_one({"_id": "none"})
    sealed.ring.rotate("field")
    assert await sealed.under("field-1") == BATCH + 50
    assert await sealed.job.run() == BATCH + 50
    assert await sealed.under("field-1") == 0
    async for doc in sealed.things.find({"a": {"$exists": True}}):
        number = int(doc["_id"])
        assert sealed.cipher.open("things", "a", doc["_id"], doc["a"]) == f"a{number}"
        assert sealed.cipher.open("things", "b", doc["_id"], doc["deep"]["b"]) == f"b{number}"
        assert doc["deep"]["plain"] == 1
    assert await sealed.job.run() == 0


async def test_it_goes_on_where_it_was_cut_short(sealed: Sealed):
    await sealed.fill(3 * BATCH)
    sealed.ring.rotate("field")
    assert await sealed.job.run(within_s=0) == 0
    whole = sealed.work.batch

    async def once(after: str | None, limit: int) -> Batch:
        if after is not None:
            raise RuntimeError("killed")
        return await whole(after, limit)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sealed.work, "batch", once)
        with pytest.raises(RuntimeError):
            await sealed.job.run()
    assert await sealed.under("field-1") == 2 * BATCH
    # Its lease still stands: nobody else begins, until it has run out.
    assert await sealed.job.run() == 0
    await sealed.store._work.update_one({}, {"$set": {"leased_until": clock.now() - timedelta(seconds=1)}})
    assert await sealed.job.run() == 2 * BATCH
    (standing,) = await sealed.job.standings()
    assert standing.place is not None
    assert (standing.current, standing.place.total) == (True, 3 * BATCH)


async def test_what_was_written_behind_the_first_pass_is_found_by_the_second(
    sealed: Sealed, monkeypatch: pytest.MonkeyPatch
):
    await sealed.fill(2)
    late = sealed.doc(-1)
    sealed.ring.rotate("field")
    whole = sealed.work.batch

    async def with_a_late_writer(after: str | None, limit: int) -> Batch:
        batch = await whole(after, limit)
        await sealed.things.update_one({"_id": late["_id"]}, {"$setOnInsert": late}, upsert=True)
        return batch

    monkeypatch.setattr(sealed.work, "batch", with_a_late_writer)
    assert await sealed.job.run() == 3
    assert await sealed.under("field-1") == 0


async def test_a_newer_value_is_never_overwritten(sealed: Sealed):
    await sealed.fill(1)
    (old,) = await sealed.things.find({}).to_list(None)
    sealed.ring.rotate("field")
    newer = sealed.cipher.seal("things", "a", old["_id"], "newer")
    await sealed.things.update_one({"_id": old["_id"]}, {"$set": {"a": newer}})
    stale = sealed.cipher.seal("things", "a", old["_id"], "a0")
    assert await sealed.store.replace("things", [Replacement(old["_id"], "a", old["a"], stale)]) == 0
    (now,) = await sealed.things.find({}).to_list(None)
    assert sealed.cipher.open("things", "a", now["_id"], now["a"]) == "newer"


async def test_what_was_there_before_its_field_was_sealed_is_sealed_without_any_rotation(sealed: Sealed):
    await sealed.fill(1)
    await sealed.things.insert_one({"_id": "older", "a": "in clear", "deep": {"b": None}})
    assert await sealed.job.run() == 1
    now = await sealed.things.find_one({"_id": "older"})
    assert now is not None
    assert sealed.cipher.open("things", "a", "older", now["a"]) == "in clear"
    assert now["deep"] == {"b": None}


async def test_a_text_in_clear_that_was_changed_meanwhile_is_left_for_the_next_pass(sealed: Sealed):
    await sealed.things.insert_one({"_id": "older", "a": "newer"})
    stale = sealed.cipher.seal("things", "a", "older", "old")
    assert await sealed.store.replace("things", [Replacement("older", "a", "old", stale)]) == 0
    assert await sealed.job.run() == 1


async def test_a_damaged_field_stops_nothing_but_keeps_its_key(sealed: Sealed):
    await sealed.fill(3)
    await sealed.things.update_one({"_id": "000001"}, {"$set": {"a.ct": b"damaged damaged damaged"}})
    sealed.ring.rotate("field")
    await sealed.job.run()
    (standing,) = await sealed.job.standings()
    assert standing.current
    assert await sealed.under("field-1") == 1
    assert "1 documents need it" in " ".join(await sealed.job.reasons_to_keep("field", "field-1"))


async def test_another_algorithm_is_a_reason_too(sealed: Sealed):
    await sealed.fill(2)
    await sealed.job.run()
    national = FieldCipher(sealed.ring, "SM4-GCM")
    job = Resealing(sealed.store, sealed.ring, [SealedWork(sealed.store, national, PLACE)])
    assert await job.run() == 2
    assert {doc["a"]["alg"] async for doc in sealed.things.find({})} == {"SM4-GCM"}


async def test_a_key_rotated_again_meanwhile_begins_the_work_anew(sealed: Sealed):
    await sealed.fill(2)
    sealed.ring.rotate("field")
    await sealed.job.run()
    sealed.ring.rotate("field")
    (standing,) = await sealed.job.standings()
    assert not standing.current
    assert await sealed.job.run() == 2
    assert await sealed.under("field-3") == 2


def test_a_field_that_no_store_has_declared_cannot_be_sealed():
    cipher = FieldCipher(Keyring.generate(), may_seal=is_declared)
    with pytest.raises(SealedFieldError, match="not declared"):
        cipher.seal("things", "undeclared", "1", "text")
