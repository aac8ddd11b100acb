"""What comes back: providers' delivery reports, people's replies, and the grants people gave to WeChat."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from pymongo import ASCENDING
from pymongo.errors import DuplicateKeyError

from backend import clock
from backend.db.client import Database
from backend.db.gather import GatheredCalls
from backend.db.upserts import upsert
from backend.messages.models import MessageKind, SMSReply
from backend.messages.optouts import is_stop_word
from backend.security.fields import BlindIndex, FieldCipher
from backend.security.lasting import declare_lapse, declare_sealed
from backend.worker.events import Event, EventKind, embedded
from notify.ports import DeliveryReport, Reply

_MOST_GRANTS = 20
_CLOCKS_DIFFER, _CLOCK_IS_WRONG = timedelta(minutes=2), timedelta(days=30)
declare_sealed("message_replies", "phone", "text")
# A report finds its message by the blind index of the phone it went to; providers report within days.
# So does the console find what was sent to a phone that is no account's: codes and answers, kept for a month.
declare_lapse("blind", "messages by the phone they went to", timedelta(days=30))


@dataclass(frozen=True, slots=True)
class StoredReport:
    """A report as kept: about which of the provider's messages, to which (blind) phone."""

    provider_id: str
    delivered: bool
    code: str
    at: datetime
    reference: str = ""


class ReceiptStore:
    """The collections `message_reports` and `message_replies`."""

    def __init__(self, db: Database, cipher: FieldCipher, blind: BlindIndex) -> None:
        self._reports = db.collection("message_reports")
        self._replies = db.collection("message_replies")
        self._cipher = cipher
        self._blind = blind
        self._asked = GatheredCalls(self._find_reports)

    async def add_report(self, provider: str, report: DeliveryReport) -> None:
        """Keep a report; the same one again changes nothing."""
        await self._add_report(provider, report, self._blind.of("phone", report.phone))

    async def add_notice_report(self, provider: str, report: DeliveryReport) -> None:
        """The same of a message of the official account."""
        await self._add_report(provider, report, self._blind.of("openid", report.phone))

    async def _add_report(self, provider: str, report: DeliveryReport, blind: str) -> None:
        kept = {
            "provider": provider,
            "reference": report.reference,
            "provider_id": report.provider_id,
            "phone_blind": blind,
            "delivered": report.delivered,
            "code": report.code,
            "at": report.at or clock.now(),
            "received_at": clock.now(),
        }
        # Pushed and fetched, the same report may or may not give our own number back.
        key = _digest(provider, report.provider_id or report.reference, blind, str(report.delivered))
        await _insert_once(self._reports, key, kept)

    async def find_report(self, provider_id: str, phone_blind: str) -> StoredReport | None:
        """The report about a message whose id is known."""
        return await self._asked.ask((provider_id, phone_blind))

    async def _find_reports(self, asked: list[tuple[str, str]]) -> list[StoredReport | None]:
        ids = {provider_id for provider_id, _ in asked}
        blinds = {blind for _, blind in asked}
        rules = {"provider_id": {"$in": list(ids)}, "phone_blind": {"$in": list(blinds)}}
        found = {(doc["provider_id"], doc["phone_blind"]): doc async for doc in self._reports.find(rules)}
        return [_report(found[one]) if one in found else None for one in asked]

    async def list_reports_since(
        self, provider: str, phone_blind: str, since: datetime
    ) -> list[StoredReport]:
        """A provider's reports about a phone since an instant, oldest first."""
        rules = {"phone_blind": phone_blind, "received_at": {"$gte": since}, "provider": provider}
        cursor = self._reports.find(rules)
        return [_report(doc) async for doc in cursor.sort("received_at", ASCENDING)]

    async def add_reply(self, reply: Reply) -> None:
        """Keep what a person wrote to us, sealed; gateways deliver it more than once."""
        blind = self._blind.of("phone", reply.phone)
        # The words themselves must not be guessable from the key, so they go through the blind index too.
        words = self._blind.of("name", reply.text or "-")
        received_at = clock.now()
        # Who gives no time repeats within minutes; the same word an hour later is another word.
        when = str(reply.at) if reply.at else f"{received_at:%Y-%m-%dT%H}"
        key = _digest(blind, words, reply.extension, when)
        event = Event(EventKind.SMS_REPLY_RECEIVED, {"reply_id": key})
        kept = {
            "phone_blind": blind,
            "phone": self._cipher.seal("message_replies", "phone", key, reply.phone),
            "text": self._cipher.seal("message_replies", "text", key, reply.text),
            "extension": reply.extension,
            "at": reply.at,
            "received_at": received_at,
            **embedded(event),
        }
        await _insert_once(self._replies, key, kept)

    async def find_reply(self, reply_id: str) -> SMSReply | None:
        """A reply, opened."""
        doc = await self._replies.find_one({"_id": reply_id})
        if doc is None:
            return None
        phone, text = (
            self._cipher.open("message_replies", name, reply_id, doc[name]) for name in ("phone", "text")
        )
        return SMSReply(
            reply_id,
            phone,
            text,
            doc["extension"],
            received_at=doc["received_at"],
            said_at=_said_at(doc["at"], doc["received_at"]),
            opted_out=is_stop_word(text),
        )

    async def page_of_replies(self, after: str | None, limit: int) -> list[tuple[str, str, str]]:
        """The next replies by id: id, blind index, phone."""
        rules = {"_id": {"$gt": after}} if after is not None else {}
        docs = await self._replies.find(rules, {"phone": 1, "phone_blind": 1}).sort("_id", 1).to_list(limit)
        return [
            (
                doc["_id"],
                doc["phone_blind"],
                self._cipher.open("message_replies", "phone", doc["_id"], doc["phone"]),
            )
            for doc in docs
        ]

    async def set_reply_index(self, reply_id: str, phone_blind: str) -> None:
        """Put another blind index in place."""
        await self._replies.update_one({"_id": reply_id}, {"$set": {"phone_blind": phone_blind}})


