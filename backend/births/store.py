"""The collection `birth_filings`: what the parents said and the agencies answered is sealed."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import orjson
from pydantic import TypeAdapter
from pymongo import ASCENDING, DESCENDING
from pymongo.asynchronous.client_session import AsyncClientSession
from pymongo.errors import DuplicateKeyError

from backend.births.birth_store import BIRTHS
from backend.births.figures import Row, StepRow
from backend.births.machine import AT_AGENCY, FilingState, StepState
from backend.births.models import Birth, Filing, OwnerKind, WorkQuery
from backend.births.owning import level_of, look_at, owner_of
from backend.births.questions import question_ids
from backend.db.client import DURABLE, Database, Document
from backend.security.fields import FieldCipher
from backend.security.lasting import declare_sealed
from backend.worker.events import Event, embedded, pushed

FILINGS = "birth_filings"
declare_sealed(FILINGS, "body")
_FILING = TypeAdapter(Filing)
# What stands in clear: ids, states and instants.
_CLEAR = (
    "birth_id", "organization_id", "applicant_id", "parent_ids", "state", "turn", "edition", "created_at",
    "updated_at", "submitted_at", "ended_at", "taken_by", "superseded", "child_id",
)  # fmt: skip
STAFF_KINDS = (OwnerKind.DESK, OwnerKind.STAFF)


class FilingStore:
    """Filings by id. A change is written over the turn it was thought of, or not at all."""

    def __init__(self, db: Database, cipher: FieldCipher) -> None:
        self._client = db.client
        self._filings = db.collection(FILINGS)
        self._births = db.collection(BIRTHS)
        self._cipher = cipher

    async def insert(self, filing: Filing, events: Sequence[Event] = ()) -> bool:
        """Keep a new filing; False when it is there already."""
        try:
            await self._filings.insert_one(self._write(filing) | embedded(*events))
        except DuplicateKeyError:
            return False
        return True

    async def find(self, filing_id: str) -> Filing | None:
        """A filing, or None."""
        doc = await self._filings.find_one({"_id": filing_id})
        return self._read(doc) if doc else None

    async def find_asked(self, question_id: str) -> Filing | None:
        """The filing that an agency was asked about under this id."""
        doc = await self._filings.find_one({"question_ids": question_id})
        return self._read(doc) if doc else None

    async def write(self, after: Filing, events: Sequence[Event] = ()) -> bool:
        """Write the next turn of a filing; False when another was written meanwhile."""
        return await self._put(after, events)

    async def write_of(self, after: Filing, birth: Birth, events: Sequence[Event] = ()) -> bool:
        """The same, while the birth is noted as it was seen; False when either has changed meanwhile."""
        seen = {"_id": birth.id, "turn": birth.turn}

        async def both(session: AsyncClientSession) -> bool:
            # The birth is written, too: a hospital that corrects or voids it at this moment meets us there.
            looked = await self._births.update_one(seen, {"$inc": {"turn": 1}}, session=session)
            if looked.matched_count == 1 and await self._put(after, events, session):
                return True
            await session.abort_transaction()
            return False

        async with self._client.start_session() as session:
            return await session.with_transaction(both, write_concern=DURABLE)

    async def _put(
        self, after: Filing, events: Sequence[Event], session: AsyncClientSession | None = None
    ) -> bool:
        document = self._write(after)
        del document["_id"]
        document["turn"] = after.turn + 1
        changes: Document = {"$set": document}
        if events:
            added = pushed(*events)
            changes = {"$set": document | added["$set"], "$push": added["$push"]}
        mine = {"_id": after.id, "turn": after.turn}
        result = await self._filings.update_one(mine, changes, session=session)
        return result.matched_count == 1

    async def of_birth(self, birth_id: str) -> list[Filing]:
        """All filings of a birth, the first one first."""
        found = self._filings.find({"birth_id": birth_id}).sort("created_at", ASCENDING)
        return [self._read(doc) async for doc in found]

    async def of_parent(self, person_id: str, limit: int) -> list[Filing]:
        """Somebody's filings, the newest first."""
        found = self._filings.find({"parent_ids": person_id}).sort("_id", DESCENDING).limit(limit)
        return [self._read(doc) async for doc in found]

    async def take_due(self, now: datetime, lease: timedelta, limit: int) -> list[Filing]:
        """Filings that something is to be looked after, each given to one caller for the time of a lease."""
        due = self._filings.find({"look_at": {"$lte": now}}, {"_id": 1, "look_at": 1})
        taken = []
        async for doc in due.sort("look_at", ASCENDING).limit(limit):
            mine = {"_id": doc["_id"], "look_at": doc["look_at"]}
            found = await self._filings.find_one_and_update(mine, {"$set": {"look_at": now + lease}})
            if found is not None:
                taken.append(self._read(found))
        return taken

    async def worklist(self, query: WorkQuery, within: Sequence[str] | None, mine: str) -> list[Filing]:
        """A page of filings and one more: staff's the longest neglected first, others the newest first."""
        matching: Document = {} if within is None else {"organization_id": {"$in": sorted(within)}}
        if query.state is not None:
            matching["state"] = str(query.state)
        if query.mine:
            matching["taken_by"] = mine
        if query.agency:
            out = {"$in": [str(state) for state in AT_AGENCY]}
            matching["steps"] = {"$elemMatch": {"agency": query.agency, "state": out}}
        order: list[tuple[str, int]] = [("_id", DESCENDING)]
        if query.waiting_for_staff:
            matching["owner_kind"] = {"$in": [str(kind) for kind in STAFF_KINDS]}
            order = [("level", DESCENDING), ("due_at", ASCENDING), ("_id", ASCENDING)]
        if query.cursor:
            matching |= await self._after(query)
        found = self._filings.find(matching).sort(order).limit(query.limit + 1)
        return [self._read(doc) async for doc in found]

    async def count_for_staff(self, within: Sequence[str] | None) -> tuple[int, int]:
        """How many wait for staff, and for how many of them a day has passed without a word."""
        matching: Document = {"owner_kind": {"$in": [str(kind) for kind in STAFF_KINDS]}}
        if within is not None:
            matching["organization_id"] = {"$in": sorted(within)}
        waiting = await self._filings.count_documents(matching)
        return waiting, await self._filings.count_documents({**matching, "level": {"$gt": 1}})

    async def rows_since(self, within: Sequence[str] | None, at: datetime) -> list[Row]:
        """Filings handed in since an instant, as much of them as is counted."""
        matching: Document = {"submitted_at": {"$gte": at}}
        if within is not None:
            matching["organization_id"] = {"$in": sorted(within)}
        shown = {"state": 1, "submitted_at": 1, "ended_at": 1, "steps": 1}
        return [_row(doc) async for doc in self._filings.find(matching, shown)]

    async def ended_before(self, at: datetime, *, with_files: bool, limit: int) -> list[Filing]:
        """Filings that ended before an instant: those whose files are still there, or all."""
        matching: Document = {"ended_at": {"$lt": at}}
        if with_files:
            matching["has_files"] = True
        found = self._filings.find(matching).sort("ended_at", ASCENDING).limit(limit)
        return [self._read(doc) async for doc in found]

    async def delete(self, filing_id: str) -> None:
        """Forget a filing."""
        await self._filings.delete_one({"_id": filing_id})

    async def _after(self, query: WorkQuery) -> Document:
        if not query.waiting_for_staff:
            return {"_id": {"$lt": query.cursor}}
        last = await self._filings.find_one({"_id": query.cursor}, {"due_at": 1, "level": 1})
        if last is None or last["due_at"] is None:
            return {}
        level, due_at = last["level"], last["due_at"]
        return {
            "$or": [
                {"level": {"$lt": level}},
                {"level": level, "due_at": {"$gt": due_at}},
                {"level": level, "due_at": due_at, "_id": {"$gt": query.cursor}},
            ]
        }

    def _write(self, filing: Filing) -> Document:
        body: dict[str, Any] = orjson.loads(orjson.dumps(filing))
        hidden = {name: value for name, value in body.items() if name not in (*_CLEAR, "id")}
        clear: Document = {name: getattr(filing, name) for name in _CLEAR}
        owner = owner_of(filing)
        return {
            "_id": filing.id,
            **clear,
            "state": str(filing.state),
            "parent_ids": list(filing.parent_ids),
            "steps": [
                {
                    "code": step.code,
                    "agency": step.agency,
                    "state": str(step.state),
                    "asked_at": step.asked_at,
                    "ended_at": step.ended_at,
                    "due_at": step.due_at,
                    "promised_at": step.promised_at,
                    "handover": str(step.handover.state) if step.handover else None,
                    "received_at": step.handover.received_at if step.handover else None,
                    "lost": step.handover.lost if step.handover else 0,
                }
                for step in filing.steps
            ],
            "question_ids": question_ids(filing),
            "has_files": bool(filing.files),
            "owner_kind": str(owner.kind) if owner else None,
            "owner_id": owner.id if owner else None,
            "due_at": owner.due_at if owner else None,
            "level": level_of(filing),
            "look_at": look_at(filing),
            "body": self._cipher.seal(FILINGS, "body", filing.id, orjson.dumps(hidden).decode()),
        }

    def _read(self, doc: Document) -> Filing:
        hidden = orjson.loads(self._cipher.open(FILINGS, "body", doc["_id"], doc["body"]))
        return _FILING.validate_python({"id": doc["_id"], **{name: doc[name] for name in _CLEAR}, **hidden})


def _row(doc: Document) -> Row:
    steps = tuple(
        StepRow(
            step["code"], step["agency"], StepState(step["state"]), step["asked_at"], step["ended_at"],
            step.get("promised_at") or step["due_at"], step.get("handover"), step.get("received_at"),
            step.get("lost", 0),
        )
        for step in doc["steps"]
    )  # fmt: skip
    return Row(FilingState(doc["state"]), doc["submitted_at"], doc["ended_at"], steps)
