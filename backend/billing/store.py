"""Orders, raw notices and differences in MongoDB. Every change of an order is conditional on its version."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from pymongo import ASCENDING, ReturnDocument
from pymongo.errors import DuplicateKeyError

from backend import clock
from backend.billing.models import (
    Difference,
    DifferenceEntry,
    Order,
    order_from_doc,
    order_to_doc,
)
from backend.billing.transitions import Change, Step
from backend.db.client import Database, Document
from backend.errors import AppError, ErrorCode
from backend.worker.events import Event, embedded
from payment.ports import NoticeKind, PaymentState, PaymentStatus, RefundState, RefundStatus

# Two writers of one order are rare (a notice and a query); more than these rounds is a fault.
_MOST_ROUNDS = 20
# What moved is left alone while it may still be moving.
COMPARED_AFTER = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class StoredNotice:
    """A notice as it was received and understood."""

    id: str
    channel: str
    kind: NoticeKind
    event_type: str
    state: str
    payment: PaymentStatus | None
    refund: RefundStatus | None


class OrderStore:
    """The collection `orders`."""

    def __init__(self, db: Database) -> None:
        self._orders = db.collection("orders")
        self._differences = db.collection("billing_differences")

    async def insert(self, change: Change) -> Order:
        """Insert a new order; the one that is there already wins and is returned."""
        order = change.order
        document = {"_id": order.id, "version": 1, **order_to_doc(order), **embedded(*change.events)}
        document["events_due"] = bool(change.events)
        try:
            await self._orders.insert_one(document)
        except DuplicateKeyError:
            found = await self.find(order.id)
            if found is None:
                raise
            return found
        return order_from_doc(document)

    async def find(self, order_id: str) -> Order | None:
        """One order."""
        doc = await self._orders.find_one({"_id": order_id})
        return order_from_doc(doc) if doc else None

    async def find_many(self, order_ids: list[str]) -> dict[str, Order]:
        """Several orders by id."""
        docs = await self._orders.find({"_id": {"$in": order_ids}}).to_list(None)
        return {doc["_id"]: order_from_doc(doc) for doc in docs}

    async def apply(self, order_id: str, step: Step) -> Order | None:
        """Read, decide by `step`, write if nobody wrote meanwhile, else again. None: no such order."""
        for _ in range(_MOST_ROUNDS):
            order = await self.find(order_id)
            if order is None:
                return None
            change = step(order)
            for difference in change.differences:
                await self.add_difference(difference, order.organization_id)
            if change.order == order and not change.events:
                return order
            saved = await self._save(order, change)
            if saved is not None:
                return saved
        raise AppError(ErrorCode.UNAVAILABLE, f"order {order_id} is written by too many at once")

    async def _save(self, before: Order, change: Change) -> Order | None:
        # The list of events is the relay's too, so it is only ever added to.
        now = clock.now()
        fields = {**order_to_doc(change.order), "updated_at": now}
        if change.order.attempts:
            fields["compare_at"] = now + COMPARED_AFTER
        update: dict[str, Any] = {"$set": fields, "$inc": {"version": 1}}
        if change.events:
            fields["events_due"] = True
            update["$push"] = {"events": {"$each": [event.to_doc() for event in change.events]}}
        doc = await self._orders.find_one_and_update(
            {"_id": before.id, "version": before.version},
            update,
            return_document=ReturnDocument.AFTER,
        )
        return order_from_doc(doc) if doc else None

    async def list_due_comparisons(self, now: datetime, limit: int) -> list[Order]:
        """Orders that are to be compared with the channel's book now, longest overdue first."""
        cursor = self._orders.find({"compare_at": {"$lte": now}}).sort("compare_at", ASCENDING).limit(limit)
        return [order_from_doc(doc) async for doc in cursor]

    async def compare_next(self, order: Order, at: datetime | None) -> None:
        """When the order is compared next, unless it has changed meanwhile: that has a time of its own."""
        await self._orders.update_one(
            {"_id": order.id, "version": order.version}, {"$set": {"compare_at": at}}
        )

    async def list_due_checks(self, now: datetime, limit: int) -> list[str]:
        """Orders about which the channel should be asked now, longest overdue first."""
        cursor = self._orders.find({"check_at": {"$lte": now}}, {"_id": 1}).sort("check_at", ASCENDING)
        return [doc["_id"] async for doc in cursor.limit(limit)]

    async def list_after(self, after: str, limit: int) -> list[Order]:
        """All orders in order of id, for going through the books."""
        cursor = self._orders.find({"_id": {"$gt": after}}).sort("_id", ASCENDING).limit(limit)
        return [order_from_doc(doc) async for doc in cursor]

    async def add_difference(self, difference: Difference, organization_id: str | None) -> None:
        """Put a difference on the list; the same one again changes nothing."""
        document = {
            "kind": difference.kind,
            "order_id": difference.order_id,
            "organization_id": organization_id,
            "expected": _plain(difference.expected),
            "found": _plain(difference.found),
            "state": "open",
            "created_at": clock.now(),
        }
        try:
            await self._differences.update_one(
                {"_id": difference.key}, {"$setOnInsert": document}, upsert=True
            )
        except DuplicateKeyError:
            return  # Somebody put it there at the same moment.

    async def resolve_difference(
        self, key: str, by: str, note: str, *, organization_ids: frozenset[str] | None
    ) -> DifferenceEntry | None:
        """Take a difference within scope off the list, saying who and why; None when it is not on it."""
        rules: Document = {"_id": key, "state": "open"}
        if organization_ids is not None:
            rules["organization_id"] = {"$in": sorted(organization_ids)}
        doc = await self._differences.find_one_and_update(
            rules,
            {"$set": {"state": "resolved", "resolved_by": by, "note": note, "resolved_at": clock.now()}},
            return_document=ReturnDocument.AFTER,
        )
        return difference_from_doc(doc) if doc else None


