"""What changes after it was counted: referrals and births. Their counters follow what they have become."""

from __future__ import annotations

from collections.abc import Sequence

from backend import clock
from backend.statistics.models import Fact, Measure
from backend.statistics.ports import Above, CountedFiling, CountedReferral, WorkingDays
from backend.statistics.store import StatisticsStore
from backend.worker.events import Event

# The state of a filing of which everything wanted is done.
COMPLETED = "completed"


class Subjects:
    """Counts a subject as it stands, whichever of its events comes, twice or out of order."""

    def __init__(self, store: StatisticsStore, above: Above) -> None:
        self._store = store
        self._above = above

    async def on_referral(self, event: Event) -> None:
        """REFERRAL_CHANGED."""
        referral_id, find = event.data["referral_id"], self._above.referral
        if find is None:
            return

        async def read() -> Sequence[Fact] | None:
            referral = await find(referral_id)
            return of_referral(referral) if referral is not None else None

        await self._store.settle(f"referral:{referral_id}", read)

    async def on_filing(self, event: Event) -> None:
        """BIRTH_FILING_CHANGED."""
        filing_id, find, working_days = event.data["filing_id"], self._above.filing, self._above.working_days
        if find is None or working_days is None:
            return

        async def read() -> Sequence[Fact] | None:
            filing = await find(filing_id)
            return of_filing(filing, working_days) if filing is not None else None

        await self._store.settle(f"filing:{filing_id}", read)


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


def of_filing(filing: CountedFiling, working_days: WorkingDays) -> list[Fact]:
    """Handed in on its day; completed on its day, with the working days it took. Pure."""
    if filing.submitted_at is None:
        return []
    place = filing.organization_id
    found = [Fact(clock.civil_date(filing.submitted_at), place, Measure.BIRTH_FILED)]
    if filing.state == COMPLETED and filing.ended_at is not None:
        days = working_days(filing.submitted_at, filing.ended_at)
        found.append(Fact(clock.civil_date(filing.ended_at), place, Measure.BIRTH_COMPLETED, amount=days))
    return found
