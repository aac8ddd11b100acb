"""The patient index's face to the others: which chart, whose chart, all charts of a person."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from backend import clock
from backend.audit.service import AuditService
from backend.errors import AppError, ErrorCode, not_found
from backend.patient_index.demographics import renewed
from backend.patient_index.graph import PeopleDifferError
from backend.patient_index.linking import Linking
from backend.patient_index.models import Chart, ChartNumber, Demographics, NumberState, Origin
from backend.patient_index.names import fits
from backend.patient_index.numbers import NOTHING, Finding, Numbers
from backend.patient_index.ports import Residents
from backend.patient_index.store import ChartStore
from backend.residents.id_numbers import IDNumberError, parse_id_number

# Meeting another message about the same chart, we look again.
_TRIES = 10
_STEP_S = 0.02
_NOBODY = Demographics()


class PatientIndex:
    """Nothing but links from charts to people; no resource of a record is ever touched here."""

    def __init__(
        self,
        store: ChartStore,
        numbers: Numbers,
        linking: Linking,
        residents: Residents,
        audit: AuditService,
        nudge: Callable[[], None],
    ) -> None:
        self._store = store
        self._numbers = numbers
        self._linking = linking
        self._residents = residents
        self._audit = audit
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

    async def merge(
        self, organization_id: str, survivor: ChartNumber, retired: ChartNumber, source: Origin
    ) -> None:
        """A hospital has found that two of its numbers are one person (A40). Raises CONFLICT for a circle."""
        into = await self.chart_for(organization_id, survivor, None, source)
        gone = await self.chart_for(organization_id, retired, None, source)
        await self._linking.merge(into, gone, _by(source))

    async def unmerge(
        self, organization_id: str, survivor: ChartNumber, retired: ChartNumber, source: Origin
    ) -> None:
        """A hospital takes a merge back (A37); a second time changes nothing."""
        into = await self._store.find_by_number(organization_id, survivor)
        gone = await self._store.find_by_number(organization_id, retired)
        if into is None or gone is None:
            raise not_found("a chart of this number")
        if gone.merged_into is None:
            return
        if gone.merged_into != into.id:
            raise AppError(ErrorCode.CONFLICT, "merged into another chart")
        await self._linking.unmerge(gone, _by(source))

    # -- reading ---------------------------------------------------------------------------------------

    async def chart(self, chart_id: str) -> Chart | None:
        """A chart, or None; a merged one is not followed."""
        return await self._store.find(chart_id)

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

    # -- steps -----------------------------------------------------------------------------------------

    async def _add(
        self, organization_id: str, number: ChartNumber, who: Demographics, source: Origin
    ) -> Chart | None:
        finding = await self._numbers.look_up(who)
        linked = finding.resident_id if finding.state is NumberState.LINKED else None
        chart = await self._store.add(organization_id, number, who, linked, finding.state, source)
        if chart is not None:
            await self._follow(chart, finding)
            self._nudge()
        return chart

    async def _renew(self, chart: Chart, said: Demographics, source: Origin) -> Chart | None:
        who = renewed(chart.who, said)
        if who == chart.who and chart.number_state is not NumberState.DUE:
            return chart
        # The number is looked at again only when it, or what could speak against it, has changed.
        finding = await self._numbers.look_up(who) if who.id_number else NOTHING
        if not await self._store.renew(chart, who, finding.state, source):
            return None
        if finding.state is NumberState.LINKED and finding.resident_id != chart.resident_id:
            await self._move(chart, finding)
        await self._follow(chart, finding)
        self._nudge()
        return await self._store.find(chart.id)

    async def _move(self, chart: Chart, finding: Finding) -> None:
        """The chart is that resident's from now on, unless it hangs together with somebody else's."""
        try:
            await self._linking.number(chart, finding.resident_id, "id number")
        except PeopleDifferError:
            await self._store.set_number_state([chart.id], NumberState.REFUSED)

    async def _follow(self, chart: Chart, finding: Finding) -> None:
        """What a finding means for the other charts of the same number."""
        if not finding.renamed or finding.resident_id is None:
            return
        # The register gave the number another name: charts under the old one were somebody else's.
        for other in await self._store.list_of_resident(finding.resident_id):
            if other.id != chart.id and other.who.name and not fits(other.who.name, chart.who.name):
                await self._linking.number(other, None, "id number")
                await self._store.set_number_state([other.id], NumberState.REFUSED)


def _by(source: Origin) -> str:
    return f"{source.kind}/{source.id}"
