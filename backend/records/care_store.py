"""The `care_relations` collection: which institution treats whom, from when until when."""

from __future__ import annotations

from collections.abc import Collection as Ids
from datetime import datetime

from backend.db.client import Database, Document
from backend.db.upserts import upsert
from backend.records.sharing_models import CareKind, CareRelation


class CareStore:
    """Relationships by person. Beginning and ending may come in any order, and more than once."""

    def __init__(self, db: Database) -> None:
        self._relations = db.collection("care_relations")

    async def begin(self, relation: CareRelation) -> None:
        """Keep a relationship; one that is there, or has ended already, stays as it is."""
        where = {"_id": relation.id, "person_id": relation.person_id}
        await upsert(self._relations, where, {"$setOnInsert": _new(relation)})

    async def extend(self, relation: CareRelation) -> None:
        """Keep a relationship, or let the one that is there last as long as this one."""
        new = _new(relation)
        del new["ends_at"]
        where = {"_id": relation.id, "person_id": relation.person_id}
        change = {"$setOnInsert": new, "$max": {"ends_at": relation.ends_at}}
        await upsert(self._relations, where, change)

    async def end(self, relation: CareRelation, at: datetime) -> None:
        """End a relationship, also one whose beginning has not been heard of yet."""
        new = _new(relation)
        del new["ended_at"]
        where = {"_id": relation.id, "person_id": relation.person_id}
        await upsert(self._relations, where, {"$setOnInsert": new, "$set": {"ended_at": at}})

    async def find(self, person_id: str, organization_id: str, at: datetime) -> CareRelation | None:
        """The relationship that lasts longest of those that hold at a moment."""
        where = {
            "person_id": person_id,
            "organization_id": organization_id,
            "ended_at": None,
            "ends_at": {"$gt": at},
            "begins_at": {"$lte": at},
        }
        doc = await self._relations.find_one(where, sort=[("ends_at", -1)])
        return _read(doc) if doc else None

    async def find_many(self, ids: Ids[str]) -> list[CareRelation]:
        """Those of these ids that there are."""
        found = self._relations.find({"_id": {"$in": sorted(ids)}}) if ids else None
        return [_read(doc) async for doc in found] if found is not None else []

    async def of_chart(self, person_id: str, chart_id: str) -> list[CareRelation]:
        """What comes of the visits of one chart."""
        where = {
            "person_id": person_id,
            "kind": str(CareKind.ENCOUNTER),
            "source_id": {"$gte": f"{chart_id}-", "$lt": f"{chart_id}."},
        }
        return [_read(doc) async for doc in self._relations.find(where)]

    async def end_all(self, person_id: str, at: datetime) -> None:
        """Nobody treats this person any more."""
        await self._relations.update_many(
            {"person_id": person_id, "ended_at": None}, {"$set": {"ended_at": at}}
        )


def _new(relation: CareRelation) -> Document:
    return {
        "organization_id": relation.organization_id,
        "kind": str(relation.kind),
        "source_id": relation.source_id,
        "begins_at": relation.begins_at,
        "ends_at": relation.ends_at,
        "ended_at": relation.ended_at,
    }


def _read(doc: Document) -> CareRelation:
    return CareRelation(
        id=doc["_id"],
        person_id=doc["person_id"],
        organization_id=doc["organization_id"],
        kind=CareKind(doc["kind"]),
        source_id=doc["source_id"],
        begins_at=doc["begins_at"],
        ends_at=doc["ends_at"],
        ended_at=doc["ended_at"],
    )
