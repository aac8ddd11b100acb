"""The `open_data_editions` collection: what was published of a month, as it was published."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

import orjson
from pymongo import ASCENDING
from pymongo.errors import DuplicateKeyError

from backend.db.client import Database, Document
from backend.statistics.editions import Counted
from backend.statistics.open_schemas import ChangeOut, EditionOut, EditionRef, MonthOut


class EditionStore:
    """Editions by month and number. None is ever written over."""

    def __init__(self, db: Database) -> None:
        self._editions = db.collection("open_data_editions")

    async def add(self, counted: Counted) -> bool:
        """Publish an edition; False when another process has published the one of this number."""
        month = counted.month
        content = month.model_dump_json().encode()
        document: Document = {
            "_id": _key(month.month, month.edition),
            "month": month.month,
            "edition": month.edition,
            "published_at": month.published_at,
            "checksum": hashlib.sha256(content).hexdigest(),
            "changes": [each.model_dump() for each in month.changes],
            "content": content,
            "rests": orjson.dumps(counted.rests),
        }
        try:
            await self._editions.insert_one(document)
        except DuplicateKeyError:
            return False
        return True

    async def listed(self) -> list[EditionOut]:
        """Every edition without its content, by month and number."""
        found = self._editions.find({}, {"content": 0, "rests": 0}).sort(
            [("month", ASCENDING), ("edition", ASCENDING)]
        )
        return [_edition(doc) async for doc in found]

    async def content(self, month: str, edition: int) -> bytes | None:
        """An edition's file."""
        doc = await self._editions.find_one({"_id": _key(month, edition)}, {"content": 1})
        return bytes(doc["content"]) if doc else None

    async def contents(self, editions: Iterable[EditionRef]) -> list[bytes]:
        """The files of editions of several months, by month."""
        wanted = {"_id": {"$in": [_key(each.month, each.edition) for each in editions]}}
        found = self._editions.find(wanted, {"content": 1}).sort("month", ASCENDING)
        return [bytes(doc["content"]) async for doc in found]

    async def counted(self, month: str, edition: int) -> Counted:
        """An edition that there is, with what it rests on."""
        [doc] = await self._editions.find({"_id": _key(month, edition)}).to_list(None)
        return Counted(MonthOut.model_validate_json(doc["content"]), orjson.loads(doc["rests"]))


def _key(month: str, edition: int) -> str:
    return f"{month}|{edition}"


def _edition(doc: Document) -> EditionOut:
    return EditionOut(
        month=doc["month"],
        edition=doc["edition"],
        published_at=doc["published_at"],
        checksum=doc["checksum"],
        url=f"/open-data/editions/{doc['month']}/{doc['edition']}.json",
        changes=[ChangeOut(**each) for each in doc["changes"]],
    )
