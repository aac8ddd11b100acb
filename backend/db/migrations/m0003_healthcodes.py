"""Sessions and revocations; health cards, phones that make codes offline, printed codes, uses of codes."""

from __future__ import annotations

from pymongo import ASCENDING, DESCENDING, IndexModel

from backend.db.client import Database
from backend.db.collections import (
    ARRAY,
    BOOL,
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

_FORGET = IndexModel([("expires_at", ASCENDING)], name="forget", expireAfterSeconds=0)


async def up(db: Database) -> None:
    """State the collections of signing in and of the health code."""
    await _sessions(db)
    await _cards(db)
    await _uses(db)


async def _sessions(db: Database) -> None:
    await ensure_collection(
        db,
        "sessions",
        shard_key="_id",
        validator=schema(
            ["account_id", "kind", "generation", "refresh_hash", "created_at", "rotated_at", "expires_at"],
            account_id=STRING,
            kind=STRING,
            role=OPTIONAL_STRING,
            organization_ids={"bsonType": ["array", "null"], "items": STRING},
            channel=STRING,
            real_name=BOOL,
            device=STRING,
            generation=INT,
            refresh_hash=STRING,
            previous_hash=OPTIONAL_STRING,
            created_at=DATE,
            rotated_at=DATE,
            expires_at=DATE,
            ended_at=OPTIONAL_DATE,
            end_reason=OPTIONAL_STRING,
        ),
        indexes=[IndexModel([("account_id", ASCENDING)], name="of_account"), _FORGET],
    )
    await ensure_collection(
        db,
        "revocations",
        shard_key="_id",
        validator=schema(["at", "expires_at"], at=DATE, expires_at=DATE),
        indexes=[IndexModel([("at", ASCENDING)], name="since"), _FORGET],
    )


async def _cards(db: Database) -> None:
    await ensure_collection(
        db,
        "health_cards",
        shard_key="_id",
        validator=schema(
            ["card_index", "created_at"],
            # The blind index of the national card id: the id itself contains the ID number.
            card_index=STRING,
            created_at=DATE,
            updated_at=DATE,
        ),
        indexes=[IndexModel([("card_index", ASCENDING)], name="of_card")],
    )
    await ensure_collection(
        db,
        "code_devices",
        shard_key="_id",
        validator=schema(
            ["patient_id", "resident_id", "session_id", "on", "secret", "created_at", "expires_at"],
            patient_id=STRING,
            resident_id=STRING,
            session_id=STRING,
            on=STRING,
            secret=OBJECT,
            created_at=DATE,
            expires_at=DATE,
            revoked_at=OPTIONAL_DATE,
        ),
        indexes=[
            IndexModel([("session_id", ASCENDING), ("patient_id", ASCENDING)], name="of_session"),
            IndexModel([("patient_id", ASCENDING)], name="of_patient"),
            _FORGET,
        ],
    )
    await ensure_collection(
        db,
        "static_codes",
        shard_key="patient_id",
        validator=schema(
            ["patient_id", "resident_id", "code_hash", "text", "created_at"],
            patient_id=STRING,
            resident_id=STRING,
            code_hash=STRING,
            text=OBJECT,
            request_key=STRING,
            created_at=DATE,
            revoked_at=OPTIONAL_DATE,
        ),
        indexes=[
            IndexModel([("code_hash", ASCENDING)], name="of_code"),
            IndexModel(
                [("patient_id", ASCENDING), ("request_key", ASCENDING)],
                name="of_request",
                unique=True,
                partialFilterExpression={"request_key": {"$exists": True}},
            ),
            IndexModel([("patient_id", ASCENDING), ("_id", DESCENDING)], name="of_patient"),
        ],
    )


async def _uses(db: Database) -> None:
    await ensure_collection(
        db,
        "code_uses",
        # The `_id` is the code's own claim key: inserting the use is what uses up the code.
        shard_key="_id",
        validator=schema(
            [
                "use_id",
                "patient_id",
                "terminal_id",
                "organization_id",
                "step",
                "kind",
                "at",
                "offline",
                "flagged",
            ],
            use_id=STRING,
            patient_id=STRING,
            terminal_id=STRING,
            organization_id=STRING,
            step=STRING,
            kind=STRING,
            at=DATE,
            uploaded_at=OPTIONAL_DATE,
            offline=BOOL,
            flagged=BOOL,
            conflicts=ARRAY,
            events=ARRAY,
            events_due=BOOL,
        ),
        indexes=[
            IndexModel([("patient_id", ASCENDING), ("use_id", DESCENDING)], name="of_patient"),
            events_due(),
        ],
    )
