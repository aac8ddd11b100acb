"""Reads sealed fields page by page, puts new ones in their place, and remembers how far that has come."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from pymongo import ASCENDING, ReturnDocument, UpdateOne
from pymongo.errors import DuplicateKeyError

from backend import clock
from backend.db.client import Database, Document

_WORK = "resealing"


@dataclass(frozen=True, slots=True)
class Place:
    """How far one piece of work has come towards `target`. `changed` counts within the present pass."""

    name: str
    target: str
    after: str | None
    seen: int
    changed: int
    total: int
    done_at: datetime | None
    updated_at: datetime | None


@dataclass(frozen=True, slots=True)
class Replacement:
    """A sealed field in its new form; written only where the old form still stands. A text is in clear."""

    doc_id: Any
    path: str
    old: Document | str
    new: Document


class ResealingStore:
    """Any collection's declared fields, and the collection `resealing`."""

    def __init__(self, db: Database) -> None:
        self._db = db
        self._work = db.collection(_WORK)

    # -- documents -------------------------------------------------------------------------------------

    async def page(
        self, collection: str, paths: Sequence[str], after: str | None, limit: int
    ) -> list[Document]:
        """The next documents by id, with these fields."""
        rules: Document = {"_id": {"$gt": after}} if after is not None else {}
        found = self._db.collection(collection).find(rules, dict.fromkeys(paths, 1))
        return await found.sort("_id", ASCENDING).limit(limit).to_list(None)

    async def replace(self, collection: str, replacements: Sequence[Replacement]) -> int:
        """Put new forms in place; whoever has written the field meanwhile keeps what he wrote."""
        if not replacements:
            return 0
        updates = [
            UpdateOne({"_id": each.doc_id, **_stands(each)}, {"$set": {each.path: each.new}})
            for each in replacements
        ]
        return (await self._db.collection(collection).bulk_write(updates, ordered=False)).modified_count

    async def count(self, collection: str, rules: Mapping[str, Any]) -> int:
        """How many documents there are of a kind; a scan, for an operator's command only."""
        return await self._db.collection(collection).count_documents(dict(rules))

    # -- how far ---------------------------------------------------------------------------------------

    async def find(self, name: str) -> Place | None:
        """How far a piece of work has come, if it has begun."""
        doc = await self._work.find_one({"_id": name})
        return _place(doc) if doc else None

    async def begin(self, name: str, target: str, lease: timedelta, *, anew: bool = False) -> Place | None:
        """Take a piece of work, from the start if its target is new; None when it is done or somebody's.

        `anew` begins once more in any case.
        """
        at = clock.now()
        fresh = {"after": None, "seen": 0, "changed": 0, "total": 0, "done_at": None}
        try:
            await self._work.insert_one({"_id": name, "target": target, "updated_at": at, **fresh})
        except DuplicateKeyError:
            await self._work.update_one(
                {"_id": name} if anew else {"_id": name, "target": {"$ne": target}},
                {"$set": {"target": target, "updated_at": at, **fresh}, "$unset": {"leased_until": ""}},
            )
        doc = await self._work.find_one_and_update(
            {
                "_id": name,
                "target": target,
                "done_at": None,
                "$or": [{"leased_until": {"$exists": False}}, {"leased_until": {"$lte": at}}],
            },
            {"$set": {"leased_until": at + lease}},
            return_document=ReturnDocument.AFTER,
        )
        return _place(doc) if doc else None

    async def save(self, place: Place, lease: timedelta | None) -> None:
        """Note how far it has come; `lease` None lets it go."""
        at = clock.now()
        fields: Document = {
            "after": place.after,
            "seen": place.seen,
            "changed": place.changed,
            "total": place.total,
            "done_at": place.done_at,
            "updated_at": at,
        }
        change: Document = {"$set": fields}
        if lease is None:
            change["$unset"] = {"leased_until": ""}
        else:
            fields["leased_until"] = at + lease
        await self._work.update_one({"_id": place.name, "target": place.target}, change)


def _stands(each: Replacement) -> Document:
    if isinstance(each.old, str):
        return {each.path: each.old}
    return {f"{each.path}.ct": each.old["ct"], f"{each.path}.n": each.old["n"]}


def _place(doc: Document) -> Place:
    return Place(
        name=doc["_id"],
        target=doc["target"],
        after=doc["after"],
        seen=doc["seen"],
        changed=doc["changed"],
        total=doc["total"],
        done_at=doc["done_at"],
        updated_at=doc["updated_at"],
    )
