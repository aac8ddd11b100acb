"""The `hl7_outbound` collection: what hospitals are told, sealed, in the order in which it happened."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from pymongo import DESCENDING
from pymongo.errors import DuplicateKeyError

from backend import clock
from backend.db.client import Database, Document
from backend.exchange.v2.outbound_models import Outgoing, OutState
from backend.security.fields import FieldCipher
from backend.security.lasting import declare_sealed

OUTBOUND = "hl7_outbound"
# What follows a dead letter is looked at so often, and at once when somebody has dealt with it.
_BEHIND_DEAD = timedelta(minutes=5)
_OPEN = [str(OutState.WAITING), str(OutState.DEAD)]

declare_sealed(OUTBOUND, "text", "said", "original")


class OutgoingStore:
    """Messages by id, which hospital, thing and fact alone decide: told twice, they are there once."""

    def __init__(self, db: Database, cipher: FieldCipher, keep_for: timedelta | None) -> None:
        self._messages = db.collection(OUTBOUND)
        self._cipher = cipher
        self._keep_for = keep_for

    async def add(self, message: Outgoing, text: str) -> bool:
        """Queue a message; False when it is there already."""
        try:
            await self._messages.insert_one(
                {
                    "_id": message.id,
                    "organization_id": message.organization_id,
                    "stream": message.stream,
                    "order": message.order,
                    "kind": message.kind,
                    "control_id": message.control_id,
                    "version": message.version,
                    "charset": message.charset,
                    "state": str(message.state),
                    "fact_at": message.fact_at,
                    "due_at": message.due_at,
                    "tries": 0,
                    "first_tried_at": None,
                    "verdict": "",
                    "reason": "",
                    "said": None,
                    "sent_at": None,
                    "edited": False,
                    "text": self._seal(message.id, "text", text),
                    "original": None,
                    "created_at": clock.now(),
                    "forget_at": None,
                }
            )
        except DuplicateKeyError:
            return False
        return True

    async def exists(self, message_id: str) -> bool:
        """Whether a fact has been queued."""
        return await self._messages.find_one({"_id": message_id}, {"_id": 1}) is not None

    def forgotten(self, at: datetime) -> bool:
        """Whether a message of that instant need not be here any more."""
        return self._keep_for is not None and at < clock.now() - self._keep_for

    async def find(self, message_id: str) -> Outgoing | None:
        """A message without its text, or None."""
        found = await self._messages.find_one({"_id": message_id}, {"text": 0, "original": 0})
        return self._read(found) if found else None

    async def text_of(self, message_id: str) -> str:
        """What a message says; empty when there is none."""
        found = await self._messages.find_one({"_id": message_id}, {"text": 1})
        return self._cipher.open(OUTBOUND, "text", message_id, found["text"]) if found else ""

    # -- what goes out next --------------------------------------------------------------------------------

    async def due_organizations(self) -> list[str]:
        """Hospitals for which something waits."""
        matching = {"state": str(OutState.WAITING), "due_at": {"$lte": clock.now()}}
        return [str(one) for one in await self._messages.distinct("organization_id", matching)]

    async def next_for(self, organization_id: str, limit: int = 50) -> list[Outgoing]:
        """What may go out now, the oldest first; of each stream only the first that is not told yet."""
        now = clock.now()
        matching: Document = {
            "organization_id": organization_id,
            "state": str(OutState.WAITING),
            "due_at": {"$lte": now},
        }
        hidden = {"text": 0, "original": 0}
        found = self._messages.find(matching, hidden).sort([("due_at", 1), ("_id", 1)]).limit(limit)
        due = [self._read(doc) async for doc in found]
        heads = await self._heads(organization_id, {message.stream for message in due})
        for stream, head in heads.items():
            if head.state is OutState.DEAD or head.due_at > now:
                again_at = now + _BEHIND_DEAD if head.state is OutState.DEAD else head.due_at
                await self._move_stream(organization_id, stream, again_at)
        ready = [m for m in due if (head := heads[m.stream]).id == m.id and head.state is OutState.WAITING]
        return sorted(ready, key=lambda message: (message.fact_at, message.id))

    async def _heads(self, organization_id: str, streams: set[str]) -> dict[str, Outgoing]:
        """The first message of each stream that the hospital does not have yet."""
        matching = {
            "organization_id": organization_id,
            "stream": {"$in": sorted(streams)},
            "state": {"$in": _OPEN},
        }
        found = self._messages.find(matching, {"text": 0, "original": 0, "said": 0})
        heads: dict[str, Outgoing] = {}
        for doc in sorted(await found.to_list(None), key=lambda d: (d["order"], d["fact_at"], d["_id"])):
            heads.setdefault(doc["stream"], self._read(doc))
        return heads

    # -- what became of it ---------------------------------------------------------------------------------

    async def begin(self, message: Outgoing) -> bool:
        """Note that a message is about to be handed over; False when it waits no more."""
        now = clock.now()
        result = await self._messages.update_one(
            {"_id": message.id, "state": str(OutState.WAITING), "control_id": message.control_id},
            [{"$set": {
                "tries": {"$add": ["$tries", 1]}, "first_tried_at": {"$ifNull": ["$first_tried_at", now]},
            }}],
        )  # fmt: skip
        return result.matched_count == 1

    async def put_off(self, message: Outgoing, due_at: datetime, verdict: str, reason: str) -> None:
        """Not now."""
        await self._end(message, OutState.WAITING, {"due_at": due_at, "verdict": verdict, "reason": reason})

    async def sent(self, message: Outgoing) -> None:
        """The hospital has it."""
        now = clock.now()
        forget_at = now + self._keep_for if self._keep_for else None
        done = {"verdict": "AA", "reason": "", "said": None, "sent_at": now, "forget_at": forget_at}
        await self._end(message, OutState.SENT, done)

    async def refused(self, message: Outgoing, verdict: str, reason: str, said: str) -> None:
        """The hospital will not have it: a dead letter, and what follows it waits for somebody."""
        sealed = self._seal(message.id, "said", said[:2000]) if said else None
        await self._end(message, OutState.DEAD, {"verdict": verdict, "reason": reason, "said": sealed})

    async def _end(self, message: Outgoing, state: OutState, fields: Document) -> None:
        # Only as it was when it was handed over: staff may have changed it meanwhile.
        same = {"_id": message.id, "state": str(OutState.WAITING), "control_id": message.control_id}
        await self._messages.update_one(same, {"$set": fields | {"state": str(state)}})

    # -- staff ---------------------------------------------------------------------------------------------

    async def send_again(self, message: Outgoing, control_id: str, text: str, *, edited: bool) -> bool:
        """Let a message wait again, as it was or corrected; the first text is kept."""
        fields: Document = {
            "state": {"$literal": str(OutState.WAITING)},
            "control_id": {"$literal": control_id},
            "text": {"$literal": self._seal(message.id, "text", text)},
            "due_at": clock.now(),
            "tries": 0,
            "first_tried_at": None,
            "forget_at": None,
        }
        if edited:
            first = self._seal(message.id, "original", await self.text_of(message.id))
            fields |= {"edited": True, "original": {"$ifNull": ["$original", {"$literal": first}]}}
        result = await self._messages.update_one(
            {"_id": message.id, "state": str(message.state), "control_id": message.control_id},
            [{"$set": fields}],
        )
        if result.matched_count:
            await self._move_stream(message.organization_id, message.stream, clock.now())
        return result.matched_count == 1

    async def set_aside(self, message: Outgoing) -> bool:
        """Nothing more is to be done with a dead letter; what it held up goes on."""
        forget_at = clock.now() + self._keep_for if self._keep_for else None
        result = await self._messages.update_one(
            {"_id": message.id, "state": str(OutState.DEAD)},
            {"$set": {"state": str(OutState.SET_ASIDE), "forget_at": forget_at}},
        )
        if result.matched_count:
            await self._move_stream(message.organization_id, message.stream, clock.now())
        return result.matched_count == 1

    async def _move_stream(self, organization_id: str, stream: str, due_at: datetime) -> None:
        """When what waits of a stream is looked at next."""
        await self._messages.update_many(
            {"organization_id": organization_id, "stream": stream, "state": str(OutState.WAITING)},
            {"$set": {"due_at": due_at}},
        )

    async def list_of(
        self,
        organization_ids: frozenset[str] | None,
        states: Sequence[OutState],
        before: tuple[datetime, str] | None,
        limit: int,
    ) -> list[Outgoing]:
        """Messages, the newest first."""
        matching: Document = {}
        if organization_ids is not None:
            matching["organization_id"] = {"$in": sorted(organization_ids)}
        if states:
            matching["state"] = {"$in": [str(state) for state in states]}
        if before:
            at, message_id = before
            matching["$or"] = [{"fact_at": {"$lt": at}}, {"fact_at": at, "_id": {"$lt": message_id}}]
        found = self._messages.find(matching, {"text": 0, "original": 0})
        found = found.sort([("fact_at", DESCENDING), ("_id", DESCENDING)]).limit(limit)
        return [self._read(doc) async for doc in found]

    async def count(self, organization_ids: frozenset[str] | None, state: OutState) -> int:
        """How many stand there, up to a thousand."""
        matching: Document = {"state": str(state)}
        if organization_ids is not None:
            matching["organization_id"] = {"$in": sorted(organization_ids)}
        return await self._messages.count_documents(matching, limit=1000)

    def _read(self, doc: Document) -> Outgoing:
        return Outgoing(
            id=doc["_id"],
            organization_id=doc["organization_id"],
            stream=doc["stream"],
            order=doc["order"],
            kind=doc["kind"],
            control_id=doc["control_id"],
            version=doc["version"],
            charset=doc["charset"],
            state=OutState(doc["state"]),
            fact_at=doc["fact_at"],
            due_at=doc["due_at"],
            tries=doc["tries"],
            first_tried_at=doc["first_tried_at"],
            verdict=doc["verdict"],
            reason=doc["reason"],
            sent_at=doc["sent_at"],
            edited=doc["edited"],
            said=self._cipher.open(OUTBOUND, "said", doc["_id"], doc["said"]) if doc.get("said") else "",
        )

    def _seal(self, message_id: str, field: str, text: str) -> Document:
        return self._cipher.seal(OUTBOUND, field, message_id, text)
