"""Rulebooks at rest: each edition names its tables by their content, so that editions share what stayed."""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Mapping, Sequence
from datetime import date

import orjson
from bson.binary import Binary
from pymongo import DESCENDING
from pymongo.errors import DuplicateKeyError

from backend.db.client import Database, Document
from backend.rulebooks.editions import EditionInfo
from backend.rulebooks.tables import Row


class RulebookStore:
    """Collections `rulebook_editions` and `rulebook_tables`."""

    def __init__(self, db: Database) -> None:
        self._editions = db.collection("rulebook_editions")
        self._tables = db.collection("rulebook_tables")

    async def in_force(self, book: str, on: date) -> EditionInfo | None:
        """What counts on a day: the latest to come into force; of two on one day, the later made."""
        newest_first = [("effective_on", DESCENDING), ("number", DESCENDING)]
        found = {"book": book, "effective_on": {"$lte": on.isoformat()}}
        doc = await self._editions.find_one(found, sort=newest_first)
        return _info(doc) if doc else None

    async def find(self, book: str, number: int) -> EditionInfo | None:
        """One edition."""
        doc = await self._editions.find_one({"_id": _id(book, number), "book": book})
        return _info(doc) if doc else None

    async def newest(self, book: str) -> int:
        """The number of the edition made last; 0 before the first."""
        doc = await self._editions.find_one({"book": book}, {"number": 1}, sort=[("number", DESCENDING)])
        return int(doc["number"]) if doc else 0

    async def list_editions(self, book: str, limit: int) -> list[EditionInfo]:
        """Newest first."""
        found = self._editions.find({"book": book}).sort("number", DESCENDING).limit(limit)
        return [_info(doc) async for doc in found]

    async def insert(self, info: EditionInfo) -> bool:
        """Add an edition; False when somebody else has made that number."""
        doc: Document = {
            "_id": _id(info.book, info.number),
            "book": info.book,
            "number": info.number,
            "effective_on": info.effective_on.isoformat(),
            "source": info.source,
            "made_by": info.made_by,
            "created_at": info.created_at,
            "tables": dict(info.tables),
            "counts": dict(info.counts),
        }
        try:
            await self._editions.insert_one(doc)
        except DuplicateKeyError:
            return False
        return True

    async def save_table(self, book: str, table: str, rows: Sequence[Row]) -> str:
        """Keep a table's content; returns its digest, the same for the same content."""
        content = orjson.dumps(list(rows), option=orjson.OPT_SORT_KEYS)
        digest = hashlib.sha256(content).hexdigest()[:32]
        packed = Binary(zlib.compress(content))
        of = {"book": book, "table": table, "rows": packed}
        await self._tables.update_one({"_id": f"{book}:{table}:{digest}"}, {"$setOnInsert": of}, upsert=True)
        return digest

    async def read_tables(self, book: str, digests: Mapping[str, str]) -> dict[str, list[Row]]:
        """The content of tables, by table name."""
        ids = [f"{book}:{table}:{digest}" for table, digest in digests.items()]
        found = self._tables.find({"_id": {"$in": ids}})
        return {doc["table"]: orjson.loads(zlib.decompress(doc["rows"])) async for doc in found}


def _id(book: str, number: int) -> str:
    return f"{book}:{number:06d}"


def _info(doc: Document) -> EditionInfo:
    return EditionInfo(
        book=doc["book"],
        number=doc["number"],
        effective_on=date.fromisoformat(doc["effective_on"]),
        source=doc["source"],
        made_by=doc["made_by"],
        created_at=doc["created_at"],
        tables=doc["tables"],
        counts=doc["counts"],
    )
