"""The `survey_stays` collection: which stays have ended at a hospital, by their encounters' ids alone."""

from __future__ import annotations

from datetime import datetime

from pymongo import ASCENDING

from backend.db.client import Database, Document


class StayStore:
    """Ends of stays. A correction of one takes the place of what was known of it."""

    def __init__(self, db: Database) -> None:
        self._stays = db.collection("survey_stays")

    async def note(self, encounter_id: str, organization_id: str, ended_at: datetime) -> None:
        """Keep that a stay has ended."""
        ended = {"organization_id": organization_id, "ended_at": ended_at}
        await self._stays.update_one({"_id": encounter_id}, {"$set": ended}, upsert=True)

    async def ended(
        self, organization_id: str, since: datetime, until: datetime, after: Document | None, limit: int
    ) -> list[Document]:
        """Ends at a hospital from one instant to before another, oldest first, after the last one known."""
        rules: list[Document] = [
            {"organization_id": organization_id, "ended_at": {"$gte": since, "$lt": until}}
        ]
        if after is not None:
            at = after["ended_at"]
            rules.append({"$or": [{"ended_at": {"$gt": at}}, {"ended_at": at, "_id": {"$gt": after["_id"]}}]})
        found = self._stays.find({"$and": rules}).sort([("ended_at", ASCENDING), ("_id", ASCENDING)])
        return await found.limit(limit).to_list(None)
