"""Orders and differences as finance lists and sums them; reads only, each by an index."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from pymongo import DESCENDING

from backend.billing.models import DifferenceEntry, Order, OrderFilter, order_from_doc
from backend.billing.store import difference_from_doc
from backend.db.client import Database, Document
from backend.errors import AppError, ErrorCode

NEWEST_FIRST = [("created_at", DESCENDING), ("_id", DESCENDING)]


@dataclass(frozen=True, slots=True)
class Sums:
    """How many orders, and what came in and went back for them."""

    orders: int = 0
    paid_fen: int = 0
    refunded_fen: int = 0


class FinanceStore:
    """The collections `orders` and `billing_differences`, read in pages."""

    def __init__(self, db: Database) -> None:
        self._orders = db.collection("orders")
        self._differences = db.collection("billing_differences")

    async def list_orders(
        self, wanted: OrderFilter, scope: frozenset[str] | None, *, cursor: str | None, limit: int
    ) -> list[Order]:
        """Orders within scope, newest first."""
        rules = [*_rules(wanted, scope), *_after(cursor)]
        found = self._orders.find({"$and": rules} if rules else {}).sort(NEWEST_FIRST)
        return [order_from_doc(doc) async for doc in found.limit(limit)]

    async def sum_orders(self, wanted: OrderFilter, scope: frozenset[str] | None, *, most: int) -> Sums:
        """What the newest `most` of them come to."""
        rules = _rules(wanted, scope)
        pipeline: list[Document] = [
            {"$match": {"$and": rules} if rules else {}},
            {"$sort": dict(NEWEST_FIRST)},
            {"$limit": most},
            {
                "$group": {
                    "_id": None,
                    "orders": {"$sum": 1},
                    "paid_fen": {"$sum": _sum_of("attempts", "paid", "paid_fen")},
                    "refunded_fen": {"$sum": _sum_of("refunds", "succeeded", "amount_fen")},
                }
            },
        ]
        [doc] = await (await self._orders.aggregate(pipeline)).to_list(None) or [{}]
        return Sums(doc.get("orders", 0), doc.get("paid_fen", 0), doc.get("refunded_fen", 0))

    async def list_differences(
        self, scope: frozenset[str] | None, *, state: str, cursor: str | None, limit: int
    ) -> list[DifferenceEntry]:
        """Differences within scope, newest first."""
        rules: list[Document] = [{"state": state}, *_after(cursor)]
        if scope is not None:
            rules.append({"organization_id": {"$in": sorted(scope)}})
        found = self._differences.find({"$and": rules}).sort(NEWEST_FIRST).limit(limit)
        return [difference_from_doc(doc) async for doc in found]

    async def differences_of(self, order_ids: Sequence[str]) -> list[DifferenceEntry]:
        """Everything that did not agree in some orders, oldest first."""
        if not order_ids:
            return []
        found = self._differences.find({"order_id": {"$in": list(order_ids)}})
        return sorted([difference_from_doc(doc) async for doc in found], key=lambda entry: entry.created_at)


def write_cursor(entry: Order | DifferenceEntry) -> str:
    """Where the page after this entry begins."""
    return f"{round(entry.created_at.timestamp() * 1000)}.{entry.id}"


def _after(cursor: str | None) -> list[Document]:
    if not cursor:
        return []
    milliseconds, _, entry_id = cursor.partition(".")
    if not milliseconds.isdecimal() or len(milliseconds) > 13:
        raise AppError(ErrorCode.BAD_REQUEST, "cursor")
    at = datetime.fromtimestamp(int(milliseconds) / 1000, UTC)
    return [{"$or": [{"created_at": {"$lt": at}}, {"created_at": at, "_id": {"$lt": entry_id}}]}]


def _rules(wanted: OrderFilter, scope: frozenset[str] | None) -> list[Document]:
    rules: list[Document] = []
    if wanted.organization_id:
        rules.append({"organization_id": wanted.organization_id})
    if scope is not None:
        rules.append({"organization_id": {"$in": sorted(scope)}})
    if wanted.states:
        rules.append({"state": {"$in": [str(state) for state in wanted.states]}})
    if wanted.from_at:
        rules.append({"created_at": {"$gte": wanted.from_at}})
    if wanted.to_at:
        rules.append({"created_at": {"$lt": wanted.to_at}})
    return rules


def _sum_of(parts: str, state: str, amount: str) -> Document:
    """The amounts of an order's parts in one state."""
    counted = {"$filter": {"input": f"${parts}", "as": "part", "cond": {"$eq": ["$$part.state", state]}}}
    return {"$sum": {"$map": {"input": counted, "as": "part", "in": f"$$part.{amount}"}}}
