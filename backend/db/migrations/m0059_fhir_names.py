"""Hospitals' own names of their Patients: found by a keyed hash, and sealed.

No key is known here: what stands under the older hash is found as before until the re-indexing that follows
every new target (backend/exchange/fhir/reindexing.py) has written it under the key.
"""

from __future__ import annotations

from backend.db.client import Database
from backend.db.collections import DATE, SEALED, STRING, ensure_collection, schema


async def up(db: Database) -> None:
    """State what a name has now."""
    await ensure_collection(
        db,
        "fhir_patient_names",
        shard_key="_id",
        validator=schema(
            ["organization_id", "chart_id", "updated_at"],
            organization_id=STRING,
            chart_id=STRING,
            updated_at=DATE,
            name=SEALED,
            blind_kid=STRING,
        ),
        indexes=[],
    )
