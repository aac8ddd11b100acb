"""The `record_glasses` collection: who broke the glass for whose record, why, and what was found later."""

from __future__ import annotations

from collections.abc import Collection as Ids
from dataclasses import replace
from datetime import datetime

from pymongo import DESCENDING
from pymongo.errors import DuplicateKeyError

from backend.db.client import Database, Document
from backend.ids import named_id
from backend.records.sharing_models import BrokenGlass, Review, Verdict
from backend.security.fields import FieldCipher
from backend.security.lasting import declare_sealed
from backend.worker.events import Event, embedded

_GLASSES = "record_glasses"
declare_sealed(_GLASSES, "reason", "note")


class GlassStore:
    """Broken glasses by id; what was said before and after is sealed."""

    def __init__(self, db: Database, cipher: FieldCipher) -> None:
        self._glasses = db.collection(_GLASSES)
        self._windows = db.collection("record_glass_windows")
        self._cipher = cipher

    async def insert(self, glass: BrokenGlass, event: Event) -> bool:
        """Keep a broken glass with the event that tells of it; False when it is there already."""
        try:
            await self._glasses.insert_one(self._write(glass) | embedded(event))
        except DuplicateKeyError:
            return False
        return True

    async def claim(self, glass: BrokenGlass, at: datetime) -> tuple[str, datetime]:
        """The glass of this person, practitioner and institution that is open now, and until when: this one,
        unless somebody else's was a moment earlier.
        """
        key = named_id("glass", glass.person_id, glass.organization_id, glass.practitioner)
        mine = {"glass_id": glass.id, "expires_at": glass.expires_at}
        try:
            await self._windows.update_one(
                {"_id": key, "expires_at": {"$lte": at}}, {"$set": mine}, upsert=True
            )
        except DuplicateKeyError:
            found = await self._windows.find_one({"_id": key})
            if found is not None:
                return found["glass_id"], found["expires_at"]
        return glass.id, glass.expires_at

    async def find(self, glass_id: str) -> BrokenGlass | None:
        """A broken glass, or None."""
        doc = await self._glasses.find_one({"_id": glass_id})
        return self._read(doc) if doc else None

    async def find_many(self, ids: Ids[str]) -> list[BrokenGlass]:
        """Those of these ids that there are."""
        found = self._glasses.find({"_id": {"$in": sorted(ids)}}) if ids else None
        return [self._read(doc) async for doc in found] if found is not None else []

    async def open_for(
        self, person_id: str, organization_id: str, practitioner: str, at: datetime
    ) -> BrokenGlass | None:
        """The glass through which this practitioner may read this person's record at a moment."""
        where = {
            "person_id": person_id,
            "organization_id": organization_id,
            "practitioner": practitioner,
            "expires_at": {"$gt": at},
        }
        doc = await self._glasses.find_one(where, sort=[("_id", DESCENDING)])
        return self._read(doc) if doc else None

    async def set_review(self, glass: BrokenGlass, review: Review) -> bool:
        """Write the finding; False when there is one already."""
        change = {
            "verdict": str(review.verdict),
            "reviewed_by": review.by,
            "reviewed_at": review.at,
            "note": self._cipher.seal(_GLASSES, "note", glass.id, review.note),
            "turn": glass.turn + 1,
        }
        where = {"_id": glass.id, "verdict": None}
        return (await self._glasses.update_one(where, {"$set": change})).matched_count == 1

    async def list_of(
        self, within: Ids[str] | None, reviewed: bool, before: str, limit: int
    ) -> list[BrokenGlass]:
        """Of these institutions (None: of all), newest first, beyond the id `before`."""
        where: Document = {"verdict": {"$ne": None} if reviewed else None}
        if within is not None:
            where["organization_id"] = {"$in": sorted(within)}
        if before:
            where["_id"] = {"$lt": before}
        found = self._glasses.find(where).sort("_id", DESCENDING).limit(limit)
        return [self._read(doc) async for doc in found]

    async def count_waiting(self, within: Ids[str] | None) -> int:
        """How many nobody has looked at."""
        where: Document = {"verdict": None}
        if within is not None:
            where["organization_id"] = {"$in": sorted(within)}
        return await self._glasses.count_documents(where)

    async def tally(self, within: Ids[str] | None, since: datetime) -> list[Document]:
        """Per institution: how many, how many of them unjustified, how many not looked at."""
        where: Document = {"opened_at": {"$gte": since}}
        if within is not None:
            where["organization_id"] = {"$in": sorted(within)}
        counted = {
            "_id": "$organization_id",
            "all": {"$sum": 1},
            "unjustified": {"$sum": {"$cond": [{"$eq": ["$verdict", str(Verdict.UNJUSTIFIED)]}, 1, 0]}},
            "waiting": {"$sum": {"$cond": [{"$eq": ["$verdict", None]}, 1, 0]}},
        }
        found = await self._glasses.aggregate(
            [{"$match": where}, {"$group": counted}, {"$sort": {"all": -1}}]
        )
        return await found.to_list(None)

    def _write(self, glass: BrokenGlass) -> Document:
        return {
            "_id": glass.id,
            "person_id": glass.person_id,
            "organization_id": glass.organization_id,
            "practitioner": glass.practitioner,
            "client_id": glass.client_id,
            "reason_code": glass.reason_code,
            "reason": self._cipher.seal(_GLASSES, "reason", glass.id, glass.reason),
            "opened_at": glass.opened_at,
            "expires_at": glass.expires_at,
            "turn": glass.turn,
            "verdict": None,
            "reviewed_by": None,
            "reviewed_at": None,
            "note": None,
        }

    def _read(self, doc: Document) -> BrokenGlass:
        glass = BrokenGlass(
            id=doc["_id"],
            person_id=doc["person_id"],
            organization_id=doc["organization_id"],
            practitioner=doc["practitioner"],
            client_id=doc["client_id"],
            reason_code=doc["reason_code"],
            reason=self._cipher.open(_GLASSES, "reason", doc["_id"], doc["reason"]),
            opened_at=doc["opened_at"],
            expires_at=doc["expires_at"],
            turn=doc["turn"],
        )
        if doc["verdict"] is None:
            return glass
        note = self._cipher.open(_GLASSES, "note", doc["_id"], doc["note"])
        review = Review(Verdict(doc["verdict"]), doc["reviewed_by"], doc["reviewed_at"], note)
        return replace(glass, review=review)
