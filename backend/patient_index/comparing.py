"""After a chart has changed: which charts may be the same person's, and which pairs no longer are."""

from __future__ import annotations

from backend.patient_index.models import Chart
from backend.patient_index.review_models import WAITING, Cause, ReviewState, review_id
from backend.patient_index.review_store import ReviewStore
from backend.patient_index.store import ChartStore
from backend.patient_index.weighing import Weighed, weigh
from backend.worker.events import Event

# A block with more charts than this says nothing: it is the hospital's own phone, or everybody's birthday.
_MOST_IN_A_BLOCK = 40
_SETTLED = (*WAITING, ReviewState.DIFFERENT)


class Comparing:
    """Finds pairs for the review. Nothing is linked here."""

    def __init__(self, store: ChartStore, reviews: ReviewStore) -> None:
        self._store = store
        self._reviews = reviews

    async def compare(self, chart: Chart) -> None:
        """Compare a chart with those of its blocks; a second time finds the same."""
        for other, weighed in await self._alike(chart):
            if not await self._is_asked(chart, other):
                await self._reviews.put(
                    chart.id,
                    other.id,
                    Cause.ALIKE,
                    grade=str(weighed.grade),
                    bits=weighed.bits,
                    degrees=weighed.degrees,
                )
        await self._withdraw(chart)

    async def on_person_changed(self, event: Event) -> None:
        """Pairs that have become one person need nobody's look any more."""
        chart = await self._store.find(event.data["chart_id"])
        if chart is None:
            return
        mine = {each.id for each in await self._store.list_of_person(chart.person_id)} | {chart.person_id}
        waiting = [review for review in await self._reviews.list_of([chart.id]) if review.state in WAITING]
        done = [review.id for review in waiting if {review.chart_id, review.other_id} <= mine]
        await self._reviews.withdraw(done)

    async def _alike(self, chart: Chart) -> list[tuple[Chart, Weighed]]:
        """The likeliest chart of every person who may be this one."""
        best: dict[str, tuple[Chart, Weighed]] = {}
        for other in await self._store.list_alike(chart, _MOST_IN_A_BLOCK):
            weighed = _weigh(chart, other)
            before = best.get(other.person_id)
            if weighed and (before is None or before[1].bits < weighed.bits):
                best[other.person_id] = (other, weighed)
        return list(best.values())

    async def _is_asked(self, chart: Chart, other: Chart) -> bool:
        """Whether somebody is asked already, or has said no, about another pair of the same two people."""
        mine = {each.id for each in await self._store.list_of_person(chart.person_id)}
        theirs = {each.id for each in await self._store.list_of_person(other.person_id)}
        return any(
            {review.chart_id, review.other_id} & theirs
            and review.state in _SETTLED
            and review.id != review_id(chart.id, other.id)
            for review in await self._reviews.list_of(mine)
        )

    async def _withdraw(self, chart: Chart) -> None:
        """Take back what no longer speaks for itself."""
        gone = []
        for review in await self._reviews.list_of([chart.id]):
            if review.cause is not Cause.ALIKE or review.state not in WAITING:
                continue
            other_id = review.other_id if review.chart_id == chart.id else review.chart_id
            other = await self._store.find(other_id)
            if other is None or _weigh(chart, other) is None:
                gone.append(review.id)
        await self._reviews.withdraw(gone)


def _weigh(one: Chart, other: Chart) -> Weighed | None:
    """What speaks for one person, where nothing says already whether they are."""
    if one.person_id == other.person_id or (one.resident_id and other.resident_id):
        return None
    return weigh(one.who, other.who)
