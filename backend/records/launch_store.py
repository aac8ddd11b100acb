"""The `record_launches` collection: openings of the record browser, each used once; gone after a day."""

from __future__ import annotations

from datetime import datetime

from pymongo import ReturnDocument

from backend.db.client import Database, Document
from backend.records.models import Purpose
from backend.records.sharing_models import Launch


class LaunchStore:
    """Openings by id. The browser's secret is kept as a hash."""

    def __init__(self, db: Database) -> None:
        self._launches = db.collection("record_launches")

    async def insert(self, launch: Launch) -> None:
        """Keep a new opening."""
        await self._launches.insert_one(
            {
                "_id": launch.id,
                "organization_id": launch.organization_id,
                "client_id": launch.client_id,
                "person_id": launch.person_id,
                "practitioner": launch.practitioner,
                "encounter": launch.encounter,
                "purpose": str(launch.purpose),
                "presented": launch.presented,
                "created_at": launch.created_at,
                "open_until": launch.open_until,
                "opened_at": None,
                "ends_at": None,
                "secret": None,
            }
        )

    async def open(self, launch_id: str, secret: str, at: datetime, ends_at: datetime) -> Launch | None:
        """Use the opening up; None when it was used, is too old or never was."""
        doc = await self._launches.find_one_and_update(
            {"_id": launch_id, "opened_at": None, "open_until": {"$gt": at}},
            {"$set": {"opened_at": at, "ends_at": ends_at, "secret": secret}},
            return_document=ReturnDocument.AFTER,
        )
        return _read(doc) if doc else None

    async def find(self, launch_id: str, secret: str, at: datetime) -> Launch | None:
        """The opening that this browser holds; None when it has ended."""
        doc = await self._launches.find_one({"_id": launch_id, "secret": secret, "ends_at": {"$gt": at}})
        return _read(doc) if doc else None

    async def set_purpose(self, launch: Launch, purpose: Purpose) -> None:
        """From now on this window reads for another purpose."""
        await self._launches.update_one({"_id": launch.id}, {"$set": {"purpose": str(purpose)}})


def _read(doc: Document) -> Launch:
    return Launch(
        id=doc["_id"],
        organization_id=doc["organization_id"],
        client_id=doc["client_id"],
        person_id=doc["person_id"],
        practitioner=doc["practitioner"],
        encounter=doc["encounter"],
        purpose=Purpose(doc["purpose"]),
        presented=doc["presented"],
        created_at=doc["created_at"],
        open_until=doc["open_until"],
        opened_at=doc["opened_at"],
        ends_at=doc["ends_at"],
    )
