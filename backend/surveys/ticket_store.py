"""The `survey_tickets` collection: what hospitals owe people who said something grave; notes are sealed."""

from __future__ import annotations

from collections.abc import Collection as Ids
from dataclasses import replace
from datetime import datetime

import orjson
from pymongo import ASCENDING
from pymongo.errors import DuplicateKeyError

from backend.db.client import Database, Document
from backend.security.fields import FieldCipher
from backend.security.lasting import declare_sealed
from backend.surveys.models import Cause, Note, Ticket, TicketState

declare_sealed("survey_tickets", "notes")


class TicketStore:
    """Tickets by id, which is the run's: one run opens one ticket."""

    def __init__(self, db: Database, cipher: FieldCipher) -> None:
        self._tickets = db.collection("survey_tickets")
        self._cipher = cipher

    async def open(self, ticket: Ticket) -> bool:
        """Open a ticket, or add the new causes to the one that is open; whether it is new."""
        try:
            await self._tickets.insert_one(self._write(ticket))
        except DuplicateKeyError:
            causes = [str(cause) for cause in ticket.causes]
            await self._tickets.update_one(
                {"_id": ticket.id},
                {
                    "$addToSet": {"causes": {"$each": causes}},
                    "$set": {"percent": ticket.percent},
                    "$min": {"due_at": ticket.due_at},
                },
            )
            return False
        return True

    async def find(self, ticket_id: str) -> Ticket | None:
        """A ticket, or None."""
        found = await self._tickets.find_one({"_id": ticket_id})
        return self._read(found) if found else None

    async def write(self, after: Ticket) -> bool:
        """Write the next turn of a ticket; False when another has been written meanwhile."""
        document = self._write(replace(after, turn=after.turn + 1))
        for kept in ("_id", "causes", "percent"):
            del document[kept]
        result = await self._tickets.update_one({"_id": after.id, "turn": after.turn}, {"$set": document})
        return result.matched_count == 1

    async def list_of(
        self,
        within: Ids[str] | None,
        states: Ids[TicketState],
        after: tuple[datetime, str] | None,
        limit: int,
    ) -> list[Ticket]:
        """Tickets in these states, the most urgent first."""
        matching: Document = {"state": {"$in": sorted(states)}}
        if within is not None:
            matching["organization_id"] = {"$in": sorted(within)}
        if after is not None:
            due_at, ticket_id = after
            matching["$or"] = [{"due_at": {"$gt": due_at}}, {"due_at": due_at, "_id": {"$gt": ticket_id}}]
        found = self._tickets.find(matching).sort([("due_at", ASCENDING), ("_id", ASCENDING)]).limit(limit)
        return [self._read(doc) async for doc in found]

    async def count(self, within: Ids[str] | None, now: datetime) -> tuple[int, int]:
        """How many wait, and how many of them are late."""
        matching: Document = {"state": {"$ne": str(TicketState.RESOLVED)}}
        if within is not None:
            matching["organization_id"] = {"$in": sorted(within)}
        waiting = await self._tickets.count_documents(matching)
        late = await self._tickets.count_documents({**matching, "due_at": {"$lt": now}})
        return waiting, late

    async def waiting(self) -> dict[str, int]:
        """How many wait at each hospital that has any."""
        found = await self._tickets.aggregate(
            [
                {"$match": {"state": {"$ne": str(TicketState.RESOLVED)}}},
                {"$group": {"_id": "$organization_id", "count": {"$sum": 1}}},
            ]
        )
        return {doc["_id"]: doc["count"] async for doc in found}

    async def forget(self, person_id: str) -> None:
        """Take out what was noted of somebody."""
        await self._tickets.update_many(
            {"patient_id": person_id}, {"$set": {"notes": None}, "$inc": {"turn": 1}}
        )

    def _write(self, ticket: Ticket) -> Document:
        notes = None
        if ticket.notes:
            written = [[note.at.isoformat(), note.by, note.what, note.text] for note in ticket.notes]
            notes = self._cipher.seal("survey_tickets", "notes", ticket.id, orjson.dumps(written).decode())
        return {
            "_id": ticket.id,
            "organization_id": ticket.organization_id,
            "department_id": ticket.department_id,
            "practitioner_id": ticket.practitioner_id,
            "patient_id": ticket.patient_id,
            "campaign_id": ticket.campaign_id,
            "causes": [str(cause) for cause in ticket.causes],
            "percent": ticket.percent,
            "state": str(ticket.state),
            "turn": ticket.turn,
            "due_at": ticket.due_at,
            "created_at": ticket.created_at,
            "owner_id": ticket.owner_id,
            "resolved_at": ticket.resolved_at,
            "notes": notes,
        }

    def _read(self, doc: Document) -> Ticket:
        notes: list[list[str]] = []
        if doc["notes"] is not None:
            notes = orjson.loads(self._cipher.open("survey_tickets", "notes", doc["_id"], doc["notes"]))
        return Ticket(
            id=doc["_id"],
            organization_id=doc["organization_id"],
            department_id=doc["department_id"],
            practitioner_id=doc["practitioner_id"],
            patient_id=doc["patient_id"],
            campaign_id=doc["campaign_id"],
            causes=tuple(Cause(cause) for cause in doc["causes"]),
            percent=doc["percent"],
            state=TicketState(doc["state"]),
            turn=doc["turn"],
            due_at=doc["due_at"],
            created_at=doc["created_at"],
            owner_id=doc["owner_id"],
            resolved_at=doc["resolved_at"],
            notes=tuple(Note(datetime.fromisoformat(at), by, what, text) for at, by, what, text in notes),
        )
