"""Residents, claims on phones, numbers and WeChat accounts, patient links, one-time codes, tickets."""

from __future__ import annotations

from collections.abc import Sequence

from pymongo import ASCENDING, DESCENDING, IndexModel

from backend.db.client import Database, Document
from backend.db.collections import (
    ARRAY,
    BOOL,
    DATE,
    INT,
    OBJECT,
    OPTIONAL_STRING,
    STRING,
    ensure_collection,
    events_due,
    schema,
)

OPTIONAL_OBJECT: Document = {"bsonType": ["object", "null"]}
_FORGET = IndexModel([("expires_at", ASCENDING)], name="forget", expireAfterSeconds=0)


async def up(db: Database) -> None:
    """State the collections of the residents area."""
    await _residents(db)
    await ensure_links(db, bases=["register", "small_child", "accepted", "none"])
    await _log_in(db)


async def _residents(db: Database) -> None:
    await ensure_collection(
        db,
        "residents",
        shard_key="_id",
        # Sealed fields are objects: a phone or an ID number as plain text is refused by the database itself.
        validator=schema(
            ["state", "real_name", "created_at", "updated_at"],
            state={"enum": ["account", "file", "merged", "deleted"]},
            phone=OBJECT,
            phone_key=OPTIONAL_STRING,
            name=OBJECT,
            name_index=STRING,
            id_number=OBJECT,
            id_key=STRING,
            sex={"enum": ["male", "female"]},
            birth_on=OBJECT,
            birth_year=INT,
            real_name=BOOL,
            verified_by={"enum": ["register", "hospital"]},
            verified_at=DATE,
            wechat=OBJECT,
            settings=OBJECT,
            merging_into=OPTIONAL_STRING,
            merged_into=OPTIONAL_STRING,
            taken_from=OPTIONAL_STRING,
            events=ARRAY,
            events_due=BOOL,
            created_at=DATE,
            updated_at=DATE,
            deleted_at=DATE,
        ),
        indexes=[events_due()],
    )
    await ensure_collection(
        db,
        "resident_keys",
        shard_key="_id",
        validator=schema(["resident_id", "created_at"], resident_id=STRING, created_at=DATE),
        indexes=[IndexModel([("resident_id", ASCENDING)], name="of_resident")],
    )


async def ensure_links(db: Database, *, bases: Sequence[str]) -> None:
    """State the collection of links; on what a link may rest differs between migrations."""
    live = {"live": True}
    guardian = ("guardian_id", ASCENDING)
    await ensure_collection(
        db,
        "patient_links",
        shard_key="guardian_id",
        validator=schema(
            ["guardian_id", "patient_id", "position", "relation", "state", "basis", "live", "created_at"],
            guardian_id=STRING,
            patient_id=STRING,
            position={"bsonType": "int", "minimum": 1, "maximum": 6},
            relation={"enum": ["child", "parent", "spouse", "other"]},
            state={"enum": ["pending", "active", "revoked"]},
            basis={"enum": list(bases)},
            live=BOOL,
            consent_until=OPTIONAL_OBJECT,
            ended_by=STRING,
            ended_at=DATE,
            events=ARRAY,
            events_due=BOOL,
            created_at=DATE,
            updated_at=DATE,
        ),
        indexes=[
            IndexModel(
                [guardian, ("position", ASCENDING)], name="place", unique=True, partialFilterExpression=live
            ),
            IndexModel(
                [guardian, ("patient_id", ASCENDING)], name="pair", unique=True, partialFilterExpression=live
            ),
            IndexModel(
                [("patient_id", ASCENDING), ("live", ASCENDING), ("_id", DESCENDING)], name="of_patient"
            ),
            events_due(),
        ],
    )


async def _log_in(db: Database) -> None:
    await ensure_collection(
        db,
        "login_codes",
        shard_key="_id",
        validator=schema(
            ["kid", "hash", "attempts", "sent_at", "expires_at"],
            kid=STRING,
            hash=STRING,
            attempts=INT,
            sent_at=DATE,
            expires_at=DATE,
        ),
        indexes=[_FORGET],
    )
    await ensure_tickets(db, kinds=["oauth_state", "oauth_done", "phone_needed"])


async def ensure_tickets(db: Database, *, kinds: Sequence[str], **more: Document) -> None:
    """State the collection of tickets with the kinds and further fields that a migration knows."""
    await ensure_collection(
        db,
        "login_tickets",
        shard_key="_id",
        validator=schema(
            ["kind", "expires_at"],
            kind={"enum": list(kinds)},
            app={"enum": ["mini", "oa", None]},
            app_id=STRING,
            openid=OPTIONAL_OBJECT,
            browser=STRING,
            return_to=STRING,
            expires_at=DATE,
            **more,
        ),
        indexes=[_FORGET],
    )