class NoticeStore:
    """The collection `payment_notices`: what channels told us, as received, once."""

    def __init__(self, db: Database) -> None:
        self._notices = db.collection("payment_notices")

    async def insert(self, notice: StoredNotice, body: str, events: tuple[Event, ...]) -> bool:
        """Keep a notice; False when it is there already."""
        document = {
            "_id": notice.id,
            "channel": notice.channel,
            "kind": str(notice.kind),
            "event_type": notice.event_type,
            "state": notice.state,
            "told": _told(notice),
            "body": body,
            "received_at": clock.now(),
            **embedded(*events),
            "events_due": bool(events),
        }
        try:
            await self._notices.insert_one(document)
        except DuplicateKeyError:
            return False
        return True

    async def find(self, notice_id: str) -> StoredNotice | None:
        """One notice."""
        doc = await self._notices.find_one({"_id": notice_id})
        return _notice(doc) if doc else None

    async def set_done(self, notice_id: str) -> None:
        """The notice has been acted upon."""
        await self._notices.update_one(
            {"_id": notice_id}, {"$set": {"state": "done", "done_at": clock.now()}}
        )


def _plain(values: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value if isinstance(value, int) else str(value) for name, value in values.items()}


def difference_from_doc(doc: Document) -> DifferenceEntry:
    """Read a stored difference."""
    return DifferenceEntry(
        id=doc["_id"],
        kind=doc["kind"],
        order_id=doc["order_id"],
        organization_id=doc["organization_id"],
        expected=doc["expected"],
        found=doc["found"],
        state=doc["state"],
        created_at=doc["created_at"],
    )


def _told(notice: StoredNotice) -> Document:
    """What is needed to act. Who paid and to which account it went back is nobody's business here."""
    if notice.payment is not None:
        p = notice.payment
        return {
            "out_trade_no": p.out_trade_no,
            "state": str(p.state),
            "amount_fen": p.amount_fen,
            "currency": p.currency,
            "merchant_id": p.merchant_id,
            "app_id": p.app_id,
            "channel_trade_id": p.channel_trade_id,
            "paid_at": p.paid_at,
            "raw_state": p.raw_state,
        }
    if notice.refund is not None:
        r = notice.refund
        return {
            "out_refund_no": r.out_refund_no,
            "state": str(r.state),
            "out_trade_no": r.out_trade_no,
            "refund_fen": r.refund_fen,
            "total_fen": r.total_fen,
            "channel_refund_id": r.channel_refund_id,
            "merchant_id": r.merchant_id,
            "refunded_at": r.refunded_at,
            "raw_state": r.raw_state,
        }
    return {}


def _notice(doc: Document) -> StoredNotice:
    kind, told = NoticeKind(doc["kind"]), dict(doc["told"])
    payment = refund = None
    if kind is NoticeKind.PAYMENT:
        payment = PaymentStatus(**{**told, "state": PaymentState(told["state"])})
    elif kind is NoticeKind.REFUND:
        refund = RefundStatus(**{**told, "state": RefundState(told["state"])})
    return StoredNotice(doc["_id"], doc["channel"], kind, doc["event_type"], doc["state"], payment, refund)
