"""How a message lies in MongoDB: its words sealed, a part for each delivery."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import orjson

from backend import clock, context
from backend.db.client import Document
from backend.ids import ID_LENGTH, is_id, new_id
from backend.messages.models import (
    Content,
    Delivery,
    DeliveryState,
    Message,
    MessageChannel,
    MessageKind,
    Try,
)
from backend.messages.policies import POLICIES
from backend.security.fields import FieldCipher
from backend.security.lasting import declare_sealed
from backend.worker.events import Event, EventKind

KEPT = timedelta(days=400)
COLLECTION = "messages"
declare_sealed(COLLECTION, "content", "address")


# So many tries of a way are kept for whoever looks.
MOST_TRIES = 5


class Documents:
    """Writes messages as documents and reads them back."""

    def __init__(self, cipher: FieldCipher) -> None:
        self._cipher = cipher

    def sealed_address(self, message: Message) -> Document:
        """Where an answer goes, sealed."""
        return self._cipher.seal(COLLECTION, "address", message.id, message.address)

    def to_doc(self, message: Message) -> Document:
        """A new message."""
        c = message.content
        words = orjson.dumps([c.title, c.body, c.sms, c.wechat, c.page, c.params]).decode()
        return {
            "_id": message.id,
            "recipient_id": message.recipient_id,
            "kind": str(message.kind),
            "title": c.title,
            "version": message.version,
            "content": self._cipher.seal(COLLECTION, "content", message.id, words),
            "deliveries": {
                str(d.channel): {
                    "state": str(d.state),
                    "attempt": d.attempt,
                    **({"last_error": d.last_error} if d.last_error else {}),
                }
                for d in message.deliveries
            },
            "appointment_id": message.appointment_id,
            "organization_id": message.organization_id,
            "request_id": message.request_id,
            "created_at": message.created_at,
            "read_at": None,
            "forget_at": message.created_at + KEPT,
            **({"refused": list(message.refused)} if message.refused else {}),
            **({"topic": message.topic} if message.topic else {}),
        }

    def from_doc(self, doc: Document) -> Message:
        """A message as it stands; one whose words are forgotten has its title."""
        content = Content(doc["title"], "", "")
        if "content" in doc:
            content = Content(
                *orjson.loads(self._cipher.open(COLLECTION, "content", doc["_id"], doc["content"]))
            )
        return Message(
            id=doc["_id"],
            recipient_id=doc["recipient_id"],
            kind=MessageKind(doc["kind"]),
            content=content,
            deliveries=tuple(
                delivery_of(MessageChannel(name), part) for name, part in doc["deliveries"].items()
            ),
            created_at=doc["created_at"],
            appointment_id=doc["appointment_id"],
            organization_id=doc["organization_id"],
            read_at=doc["read_at"],
            request_id=doc.get("request_id", ""),
            address=self._address_of(doc),
            version=doc.get("version", 1),
            resident_id=doc.get("resident_id"),
            refused=tuple(doc.get("refused", ())),
            topic=doc.get("topic", ""),
        )

    def _address_of(self, doc: Document) -> str:
        sealed = doc.get("address")
        return self._cipher.open(COLLECTION, "address", doc["_id"], sealed) if sealed else ""


def reference_of(message: Message, delivery: Delivery) -> str:
    """Our own number of a try: the message's id and which try it is."""
    return f"{message.id}{delivery.attempt:03d}"


def repeated_reference_of(message: Message, delivery: Delivery) -> str:
    """The same for a try and its repetition in doubt: a provider that knows it sends but one of the two."""
    return f"{message.id}{delivery.attempt - delivery.doubts:03d}"


def due_event(message: Message, channel: MessageChannel) -> Event:
    """The event by which a delivery is brought further."""
    data = {"recipient_id": message.recipient_id, "message_id": message.id, "channel": str(channel)}
    about = {"appointment_id": message.appointment_id, "organization_id": message.organization_id}
    about_it = {name: value for name, value in about.items() if value}
    return Event(EventKind.MESSAGE_DUE, data | about_it, priority=POLICIES[message.kind].priority)


def is_reference(text: str) -> bool:
    """Whether a provider gave back a number of ours."""
    return len(text) == ID_LENGTH + 3 and is_id(text[:ID_LENGTH]) and text[ID_LENGTH:].isdigit()


def delivery_of(channel: MessageChannel, part: Document) -> Delivery:
    """A delivery from its part of the document."""
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
        asked=part.get("asked", 0),
        tries=tuple(_try_of(each) for each in part.get("tries", ())),
    )


def one_more_try(delivery: Delivery, state: DeliveryState, fields: Mapping[str, Any]) -> Document:
    """What puts the try that has ended behind those that are kept; the oldest goes."""
    tried = {
        "number": delivery.attempt,
        "at": clock.now(),
        "state": str(state),
        "provider": fields.get("provider") or delivery.provider,
        "error": fields.get("last_error") or "",
    }
    return {"$each": [tried], "$slice": -MOST_TRIES}


def _try_of(doc: Document) -> Try:
    return Try(doc["number"], doc["at"], DeliveryState(doc["state"]), doc["provider"], doc["error"])


@dataclass(frozen=True, slots=True)
class Step:
    """A delivery changed from a state known to us; `id` tells whether it was this step that was made."""

    recipient_id: str
    message_id: str
    before: Delivery
    fields: dict[str, Any]
    id: str
    # What became of a try, where this ends one.
    tried: Document | None = None

    def write(self) -> tuple[Document, Document]:
        """What is changed, and how."""
        at = f"deliveries.{self.before.channel}"
        return (
            {
                "recipient_id": self.recipient_id,
                "_id": self.message_id,
                f"{at}.state": str(self.before.state),
                f"{at}.attempt": self.before.attempt,
            },
            {
                "$set": {f"{at}.{name}": value for name, value in self.fields.items()}
                | {f"{at}.step": self.id},
                **({"$push": {f"{at}.tries": self.tried}} if self.tried else {}),
            },
        )


def report_changes(
    provider_id: str,
    *,
    delivered: bool,
    code: str,
    at: datetime,
    channel: MessageChannel = MessageChannel.SMS,
) -> tuple[Document, dict[str, Any]]:
    """What a report changes, and which states of a delivery it may still change."""
    # "Delivered" is the last word; "failed" never overwrites it, whichever report comes later.
    open_states = ["sending", "sent", "unknown", "failed"] if delivered else ["sending", "sent", "unknown"]
    state = DeliveryState.DELIVERED if delivered else DeliveryState.FAILED
    way = f"deliveries.{channel}"
    fields: dict[str, Any] = {
        f"{way}.state": str(state),
        f"{way}.last_error": "" if delivered else code,
        f"{way}.provider_id": provider_id,
    }
    if delivered:
        fields[f"{way}.delivered_at"] = at
    known = {f"{way}.ask_at": ""}
    return {f"{way}.state": {"$in": open_states}}, {"$set": fields, "$unset": known}


def addressed(kind: MessageKind, channel: MessageChannel, address: str, recipient_id: str) -> Message:
    """A message without words yet, to an address that need not be anybody's account."""
    return Message(
        id=new_id(),
        recipient_id=recipient_id,
        kind=kind,
        content=Content("", "", ""),
        deliveries=(Delivery(channel, DeliveryState.DUE),),
        created_at=clock.now(),
        request_id=context.request_id(),
        address=address,
    )
