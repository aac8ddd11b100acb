"""Messages in MongoDB: their words sealed, every step of a delivery one conditional write."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import orjson
from pymongo import DESCENDING, ReturnDocument
from pymongo.errors import DuplicateKeyError

from backend import clock
from backend.db.client import Database, Document
from backend.ids import ID_LENGTH, is_id
from backend.messages.models import (
    FINAL_STATES,
    Content,
    Delivery,
    DeliveryState,
    Message,
    MessageChannel,
    MessageKind,
)
from backend.security.fields import FieldCipher
from backend.security.lasting import declare_sealed
from backend.worker.events import Event, embedded

KEPT = timedelta(days=400)
CODES_KEPT = timedelta(days=30)
ANSWERS_KEPT = timedelta(days=30)
_COLLECTION = "messages"
declare_sealed(_COLLECTION, "content", "address")


class MessageStore:
    """The collection `messages`."""

    def __init__(self, db: Database, cipher: FieldCipher) -> None:
        self._messages = db.collection(_COLLECTION)
        self._cipher = cipher

    async def insert(self, message: Message, events: Sequence[Event]) -> bool:
        """Keep a new message with its events; False when it is there already."""
        try:
            await self._messages.insert_one({**self._to_doc(message), **embedded(*events)})
        except DuplicateKeyError:
            return False
        return True

    async def insert_code(self, message: Message, phone_blind: str, *, reference: str, segments: int) -> None:
        """Keep that a one-time code is being sent; the code itself is kept nowhere."""
        doc = self._to_doc(message)
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
        doc = self._to_doc(message) | {
            "answer_key": key,
            "address": self._cipher.seal(_COLLECTION, "address", message.id, message.address),
            "resident_id": message.resident_id,
            "forget_at": message.created_at + ANSWERS_KEPT,
        }
        try:
            await self._messages.insert_one({**doc, **embedded(*events)})
        except DuplicateKeyError:
            return False
        return True

    async def find(self, recipient_id: str, message_id: str) -> Message | None:
        """One message of a recipient."""
        doc = await self._messages.find_one({"recipient_id": recipient_id, "_id": message_id})
        return self._from_doc(doc) if doc else None

    async def find_by_id(self, message_id: str) -> Message | None:
        """One message, whoever it is to; for staff."""
        doc = await self._messages.find_one({"_id": message_id})
        return self._from_doc(doc) if doc else None

    async def list_of(self, recipient_id: str, before: str | None, limit: int) -> list[Message]:
        """A recipient's messages, newest first."""
        rules: Document = {"recipient_id": recipient_id}
        if before:
            rules["_id"] = {"$lt": before}
        return [self._from_doc(doc) async for doc in self._messages.find(rules).sort("_id", -1).limit(limit)]

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
            rules.append({"$or": [{f"deliveries.{c}.state": str(state)} for c in MessageChannel]})
        if kind is not None:
            rules.append({"kind": str(kind)})
        if before:
            rules.append({"_id": {"$lt": before}})
        cursor = self._messages.find({"$and": rules}).sort("_id", DESCENDING).limit(limit)
        return [self._from_doc(doc) async for doc in cursor]

    async def set_read(self, recipient_id: str, message_id: str) -> bool:
        """Mark as read; False when there is no such message."""
        result = await self._messages.update_one(
            {"recipient_id": recipient_id, "_id": message_id},
            [{"$set": {"read_at": {"$ifNull": ["$read_at", clock.now()]}}}],
        )
        return result.matched_count == 1

    async def begin(self, message: Message, delivery: Delivery, **more: Any) -> Delivery | None:
        """Take a due delivery for one try; None when somebody else has."""
        attempt = delivery.attempt + 1
        fields: dict[str, Any] = {
            "state": str(DeliveryState.SENDING),
            "attempt": attempt,
            "started_at": clock.now(),
            **more,
        }
        if delivery.channel is MessageChannel.SMS:
            fields["reference"] = reference_of(message, replace(delivery, attempt=attempt))
        return await self._step(message, delivery, fields)

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
        return await self._step(message, delivery, {"state": str(state), **fields}) is not None

    async def _step(self, message: Message, before: Delivery, fields: dict[str, Any]) -> Delivery | None:
        at = f"deliveries.{before.channel}"
        doc = await self._messages.find_one_and_update(
            {
                "recipient_id": message.recipient_id,
                "_id": message.id,
                f"{at}.state": str(before.state),
                f"{at}.attempt": before.attempt,
            },
            {"$set": {f"{at}.{name}": value for name, value in fields.items()}},
            return_document=ReturnDocument.AFTER,
        )
        return _delivery(before.channel, doc["deliveries"][before.channel]) if doc else None

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
        target, changes = _report_changes(provider_id, delivered=delivered, code=code, at=at)
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

    async def kinds_sent_to(self, phone_blinds: list[str], most: int = 20) -> list[MessageKind]:
        """What the latest text messages to a phone were about, newest first."""
        rules = {"deliveries.sms.phone_blind": {"$in": phone_blinds}}
        docs = await self._messages.find(rules, {"kind": 1}).sort("_id", DESCENDING).to_list(most)
        return [MessageKind(doc["kind"]) for doc in docs]

    async def count_sent_to(self, phone_blinds: list[str], since: datetime, most: int) -> int:
        """How many text messages a phone was sent since an instant, counted up to `most`."""
        rules = {
            "deliveries.sms.phone_blind": {"$in": phone_blinds},
            "deliveries.sms.started_at": {"$gte": since},
            "deliveries.sms.state": {"$ne": str(DeliveryState.SKIPPED)},
        }
        return await self._messages.count_documents(rules, limit=most)

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
        return [self._from_doc(doc) async for doc in cursor]

    async def report_on(
        self, message: Message, provider_id: str, *, delivered: bool, code: str, at: datetime
    ) -> None:
        """Apply a delivery report to a known message, whose try it answers for."""
        target, changes = _report_changes(provider_id, delivered=delivered, code=code, at=at)
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

    async def forget(self, recipient_id: str) -> None:
        """Delete everything a person was told."""
        await self._messages.delete_many({"recipient_id": recipient_id})
        await self._messages.delete_many({"resident_id": recipient_id})

    def _to_doc(self, message: Message) -> Document:
        c = message.content
        words = orjson.dumps([c.title, c.body, c.sms, c.wechat, c.page, c.params]).decode()
        return {
            "_id": message.id,
            "recipient_id": message.recipient_id,
            "kind": str(message.kind),
            "title": c.title,
            "version": message.version,
            "content": self._cipher.seal(_COLLECTION, "content", message.id, words),
            "deliveries": {
                str(d.channel): {"state": str(d.state), "attempt": d.attempt} for d in message.deliveries
            },
            "appointment_id": message.appointment_id,
            "organization_id": message.organization_id,
            "request_id": message.request_id,
            "created_at": message.created_at,
            "read_at": None,
            "forget_at": message.created_at + KEPT,
        }

    def _from_doc(self, doc: Document) -> Message:
        content = Content(doc["title"], "", "")
        if "content" in doc:
            content = Content(
                *orjson.loads(self._cipher.open(_COLLECTION, "content", doc["_id"], doc["content"]))
            )
        return Message(
            id=doc["_id"],
            recipient_id=doc["recipient_id"],
            kind=MessageKind(doc["kind"]),
            content=content,
            deliveries=tuple(
                _delivery(MessageChannel(name), part) for name, part in doc["deliveries"].items()
            ),
            created_at=doc["created_at"],
            appointment_id=doc["appointment_id"],
            organization_id=doc["organization_id"],
            read_at=doc["read_at"],
            request_id=doc.get("request_id", ""),
            address=self._address_of(doc),
            version=doc.get("version", 1),
            resident_id=doc.get("resident_id"),
        )

    def _address_of(self, doc: Document) -> str:
        sealed = doc.get("address")
        return self._cipher.open(_COLLECTION, "address", doc["_id"], sealed) if sealed else ""


