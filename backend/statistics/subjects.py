"""What changes after it was counted: referrals and births. Their counters follow what they have become."""

from __future__ import annotations

from datetime import date

from backend import clock
from backend.statistics.models import Fact, Measure
from backend.statistics.ports import Above, CountedFiling, CountedReferral
from backend.statistics.store import StatisticsStore
from backend.worker.events import Event


class Subjects:
    """Counts a subject as it stands, whichever of its events comes, twice or out of order."""

    def __init__(self, store: StatisticsStore, above: Above) -> None:
        self._store = store
        self._above = above

    async def on_referral(self, event: Event) -> None:
        """REFERRAL_CHANGED."""
        referral_id = event.data["referral_id"]
        referral = await self._above.referral(referral_id) if self._above.referral else None
        if referral is not None:
            await self._store.settle(f"referral:{referral_id}", of_referral(referral))

    async def on_filing(self, event: Event) -> None:
        """BIRTH_FILING_CHANGED."""
        filing_id = event.data["filing_id"]
        filing = await self._above.filing(filing_id) if self._above.filing else None
        if filing is not None:
            await self._store.settle(f"filing:{filing_id}", of_filing(filing))


def of_referral(referral: CountedReferral) -> list[Fact]:
    """Sent at the sender's, the rest at the receiver's. Who arrives counts on the day of the acceptance:

    so the arrivals of a period are among its acceptances. Pure.
    """
    extra, there = str(referral.direction), referral.to_organization_id
    sent_on = clock.civil_date(referral.created_at)
    found = [Fact(sent_on, referral.from_organization_id, Measure.REFERRAL_SENT, extra=extra)]
    taken_at = referral.accepted_at or referral.arrived_at
    if taken_at is not None:
        on = clock.civil_date(taken_at)
        minutes = max(0, int((taken_at - referral.created_at).total_seconds() // 60))
        found.append(Fact(on, there, Measure.REFERRAL_ACCEPTED, extra=extra, amount=minutes))
        if referral.arrived_at is not None:
            found.append(Fact(on, there, Measure.REFERRAL_ARRIVED, extra=extra))
    if referral.ended_at is not None:
        ended_on = clock.civil_date(referral.ended_at)
        found.append(Fact(ended_on, there, Measure.REFERRAL_ENDED, extra=str(referral.state)))
    return found


def of_filing(filing: CountedFiling) -> list[Fact]:
    """Filed on its day; completed on its day, with the working days it took. Pure."""

    def fact(on: date, measure: Measure, amount: int = 0) -> Fact:
        return Fact(on, filing.organization_id, measure, amount=amount)

    found = [] if filing.filed_on is None else [fact(filing.filed_on, Measure.BIRTH_FILED)]
    if filing.completed_on is not None:
        found.append(fact(filing.completed_on, Measure.BIRTH_COMPLETED, filing.working_days))
    return found
