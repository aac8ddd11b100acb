"""HL7 v2: messages as they came, the parts of large ones, senders, hospitals' code tables."""

from __future__ import annotations

from pymongo import ASCENDING, DESCENDING, IndexModel

from backend.db.client import Database
from backend.db.collections import (
    ARRAY,
    DATE,
    INT,
    OPTIONAL_DATE,
    OPTIONAL_SEALED,
    SEALED,
    STRING,
    ensure_collection,
    schema,
)

_FORGET = IndexModel([("forget_at", ASCENDING)], name="forget", expireAfterSeconds=0)


async def up(db: Database) -> None:
    """State the collections."""
    await _messages(db)
    await ensure_collection(
        db,
        "hl7_senders",
        shard_key="_id",
        validator=schema(
            ["kind", "value", "organization_id", "state", "charset"],
            kind={"enum": ["facility", "certificate", "port"]},
            value=STRING,
            organization_id=STRING,
            state={"enum": ["allowed", "unknown", "blocked"]},
            charset=STRING,
            seen=INT,
            last_seen_at=OPTIONAL_DATE,
        ),
        indexes=[
            IndexModel([("organization_id", ASCENDING), ("state", ASCENDING)], name="of_place"),
            IndexModel([("state", ASCENDING), ("_id", ASCENDING)], name="by_state"),
        ],
    )
    await ensure_collection(
        db,
        "hl7_tables",
        shard_key="organization_id",
        validator=schema(
            ["organization_id", "table", "rows"], organization_id=STRING, table=STRING, rows=ARRAY
        ),
        indexes=[IndexModel([("organization_id", ASCENDING), ("table", ASCENDING)], name="of_place")],
    )


async def _messages(db: Database) -> None:
    await ensure_collection(
        db,
        "hl7_messages",
        shard_key="_id",
        validator=schema(
            ["organization_id", "sender", "control_id", "kind", "state", "verdict", "received_at", "raw"],
            organization_id=STRING,
            sender=STRING,
            control_id=STRING,
            kind=STRING,
            state={"enum": ["waiting", "done", "dead", "replaced", "set_aside"]},
            verdict=STRING,
            size=INT,
            received_at=DATE,
            retry_at=OPTIONAL_DATE,
            forget_at=OPTIONAL_DATE,
            resources=ARRAY,
            # Sealed: a message is clinical text throughout, and a referral's answer repeats some of it.
            raw=SEALED,
            answer=OPTIONAL_SEALED,
            found=OPTIONAL_SEALED,
        ),
        indexes=[
            IndexModel([("received_at", DESCENDING), ("_id", DESCENDING)], name="lately"),
            IndexModel(
                [("organization_id", ASCENDING), ("received_at", DESCENDING), ("_id", DESCENDING)],
                name="of_place",
            ),
            IndexModel(
                [("state", ASCENDING), ("organization_id", ASCENDING), ("received_at", DESCENDING)],
                name="by_state",
            ),
            IndexModel([("kind", ASCENDING), ("received_at", DESCENDING)], name="by_kind"),
            IndexModel([("retry_at", ASCENDING)], name="due", partialFilterExpression={"state": "waiting"}),
            _FORGET,
        ],
    )
    await ensure_collection(
        db,
        "hl7_parts",
        shard_key="message_id",
        validator=schema(["message_id", "data"], message_id=STRING, data=SEALED),
        indexes=[IndexModel([("message_id", ASCENDING)], name="of_message"), _FORGET],
    )
