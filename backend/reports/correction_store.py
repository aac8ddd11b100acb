"""The `record_corrections` collection: what residents say is wrong in a chart; their words are sealed."""

from __future__ import annotations

from collections.abc import Collection as Ids
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from pymongo import ASCENDING, DESCENDING

from backend.db.client import Database, Document
from backend.security.fields import FieldCipher
from backend.security.lasting import declare_sealed
from backend.worker.events import Event

declare_sealed("record_corrections", "wish", "answer")
_MOST = 100


class CorrectionState(StrEnum):
    """Where a wish stands with its hospital."""

    ASKED = "asked"
    DONE = "done"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True, repr=False)
class Correction:
    """What somebody asked a hospital to put right, and what it said."""

    id: str
    resident_id: str
    patient_id: str
    chart_id: str
    organization_id: str
    item: str
    state: CorrectionState
    wish: str
    asked_at: datetime
    answered_at: datetime | None = None
    answer: str = ""


class CorrectionStore:
    """Wishes by person and by hospital."""

    def __init__(self, db: Database, cipher: FieldCipher) -> None:
        self._corrections = db.collection("record_corrections")
        self._cipher = cipher

    async def insert(self, asked: Correction) -> None:
        """Keep a wish."""
        await self._corrections.insert_one(
            {
                "_id": asked.id,
                "resident_id": asked.resident_id,
                "patient_id": asked.patient_id,
                "chart": asked.chart_id,
                "organization_id": asked.organization_id,
                "field": asked.item,
                "state": str(asked.state),
                "wish": self._cipher.seal("record_corrections", "wish", asked.id, asked.wish),
                "answer": None,
                "asked_at": asked.asked_at,
                "answered_at": None,
            }
        )

    async def count_open(self, patient_id: str) -> int:
        """How many wait."""
        return await self._corrections.count_documents({"patient_id": patient_id, "state": "asked"})

    async def of_patient(self, patient_id: str) -> list[Correction]:
        """The latest first."""
        found = self._corrections.find({"patient_id": patient_id}).sort([("_id", DESCENDING)]).limit(_MOST)
        return [self._read(doc) async for doc in found]

    async def waiting(self, organization_id: str) -> list[Correction]:
        """What a hospital has to look at, the oldest first."""
        matching = {"organization_id": organization_id, "state": "asked"}
        found = self._corrections.find(matching).sort([("_id", ASCENDING)]).limit(_MOST)
        return [self._read(doc) async for doc in found]

    async def list_of(
        self, within: Ids[str] | None, *, answered: bool, after: str, limit: int
    ) -> list[Correction]:
        """Of these institutions (None: of all), the longest waiting first; of the answered, the latest."""
        order = DESCENDING if answered else ASCENDING
        matching: Document = {"state": {"$in": ["done", "refused"]} if answered else "asked"}
        if within is not None:
            matching["organization_id"] = {"$in": sorted(within)}
        if after:
            matching["_id"] = {"$lt" if answered else "$gt": after}
        found = self._corrections.find(matching).sort([("_id", order)]).limit(limit)
        return [self._read(doc) async for doc in found]

    async def count_waiting(self, within: Ids[str] | None) -> int:
        """How many have no answer."""
        matching: Document = {"state": "asked"}
        if within is not None:
            matching["organization_id"] = {"$in": sorted(within)}
        return await self._corrections.count_documents(matching)

    async def find(self, correction_id: str) -> Correction | None:
        """One wish, or None."""
        doc = await self._corrections.find_one({"_id": correction_id})
        return self._read(doc) if doc else None

    async def answer(
        self, asked: Correction, state: CorrectionState, text: str, at: datetime, event: Event
    ) -> bool:
        """Keep the hospital's answer with the event that tells of it; False when there is one already."""
        sealed = self._cipher.seal("record_corrections", "answer", asked.id, text)
        changed = {"state": str(state), "answer": sealed, "answered_at": at, "events_due": True}
        change: Document = {"$set": changed, "$push": {"events": event.to_doc()}}
        matching = {"_id": asked.id, "state": "asked"}
        return (await self._corrections.update_one(matching, change)).matched_count == 1

    async def delete_of(self, resident_id: str) -> None:
        """Forget what an account has asked."""
        await self._corrections.delete_many({"resident_id": resident_id})

    def _read(self, doc: Document) -> Correction:
        def text(name: str) -> str:
            return self._cipher.open("record_corrections", name, doc["_id"], doc[name]) if doc[name] else ""

        return Correction(
            doc["_id"],
            doc["resident_id"],
            doc["patient_id"],
            doc["chart"],
            doc["organization_id"],
            doc["field"],
            CorrectionState(doc["state"]),
            text("wish"),
            doc["asked_at"],
            doc["answered_at"],
            text("answer"),
        )
