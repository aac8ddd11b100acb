"""Upserts whose rule names the shard key beside the `_id`: two that are first at one moment both end well.

MongoDB tries such an upsert again by itself only when its rule names just the fields of the unique index.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pymongo import UpdateOne
from pymongo.errors import BulkWriteError, DuplicateKeyError

from backend.db.client import Collection, Document
from backend.db.gather import DUPLICATE_KEY


async def upsert(collection: Collection, where: Document, change: Document | list[Document]) -> None:
    """Change the document, or make it; who was a moment later than another changes what the other made."""
    try:
        await collection.update_one(where, change, upsert=True)
    except DuplicateKeyError:
        await collection.update_one(where, change, upsert=True)


async def upsert_many(collection: Collection, writes: Sequence[UpdateOne]) -> None:
    """The same for many upserts, each of a document of its own, in no order."""
    if not writes:
        return
    try:
        await collection.bulk_write(writes, ordered=False)
    except BulkWriteError as error:
        refused: list[dict[str, Any]] = (error.details or {}).get("writeErrors", [])
        if any(each["code"] != DUPLICATE_KEY for each in refused):
            raise
        await collection.bulk_write([writes[each["index"]] for each in refused], ordered=False)
