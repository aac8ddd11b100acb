"""The patient index's face to the others: which chart, whose chart, all charts of a person."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace

from backend import clock
from backend.errors import AppError, ErrorCode, not_found
from backend.ids import new_id
from backend.patient_index.comparing import Comparing
from backend.patient_index.demographics import is_same_number, renewed
from backend.patient_index.desk import IndexDesk
from backend.patient_index.graph import CircleError, PeopleDifferError
from backend.patient_index.linking import Linking
from backend.patient_index.models import (
    Beginning,
    Change,
    Chart,
    ChartNumber,
    Demographics,
    NewChart,
    NumberState,
    Origin,
)
from backend.patient_index.names import fits
from backend.patient_index.numbers import Finding, Numbers
from backend.patient_index.ports import Residents
from backend.patient_index.reindexing import ChartIndexes
from backend.patient_index.review_models import Cause, ReviewState
from backend.patient_index.review_store import ReviewStore
from backend.patient_index.store import ChartStore, is_late
from backend.residents.id_numbers import IDNumberError, parse_id_number
from backend.worker.events import Event, RetryLater

# Meeting another message about the same chart, we look again.
_TRIES = 10
_STEP_S = 0.02
_ASK_AGAIN_S = 300.0
_BY_NUMBER = "id number"
_NOBODY = Demographics()


class PatientIndex:
    """Nothing but links from charts to people; no resource of a record is ever touched here."""

    def __init__(
        self,
        store: ChartStore,
        numbers: Numbers,
        linking: Linking,
        comparing: Comparing,
        reviews: ReviewStore,
        desk: IndexDesk,
        indexes: ChartIndexes,
        residents: Residents,
        nudge: Callable[[], None],
    ) -> None:
        self.desk = desk
        self.indexes = indexes
        self._store = store
        self._numbers = numbers
        self._linking = linking
        self._comparing = comparing
        self._reviews = reviews
        self._residents = residents
        self._nudge = nudge

    # -- what hospitals say ----------------------------------------------------------------------------

    async def chart_for(
        self, organization_id: str, number: ChartNumber, who: Demographics | None, source: Origin
    ) -> Chart:
        """A hospital's chart, made if it is new, with what the hospital says of the person taken over.

        With a valid ID number the chart is that resident's. Safe to repeat, and for many at once.
        """
        if not number.value.strip():
            raise AppError(ErrorCode.BAD_REQUEST, "a chart without a number")
        for _ in range(_TRIES):
            chart = await self._store.find_by_number(organization_id, number)
            if chart is None:
                chart = await self._add(organization_id, number, who or _NOBODY, source)
            elif who is not None:
                chart = await self._renew(chart, who, source)
            if chart is not None:
                return chart
            await asyncio.sleep(_STEP_S)
        raise AppError(ErrorCode.UNAVAILABLE, "the chart is being changed")

    async def begin_chart(
        self, organization_id: str, number: ChartNumber, who: Demographics, source: Origin, *, id: str
    ) -> Beginning:
        """A chart to be made by whoever writes the first of it, in the same transaction."""
        finding = await self._numbers.look_up(who)
        chart, write = self._store.adding(_new(id, organization_id, number, who, finding, source))

        async def follow() -> None:
            await self._follow(chart, finding)
            self._nudge()

        return Beginning(id, write, follow)

    async def merge(
        self, organization_id: str, survivor: ChartNumber, retired: ChartNumber, source: Origin
    ) -> None:
        """A hospital has found that two of its numbers are one person (A40). Raises CONFLICT for a circle."""
        into = await self.chart_for(organization_id, survivor, None, source)
        gone = await self.chart_for(organization_id, retired, None, source)
        if not await self._linking.merge(into, gone, _by(source)):
            await self._reviews.put(gone.id, into.id, Cause.MERGE)

    async def join(self, organization_id: str, one: ChartNumber, other: ChartNumber, source: Origin) -> None:
        """A hospital says that two of its numbers, both in use, are one person (A24).

        Raises CONFLICT where their ID numbers differ: then only a human may say so.
        """
        first = await self.chart_for(organization_id, one, None, source)
        second = await self.chart_for(organization_id, other, None, source)
        try:
            await self._linking.link(first.id, second.id, _by(source), "")
        except (PeopleDifferError, CircleError) as error:
            raise AppError(ErrorCode.CONFLICT, str(error)) from error

    async def take_back(
        self, organization_id: str, one: ChartNumber, other: ChartNumber, source: Origin
    ) -> Chart:
        """A hospital takes back that two of its numbers are one person (A37): its merge, and its link.

        A second time changes nothing. Raises NOT_FOUND where it never said so, and CONFLICT where it was a
        human who has. Returns the first chart.
        """
        first = await self._store.find_by_number(organization_id, one)
        second = await self._store.find_by_number(organization_id, other)
        if first is None or second is None:
            raise not_found("a chart of this number")
        linked = second.id in first.same_as
        said = await self._said_by_hospital(first, second)
        if Change.MERGED not in said and Change.LINKED not in said:
            raise AppError(ErrorCode.CONFLICT, "a human's link") if linked else not_found("no link")
        for retired, into in ((first, second), (second, first)):
            if retired.merged_into == into.id:
                await self._linking.unmerge(retired, _by(source))
        if linked and Change.LINKED in said:
            await self._linking.unjoin(first.id, second.id, _by(source))
        return first

    async def _said_by_hospital(self, one: Chart, other: Chart) -> set[Change]:
        """What hospitals' messages have ever done to the link of two charts."""
        pair = {one.id, other.id}
        history = await self._store.history([one.id, other.id])
        return {
            entry.change
            for entry in history
            if {entry.chart_id, entry.other_id} == pair and not entry.by.startswith(_OURS)
        }

    # -- reading ---------------------------------------------------------------------------------------

    async def chart(self, chart_id: str) -> Chart | None:
        """A chart, or None; a merged one is not followed."""
        return await self._store.find(chart_id)

    async def find_chart(self, organization_id: str, number: ChartNumber) -> Chart | None:
        """A hospital's chart by its own number, or None; nothing is made."""
        return await self._store.find_by_number(organization_id, number)

    async def charts_of(self, person_id: str) -> list[Chart]:
        """All charts of a person."""
        return await self._store.list_of_person(person_id)

    async def person_of(self, chart_id: str) -> str:
        """Whose a chart is; raises NOT_FOUND."""
        found = await self._store.person_of(chart_id)
        if found is None:
            raise not_found(f"chart {chart_id}")
        return found

    async def person_by_id_number(self, id_number: str) -> str | None:
        """The person of an ID number; None when neither a resident nor a chart carries it."""
        try:
            number = parse_id_number(id_number, today=clock.today())
        except IDNumberError:
            return None
        return await self._residents.search(number.text) or await self._store.person_of_id_number(number.text)

    # -- what follows ----------------------------------------------------------------------------------

    async def on_chart_changed(self, event: Event) -> None:
        """Look for others of the same person; ask again about a number while the register is away."""
        chart = await self._store.find(event.data["chart_id"])
        if chart is None:
            return
        await self._comparing.compare(chart)
        if chart.number_state is NumberState.DUE and await self._look_again(chart) is NumberState.DUE:
            raise RetryLater(_ASK_AGAIN_S)

    async def on_person_changed(self, event: Event) -> None:
        """Whoever has become one person need not be compared any more."""
        await self._comparing.on_person_changed(event)

    async def on_resident_verified(self, event: Event) -> None:
        """Somebody has proved who he is: charts with his number that waited for that are his now."""
        resident_id = event.data["resident_id"]
        try:
            identity = await self._residents.get_identity(resident_id)
        except AppError:
            return
        for chart in await self._store.list_of_id_number(identity.id_number):
            if chart.resident_id != resident_id:
                await self._look_again(chart)

    async def on_resident_deleted(self, event: Event) -> None:
        """The account is gone and the hospitals' charts stay: by their number they find its next owner."""
        charts = await self._store.list_of_resident(event.data["resident_id"])
        await self._store.set_number_state([chart.id for chart in charts], NumberState.DUE)

    # -- steps -----------------------------------------------------------------------------------------

    async def _add(
        self, organization_id: str, number: ChartNumber, who: Demographics, source: Origin
    ) -> Chart | None:
        finding = await self._numbers.look_up(who)
        chart = await self._store.add(_new(new_id(), organization_id, number, who, finding, source))
        if chart is not None:
            await self._follow(chart, finding)
            self._nudge()
        return chart

    async def _renew(self, chart: Chart, said: Demographics, source: Origin) -> Chart | None:
        # What was held up adds what nobody has said since, and changes nothing.
        who = renewed(said, chart.who) if is_late(chart, source) else renewed(chart.who, said)
        if who == chart.who and chart.number_state is not NumberState.DUE:
            return chart
        finding = await self._look_up(chart, who)
        if not await self._store.renew(chart, who, finding.state, source):
            return None
        await self._place(chart, finding)
        self._nudge()
        return await self._store.find(chart.id)

    async def _look_again(self, chart: Chart) -> NumberState:
        """What a chart's number says now, and what follows from it."""
        finding = await self._look_up(chart, chart.who)
        await self._store.set_number_state([chart.id], finding.state)
        await self._place(chart, finding)
        return finding.state

    async def _look_up(self, chart: Chart, who: Demographics) -> Finding:
        """What the number says, and what a human has said of it before."""
        finding = await self._numbers.look_up(who)
        if finding.state is NumberState.NONE and chart.resident_id and is_same_number(chart.who, who):
            # A name that cannot be read says nothing against the number.
            return Finding(NumberState.LINKED, chart.resident_id)
        if finding.resident_id is None:
            return finding
        said = await self._reviews.said(chart.id, finding.resident_id)
        if said is ReviewState.SAME:
            return replace(finding, state=NumberState.LINKED)
        return replace(finding, state=NumberState.REFUSED) if said is ReviewState.DIFFERENT else finding

    async def _place(self, chart: Chart, finding: Finding) -> None:
        """The chart is that resident's from now on, unless it hangs together with somebody else's.

        It is nobody's when its number now speaks against whoever it was linked to.
        """
        if finding.state is NumberState.LINKED and finding.resident_id != chart.resident_id:
            try:
                await self._linking.number(await self._moving(chart), finding.resident_id, _BY_NUMBER)
            except PeopleDifferError:
                finding = replace(finding, state=NumberState.REFUSED)
                await self._store.set_number_state([chart.id], NumberState.REFUSED)
        elif chart.resident_id is not None and finding.state in (NumberState.REFUSED, NumberState.NONE):
            await self._linking.number([chart.id], None, _BY_NUMBER)
        await self._follow(chart, finding)

    async def _moving(self, chart: Chart) -> list[str]:
        """The chart; and with it all others of an account that has been deleted since."""
        if chart.resident_id is None or await self._numbers.is_known(chart.resident_id):
            return [chart.id]
        return [each.id for each in await self._store.list_of_resident(chart.resident_id)]

    async def _follow(self, chart: Chart, finding: Finding) -> None:
        """What a finding means for humans, and for the other charts of the same number."""
        if finding.resident_id is None:
            return
        if finding.state is NumberState.REFUSED:
            await self._reviews.put(chart.id, finding.resident_id, Cause.NUMBER)
        if not finding.renamed:
            return
        # The register gave the number another name: charts under the old one were somebody else's.
        for other in await self._store.list_of_resident(finding.resident_id):
            if other.id != chart.id and other.who.name and not fits(other.who.name, chart.who.name):
                await self._linking.number([other.id], None, _BY_NUMBER)
                await self._store.set_number_state([other.id], NumberState.REFUSED)
                await self._reviews.put(other.id, finding.resident_id, Cause.NUMBER)


def _new(
    id: str, organization_id: str, number: ChartNumber, who: Demographics, finding: Finding, source: Origin
) -> NewChart:
    linked = finding.resident_id if finding.state is NumberState.LINKED else None
    return NewChart(id, organization_id, number, who, linked, finding.state, source)


# Who has changed a link at the console, and for the city itself: no hospital.
_OURS = ("staff/", "system/")


def _by(source: Origin) -> str:
    return f"{source.kind}/{source.id}"
