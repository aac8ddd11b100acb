"""Staff, their sessions and failed sign-ins; the counters of the dashboard."""

from __future__ import annotations

from pymongo import ASCENDING, IndexModel

from backend.db.client import Database
from backend.db.collections import (
    BOOL,
    DATE,
    INT,
    OBJECT,
    OPTIONAL_DATE,
    OPTIONAL_STRING,
    STRING,
    ensure_collection,
    schema,
)

# An event may be delivered again for as long as the outbox keeps it; its mark outlives that.
COUNTED_KEPT_S = 60 * 24 * 3600


async def up(db: Database) -> None:
    """State the collections of staff and statistics."""
    await _staff(db)
    await _statistics(db)


async def _staff(db: Database) -> None:
    await ensure_collection(
        db,
        "staff",
        shard_key="login",
        validator=schema(
            ["login", "name", "role", "state", "password_hash", "totp_secret", "totp_step", "created_at"],
            login=STRING,
            name=OBJECT,
            role=STRING,
            organization_ids={"bsonType": ["array", "null"], "items": STRING},
            state={"enum": ["active", "disabled"]},
            password_hash=STRING,
            totp_secret=OBJECT,
            totp_step=INT,
            must_change_password=BOOL,
            disabled_reason=STRING,
            created_at=DATE,
            updated_at=DATE,
            last_signed_in_at=OPTIONAL_DATE,
        ),
        indexes=[IndexModel([("login", ASCENDING)], name="login", unique=True)],
    )
    await ensure_collection(
        db,
        "staff_sessions",
        shard_key="_id",
        validator=schema(
            ["staff_id", "login", "stage", "created_at", "seen_at", "expires_at"],
            staff_id=STRING,
            login=STRING,
            stage={"enum": ["code_due", "open"]},
            created_at=DATE,
            seen_at=DATE,
            expires_at=DATE,
        ),
        indexes=[
            IndexModel([("staff_id", ASCENDING)], name="of_staff"),
            IndexModel([("expires_at", ASCENDING)], name="forget", expireAfterSeconds=0),
        ],
    )
    await ensure_collection(
        db,
        "staff_attempts",
        shard_key="_id",
        validator=schema(["failed", "expires_at"], failed=INT, expires_at=DATE),
        indexes=[IndexModel([("expires_at", ASCENDING)], name="forget", expireAfterSeconds=0)],
    )


async def _statistics(db: Database) -> None:
    await ensure_collection(
        db,
        "statistics_days",
        shard_key="on",
        validator=schema(
            ["on", "organization_id", "measure", "channel", "count", "fen"],
            on=STRING,
            organization_id=STRING,
            measure=STRING,
            channel=STRING,
            count=INT,
            fen=INT,
        ),
        indexes=[
            IndexModel([("on", ASCENDING), ("organization_id", ASCENDING)], name="by_day"),
        ],
    )
    await ensure_collection(
        db,
        "statistics_counted",
        shard_key="_id",
        validator=schema(["at"], at=DATE, request_id=OPTIONAL_STRING),
        indexes=[IndexModel([("at", ASCENDING)], name="forget", expireAfterSeconds=COUNTED_KEPT_S)],
    )
