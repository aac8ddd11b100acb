"""The audit log: entries, how far each stream came, daily anchors."""

from __future__ import annotations

from pymongo import ASCENDING, DESCENDING, IndexModel

from backend.db.client import Database
from backend.db.collections import DATE, INT, OBJECT, OPTIONAL_STRING, STRING, ensure_collection, schema


async def up(db: Database) -> None:
    """State the collections of the audit log. Nothing in them is ever removed by us."""
    await _entries(db)
    await _ends(db)


async def _entries(db: Database) -> None:
    newest = ("at", DESCENDING)
    await ensure_collection(
        db,
        "audit",
        shard_key="stream",
        validator=schema(
            [
                "stream",
                "number",
                "at",
                "actor_kind",
                "actor_id",
                "action",
                "object",
                "basis",
                "before",
                "hash",
            ],
            stream=STRING,
            number=INT,
            place=INT,
            at=DATE,
            actor_kind=STRING,
            actor_id=STRING,
            role=STRING,
            action=STRING,
            object=STRING,
            basis=STRING,
            organization_id=OPTIONAL_STRING,
            request_id=STRING,
            data=OBJECT,
            before=STRING,
            kid=STRING,
            hash=STRING,
        ),
        indexes=[
            IndexModel([("stream", ASCENDING), ("number", ASCENDING)], name="order", unique=True),
            IndexModel([("organization_id", ASCENDING), newest], name="of_organization"),
            IndexModel([("actor_id", ASCENDING), newest], name="of_actor"),
            IndexModel([("object", ASCENDING), newest], name="of_object"),
            IndexModel([newest], name="newest"),
        ],
    )


async def _ends(db: Database) -> None:
    await ensure_collection(
        db,
        "audit_heads",
        shard_key="_id",
        validator=schema(["number", "kid", "mark"], number=INT, kid=STRING, mark=STRING),
    )
    await ensure_collection(
        db,
        "audit_anchors",
        shard_key="stream",
        validator=schema(
            ["stream", "number", "hash", "kid", "mark", "at"],
            stream=STRING,
            number=INT,
            hash=STRING,
            kid=STRING,
            mark=STRING,
            at=DATE,
        ),
        indexes=[IndexModel([("stream", ASCENDING), ("at", ASCENDING)], name="by_day")],
    )
