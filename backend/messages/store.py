"""Messages in MongoDB: their words sealed, every step of a delivery one conditional write."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields as fields_of
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from pymongo import ASCENDING, DESCENDING, UpdateOne
from pymongo.errors import DuplicateKeyError

from backend import clock
from backend.db.client import Database, Document
from backend.db.gather import GatheredCalls, GatheredInserts
from backend.ids import ID_LENGTH, new_id
from backend.messages.documents import (
    COLLECTION,
    Documents,
    Step,
    is_reference,
    one_more_try,
    reference_of,
    report_changes,
)
from backend.messages.models import (
    FINAL_STATES,
    Delivery,
    DeliveryState,
    Message,
    MessageChannel,
    MessageKind,
)
from backend.security.fields import FieldCipher
from backend.worker.events import Event, embedded

CODES_KEPT = timedelta(days=30)
ANSWERS_KEPT = timedelta(days=30)


# When the latest try of a text message began: by that a phone's messages stand in their order.
_BEGAN = "deliveries.sms.started_at"
_PERHAPS_ARRIVED = [
    str(state)
    for state in (DeliveryState.SENDING, DeliveryState.SENT, DeliveryState.DELIVERED, DeliveryState.UNKNOWN)
]
_OF_A_DELIVERY = frozenset(one.name for one in fields_of(Delivery))


class MessageStore:
    """The collection `messages`."""

    def __init__(self, db: Database, cipher: FieldCipher) -> None:
        self._messages = db.collection(COLLECTION)
        self._documents = Documents(cipher)
        self._inserts = GatheredInserts(self._messages)
        self._finds = GatheredCalls(self._find_many)
        self._steps = GatheredCalls(self._step_many)
        self._counts = GatheredCalls(self._count_many)

    async def insert(self, message: Message, events: Sequence[Event]) -> bool:
        """Keep a new message with its events; False when it is there already."""
        try:
            await self._inserts.insert({**self._documents.to_doc(message), **embedded(*events)})
        except DuplicateKeyError:
            return False
        return True

    async def put_right(self, message: Message, events: Sequence[Event]) -> bool:
        """Let a message that was refused go out now that it can be written; False when there is none."""
        doc = self._documents.to_doc(message)
        for part in doc["deliveries"].values():
            part["made_due_at"] = clock.now()
        fresh = {name: doc[name] for name in ("title", "content", "version", "deliveries")}
        result = await self._messages.update_one(
            {"recipient_id": message.recipient_id, "_id": message.id, "refused": {"$exists": True}},
            {"$set": {**fresh, **embedded(*events)}, "$unset": {"refused": ""}},
        )
        return result.modified_count == 1

    async def insert_code(self, message: Message, phone_blind: str, *, reference: str, segments: int) -> None:
        """Keep that a one-time code is being sent; the code itself is kept nowhere."""
        doc = self._documents.to_doc(message)
        del doc["content"]
        doc["forget_at"] = message.created_at + CODES_KEPT
        doc["deliveries"]["sms"] |= {
            "phone_blind": phone_blind,
            "reference": reference,
            "segments": segments,
            "started_at": message.created_at,
        }
        await self._messages.insert_one(doc)

    async def insert_answer(self, message: Message, key: str, events: Sequence[Event]) -> bool:
        """Keep an answer to an address; False when it was asked for with this key before."""
        doc = self._documents.to_doc(message) | {
            "answer_key": key,
            "address": self._documents.sealed_address(message),
            "resident_id": message.resident_id,
            "forget_at": message.created_at + ANSWERS_KEPT,
        }
        try:
            await self._inserts.insert({**doc, **embedded(*events)})
        except DuplicateKeyError:
            return False
        return True

    async def find(self, recipient_id: str, message_id: str) -> Message | None:
        """One message of a recipient."""
        doc = await self._finds.ask((recipient_id, message_id))
        return self._documents.from_doc(doc) if doc else None

    async def _find_many(self, which: list[tuple[str, str]]) -> list[Document | None]:
        people, ids = ({one[place] for one in which} for place in (0, 1))
        cursor = self._messages.find(
            {"recipient_id": {"$in": list(people)}, "_id": {"$in": list(ids)}}, hint="_id_"
        )
        found = {(doc["recipient_id"], doc["_id"]): doc async for doc in cursor}
        return [found.get(one) for one in which]

    async def find_by_id(self, message_id: str) -> Message | None:
        """One message, whoever it is to; for staff."""
        doc = await self._messages.find_one({"_id": message_id})
        return self._documents.from_doc(doc) if doc else None

    async def list_of(self, recipient_id: str, before: str | None, limit: int) -> list[Message]:
        """A recipient's messages, newest first."""
        rules: Document = {"recipient_id": recipient_id, "refused": None}
        if before:
            rules["_id"] = {"$lt": before}
        return [
            self._documents.from_doc(doc)
            async for doc in self._messages.find(rules).sort("_id", -1).limit(limit)
        ]

    async def list_for_staff(
        self,
        *,
        organization_ids: frozenset[str] | None,
        state: DeliveryState | None,
        kind: MessageKind | None,
        about: Document,
        before: str | None,
        limit: int,
    ) -> list[Message]:
        """Messages within scope, newest first; `about` names an appointment or a recipient."""
        rules: list[Document] = [about]
        if organization_ids is not None:
            rules.append({"organization_id": {"$in": sorted(organization_ids)}})
        if state is not None:
            ways: list[Document] = [{f"deliveries.{c}.state": str(state)} for c in MessageChannel]
            # One that goes to the list alone has no way that could have failed.
            refused = [{"refused": {"$exists": True}}] if state is DeliveryState.FAILED else []
            rules.append({"$or": ways + refused})
        if kind is not None:
            rules.append({"kind": str(kind)})
        if before:
            rules.append({"_id": {"$lt": before}})
        cursor = self._messages.find({"$and": rules}).sort("_id", DESCENDING).limit(limit)
        return [self._documents.from_doc(doc) async for doc in cursor]

    async def set_read(self, recipient_id: str, message_id: str) -> bool:
        """Mark as read; False when there is no such message."""
        result = await self._messages.update_one(
            {"recipient_id": recipient_id, "_id": message_id},
            [{"$set": {"read_at": {"$ifNull": ["$read_at", clock.now()]}}}],
        )
        return result.matched_count == 1

    async def begin(self, message: Message, delivery: Delivery, **more: Any) -> Delivery | None:
        """Take a due delivery for one try; None when somebody else has."""
        begun = replace(
            delivery, state=DeliveryState.SENDING, attempt=delivery.attempt + 1, started_at=clock.now()
        )
        fields: dict[str, Any] = {"attempt": begun.attempt, "started_at": begun.started_at, **more}
        if delivery.channel is MessageChannel.SMS:
            fields["reference"] = reference_of(message, begun)
        if not await self._step(message, delivery, {"state": str(begun.state), **fields}):
            return None
        return replace(begun, **{name: value for name, value in fields.items() if name in _OF_A_DELIVERY})

    async def redact(self, message: Message) -> None:
        """Forget the words, once every way they were to go has come to an end."""
        over = {"$in": [str(state) for state in FINAL_STATES]}
        await self._messages.update_one(
            {
                "recipient_id": message.recipient_id,
                "_id": message.id,
                **{f"deliveries.{each.channel}.state": over for each in message.deliveries},
            },
            {"$unset": {"content": ""}},
        )

    async def note_provider(self, message: Message, delivery: Delivery, provider: str) -> None:
        """Write down whom a try is handed to, before it is: after a crash that one is asked."""
        if delivery.provider != provider:
            await self._step(message, delivery, {"provider": provider})

    async def end(self, message: Message, delivery: Delivery, state: DeliveryState, **fields: Any) -> bool:
        """Write what became of a try; False when somebody else has written meanwhile (a report, say)."""
        tried = one_more_try(delivery, state, fields) if delivery.attempt else None
        return await self._step(message, delivery, {"state": str(state), **fields}, tried)

    async def _step(
        self, message: Message, before: Delivery, fields: dict[str, Any], tried: Document | None = None
    ) -> bool:
        step = Step(message.recipient_id, message.id, before, fields, new_id(), tried)
        return await self._steps.ask(step)

    async def _step_many(self, steps: list[Step]) -> list[bool]:
        """Make steps, each on its own condition. Whose were made is looked up only when not all were."""
        result = await self._messages.bulk_write([UpdateOne(*step.write()) for step in steps], ordered=False)
        if result.modified_count == len(steps):
            return [True] * len(steps)
        docs = await self._find_many([(step.recipient_id, step.message_id) for step in steps])
        return [
            doc is not None and doc["deliveries"].get(step.before.channel, {}).get("step") == step.id
            for step, doc in zip(steps, docs, strict=True)
        ]

    async def make_due(self, message: Message, delivery: Delivery, event: Event) -> bool:
        """Let a delivery that did not work be tried once more."""
        at = f"deliveries.{delivery.channel}"
        result = await self._messages.update_one(
            {"recipient_id": message.recipient_id, "_id": message.id, f"{at}.state": str(delivery.state)},
            {
                "$set": {
                    f"{at}.state": str(DeliveryState.DUE),
                    f"{at}.made_due_at": clock.now(),
                    "events_due": True,
                },
                "$push": {"events": event.to_doc()},
            },
        )
        return result.modified_count == 1

    async def report(
        self,
        provider_id: str,
        phone_blinds: list[str],
        *,
        delivered: bool,
        code: str,
        at: datetime,
        reference: str = "",
    ) -> datetime | None:
        """Apply a delivery report to its message; when that was sent, None while there is no such message.

        A report that gives our own number back finds its message even when the provider's answer was lost.
        """
        target, changes = report_changes(provider_id, delivered=delivered, code=code, at=at)
        which: Document = {"deliveries.sms.provider_id": provider_id}
        if is_reference(reference):
            which = {"_id": reference[:ID_LENGTH], "deliveries.sms.reference": reference}
        elif not provider_id:
            return None
        doc = await self._messages.find_one_and_update(
            {**which, "deliveries.sms.phone_blind": {"$in": phone_blinds}, **target},
            changes,
            {"deliveries.sms.sent_at": 1, "deliveries.sms.started_at": 1},
        )
        if doc is None:
            return None
        sms = doc["deliveries"]["sms"]
        sent_at: datetime | None = sms.get("sent_at") or sms.get("started_at")
        return sent_at

    async def kinds_sent_to(
        self, phone_blinds: list[str], until: datetime, extension: str = "", most: int = 20
    ) -> list[tuple[MessageKind, datetime]]:
        """What the latest text messages to a phone were about and when they left, newest first.

        With an extension, those from that number of ours alone. Ids say when something happened; the phone
        shows when it was told of it.
        """
        rules: Document = {
            "deliveries.sms.phone_blind": {"$in": phone_blinds},
            "deliveries.sms.started_at": {"$lte": until},
            "deliveries.sms.state": {"$in": _PERHAPS_ARRIVED},
        }
        if extension:
            rules["deliveries.sms.extension"] = extension
        cursor = self._messages.find(rules, {"kind": 1, _BEGAN: 1}).sort(_BEGAN, DESCENDING)
        found = await cursor.to_list(most)
        return [(MessageKind(doc["kind"]), doc["deliveries"]["sms"]["started_at"]) for doc in found]

    async def topic_of(self, phone_blinds: list[str], extension: str, since: datetime) -> str:
        """What the latest message to a phone from one of our numbers was about; empty for none."""
        rules = {
            "deliveries.sms.phone_blind": {"$in": phone_blinds},
            "deliveries.sms.extension": extension,
            "deliveries.sms.started_at": {"$gte": since},
        }
        docs = await self._messages.find(rules, {"topic": 1}).sort(_BEGAN, DESCENDING).to_list(1)
        return str(docs[0].get("topic", "")) if docs else ""

    async def count_sent_to(self, phone_blinds: Sequence[str], since: datetime) -> int:
        """How many text messages a phone was sent since an instant."""
        return await self._counts.ask((tuple(phone_blinds), since))

    async def _count_many(self, asked: list[tuple[tuple[str, ...], datetime]]) -> list[int]:
        counts: dict[tuple[str, datetime], int] = {}
        for since in {since for _, since in asked}:
            blinds = {blind for several, at in asked if at == since for blind in several}
            rules = {
                "deliveries.sms.phone_blind": {"$in": list(blinds)},
                "deliveries.sms.started_at": {"$gte": since},
                "deliveries.sms.state": {"$ne": str(DeliveryState.SKIPPED)},
            }
            group = {"_id": "$deliveries.sms.phone_blind", "count": {"$sum": 1}}
            async for doc in await self._messages.aggregate([{"$match": rules}, {"$group": group}]):
                counts[doc["_id"], since] = doc["count"]
        return [sum(counts.get((blind, since), 0) for blind in blinds) for blinds, since in asked]

    async def list_to_phone(
        self, phone_blinds: list[str], recipient_ids: list[str], before: str | None, limit: int
    ) -> list[Message]:
        """Everything a phone was sent, and everything these recipients were told, newest first."""
        rules: Document = {
            "$or": [
                {"deliveries.sms.phone_blind": {"$in": phone_blinds}},
                {"recipient_id": {"$in": recipient_ids}},
            ]
        }
        if before:
            rules["_id"] = {"$lt": before}
        cursor = self._messages.find(rules).sort("_id", DESCENDING).limit(limit)
        return [self._documents.from_doc(doc) async for doc in cursor]

    async def report_on(
        self, message: Message, provider_id: str, *, delivered: bool, code: str, at: datetime
    ) -> None:
        """Apply a delivery report to a known message, whose try it answers for."""
        target, changes = report_changes(provider_id, delivered=delivered, code=code, at=at)
        changes["$set"]["deliveries.sms.provider_id"] = provider_id
        await self._messages.update_one(
            {"recipient_id": message.recipient_id, "_id": message.id, **target}, changes
        )

    async def is_reported(self, provider_id: str) -> bool:
        """Whether some message already goes by this id of the provider's."""
        found = await self._messages.find_one({"deliveries.sms.provider_id": provider_id}, {"_id": 1})
        return found is not None

    async def phone_blind_of(self, message: Message) -> str | None:
        """To which phone the last SMS try of a message went."""
        doc = await self._messages.find_one(
            {"recipient_id": message.recipient_id, "_id": message.id}, {"deliveries.sms.phone_blind": 1}
        )
        return doc["deliveries"].get("sms", {}).get("phone_blind") if doc else None

    async def list_unreported(self, limit: int) -> list[Message]:
        """Text messages whose provider is to be asked what became of them."""
        rules = {"deliveries.sms.ask_at": {"$lte": clock.now()}}
        cursor = self._messages.find(rules).sort("deliveries.sms.ask_at", ASCENDING).limit(limit)
        return [self._documents.from_doc(doc) async for doc in cursor]

    async def begin_asking(self, message: Message, delivery: Delivery, again_at: datetime | None) -> bool:
        """Take one of them for this question; the next at an instant, or never. False when another has it."""
        later: Document = {"$inc": {"deliveries.sms.asked": 1}}
        field = {"deliveries.sms.ask_at": again_at or ""}
        result = await self._messages.update_one(
            {
                "recipient_id": message.recipient_id,
                "_id": message.id,
                "deliveries.sms.ask_at": {"$lte": clock.now()},
                "deliveries.sms.attempt": delivery.attempt,
            },
            later | ({"$set": field} if again_at else {"$unset": field}),
        )
        return result.modified_count == 1

    async def forget(self, recipient_id: str) -> None:
        """Delete everything a person was told."""
        await self._messages.delete_many({"recipient_id": recipient_id})
        await self._messages.delete_many({"resident_id": recipient_id})
