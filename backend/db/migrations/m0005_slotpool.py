"""Schedules: the sessions that hospitals publish and whose places the pool sells."""

from __future__ import annotations

from pymongo import ASCENDING, IndexModel

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


async def up(db: Database) -> None:
    """State the collection."""
    await ensure_collection(
        db,
        "schedules",
        shard_key="_id",
        validator=schema(
            ["external", "organization_id", "department_id", "on", "period", "kind", "fee_fen", "slots",
             "reserved", "state", "start_at", "end_at", "content_hash", "version", "created_at",
             "updated_at"],
            external=OBJECT,
            organization_id=STRING,
            department_id=STRING,
            practitioner_id=OPTIONAL_STRING,
            on=STRING,
            period={"enum": ["am", "pm", "evening", "night", "day"]},
            kind={"enum": ["general", "expert", "special", "vaccination"]},
            fee_fen=INT,
            slots=ARRAY,
            reserved=OBJECT,
            state={"enum": ["open", "closed", "stopped"]},
            stop_reason=OPTIONAL_STRING,
            stopped_at=OPTIONAL_DATE,
            booking_url=OPTIONAL_STRING,
            booking_phone=OPTIONAL_STRING,
            start_at=DATE,
            end_at=DATE,
            content_hash=STRING,
            version=INT,
            events=ARRAY,
            events_due=BOOL,
            created_at=DATE,
            updated_at=DATE,
        ),
        indexes=[
            _index("department_day", "department_id", "on", "start_at"),
            _index("organization_day", "organization_id", "on", "start_at"),
            _index("practitioner_day", "practitioner_id", "on"),
            events_due(),
        ],
    )  # fmt: skip


def _index(name: str, *fields: str) -> IndexModel:
    return IndexModel([(field, ASCENDING) for field in fields], name=name)
