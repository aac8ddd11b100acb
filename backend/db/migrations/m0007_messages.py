"""Messages with their deliveries, providers' reports, replies, and what WeChat may still send to whom."""

from __future__ import annotations

from pymongo import ASCENDING, DESCENDING, IndexModel

from backend.db.client import Database, Document
from backend.db.collections import (
    DATE,
    INT,
    OBJECT,
    OPTIONAL_DATE,
    OPTIONAL_STRING,
    STRING,
    ensure_collection,
    events_due,
    schema,
)

REPORTS_KEPT_S = 7 * 24 * 3600
REPLIES_KEPT_S = 90 * 24 * 3600


async def up(db: Database) -> None:
    """State the collections of messages."""
    await _messages(db)
    await _receipts(db)
    await ensure_collection(
        db,
        "message_grants",
        shard_key="resident_id",
        validator=schema(["resident_id", "kind", "left"], resident_id=STRING, kind=STRING, left=INT),
        indexes=[_index("resident", "resident_id")],
    )


async def _messages(db: Database) -> None:
    delivery = schema(
        ["state", "attempt"],
        state={"enum": ["due", "sending", "sent", "delivered", "failed", "unknown", "skipped"]},
        attempt=INT,
        provider_id=STRING,
        phone_blind=STRING,
    )
    await ensure_collection(
        db,
        "messages",
        shard_key="recipient_id",
        validator=schema(
            ["recipient_id", "kind", "title", "deliveries", "created_at", "forget_at"],
            recipient_id=STRING,
            kind=STRING,
            title=STRING,
            content=OBJECT,
            deliveries={"bsonType": "object", "properties": {"sms": delivery, "wechat": delivery}},
            appointment_id=OPTIONAL_STRING,
            organization_id=OPTIONAL_STRING,
            created_at=DATE,
            read_at=OPTIONAL_DATE,
            forget_at=DATE,
        ),
        indexes=[
            IndexModel([("recipient_id", ASCENDING), ("_id", DESCENDING)], name="list"),
            IndexModel([("organization_id", ASCENDING), ("_id", DESCENDING)], name="organization"),
            IndexModel([("appointment_id", ASCENDING)], name="appointment", sparse=True),
            _index("report", "deliveries.sms.provider_id", only={"deliveries.sms.provider_id": {"$gt": ""}}),
            events_due("relay"),
            IndexModel([("forget_at", ASCENDING)], name="forget", expireAfterSeconds=0),
        ],
    )


async def _receipts(db: Database) -> None:
    await ensure_collection(
        db,
        "message_reports",
        shard_key="_id",
        validator=schema(
            ["provider_id", "phone_blind", "delivered", "received_at"],
            provider_id=STRING,
            phone_blind=STRING,
            received_at=DATE,
        ),
        indexes=[
            _index("phone", "phone_blind", "received_at"),
            _index("provider", "provider_id"),
            IndexModel([("received_at", ASCENDING)], name="forget", expireAfterSeconds=REPORTS_KEPT_S),
        ],
    )
    await ensure_collection(
        db,
        "message_replies",
        shard_key="_id",
        validator=schema(
            ["phone_blind", "phone", "text", "received_at"],
            phone_blind=STRING,
            phone=OBJECT,
            text=OBJECT,
            received_at=DATE,
        ),
        indexes=[
            _index("phone", "phone_blind", "received_at"),
            IndexModel([("received_at", ASCENDING)], name="forget", expireAfterSeconds=REPLIES_KEPT_S),
        ],
    )


def _index(name: str, *fields: str, only: Document | None = None) -> IndexModel:
    keys = [(field, ASCENDING) for field in fields]
    return IndexModel(keys, name=name, partialFilterExpression=only) if only else IndexModel(keys, name=name)
