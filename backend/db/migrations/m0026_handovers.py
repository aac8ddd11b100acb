"""Talks that staff take over, and what is said in them."""

from __future__ import annotations

from pymongo import ASCENDING, IndexModel

from backend.db.client import Database
from backend.db.collections import (
    DATE,
    OBJECT,
    OPTIONAL_DATE,
    OPTIONAL_STRING,
    STRING,
    ensure_collection,
    schema,
)

# As long as `KEPT` in backend/conversations/models.py.
_KEPT_S = 30 * 24 * 3600


async def up(db: Database) -> None:
    """State both collections; one talk at most is open for a conversation."""
    await ensure_collection(
        db,
        "handovers",
        shard_key="conversation_id",
        validator=schema(
            ["conversation_id", "through", "state", "opened_at", "last_at"],
            conversation_id=STRING,
            through={"enum": ["wechat", "sms", "terminal"]},
            state={"enum": ["waiting", "taken", "closed"]},
            organization_id=OPTIONAL_STRING,
            resident_id=OPTIONAL_STRING,
            taken_by=OPTIONAL_STRING,
            opened_at=DATE,
            asked_at=OPTIONAL_DATE,
            last_at=DATE,
        ),
        indexes=[
            IndexModel(
                [("conversation_id", ASCENDING)],
                name="one_open",
                unique=True,
                partialFilterExpression={"open": True},
            ),
            IndexModel([("open", ASCENDING), ("opened_at", ASCENDING)], name="inbox"),
            IndexModel([("last_at", ASCENDING)], name="forget", expireAfterSeconds=_KEPT_S),
        ],
    )
    await ensure_collection(
        db,
        "conversation_lines",
        shard_key="conversation_id",
        validator=schema(
            ["conversation_id", "handover_id", "by", "text", "at"],
            conversation_id=STRING,
            handover_id=STRING,
            by={"enum": ["person", "machine", "staff"]},
            staff_id=OPTIONAL_STRING,
            text=OBJECT,
            at=DATE,
        ),
        indexes=[
            IndexModel(
                [("conversation_id", ASCENDING), ("handover_id", ASCENDING), ("at", ASCENDING)], name="talk"
            ),
            IndexModel([("at", ASCENDING)], name="forget", expireAfterSeconds=_KEPT_S),
        ],
    )
