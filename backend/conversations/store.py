"""The `conversations` collection: one document per person and channel, its words sealed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

import orjson
from pymongo import DESCENDING
from pymongo.errors import DuplicateKeyError

from backend import clock
from backend.conversations.models import KEPT, Before, Conversation, Previous, Run, RunState, Through
from backend.db.client import Database, Document
from backend.security.fields import BlindIndex, FieldCipher
from backend.security.lasting import declare_lapse, declare_sealed

declare_sealed("conversations", "content")
# A conversation is found by the blind index of its address, and forgotten soon after the last word.
declare_lapse("blind", "conversations", KEPT)


class ConversationStore:
    """Conversations by channel and address. Addresses and what was said are sealed."""

    def __init__(self, db: Database, cipher: FieldCipher, blind: BlindIndex) -> None:
        self._conversations = db.collection("conversations")
        self._cipher = cipher
        self._blind = blind

    async def find(self, through: Through, address: str) -> Conversation | None:
        """The conversation with whoever writes from this address."""
        ids = [f"{through}:{blind}" for blind in self._blind.candidates("phone", address)]
        doc = await self._conversations.find_one({"_id": {"$in": ids}})
        return self._read(doc) if doc else None

    def begin(self, through: Through, address: str) -> Conversation:
        """A conversation nobody has written down yet."""
        return Conversation(
            id=f"{through}:{self._blind.of('phone', address)}",
            through=through,
            address=address,
            turn=0,
            run=None,
            resident_id=None,
            with_staff=False,
            heard=(),
            answer=(),
            minute_at=None,
            in_minute=0,
            updated_at=clock.now(),
        )

    async def write(self, conversation: Conversation) -> bool:
        """Write the next turn; False when another turn has been written meanwhile."""
        changed = replace(conversation, turn=conversation.turn + 1, updated_at=clock.now())
        document = self._write(changed)
        if conversation.turn == 0:
            try:
                await self._conversations.insert_one(document)
            except DuplicateKeyError:
                return False
            return True
        result = await self._conversations.replace_one(
            {"_id": conversation.id, "turn": conversation.turn}, document
        )
        return result.matched_count == 1

    async def find_by_id(self, conversation_id: str) -> Conversation | None:
        """A conversation by its id."""
        doc = await self._conversations.find_one({"_id": conversation_id})
        return self._read(doc) if doc else None

    async def find_many(self, conversation_ids: Sequence[str]) -> list[Conversation]:
        """Conversations by their ids."""
        found = self._conversations.find({"_id": {"$in": list(conversation_ids)}})
        return [self._read(doc) async for doc in found]

    async def find_waiting(self, resident_id: str, besides: str, since: datetime) -> Conversation | None:
        """The conversation with a person, on another line, in which a dialogue waited last."""
        doc = await self._conversations.find_one(
            {
                "resident_id": resident_id,
                "_id": {"$ne": besides},
                "run.state": str(RunState.WAITING),
                "with_staff": False,
                "updated_at": {"$gte": since},
            },
            sort=[("updated_at", DESCENDING)],
        )
        return self._read(doc) if doc else None

    async def expire(self, through: Through, before: datetime) -> int:
        """Write it where a dialogue has waited since before then. Whoever speaks meanwhile is ahead of it."""
        result = await self._conversations.update_many(
            {
                "through": str(through),
                "run.state": str(RunState.WAITING),
                "updated_at": {"$lt": before},
            },
            {"$set": {"run.state": str(RunState.EXPIRED)}},
            # Few of all conversations wait, which the planner cannot know: the index by time alone is longer.
            hint="waiting",
        )
        return result.modified_count

    async def end_staff(self, conversation_id: str) -> None:
        """The machine answers from now on; a turn that is being thought of is thought of again."""
        await self._conversations.update_one(
            {"_id": conversation_id, "with_staff": True}, {"$set": {"with_staff": False}, "$inc": {"turn": 1}}
        )

    async def ids_of_resident(self, resident_id: str) -> list[str]:
        """The ids of a person's conversations."""
        found = self._conversations.find({"resident_id": resident_id}, {"_id": 1})
        return [doc["_id"] async for doc in found]

    async def forget_resident(self, resident_id: str) -> None:
        """Forget every conversation with a person."""
        await self._conversations.delete_many({"resident_id": resident_id})

    def _write(self, conversation: Conversation) -> Document:
        run = conversation.run
        content: dict[str, Any] = {"address": conversation.address, "answer": conversation.answer}
        if conversation.more:
            content["more"] = conversation.more
        if conversation.said:
            content |= {"said": conversation.said, "repeats": conversation.repeats}
        if run is not None:
            content |= {"data": run.data, "options": run.options, "before": [_before(b) for b in run.before]}
        sealed = orjson.dumps(content).decode()
        return {
            "_id": conversation.id,
            "through": str(conversation.through),
            "turn": conversation.turn,
            "resident_id": conversation.resident_id,
            "with_staff": conversation.with_staff,
            "heard": list(conversation.heard),
            "minute_at": conversation.minute_at,
            "in_minute": conversation.in_minute,
            "hour_at": conversation.hour_at,
            "in_hour": conversation.in_hour,
            "alarms": conversation.alarms,
            "run": _run(run) if run else None,
            "previous": _previous(conversation.previous) if conversation.previous else None,
            "content": self._cipher.seal("conversations", "content", conversation.id, sealed),
            "updated_at": conversation.updated_at,
        }

    def _read(self, doc: Document) -> Conversation:
        opened = self._cipher.open("conversations", "content", doc["_id"], doc["content"])
        content: dict[str, Any] = orjson.loads(opened)
        return Conversation(
            id=doc["_id"],
            through=Through(doc["through"]),
            address=content["address"],
            turn=doc["turn"],
            run=_read_run(doc["run"], content) if doc["run"] else None,
            resident_id=doc["resident_id"],
            with_staff=doc["with_staff"],
            heard=tuple(doc["heard"]),
            answer=tuple(content["answer"]),
            minute_at=doc["minute_at"],
            in_minute=doc["in_minute"],
            updated_at=doc["updated_at"],
            hour_at=doc.get("hour_at"),
            in_hour=doc.get("in_hour", 0),
            alarms=doc.get("alarms", 0),
            said=content.get("said", ""),
            repeats=content.get("repeats", 0),
            more=tuple(content.get("more", ())),
            previous=_read_previous(doc["previous"]) if doc.get("previous") else None,
        )


def _run(run: Run) -> Document:
    return {
        "dialogue": run.dialogue,
        "step": run.step,
        "state": str(run.state),
        "begun_at": run.begun_at,
        "misunderstood": run.misunderstood,
    }


def _previous(previous: Previous) -> Document:
    return {"dialogue": previous.dialogue, "step": previous.step, "state": str(previous.state)}


def _read_previous(doc: Document) -> Previous:
    return Previous(doc["dialogue"], doc["step"], RunState(doc["state"]))


def _before(before: Before) -> list[Any]:
    return [before.step, before.data]


def _read_run(doc: Document, content: dict[str, Any]) -> Run:
    begun_at: datetime = doc["begun_at"]
    return Run(
        dialogue=doc["dialogue"],
        step=doc["step"],
        state=RunState(doc["state"]),
        begun_at=begun_at,
        data=content["data"],
        options=tuple(content["options"]),
        before=tuple(Before(step, data) for step, data in content["before"]),
        misunderstood=doc["misunderstood"],
    )
