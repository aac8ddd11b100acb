"""What a log-in leaves for a few minutes: one-time codes and tickets, as hashes, each used up once."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

from pymongo import ReturnDocument
from pymongo.errors import DuplicateKeyError

from backend import clock
from backend.db.client import Database, Document
from backend.residents.models import WeChatApp
from backend.security.fields import FieldCipher
from backend.security.lasting import declare_kid, declare_sealed

TICKETS = "login_tickets"
declare_sealed(TICKETS, "openid", "phone")
declare_kid("blind", "login_codes", "kid", "one-time codes, which end by themselves")


@dataclass(frozen=True, slots=True)
class SentCode:
    """A code that was sent to a phone: its keyed hash, and how often somebody has guessed."""

    key: str
    kid: str
    hash: str
    attempts: int


class LoginCodeStore:
    """Reads and writes `login_codes`: at most one code per phone."""

    def __init__(self, db: Database) -> None:
        self._codes = db.collection("login_codes")

    async def pause_left(self, keys: Sequence[str], pause: timedelta) -> timedelta | None:
        """How long until another code may be sent to the phone; None when at once."""
        at = clock.now()
        recent = {"_id": {"$in": list(keys)}, "sent_at": {"$gt": at - pause}}
        doc = await self._codes.find_one(recent, {"sent_at": 1})
        if doc is None:
            return None
        sent_at: datetime = doc["sent_at"]
        return sent_at + pause - at

    async def put(self, code: SentCode, lifetime: timedelta, pause: timedelta) -> timedelta | None:
        """Keep a new code in place of the one before; or say how long to wait, if that was sent just now."""
        at = clock.now()
        fields = {
            "kid": code.kid,
            "hash": code.hash,
            "attempts": 0,
            "sent_at": at,
            "expires_at": at + lifetime,
        }
        older = {"_id": code.key, "sent_at": {"$lte": at - pause}}
        try:
            await self._codes.update_one(older, {"$set": fields}, upsert=True)
        except DuplicateKeyError:
            return await self.pause_left([code.key], pause) or timedelta(seconds=1)
        return None

    async def count_attempt(self, keys: Sequence[str], most: int) -> SentCode | None:
        """Count one more guess and return the code; None when there is none, or it was guessed too often."""
        doc = await self._codes.find_one_and_update(
            {"_id": {"$in": list(keys)}, "attempts": {"$lt": most}, "expires_at": {"$gt": clock.now()}},
            {"$inc": {"attempts": 1}},
            return_document=ReturnDocument.AFTER,
        )
        return SentCode(doc["_id"], doc["kid"], doc["hash"], doc["attempts"]) if doc else None

    async def is_exhausted(self, keys: Sequence[str], most: int) -> bool:
        """Whether a code was sent and then guessed too often."""
        query = {"_id": {"$in": list(keys)}, "attempts": {"$gte": most}, "expires_at": {"$gt": clock.now()}}
        return await self._codes.find_one(query, {"_id": 1}) is not None

    async def use_up(self, code: SentCode) -> bool:
        """Remove the code; false when somebody else has used it in this moment."""
        result = await self._codes.delete_one({"_id": code.key, "hash": code.hash})
        return result.deleted_count == 1


def ticket_hash(token: str) -> str:
    """What is kept of a ticket. 192 random bits: a plain hash says nothing about them."""
    return hashlib.sha256(token.encode()).hexdigest()


class TicketKind(StrEnum):
    """What a ticket lets its holder do."""

    OAUTH_STATE = "oauth_state"  # come back from the official account's authorisation page
    OAUTH_DONE = "oauth_done"  # exchange the finished authorisation for a log-in
    PHONE_NEEDED = "phone_needed"  # add a phone to a WeChat account that is new here
    IDENTITY_NEEDED = "identity_needed"  # show more than the phone of an account that was idle for long


@dataclass(frozen=True, slots=True)
class Ticket:
    """One step of a log-in that is to be continued. `browser` is the hash of the cookie it is bound to."""

    hash: str
    kind: TicketKind
    app: WeChatApp | None = None
    app_id: str = ""
    openid: str = field(default="", repr=False)
    browser: str = ""
    return_to: str = ""
    # The proven phone, and the account it has led to.
    phone: str = field(default="", repr=False)
    resident_id: str = ""


class TicketStore:
    """Reads and writes `login_tickets`."""

    def __init__(self, db: Database, cipher: FieldCipher) -> None:
        self._tickets = db.collection(TICKETS)
        self._cipher = cipher

    async def add(self, ticket: Ticket, lifetime: timedelta) -> None:
        """Keep a ticket until it is used or too old."""
        await self._tickets.insert_one(
            {
                "_id": ticket.hash,
                "kind": ticket.kind,
                "app": ticket.app,
                "app_id": ticket.app_id,
                "openid": self._sealed(ticket, "openid", ticket.openid),
                "browser": ticket.browser,
                "return_to": ticket.return_to,
                "phone": self._sealed(ticket, "phone", ticket.phone),
                "resident_id": ticket.resident_id,
                "expires_at": clock.now() + lifetime,
            }
        )

    async def find(self, ticket_hash: str, kind: TicketKind) -> Ticket | None:
        """A ticket that is still good, without using it."""
        doc = await self._tickets.find_one(_good(ticket_hash, kind))
        return self._ticket(doc) if doc else None

    async def take(self, ticket_hash: str, kind: TicketKind) -> Ticket | None:
        """Use a ticket; of two at once, one gets it."""
        doc = await self._tickets.find_one_and_delete(_good(ticket_hash, kind))
        return self._ticket(doc) if doc else None

    def _sealed(self, ticket: Ticket, field: str, text: str) -> Document | None:
        return self._cipher.seal(TICKETS, field, ticket.hash, text) if text else None

    def _opened(self, doc: Document, field: str) -> str:
        sealed = doc.get(field)
        return self._cipher.open(TICKETS, field, doc["_id"], sealed) if sealed else ""

    def _ticket(self, doc: Document) -> Ticket:
        return Ticket(
            hash=doc["_id"],
            kind=TicketKind(doc["kind"]),
            app=WeChatApp(doc["app"]) if doc["app"] else None,
            app_id=doc["app_id"],
            openid=self._opened(doc, "openid"),
            browser=doc["browser"],
            return_to=doc["return_to"],
            phone=self._opened(doc, "phone"),
            resident_id=doc.get("resident_id", ""),
        )


def _good(ticket_hash: str, kind: TicketKind) -> Document:
    return {"_id": ticket_hash, "kind": kind, "expires_at": {"$gt": clock.now()}}
