"""What was written when things happened: the documents of other areas, read beneath their services.

A recount that asked the services which are counted would find what they say. So this looks at the collections
themselves, with as little as the figures need, and changes nothing.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from backend import clock
from backend.audit.models import AuditEntry
from backend.db.client import Database, Document
from backend.statistics.follower import READ

_AT_ONCE = 500
_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class RawClaim:
    """An appointment or a hold, as far as it is counted."""

    id: str
    organization_id: str
    channel: str
    on: date
    state: str
    patient_id: str
    created_at: datetime
    hold_until: datetime | None
    booked_at: datetime | None
    ended_at: datetime | None
    missed_at: datetime | None


@dataclass(frozen=True, slots=True)
class RawOrder:
    """An order's money: what came in, and each amount that went back, with its instant."""

    organization_id: str
    amount_fen: int
    paid_through: str
    paid_at: datetime | None
    refunds: tuple[tuple[datetime, int], ...]


@dataclass(frozen=True, slots=True)
class RawUse:
    """One use of a health code."""

    organization_id: str
    patient_id: str
    step: str
    at: datetime


@dataclass(frozen=True, slots=True)
class RawReferral:
    """A referral's clear fields."""

    direction: str
    state: str
    from_organization_id: str
    to_organization_id: str
    created_at: datetime
    accepted_at: datetime | None
    arrived_at: datetime | None
    ended_at: datetime | None


@dataclass(frozen=True, slots=True)
class RawFiling:
    """A filing's clear fields."""

    organization_id: str
    state: str
    submitted_at: datetime | None
    ended_at: datetime | None


