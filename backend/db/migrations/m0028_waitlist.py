"""Who waits for a place of a department on a day."""

from __future__ import annotations

from pymongo import ASCENDING, IndexModel

from backend.db.client import Database
from backend.db.collections import BOOL, DATE, OPTIONAL_STRING, STRING, ensure_collection, schema


async def up(db: Database) -> None:
    """A patient waits once for a department's day, and the list is read from its head."""
    await ensure_collection(
        db,
        "waitlist",
        shard_key="pool_key",
        validator=schema(
            ["pool_key", "department_id", "on", "patient_id", "resident_id", "channel", "state", "live",
             "created_at", "forget_at"],
            pool_key=STRING,
            department_id=STRING,
            on=STRING,
            patient_id=STRING,
            resident_id=STRING,
            channel=STRING,
            state={"enum": ["waiting", "offered", "taken", "ended"]},
            live=BOOL,
            claim_id=OPTIONAL_STRING,
            created_at=DATE,
            forget_at=DATE,
        ),
        indexes=[
            IndexModel(
                [("pool_key", ASCENDING), ("patient_id", ASCENDING)],
                name="once_a_day",
                unique=True,
                partialFilterExpression={"live": True},
            ),
            IndexModel([("pool_key", ASCENDING), ("state", ASCENDING), ("_id", ASCENDING)], name="list"),
            IndexModel([("resident_id", ASCENDING), ("on", ASCENDING)], name="of_resident"),
            IndexModel([("patient_id", ASCENDING)], name="of_patient"),
            IndexModel([("forget_at", ASCENDING)], name="forget", expireAfterSeconds=0),
        ],
    )  # fmt: skip
