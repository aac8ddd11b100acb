"""The collection `births`: what hospitals noted; who the parents are and what was seen is sealed."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import orjson
from pydantic import TypeAdapter
from pymongo import ASCENDING, DESCENDING
from pymongo.errors import DuplicateKeyError

from backend.births.models import Birth, BirthState
from backend.db.client import Database, Document
from backend.security.fields import FieldCipher
from backend.security.lasting import declare_sealed

BIRTHS = "births"
declare_sealed(BIRTHS, "body")
_BIRTH = TypeAdapter(Birth)
_CLEAR = ("organization_id", "external_id", "state", "turn", "created_at", "updated_at", "like")
_MOST_OF_ONE = 50


class BirthStore:
    """Births by id, which follows from the hospital and its own number."""

    def __init__(self, db: Database, cipher: FieldCipher) -> None:
        self._births = db.collection(BIRTHS)
        self._cipher = cipher

    async def insert(self, birth: Birth) -> bool:
        """Keep a new birth; False when it is there already."""
        try:
            await self._births.insert_one(self._write(birth))
        except DuplicateKeyError:
            return False
        return True

    async def find(self, birth_id: str) -> Birth | None:
        """A birth, or None."""
        doc = await self._births.find_one({"_id": birth_id})
        return self._read(doc) if doc else None

    async def write(self, after: Birth) -> bool:
        """Write the next turn of a birth; False when another was written meanwhile."""
        document = self._write(after)
        del document["_id"]
        document["turn"] = after.turn + 1
        result = await self._births.update_one({"_id": after.id, "turn": after.turn}, {"$set": document})
        return result.matched_count == 1

    async def of_parent(self, person_id: str) -> list[Birth]:
        """Births of somebody's children, the newest first."""
        found = self._births.find({"parent_ids": person_id}).sort("_id", DESCENDING).limit(_MOST_OF_ONE)
        return [self._read(doc) async for doc in found]

    async def doubtful(self, within: Sequence[str] | None, limit: int) -> list[Birth]:
        """Births that look like others, the oldest first."""
        matching: Document = {"state": str(BirthState.DOUBTFUL)}
        if within is not None:
            matching["organization_id"] = {"$in": sorted(within)}
        found = self._births.find(matching).sort("_id", ASCENDING).limit(limit)
        return [self._read(doc) async for doc in found]

    async def list_by_ids(self, ids: Sequence[str]) -> list[Birth]:
        """Those of these births that are there."""
        return [self._read(doc) async for doc in self._births.find({"_id": {"$in": sorted(set(ids))}})]

    async def noted_before(self, at: datetime, limit: int) -> list[str]:
        """Births that nothing has happened to since an instant."""
        found = self._births.find({"updated_at": {"$lt": at}}, {"_id": 1}).limit(limit)
        return [doc["_id"] async for doc in found]

    async def delete(self, birth_id: str) -> None:
        """Forget a birth."""
        await self._births.delete_one({"_id": birth_id})

    def _write(self, birth: Birth) -> Document:
        body: dict[str, Any] = orjson.loads(orjson.dumps(birth))
        hidden = {name: value for name, value in body.items() if name not in (*_CLEAR, "id")}
        return {
            "_id": birth.id,
            **{name: getattr(birth, name) for name in _CLEAR},
            "state": str(birth.state),
            "parent_ids": list(birth.parent_ids),
            "body": self._cipher.seal(BIRTHS, "body", birth.id, orjson.dumps(hidden).decode()),
        }

    def _read(self, doc: Document) -> Birth:
        hidden = orjson.loads(self._cipher.open(BIRTHS, "body", doc["_id"], doc["body"]))
        return _BIRTH.validate_python({"id": doc["_id"], **{name: doc[name] for name in _CLEAR}, **hidden})
