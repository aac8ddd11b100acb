"""The collection `medication_checks`: what was prescribed and what spoke against it, sealed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import orjson
from pydantic import TypeAdapter
from pymongo import DESCENDING, UpdateOne

from backend.db.client import Database, Document
from backend.medication.models import MedicationCheck
from backend.security.fields import FieldCipher
from backend.security.lasting import declare_sealed

CHECKS = "medication_checks"
declare_sealed(CHECKS, "body")

_CHECK = TypeAdapter(MedicationCheck)
_CLEAR = ("organization_id", "person_id", "at", "turn")


class MedicationStore:
    """Checks by their number."""

    def __init__(self, db: Database, cipher: FieldCipher) -> None:
        self._checks = db.collection(CHECKS)
        self._cipher = cipher

    async def insert(self, check: MedicationCheck) -> None:
        """Keep a new check; it is counted from the start."""
        await self._checks.insert_one(self._write(check))

    async def find(self, check_id: str) -> MedicationCheck | None:
        """A check, or None."""
        doc = await self._checks.find_one({"_id": check_id})
        return self.read(doc) if doc else None

    async def write(self, after: MedicationCheck) -> bool:
        """Write the next turn of a check; False when another was written meanwhile."""
        changes = self._write(after) | {"turn": after.turn + 1}
        del changes["_id"]
        over = {"_id": after.id, "turn": after.turn}
        return (await self._checks.update_one(over, {"$set": changes})).matched_count == 1

    async def list_checks(
        self, within: Sequence[str] | None, cursor: str | None, limit: int
    ) -> list[MedicationCheck]:
        """Checks with an alert, of institutions, the newest first."""
        matching: Document = {"alerted": True}
        if within is not None:
            matching["organization_id"] = {"$in": sorted(within)}
        if cursor:
            matching["_id"] = {"$lt": cursor}
        found = self._checks.find(matching).sort("_id", DESCENDING).limit(limit)
        return [self.read(doc) async for doc in found]

    def marked(self, check: MedicationCheck) -> UpdateOne:
        """The write that says a check is in the figures as it is now."""
        body = self._write(check)["body"]
        changes = {"body": body, "count_due": False, "turn": check.turn + 1}
        return UpdateOne({"_id": check.id, "turn": check.turn}, {"$set": changes})

    def read(self, doc: Mapping[str, Any]) -> MedicationCheck:
        """A document as a check."""
        hidden = orjson.loads(self._cipher.open(CHECKS, "body", doc["_id"], doc["body"]))
        clear = {name: doc[name] for name in _CLEAR}
        return _CHECK.validate_python({"id": doc["_id"], **clear, **hidden})

    def _write(self, check: MedicationCheck) -> Document:
        body = orjson.loads(orjson.dumps(check))
        hidden = {name: value for name, value in body.items() if name not in (*_CLEAR, "id")}
        sealed = self._cipher.seal(CHECKS, "body", check.id, orjson.dumps(hidden).decode())
        clear = {name: getattr(check, name) for name in _CLEAR}
        return {"_id": check.id, **clear, "alerted": bool(check.alerts), "count_due": True, "body": sealed}