class GrantStore:
    """The collection `message_grants`: how often WeChat lets us write to whom about what."""

    def __init__(self, db: Database) -> None:
        self._grants = db.collection("message_grants")

    async def add(self, resident_id: str, kind: MessageKind) -> None:
        """The person accepted one prompt."""
        place = {"resident_id": resident_id, "_id": f"{resident_id}:{kind}"}
        one_more = {"$min": [{"$add": [{"$ifNull": ["$left", 0]}, 1]}, _MOST_GRANTS]}
        fields = {"kind": str(kind), "left": one_more, "updated_at": clock.now()}
        await upsert(self._grants, place, [{"$set": fields}])

    async def take(self, resident_id: str, kind: MessageKind) -> bool:
        """Spend a grant; False when there is none."""
        result = await self._grants.update_one(
            {"resident_id": resident_id, "_id": f"{resident_id}:{kind}", "left": {"$gt": 0}},
            {"$inc": {"left": -1}, "$set": {"updated_at": clock.now()}},
        )
        return result.modified_count == 1

    async def clear(self, resident_id: str, kind: MessageKind) -> None:
        """WeChat says that there are none left, whatever we had counted."""
        await self._grants.update_one(
            {"resident_id": resident_id, "_id": f"{resident_id}:{kind}"}, {"$set": {"left": 0}}
        )

    async def left(self, resident_id: str) -> dict[str, int]:
        """Grants by kind."""
        return {doc["kind"]: doc["left"] async for doc in self._grants.find({"resident_id": resident_id})}

    async def forget(self, resident_id: str) -> None:
        """Delete a person's grants."""
        await self._grants.delete_many({"resident_id": resident_id})


async def _insert_once(collection: Any, key: str, document: dict[str, Any]) -> None:
    try:
        await collection.insert_one({"_id": key, **document})
    except DuplicateKeyError:
        return


def _said_at(told: datetime | None, received_at: datetime) -> datetime:
    """What was fetched late was written earlier; smaller and greater differences are those of clocks."""
    if told is not None and _CLOCKS_DIFFER < received_at - told < _CLOCK_IS_WRONG:
        return told
    return received_at


def _report(doc: dict[str, Any]) -> StoredReport:
    return StoredReport(
        doc["provider_id"], doc["delivered"], doc["code"], doc["at"], doc.get("reference", "")
    )


def _digest(*parts: str) -> str:
    return hashlib.blake2b("\x1f".join(parts).encode(), digest_size=16).hexdigest()
