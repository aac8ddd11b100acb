"""Files that hospitals load: how far each has come, and which lines were refused."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from pymongo import UpdateOne

from backend import clock
from backend.db.client import Database, Document

# Whoever has more to mend mends these first.
MOST_REFUSALS = 10_000


@dataclass(frozen=True, slots=True)
class Load:
    """One file. `lines` are those that have been dealt with, whatever came of them."""

    id: str
    organization_id: str
    state: str
    lines: int
    written: int
    unchanged: int
    refused: int
    began_at: datetime
    updated_at: datetime


class LoadStore:
    """The collections `fhir_loads` and `fhir_load_refusals`."""

    def __init__(self, db: Database) -> None:
        self._loads = db.collection("fhir_loads")
        self._refusals = db.collection("fhir_load_refusals")

    async def begin(self, id: str, organization_id: str) -> Load:
        """A new one, or the one that was begun under this id."""
        now = clock.now()
        first = {
            "organization_id": organization_id,
            "lines": 0,
            "written": 0,
            "unchanged": 0,
            "refused": 0,
            "began_at": now,
        }
        changes = {"$setOnInsert": first, "$set": {"state": "running", "updated_at": now}}
        await self._loads.update_one({"_id": id}, changes, upsert=True)
        return _load(await self._loads.find_one({"_id": id}) or {})

    async def find(self, id: str) -> Load | None:
        """One, or None."""
        doc = await self._loads.find_one({"_id": id})
        return _load(doc) if doc else None

    async def advance(self, load: Load, counts: dict[str, int], refusals: dict[int, Document]) -> bool:
        """Some lines further; False when somebody else has been further meanwhile."""
        if refusals and load.refused < MOST_REFUSALS:
            await self._refusals.bulk_write(
                [
                    UpdateOne(
                        {"load_id": load.id, "line": line},
                        {"$set": {"outcome": outcome, "at": clock.now()}},
                        upsert=True,
                    )
                    for line, outcome in refusals.items()
                ],
                ordered=False,
            )
        changes = {"$inc": counts, "$set": {"updated_at": clock.now()}}
        done = await self._loads.update_one({"_id": load.id, "lines": load.lines}, changes)
        return bool(done.matched_count)

    async def finish(self, load: Load) -> None:
        """The file has been dealt with to its end."""
        await self._loads.update_one({"_id": load.id}, {"$set": {"state": "done", "updated_at": clock.now()}})

    async def refusals(self, id: str) -> AsyncIterator[tuple[int, dict[str, Any]]]:
        """What was refused, line by line."""
        found = self._refusals.find({"load_id": id}).sort("line").limit(MOST_REFUSALS)
        async for doc in found:
            yield doc["line"], doc["outcome"]


def _load(doc: Document) -> Load:
    return Load(doc["_id"], *(doc[name] for name in Load.__dataclass_fields__ if name != "id"))
