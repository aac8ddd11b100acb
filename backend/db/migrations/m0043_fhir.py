"""What hospitals call their Patients in FHIR, and the files they load: how far each is, what was refused."""

from __future__ import annotations

from pymongo import ASCENDING, IndexModel

from backend.db.client import Database
from backend.db.collections import DATE, INT, OBJECT, STRING, ensure_collection, schema

# Whoever has not mended a file in three months sends a new one.
_KEPT_S = 90 * 24 * 3600


async def up(db: Database) -> None:
    """State the collections."""
    await ensure_collection(
        db,
        "fhir_patient_names",
        shard_key="_id",
        validator=schema(
            ["organization_id", "chart_id", "updated_at"],
            organization_id=STRING,
            chart_id=STRING,
            updated_at=DATE,
        ),
        indexes=[],
    )
    await ensure_collection(
        db,
        "fhir_loads",
        shard_key="_id",
        validator=schema(
            [
                "organization_id",
                "state",
                "lines",
                "written",
                "unchanged",
                "refused",
                "began_at",
                "updated_at",
            ],
            organization_id=STRING,
            state=STRING,
            lines=INT,
            written=INT,
            unchanged=INT,
            refused=INT,
            began_at=DATE,
            updated_at=DATE,
        ),
        indexes=[IndexModel([("updated_at", ASCENDING)], name="expiry", expireAfterSeconds=_KEPT_S)],
    )
    await ensure_collection(
        db,
        "fhir_load_refusals",
        shard_key="load_id",
        validator=schema(
            ["load_id", "line", "outcome", "at"], load_id=STRING, line=INT, outcome=OBJECT, at=DATE
        ),
        indexes=[
            IndexModel([("load_id", ASCENDING), ("line", ASCENDING)], name="lines", unique=True),
            IndexModel([("at", ASCENDING)], name="expiry", expireAfterSeconds=_KEPT_S),
        ],
    )
