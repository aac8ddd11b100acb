"""What hospitals call their Patients in FHIR: their id leads to the chart.

Found by a keyed hash only, and kept sealed for the day the key changes. What stands there from before the key
(without a sealed `name`) is found as well, until it has been indexed anew.
"""

from __future__ import annotations

from collections.abc import Sequence

from pymongo import DESCENDING

from backend import clock
from backend.db.client import Database, Document
from backend.ids import named_id
from backend.security.fields import BlindIndex, FieldCipher
from backend.security.lasting import declare_sealed

NAMES = "fhir_patient_names"
declare_sealed(NAMES, "name")


class PatientNames:
    """The collection `fhir_patient_names`."""

    def __init__(self, db: Database, cipher: FieldCipher, blind: BlindIndex) -> None:
        self._names = db.collection(NAMES)
        self._cipher = cipher
        self._blind = blind

    @property
    def current(self) -> str:
        """The key that new names are found by."""
        return self._blind.current

    async def keep(self, organization_id: str, name: str, chart_id: str) -> None:
        """The organization calls this chart so from now on."""
        said, at = _said(organization_id, name), clock.now()
        there = await self._names.update_many(
            {"_id": {"$in": self._ids(said)}}, {"$set": {"chart_id": chart_id, "updated_at": at}}
        )
        if not there.matched_count:
            doc = {"organization_id": organization_id, "chart_id": chart_id, "updated_at": at}
            await self._put(said, doc)

    async def find(self, organization_id: str, name: str) -> str | None:
        """The chart that the organization calls so."""
        ids = self._ids(_said(organization_id, name))
        doc = await self._names.find_one({"_id": {"$in": ids}}, sort=[("updated_at", DESCENDING)])
        return doc["chart_id"] if doc else None

    # -- after a rotation --------------------------------------------------------------------------------

    async def reindex(self, after: str | None, limit: int) -> tuple[str | None, int, int]:
        """Index the next names with the active key: the last one's id, how many there were and changed."""
        rules: Document = {"_id": {"$gt": after}} if after is not None else {}
        docs = await self._names.find(rules).sort("_id", 1).limit(limit).to_list(None)
        stale = [doc for doc in docs if doc.get("blind_kid") != self._blind.current]
        for doc in stale:
            await self._put(self._open(doc), doc)
            # Who has been called otherwise meanwhile is met by the next pass, and the newer one counts.
            await self._names.delete_one({"_id": doc["_id"], "updated_at": doc["updated_at"]})
        return (docs[-1]["_id"] if docs else None), len(docs), len(stale)

    async def count_made_with(self, kid: str) -> int:
        """Names that are found by this key alone."""
        return await self._names.count_documents({"blind_kid": kid})

    async def _put(self, said: str, doc: Document) -> None:
        id = self._blind.of("fhir_patient", said)
        fields = {name: doc[name] for name in ("organization_id", "chart_id", "updated_at")}
        fields |= {"name": self._cipher.seal(NAMES, "name", id, said), "blind_kid": self._blind.current}
        await self._names.update_one({"_id": id}, {"$set": fields}, upsert=True)

    def _open(self, doc: Document) -> str:
        if "name" not in doc:
            return str(doc["_id"])
        return self._cipher.open(NAMES, "name", doc["_id"], doc["name"])

    def _ids(self, said: str) -> Sequence[str]:
        return [*self._blind.candidates("fhir_patient", said), said]


def _said(organization_id: str, name: str) -> str:
    """What is indexed and sealed: of any length, the same length."""
    return named_id("fhir-patient", organization_id, name)
