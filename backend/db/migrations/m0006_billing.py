"""Orders, the raw notices of payment channels, and the differences between books."""

from __future__ import annotations

from pymongo import ASCENDING, DESCENDING, IndexModel

from backend.db.client import Database, Document
from backend.db.collections import (
    ARRAY,
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

# Longer than a refund may take and a dispute may wait.
NOTICES_KEPT_S = 400 * 24 * 3600
_EVENTS_DUE = events_due("relay")


async def up(db: Database) -> None:
    """State the collections of billing."""
    await _orders(db)
    await _notices(db)
    await _differences(db)


async def _orders(db: Database) -> None:
    fen: Document = {**INT, "minimum": 0}
    await ensure_collection(
        db,
        "orders",
        shard_key="_id",
        validator=schema(
            [
                "appointment_id", "resident_id", "organization_id", "amount_fen", "legs", "attempts",
                "refunds", "state", "expires_at", "created_at", "updated_at", "version",
            ],
            appointment_id=STRING,
            resident_id=STRING,
            organization_id=STRING,
            description=STRING,
            amount_fen=fen,
            legs=_parts(["kind", "amount_fen"], amount_fen=fen),
            attempts=_parts(
                ["number", "out_trade_no", "method", "channel", "amount_fen", "state", "paid_fen"],
                amount_fen=fen,
                paid_fen=fen,
                state={"enum": ["open", "paid", "closed", "disputed"]},
            ),
            refunds=_parts(
                ["out_refund_no", "out_trade_no", "amount_fen", "cause", "state"],
                amount_fen={**INT, "minimum": 1},
                state={"enum": ["due", "asked", "processing", "succeeded", "failed", "replaced"]},
            ),
            state={
                "enum": ["created", "paying", "paid", "closed", "refunding", "refunded", "refund_failed"]
            },
            expires_at=DATE,
            check_at=OPTIONAL_DATE,
            version=INT,
        ),
        indexes=[
            _EVENTS_DUE,
            IndexModel(
                [("check_at", ASCENDING)],
                name="check",
                partialFilterExpression={"check_at": {"$type": "date"}},
            ),
            IndexModel([("organization_id", ASCENDING), ("_id", DESCENDING)], name="organization"),
            IndexModel([("state", ASCENDING), ("_id", DESCENDING)], name="state"),
        ],
    )  # fmt: skip


async def _notices(db: Database) -> None:
    await ensure_collection(
        db,
        "payment_notices",
        shard_key="_id",
        validator=schema(
            ["channel", "kind", "event_type", "body", "state", "received_at"],
            channel=STRING,
            kind=STRING,
            event_type=STRING,
            body=STRING,
            told=OBJECT,
            state={"enum": ["due", "done", "ignored"]},
            received_at=DATE,
        ),
        indexes=[
            _EVENTS_DUE,
            IndexModel([("received_at", ASCENDING)], name="forget", expireAfterSeconds=NOTICES_KEPT_S),
        ],
    )


async def _differences(db: Database) -> None:
    await ensure_collection(
        db,
        "billing_differences",
        shard_key="_id",
        validator=schema(
            ["kind", "expected", "found", "state", "created_at"],
            kind=STRING,
            order_id=OPTIONAL_STRING,
            organization_id=OPTIONAL_STRING,
            expected=OBJECT,
            found=OBJECT,
            state={"enum": ["open", "resolved"]},
            created_at=DATE,
        ),
        indexes=[IndexModel([("state", ASCENDING), ("created_at", DESCENDING)], name="list")],
    )


def _parts(required: list[str], **properties: Document) -> Document:
    return {**ARRAY, "items": schema(required, **properties)}
