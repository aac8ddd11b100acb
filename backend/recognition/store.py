"""The collections `recognition_checks` and `recognition_repeats`; what was asked and decided is sealed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, TypeVar

import orjson
from pydantic import TypeAdapter
from pymongo import DESCENDING, UpdateOne
from pymongo.errors import DuplicateKeyError

from backend.db.client import Database, Document
from backend.recognition.models import Check, Repeat
from backend.security.fields import FieldCipher
from backend.security.lasting import declare_sealed
from backend.worker.events import Event, pushed

CHECKS, REPEATS = "recognition_checks", "recognition_repeats"
for _collection in (CHECKS, REPEATS):
    declare_sealed(_collection, "body")

_CHECK, _REPEAT = TypeAdapter(Check), TypeAdapter(Repeat)
# What stands in clear, for the indexes.
_CLEAR = ("organization_id", "person_id", "at", "turn")
T = TypeVar("T", Check, Repeat)


class RecognitionStore:
    """Checks by their number, repeats by the order they are about."""

    def __init__(self, db: Database, cipher: FieldCipher) -> None:
        self._checks = db.collection(CHECKS)
        self._repeats = db.collection(REPEATS)
        self._cipher = cipher

    async def insert(self, check: Check) -> None:
        """Keep a new check; it is counted from the start."""
        await self._checks.insert_one(self._write(CHECKS, check) | {"edition": check.edition})

    async def find(self, check_id: str) -> Check | None:
        """A check, or None."""
        doc = await self._checks.find_one({"_id": check_id})
        return self.read_check(doc) if doc else None

    async def write(self, after: Check, events: Sequence[Event] = ()) -> bool:
        """Write the next turn of a check; False when another was written meanwhile."""
        return await self._replace(CHECKS, after, events)

    async def of_person(
        self,
        person_id: str,
        organization_id: str | None = None,
        since: datetime | None = None,
        limit: int = 200,
    ) -> list[Check]:
        """A person's checks, the newest first."""
        matching: Document = {"person_id": person_id}
        if organization_id is not None:
            matching["organization_id"] = organization_id
        if since is not None:
            matching["at"] = {"$gte": since}
        found = self._checks.find(matching).sort("at", DESCENDING).limit(limit)
        return [self.read_check(doc) async for doc in found]

    async def list_checks(self, within: Sequence[str] | None, cursor: str | None, limit: int) -> list[Check]:
        """Checks of institutions, the newest first."""
        found = self._checks.find(_listed(within, cursor)).sort("_id", DESCENDING).limit(limit)
        return [self.read_check(doc) async for doc in found]

    async def insert_repeat(self, repeat: Repeat) -> bool:
        """Keep a repeated order; False when it is known."""
        try:
            await self._repeats.insert_one(self._write(REPEATS, repeat) | {"state": repeat.state})
        except DuplicateKeyError:
            return False
        return True

    async def find_repeat(self, repeat_id: str) -> Repeat | None:
        """A repeated order, or None."""
        doc = await self._repeats.find_one({"_id": repeat_id})
        return self.read_repeat(doc) if doc else None

    async def list_repeats(
        self, within: Sequence[str] | None, cursor: str | None, limit: int
    ) -> list[Repeat]:
        """Repeated orders of institutions, the newest first."""
        found = self._repeats.find(_listed(within, cursor)).sort("_id", DESCENDING).limit(limit)
        return [self.read_repeat(doc) async for doc in found]

    def marked_check(self, check: Check) -> UpdateOne:
        """The write that says a check is in the figures as it is now."""
        return self._marked(CHECKS, check)

    def marked_repeat(self, repeat: Repeat) -> UpdateOne:
        """The write that says a repeated order is in the figures."""
        return self._marked(REPEATS, repeat)

    def read_check(self, doc: Mapping[str, Any]) -> Check:
        """A document as a check."""
        return _CHECK.validate_python(self._open(CHECKS, doc))

    def read_repeat(self, doc: Mapping[str, Any]) -> Repeat:
        """A document as a repeated order."""
        return _REPEAT.validate_python(self._open(REPEATS, doc))

    async def _replace(self, collection: str, after: Check, events: Sequence[Event]) -> bool:
        document = self._write(collection, after)
        del document["_id"]
        document["turn"] = after.turn + 1
        changes: Document = {"$set": document}
        if events:
            added = pushed(*events)
            changes = {"$set": document | added["$set"], "$push": added["$push"]}
        over = {"_id": after.id, "turn": after.turn}
        return (await self._checks.update_one(over, changes)).matched_count == 1

    def _marked(self, collection: str, thing: T) -> UpdateOne:
        document = self._write(collection, thing)
        changes = {"body": document["body"], "count_due": False, "turn": thing.turn + 1}
        return UpdateOne({"_id": thing.id, "turn": thing.turn}, {"$set": changes})

    def _write(self, collection: str, thing: T) -> Document:
        body = orjson.loads(orjson.dumps(thing))
        clear = {name: getattr(thing, name) for name in _CLEAR}
        hidden = {name: value for name, value in body.items() if name not in (*_CLEAR, "id")}
        sealed = self._cipher.seal(collection, "body", thing.id, orjson.dumps(hidden).decode())
        return {"_id": thing.id, **clear, "count_due": True, "body": sealed}

    def _open(self, collection: str, doc: Mapping[str, Any]) -> dict[str, Any]:
        hidden = orjson.loads(self._cipher.open(collection, "body", doc["_id"], doc["body"]))
        return {"id": doc["_id"], **{name: doc[name] for name in _CLEAR}, **hidden}


def _listed(within: Sequence[str] | None, cursor: str | None) -> Document:
    matching: Document = {}
    if within is not None:
        matching["organization_id"] = {"$in": sorted(within)}
    if cursor:
        matching["_id"] = {"$lt": cursor}
    return matching