def reference_of(message: Message, delivery: Delivery) -> str:
    """Our own number of a try: the message's id and which try it is."""
    return f"{message.id}{delivery.attempt:03d}"


def is_reference(text: str) -> bool:
    """Whether a provider gave back a number of ours."""
    return len(text) == ID_LENGTH + 3 and is_id(text[:ID_LENGTH]) and text[ID_LENGTH:].isdigit()


def _delivery(channel: MessageChannel, part: Document) -> Delivery:
    return Delivery(
        channel=channel,
        state=DeliveryState(part["state"]),
        attempt=part["attempt"],
        doubts=part.get("doubts", 0),
        provider=part.get("provider", ""),
        provider_id=part.get("provider_id", ""),
        last_error=part.get("last_error", ""),
        started_at=part.get("started_at"),
        made_due_at=part.get("made_due_at"),
        sent_at=part.get("sent_at"),
        delivered_at=part.get("delivered_at"),
        reference=part.get("reference", ""),
        segments=part.get("segments", 0),
    )


def _report_changes(
    provider_id: str, *, delivered: bool, code: str, at: datetime
) -> tuple[Document, dict[str, Any]]:
    # "Delivered" is the last word; "failed" never overwrites it, whichever report comes later.
    open_states = ["sending", "sent", "unknown", "failed"] if delivered else ["sending", "sent", "unknown"]
    state = DeliveryState.DELIVERED if delivered else DeliveryState.FAILED
    fields: dict[str, Any] = {
        "deliveries.sms.state": str(state),
        "deliveries.sms.last_error": "" if delivered else code,
        "deliveries.sms.provider_id": provider_id,
    }
    if delivered:
        fields["deliveries.sms.delivered_at"] = at
    return {"deliveries.sms.state": {"$in": open_states}}, {"$set": fields}
