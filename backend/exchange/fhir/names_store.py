"""What hospitals call their Patients in FHIR: their id leads to the chart. Only a hash of it is kept."""

from __future__ import annotations

from backend import clock
from backend.db.client import Database
from backend.ids import named_id


class PatientNames:
    """The collection `fhir_patient_names`."""

    def __init__(self, db: Database) -> None:
        self._names = db.collection("fhir_patient_names")

    async def keep(self, organization_id: str, name: str, chart_id: str) -> None:
        """The organization calls this chart so from now on."""
        said = {"organization_id": organization_id, "chart_id": chart_id, "updated_at": clock.now()}
        await self._names.update_one({"_id": _key(organization_id, name)}, {"$set": said}, upsert=True)

    async def find(self, organization_id: str, name: str) -> str | None:
        """The chart that the organization calls so."""
        doc = await self._names.find_one({"_id": _key(organization_id, name)})
        return doc["chart_id"] if doc else None


def _key(organization_id: str, name: str) -> str:
    return named_id("fhir-patient", organization_id, name)
