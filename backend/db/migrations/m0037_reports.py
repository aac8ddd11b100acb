"""Images with their sealed pieces, shared links, exports of the record, and corrections asked for."""

from __future__ import annotations

from pymongo import ASCENDING, DESCENDING, IndexModel

from backend.db.client import Database
from backend.db.collections import (
    ARRAY,
    DATE,
    INT,
    OPTIONAL_DATE,
    OPTIONAL_SEALED,
    OPTIONAL_STRING,
    SEALED,
    STRING,
    ensure_collection,
    events_due,
    schema,
)


async def up(db: Database) -> None:
    """State the collections."""
    await _images(db)
    await _links_and_exports(db)
    await ensure_collection(
        db,
        "record_corrections",
        shard_key="_id",
        validator=schema(
            ["resident_id", "patient_id", "chart", "organization_id", "field", "state", "wish", "asked_at"],
            resident_id=STRING,
            patient_id=STRING,
            chart=STRING,
            organization_id=STRING,
            field=STRING,
            state={"enum": ["asked", "done", "refused"]},
            wish=SEALED,
            answer=OPTIONAL_SEALED,
            asked_at=DATE,
            answered_at=OPTIONAL_DATE,
        ),
        indexes=[
            IndexModel([("patient_id", ASCENDING), ("_id", DESCENDING)], name="of_patient"),
            IndexModel(
                [("organization_id", ASCENDING), ("state", ASCENDING), ("_id", ASCENDING)], name="due"
            ),
            IndexModel([("resident_id", ASCENDING)], name="of_resident"),
        ],
    )


async def _images(db: Database) -> None:
    await ensure_collection(
        db,
        "images",
        shard_key="chart",
        validator=schema(
            ["chart", "organization_id", "study_uid", "series_uid", "instance_uid", "at", "header", "key"],
            chart=STRING,
            organization_id=STRING,
            study_uid=STRING,
            series_uid=STRING,
            instance_uid=STRING,
            at=DATE,
            frames=INT,
            # Sealed: the header names the patient, and the key opens the picture.
            header=SEALED,
            key=SEALED,
        ),
        indexes=[
            IndexModel(
                [
                    ("chart", ASCENDING),
                    ("study_uid", ASCENDING),
                    ("series_uid", ASCENDING),
                    ("number", ASCENDING),
                ],
                name="of_chart",
            ),
            IndexModel(
                [("organization_id", ASCENDING), ("study_uid", ASCENDING), ("series_uid", ASCENDING)],
                name="of_study",
            ),
            IndexModel([("organization_id", ASCENDING), ("at", DESCENDING)], name="lately"),
        ],
    )
    await ensure_collection(
        db,
        "blob_pieces",
        shard_key="blob_id",
        validator=schema(
            ["blob_id", "number", "data"], blob_id=STRING, number=INT, data={"bsonType": "binData"}
        ),
        indexes=[
            IndexModel([("blob_id", ASCENDING), ("number", ASCENDING)], name="whole", unique=True),
            # Of what is made for a while only: links and exports.
            IndexModel([("expires_at", ASCENDING)], name="forget", expireAfterSeconds=0),
        ],
    )


async def _links_and_exports(db: Database) -> None:
    await ensure_collection(
        db,
        "report_links",
        shard_key="_id",
        validator=schema(
            ["resident_id", "patient_id", "label", "blobs", "expires_at", "created_at", "attempts_left"],
            resident_id=STRING,
            patient_id=STRING,
            label=SEALED,
            blobs=ARRAY,
            passcode=OPTIONAL_STRING,
            attempts_left=INT,
            opened=INT,
            last_opened_at=OPTIONAL_DATE,
            revoked_at=OPTIONAL_DATE,
            expires_at=DATE,
            created_at=DATE,
        ),
        indexes=[
            IndexModel([("resident_id", ASCENDING), ("created_at", DESCENDING)], name="of_resident"),
            # Whose it was can still see for a month that it was opened.
            IndexModel([("expires_at", ASCENDING)], name="forget", expireAfterSeconds=30 * 24 * 3600),
        ],
    )
    await ensure_collection(
        db,
        "record_exports",
        shard_key="_id",
        validator=schema(
            [
                "resident_id",
                "patient_id",
                "form",
                "state",
                "done",
                "total",
                "key",
                "created_at",
                "expires_at",
            ],
            resident_id=STRING,
            patient_id=STRING,
            form={"enum": ["fhir", "pdf"]},
            state={"enum": ["due", "running", "done", "failed"]},
            done=INT,
            total=INT,
            key=SEALED,
            events=ARRAY,
            created_at=DATE,
            expires_at=DATE,
        ),
        indexes=[
            events_due(),
            IndexModel([("resident_id", ASCENDING), ("created_at", DESCENDING)], name="of_resident"),
            IndexModel([("expires_at", ASCENDING)], name="forget", expireAfterSeconds=0),
        ],
    )
