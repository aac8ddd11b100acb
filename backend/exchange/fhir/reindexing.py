"""After a rotation of the blind-index key: hospitals' own names of their Patients are indexed anew."""

from __future__ import annotations

from backend.exchange.fhir.names_store import PatientNames
from backend.security.key_file import Use
from backend.security.resealing import Batch


class PatientNameIndexes:
    """The re-indexing of `fhir_patient_names`."""

    name = "fhir patient names indexes"
    use: Use = "blind"

    def __init__(self, names: PatientNames) -> None:
        self._names = names

    def target(self) -> str:
        """The active key."""
        return self._names.current

    async def batch(self, after: str | None, limit: int) -> Batch:
        """Bring the next names up to date."""
        last, seen, changed = await self._names.reindex(after, limit)
        return Batch(last if seen == limit else None, seen, changed)

    async def made_with(self, kid: str) -> int:
        """Names that are found by this key alone."""
        return await self._names.count_made_with(kid)