class RawStore:
    """Reads; each method by instants, the last one not within."""

    def __init__(self, db: Database) -> None:
        self._claims = db.collection("claims")
        self._orders = db.collection("orders")
        self._uses = db.collection("code_uses")
        self._audit = db.collection("audit")
        self._referrals = db.collection("referrals")
        self._filings = db.collection("birth_filings")
        self._jobs = db.collection("outbox")

    async def claims(self, since: datetime, until: datetime) -> AsyncIterator[RawClaim]:
        """Appointments that are for a day of the period, or to which something happened in it."""
        first, last = clock.civil_date(since), clock.civil_date(until - timedelta(milliseconds=1))
        between = {"$gte": since, "$lt": until}
        rules: Document = {
            "state": {"$ne": "withdrawn"},
            "$or": [
                {"on": {"$gte": first.isoformat(), "$lte": last.isoformat()}},
                {"booked_at": between},
                {"ended_at": between},
                # Of before it was kept when they were booked: soon after they were made.
                {"created_at": {"$gte": since - 2 * _DAY, "$lt": until}},
            ],
        }
        waiting: list[Document] = []
        async for doc in self._claims.find(rules):
            waiting.append(doc)
            if len(waiting) == _AT_ONCE:
                for claim in await self._booked(waiting):
                    yield claim
                waiting = []
        for claim in await self._booked(waiting):
            yield claim

    async def claims_of(self, patient_ids: Sequence[str], on: date) -> list[RawClaim]:
        """People's appointments on a day."""
        rules = {
            "patient_id": {"$in": list(patient_ids)},
            "on": on.isoformat(),
            "state": {"$ne": "withdrawn"},
        }
        return await self._booked(await self._claims.find(rules).to_list(None))

    async def span(self) -> tuple[date, date] | None:
        """The first and the last day that anybody has an appointment for."""
        days = [
            doc["on"]
            for order in (1, -1)
            async for doc in self._claims.find({"state": {"$ne": "withdrawn"}}).sort("on", order).limit(1)
        ]
        return (date.fromisoformat(days[0]), date.fromisoformat(days[-1])) if days else None

    async def orders(self, since: datetime, until: datetime) -> AsyncIterator[RawOrder]:
        """Orders for which money moved."""
        between = {"$gte": since, "$lt": until}
        rules = {"$or": [{"paid_at": between}, {"refunds.done_at": between}]}
        async for doc in self._orders.find(rules):
            paid = [each for each in doc["attempts"] if each["state"] == "paid"]
            refunds = [each for each in doc["refunds"] if each["state"] == "succeeded"]
            yield RawOrder(
                doc["organization_id"],
                doc["amount_fen"],
                paid[0]["channel"] if paid else "",
                doc.get("paid_at"),
                tuple((each["done_at"], each["amount_fen"]) for each in refunds),
            )

    async def uses(self, since: datetime, until: datetime) -> AsyncIterator[RawUse]:
        """Uses of codes, at the instant they became known."""
        between = {"$gte": since, "$lt": until}
        rules = {"$or": [{"uploaded_at": between}, {"uploaded_at": None, "at": between}]}
        async for doc in self._uses.find(rules):
            at = doc.get("uploaded_at") or doc["at"]
            yield RawUse(doc["organization_id"], doc["patient_id"], doc["step"], at)

    async def readings(self, since: datetime, until: datetime) -> AsyncIterator[AuditEntry]:
        """Entries of the audit log about readings of records."""
        rules = {"at": {"$gte": since, "$lt": until}, "action": READ}
        async for doc in self._audit.find(rules):
            names = ("stream", "number", "at", "actor_kind", "actor_id", "role", "action", "object", "basis")
            yield AuditEntry(
                id=doc["_id"],
                organization_id=doc.get("organization_id"),
                request_id=doc.get("request_id", ""),
                data=doc.get("data", {}),
                **{name: doc.get(name, "") for name in names},
            )

    async def referrals(self, since: datetime, until: datetime) -> AsyncIterator[RawReferral]:
        """Referrals to which something happened."""
        between = {"$gte": since, "$lt": until}
        moments = ("created_at", "accepted_at", "arrived_at", "ended_at")
        rules = {"$or": [{name: between} for name in moments]}
        async for doc in self._referrals.find(rules):
            yield RawReferral(
                direction=doc["direction"],
                state=doc["state"],
                from_organization_id=doc["from_organization_id"],
                to_organization_id=doc["to_organization_id"],
                created_at=doc["created_at"],
                accepted_at=doc.get("accepted_at"),
                arrived_at=doc.get("arrived_at"),
                ended_at=doc.get("ended_at"),
            )

    async def filings(self, since: datetime, until: datetime) -> AsyncIterator[RawFiling]:
        """Filings of births that were handed in or ended."""
        between = {"$gte": since, "$lt": until}
        async for doc in self._filings.find({"$or": [{"submitted_at": between}, {"ended_at": between}]}):
            yield RawFiling(
                doc["organization_id"], doc["state"], doc.get("submitted_at"), doc.get("ended_at")
            )

    async def is_settled(self, subscriber: str, until: datetime) -> bool:
        """Whether nothing that happened before an instant waits to be counted."""
        rules = {"state": "due", "subscriber": subscriber, "event_at": {"$lt": until}}
        return await self._jobs.find_one(rules, {"_id": 1}) is None

    async def _booked(self, docs: Sequence[Document]) -> list[RawClaim]:
        """With the instant of the booking; of old ones, that of the payment or else of their making."""
        silent = [doc for doc in docs if doc.get("hold_until") is None and not doc.get("booked_at")]
        ids = [doc["order_id"] for doc in silent if doc.get("order_id")]
        paid: dict[str, datetime] = {}
        if ids:
            async for order in self._orders.find({"_id": {"$in": ids}}, {"paid_at": 1}):
                if order.get("paid_at"):
                    paid[order["_id"]] = order["paid_at"]
        return [_claim(doc, paid) for doc in docs]


def _claim(doc: Document, paid: dict[str, datetime]) -> RawClaim:
    booked_at = doc.get("booked_at")
    if booked_at is None and doc.get("hold_until") is None:
        booked_at = paid.get(doc.get("order_id") or "", doc["created_at"])
    return RawClaim(
        id=doc["_id"],
        organization_id=doc["organization_id"],
        channel=doc["channel"],
        on=date.fromisoformat(doc["on"]),
        state=doc["state"],
        patient_id=doc["patient_id"],
        created_at=doc["created_at"],
        hold_until=doc.get("hold_until"),
        booked_at=booked_at,
        ended_at=doc.get("ended_at"),
        missed_at=doc.get("missed_at"),
    )
