"""Staff accounts of doctors: who they are in the directory."""

from __future__ import annotations

from pymongo import ASCENDING, IndexModel

from backend.db.client import Database
from backend.db.collections import (
    BOOL,
    DATE,
    INT,
    OBJECT,
    OPTIONAL_DATE,
    STRING,
    ensure_collection,
    schema,
)


async def up(db: Database) -> None:
    """Let an account name its practitioner; the documents of before stay right without one."""
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
            practitioner_id=STRING,
            created_at=DATE,
            updated_at=DATE,
            last_signed_in_at=OPTIONAL_DATE,
        ),
        indexes=[IndexModel([("login", ASCENDING)], name="login", unique=True)],
    )
