"""Counting anew from what was written when things happened, and comparing that with the counters."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Set
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from backend import clock
from backend.statistics.counted import Adds, Place, merge
from backend.statistics.facts import ARRIVAL_STEP, arrival, arrives, of_claim
from backend.statistics.follower import of_entries
from backend.statistics.models import Fact, Measure, adds_of
from backend.statistics.ports import Above
from backend.statistics.raw_store import RawClaim, RawOrder, RawStore, RawUse
from backend.statistics.store import StatisticsStore
from backend.statistics.subjects import of_filing, of_referral
from backend.worker.events import EventKind

_M = Measure
# Messages, and what other areas count themselves, are not among them (docs/statistics.md).
RECOUNTED = frozenset(
    {
        _M.BOOKED, _M.CANCELLED, _M.STOPPED, _M.EXPIRED, _M.MISSED, _M.VISIT_DUE, _M.ARRIVED,
        _M.PAID, _M.REFUNDED, _M.CODE_USED, _M.RECORD_ACCESS, _M.REPORT_LOOKUP,
        _M.REFERRAL_SENT, _M.REFERRAL_ACCEPTED, _M.REFERRAL_ARRIVED, _M.REFERRAL_ENDED,
        _M.BIRTH_FILED, _M.BIRTH_COMPLETED,
    }
)  # fmt: skip
_ENDS = {
    "cancelled": EventKind.APPOINTMENT_CANCELLED,
    "stopped": EventKind.APPOINTMENT_STOPPED,
    "expired": EventKind.APPOINTMENT_EXPIRED,
    "released": EventKind.APPOINTMENT_EXPIRED,
}


@dataclass(frozen=True, slots=True)
class Difference:
    """A counter that does not say what the documents say."""

    # Day, institution, measure, channel, extra.
    place: Place
    counted: dict[str, int]
    found: dict[str, int]


class Recount:
    """Counts a period anew. It takes as long as there are documents: a command's work, not a page's."""

    def __init__(self, store: StatisticsStore, raw: RawStore, above: Above) -> None:
        self._store = store
        self._raw = raw
        self._above = above

    async def run(self, from_on: date, to_on: date) -> list[Difference]:
        """Every counter of the period that differs, by day."""
        found = _comparable(await self.adds(from_on, to_on, RECOUNTED), RECOUNTED)
        counted = _comparable(await self._store.counters(from_on, to_on), RECOUNTED)
        return [
            Difference(place, _said(counted.get(place, Counter())), _said(found.get(place, Counter())))
            for place in sorted({*found, *counted})
            if _said(found.get(place, Counter())) != _said(counted.get(place, Counter()))
        ]

    async def adds(self, from_on: date, to_on: date, measures: Set[Measure]) -> Adds:
        """What the documents of a period add to its days."""
        since, until = clock.city_instant(from_on, 0), clock.city_instant(to_on + timedelta(days=1), 0)
        found: Adds = {}

        def take(facts: Iterable[Fact]) -> None:
            merge(found, adds_of(f for f in facts if f.measure in measures and from_on <= f.on <= to_on))

        async for claim in self._raw.claims(since, until):
            take(of_raw_claim(claim))
        if measures & {_M.PAID, _M.REFUNDED}:
            async for order in self._raw.orders(since, until):
                take(of_order(order))
        if measures & {_M.CODE_USED, _M.ARRIVED}:
            take(await self._of_uses(since, until))
        if measures & {_M.RECORD_ACCESS, _M.REPORT_LOOKUP}:
            async for entry in self._raw.readings(since, until):
                take(of_entries([entry]))
        if _M.REFERRAL_SENT in measures:
            async for referral in self._raw.referrals(since, until):
                take(of_referral(referral))
        working_days = self._above.working_days
        if _M.BIRTH_FILED in measures and working_days is not None:
            async for filing in self._raw.filings(since, until):
                take(of_filing(filing, working_days))
        return found

    async def _of_uses(self, since: datetime, until: datetime) -> list[Fact]:
        """Uses, and each appointment of which one was the arrival, once."""
        found: list[Fact] = []
        shown: dict[date, list[RawUse]] = {}
        async for use in self._raw.uses(since, until):
            on = clock.civil_date(use.at)
            found.append(Fact(on, use.organization_id, Measure.CODE_USED))
            if use.step == ARRIVAL_STEP:
                shown.setdefault(on, []).append(use)
        for on, uses in shown.items():
            arrived: dict[str, RawClaim] = {}
            for claim in await self._raw.claims_of(sorted({use.patient_id for use in uses}), on):
                here = [use for use in uses if use.patient_id == claim.patient_id]
                if any(arrives(claim, use.organization_id, use.at) for use in here):
                    arrived[claim.id] = claim
            found += [fact for claim in arrived.values() for fact in arrival(claim)[1]]
        return found


def of_raw_claim(claim: RawClaim) -> list[Fact]:
    """Everything that a claim has been through. Pure."""
    found: list[Fact] = []
    if claim.booked_at is not None:
        found += of_claim(EventKind.APPOINTMENT_BOOKED, claim, claim.booked_at)
    if claim.missed_at is not None:
        found += of_claim(EventKind.APPOINTMENT_MISSED, claim, claim.missed_at)
    if claim.state in _ENDS and claim.ended_at is not None:
        found += of_claim(_ENDS[claim.state], claim, claim.ended_at)
    return found


def of_order(order: RawOrder) -> list[Fact]:
    """What came in and what went back. Pure."""
    place = order.organization_id
    found = [
        Fact(clock.civil_date(at), place, Measure.REFUNDED, fen=amount_fen)
        for at, amount_fen in order.refunds
    ]
    if order.paid_at is not None:
        on = clock.civil_date(order.paid_at)
        found.append(Fact(on, place, Measure.PAID, order.paid_through, fen=order.amount_fen))
    return found


def _comparable(adds: Adds, measures: Set[Measure]) -> Adds:
    """Only what is counted anew. Payments of before were counted without their channel."""
    found: Adds = {}
    for place, added in adds.items():
        on, organization_id, measure, channel, extra = place
        if measure in measures:
            kept: Place = (on, organization_id, measure, "" if measure == Measure.PAID else channel, extra)
            found.setdefault(kept, Counter()).update(added)
    return found


def _said(added: Counter[str]) -> dict[str, int]:
    return {name: count for name, count in added.items() if count}
