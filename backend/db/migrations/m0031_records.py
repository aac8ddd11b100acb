"""The record: resources, each with its newest version, and every version before it."""

from __future__ import annotations

from pymongo import ASCENDING, DESCENDING, IndexModel

from backend.db.client import Database
from backend.db.collections import (
    ARRAY,
    BOOL,
    DATE,
    INT,
    OBJECT,
    OPTIONAL_SEALED,
    OPTIONAL_STRING,
    STRING,
    ensure_collection,
    events_due,
    schema,
)

# Sealed: what is known of somebody's health never stands in clear.
_STATED = {
    "chart": STRING,
    "type": STRING,
    "version": INT,
    "organization_id": STRING,
    "kind": STRING,
    "at": DATE,
    "sensitivity": INT,
    "status": STRING,
    "refs": ARRAY,
    "encounter_id": OPTIONAL_STRING,
    "body": OPTIONAL_SEALED,
    "source": OBJECT,
    "deleted": BOOL,
    "created_at": DATE,
    "updated_at": DATE,
}
_SHOWN = {"partialFilterExpression": {"shown": True}}
_OF_A_VISIT = {"partialFilterExpression": {"encounter_id": {"$type": "string"}}}
_NEWEST = [("at", DESCENDING), ("_id", DESCENDING)]


async def up(db: Database) -> None:
    """State the collections."""
    await ensure_collection(
        db,
        "resources",
        shard_key="chart",
        validator=schema(
            [*_STATED, "shown", "codes", "business", "digest", "blind", "rules"],
            **_STATED,
            shown=BOOL,
            codes=ARRAY,
            business=ARRAY,
            digest=STRING,
            blind=STRING,
            rules=STRING,
        ),
        indexes=[
            IndexModel([("chart", ASCENDING), *_NEWEST], name="timeline", **_SHOWN),
            IndexModel(
                [("chart", ASCENDING), ("kind", ASCENDING), *_NEWEST], name="timeline_of_kind", **_SHOWN
            ),
            IndexModel([("chart", ASCENDING), ("type", ASCENDING), *_NEWEST], name="of_type"),
            IndexModel([("chart", ASCENDING), ("codes", ASCENDING), ("at", DESCENDING)], name="codes"),
            IndexModel([("chart", ASCENDING), ("encounter_id", ASCENDING)], name="encounter", **_OF_A_VISIT),
            # What a sender calls a resource is found without knowing whose it is.
            IndexModel([("business", ASCENDING)], name="business"),
            IndexModel(
                [
                    ("organization_id", ASCENDING),
                    ("type", ASCENDING),
                    ("updated_at", DESCENDING),
                    ("_id", DESCENDING),
                ],
                name="sent",
            ),
            events_due(),
        ],
    )
    await ensure_collection(
        db,
        "resource_versions",
        shard_key="chart",
        validator=schema([*_STATED, "resource_id"], **_STATED, resource_id=STRING),
        indexes=[
            IndexModel(
                [("chart", ASCENDING), ("resource_id", ASCENDING), ("version", DESCENDING)],
                name="versions",
                unique=True,
            )
        ],
    )
