"""The `handovers` and `conversation_lines` collections: talks with staff and their sealed words."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from pymongo import ASCENDING, ReturnDocument
from pymongo.errors import DuplicateKeyError

from backend import clock
from backend.conversations.inbox_models import By, Handover, HandoverState, Line
from backend.conversations.models import Conversation, Through
from backend.db.client import Database, Document
from backend.ids import new_id
from backend.security.fields import FieldCipher
from backend.security.lasting import declare_sealed

declare_sealed("conversation_lines", "text")
MOST_LINES = 500


class InboxStore:
    """Talks with staff, at most one open for each conversation."""

    def __init__(self, db: Database, cipher: FieldCipher) -> None:
        self._handovers = db.collection("handovers")
        self._lines = db.collection("conversation_lines")
        self._cipher = cipher

    async def open(
        self, conversation: Conversation, resident_id: str | None, organization_id: str | None
    ) -> tuple[Handover, bool]:
        """The open talk of a conversation, and whether it was begun now. The person waits from now on."""
        now = clock.now()
        key = {"conversation_id": conversation.id, "open": True}
        known = await self._handovers.find_one_and_update(
            key,
            # Who waits already has waited since then.
            [{"$set": {"last_at": now, "asked_at": {"$ifNull": ["$asked_at", now]}}}],
            return_document=ReturnDocument.AFTER,
        )
        if known is not None:
            return _handover(known), False
        fresh = key | {
            "_id": new_id(),
            "through": str(conversation.through),
            "state": str(HandoverState.WAITING),
            "organization_id": organization_id,
            "resident_id": resident_id,
            "taken_by": None,
            "opened_at": now,
            "asked_at": now,
            "last_at": now,
        }
        try:
            await self._handovers.insert_one(fresh)
        except DuplicateKeyError:
            return await self.open(conversation, resident_id, organization_id)
        return _handover(fresh), True

    async def find(self, handover_id: str) -> Handover | None:
        """A talk, open or closed."""
        doc = await self._handovers.find_one({"_id": handover_id})
        return _handover(doc) if doc else None

    async def find_open(self, conversation_id: str) -> Handover | None:
        """The open talk of a conversation."""
        doc = await self._handovers.find_one({"conversation_id": conversation_id, "open": True})
        return _handover(doc) if doc else None

    async def list_open(self, organization_ids: frozenset[str] | None, limit: int) -> list[Handover]:
        """Open talks within a scope, who waits longest first."""
        where: Document = {"open": True}
        if organization_ids is not None:
            where["organization_id"] = {"$in": sorted(organization_ids)}
        found = self._handovers.find(where).sort([("opened_at", ASCENDING)]).limit(limit)
        return [_handover(doc) async for doc in found]

    async def count_waiting(self, organization_ids: frozenset[str] | None) -> int:
        """How many open talks within a scope wait for somebody to take them."""
        where: Document = {"open": True, "state": str(HandoverState.WAITING)}
        if organization_ids is not None:
            where["organization_id"] = {"$in": sorted(organization_ids)}
        return await self._handovers.count_documents(where)

    async def list_left(self, before: datetime, limit: int) -> list[Handover]:
        """Open talks in which nobody has said anything since."""
        found = self._handovers.find({"open": True, "last_at": {"$lt": before}}).limit(limit)
        return [_handover(doc) async for doc in found]

    async def change(
        self, handover: Handover, states: Sequence[HandoverState], holders: Sequence[str | None], **to: Any
    ) -> Handover | None:
        """Change a talk that still stands so; None when it does not."""
        doc = await self._handovers.find_one_and_update(
            {
                "_id": handover.id,
                "conversation_id": handover.conversation_id,
                "state": {"$in": [str(state) for state in states]},
                "taken_by": {"$in": list(holders)},
            },
            {"$set": to},
            return_document=ReturnDocument.AFTER,
        )
        return _handover(doc) if doc else None

    async def end(self, handover: Handover) -> bool:
        """Close a talk; False when it was closed already."""
        now = clock.now()
        result = await self._handovers.update_one(
            {"_id": handover.id, "conversation_id": handover.conversation_id, "open": True},
            {"$set": {"state": str(HandoverState.CLOSED), "closed_at": now}, "$unset": {"open": ""}},
        )
        return result.modified_count == 1

    async def add_line(self, handover: Handover, line: Line) -> bool:
        """Keep what was said; False when it was kept before."""
        doc = {
            "_id": line.id,
            "conversation_id": handover.conversation_id,
            "handover_id": handover.id,
            "by": str(line.by),
            "staff_id": line.staff_id,
            "text": self._cipher.seal("conversation_lines", "text", line.id, line.text),
            "at": line.at,
        }
        try:
            await self._lines.insert_one(doc)
        except DuplicateKeyError:
            return False
        return True

    async def lines(self, handover: Handover) -> list[Line]:
        """What was said in a talk, oldest first."""
        found = self._lines.find({"conversation_id": handover.conversation_id, "handover_id": handover.id})
        docs = await found.sort([("at", ASCENDING), ("_id", ASCENDING)]).limit(MOST_LINES).to_list(None)
        return [self._line(doc) for doc in docs]

    async def forget(self, conversation_ids: Sequence[str]) -> None:
        """Forget all talks of some conversations."""
        where = {"conversation_id": {"$in": list(conversation_ids)}}
        await self._lines.delete_many(where)
        await self._handovers.delete_many(where)

    def _line(self, doc: Document) -> Line:
        text = self._cipher.open("conversation_lines", "text", doc["_id"], doc["text"])
        return Line(doc["_id"], By(doc["by"]), text, doc["at"], doc["staff_id"])


def _handover(doc: Document) -> Handover:
    return Handover(
        id=doc["_id"],
        conversation_id=doc["conversation_id"],
        through=Through(doc["through"]),
        state=HandoverState(doc["state"]),
        organization_id=doc["organization_id"],
        resident_id=doc["resident_id"],
        taken_by=doc["taken_by"],
        opened_at=doc["opened_at"],
        asked_at=doc["asked_at"],
        last_at=doc["last_at"],
    )
