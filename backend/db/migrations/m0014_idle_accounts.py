"""Log-ins by the phone of an account that was idle for long have tickets of their own."""

from __future__ import annotations

from pymongo import ASCENDING, IndexModel

from backend.db.client import Database
from backend.db.collections import DATE, STRING, ensure_collection, schema

OPTIONAL_OBJECT = {"bsonType": ["object", "null"]}


async def up(db: Database) -> None:
    """State the collection of tickets; residents' documents may have `last_seen_at` without further ado."""
    await ensure_collection(
        db,
        "login_tickets",
        shard_key="_id",
        validator=schema(
            ["kind", "expires_at"],
            kind={"enum": ["oauth_state", "oauth_done", "phone_needed", "identity_needed"]},
            app={"enum": ["mini", "oa", None]},
            app_id=STRING,
            openid=OPTIONAL_OBJECT,
            browser=STRING,
            return_to=STRING,
            phone=OPTIONAL_OBJECT,
            resident_id=STRING,
            expires_at=DATE,
        ),
        indexes=[IndexModel([("expires_at", ASCENDING)], name="forget", expireAfterSeconds=0)],
    )
