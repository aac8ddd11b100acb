"""The `care_contracts` collection: what hospitals have agreed with whom, one document for each number."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any

from pymongo.errors import DuplicateKeyError

from backend import clock
from backend.db.client import Database, Document
from backend.records.sharing_models import Contract
from backend.worker.events import Event, embedded

# As long as the relationships that come of it explain readings (m0034_sharing.py).
_KEPT = timedelta(days=3 * 366)


class ContractStore:
    """Contracts by id. Every change names the turn it changes, so that only one of two happens."""

    def __init__(self, db: Database) -> None:
        self._contracts = db.collection("care_contracts")

    async def find(self, contract_id: str) -> Contract | None:
        """A contract, or None."""
        doc = await self._contracts.find_one({"_id": contract_id})
        return _read(doc) if doc else None

    async def insert(self, contract: Contract, event: Event) -> bool:
        """Keep a new contract; False when its number is taken."""
        document = {"_id": contract.id, "organization_id": contract.organization_id, **_state(contract)}
        try:
            await self._contracts.insert_one(document | embedded(event))
        except DuplicateKeyError:
            return False
        return True

    async def write(self, after: Contract, event: Event | None = None) -> bool:
        """Write the next turn; False when another has been written meanwhile."""
        change: dict[str, Any] = {"$set": _state(after)}
        if event is not None:
            change["$push"] = {"events": event.to_doc()}
            change["$set"]["events_due"] = True
        where = {"_id": after.id, "turn": after.turn - 1}
        return (await self._contracts.update_one(where, change)).matched_count == 1


def _state(contract: Contract) -> Document:
    return {
        "person_id": contract.person_id,
        "former_id": contract.former_id,
        "begins_on": contract.begins_on.isoformat(),
        "until_on": contract.until_on.isoformat(),
        "turn": contract.turn,
        "ended_at": contract.ended_at,
        "forget_at": _over_at(contract) + _KEPT,
    }


def _over_at(contract: Contract) -> datetime:
    return contract.ended_at or clock.city_instant(contract.until_on + timedelta(days=1), 0)


def _read(doc: Document) -> Contract:
    return Contract(
        id=doc["_id"],
        organization_id=doc["organization_id"],
        person_id=doc["person_id"],
        former_id=doc["former_id"],
        begins_on=date.fromisoformat(doc["begins_on"]),
        until_on=date.fromisoformat(doc["until_on"]),
        turn=doc["turn"],
        ended_at=doc["ended_at"],
    )
