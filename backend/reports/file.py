"""The file that stays with a person for life: its timeline, own measurements, and what he says is wrong."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Protocol, cast

from backend import clock
from backend.audit.service import AuditService
from backend.errors import AppError, ErrorCode, not_found
from backend.ids import derived_id, new_id
from backend.patient_index.models import Chart, ChartNumber, Demographics, Origin, Sex
from backend.permissions import Actor
from backend.records.gate import organization_of
from backend.records.models import Incoming, Source
from backend.reports.correction_store import Correction, CorrectionState, CorrectionStore
from backend.reports.documents import Documents, Original
from backend.reports.measuring import Measurement, check, observation
from backend.reports.ports import Gate, Reader, Writer
from backend.reports.service import CITY, ReportService
from backend.reports.timeline import Moment, moment_of, papers_of
from backend.residents.models import Identity
from backend.worker.events import Event, EventKind

_ASSIGNER = "city"
# What a resident may ask a hospital to put right.
FIELDS = ("name", "sex", "birth_on", "phone", "address", "other")
MOST_OPEN = 20


class Charts(Protocol):
    """The patient index, as far as the file needs it."""

    async def chart(self, chart_id: str) -> Chart | None:
        """One chart, or None."""

    async def charts_of(self, person_id: str) -> Sequence[Chart]:
        """All charts of a person."""

    async def chart_for(
        self, organization_id: str, number: ChartNumber, who: Demographics | None, source: Origin
    ) -> Chart:
        """A chart, made if it is new."""


class Identities(Protocol):
    """Who somebody is."""

    async def get_identity(self, patient_id: str) -> Identity:
        """Name and ID number; raises NOT_FOUND."""


@dataclass(frozen=True, slots=True)
class Place:
    """A hospital that keeps a chart of somebody."""

    chart_id: str
    name: str


class RecordFile:
    """Reads the timeline, writes measurements, and carries wishes to hospitals."""

    def __init__(
        self,
        gate: Gate,
        reader: Reader,
        writer: Writer,
        charts: Charts,
        identities: Identities,
        reports: ReportService,
        documents: Documents,
        corrections: CorrectionStore,
        audit: AuditService,
        nudge: Callable[[], None],
    ) -> None:
        self._gate = gate
        self._reader = reader
        self._writer = writer
        self._charts = charts
        self._identities = identities
        self._reports = reports
        self._documents = documents
        self._corrections = corrections
        self._audit = audit
        self._nudge = nudge

    # -- the timeline ----------------------------------------------------------------------------------

    async def timeline(
        self, actor: Actor, patient_id: str, kinds: Sequence[str], cursor: str | None, limit: int
    ) -> tuple[list[tuple[Moment, str]], str | None]:
        """What stands in somebody's file, the latest first, each with the name of its place."""
        basis = await self._gate.own(actor, patient_id)
        found = await self._reader.timeline(basis, tuple(kinds), cursor, limit)
        moments = [moment_of(resource) for resource in found.items]
        names = await self._reports.places(moment.organization_id for moment in moments)
        return [(moment, names[moment.organization_id]) for moment in moments], found.cursor

    async def entry(self, actor: Actor, patient_id: str, id: str) -> tuple[Moment, str]:
        """One entry with its words, also a sensitive one: whoever taps it asks for it. Raises NOT_FOUND."""
        basis = await self._gate.own(actor, patient_id)
        found = await self._reader.read(basis, id)
        if found is None or found.deleted:
            raise not_found(f"entry {id}")
        moment = moment_of(found, opened=True)
        return moment, (await self._reports.places([moment.organization_id]))[moment.organization_id]

    async def paper(self, actor: Actor, patient_id: str, id: str, number: int) -> Original:
        """A file of a document of the file, as its hospital issued it. Raises NOT_FOUND."""
        basis = await self._gate.own(actor, patient_id)
        found = await self._reader.read(basis, id)
        if found is None or found.deleted:
            raise not_found(f"entry {id}")
        return await self._documents.of_basis(basis, papers_of(found), number)

    # -- own measurements ------------------------------------------------------------------------------

    async def measure(
        self,
        actor: Actor,
        patient_id: str,
        kind: Measurement,
        values: tuple[Decimal, ...],
        at: datetime,
        key: str | None,
    ) -> str:
        """Keep what somebody has measured; told twice with one key, it is kept once. Returns its id."""
        await self._gate.own(actor, patient_id)
        now = clock.now()
        check(kind, values, at, now)
        chart = await self._own_chart(patient_id)
        told = derived_id(at, actor.id, key) if key else new_id()
        source = Source("own", told, CITY, now)
        body = observation(kind, values, at, chart.id)
        incoming = Incoming("Observation", chart.id, body, key=told)
        (written,) = await self._writer.write(CITY, [incoming], source)
        await self._audit.record(
            actor, "records.measure", f"person/{patient_id}", "own", None, {"kind": kind}
        )
        return written.id

    async def take_back(self, actor: Actor, patient_id: str, id: str) -> None:
        """Somebody measured wrongly, or for somebody else: gone. Twice is no error. Raises NOT_FOUND.

        What a hospital has sent is the hospital's; it is asked to put that right.
        """
        basis = await self._gate.own(actor, patient_id)
        found = await self._reader.read(basis, id)
        if found is None or found.organization_id != CITY or found.type != "Observation":
            raise not_found(f"own measurement {id}")
        if found.deleted:
            return
        await self._writer.delete(CITY, id, Source("own", new_id(), CITY, clock.now()))
        about = f"person/{patient_id}"
        await self._audit.record(actor, "records.take_back_measure", about, "own", None, {"resource_id": id})

    async def _own_chart(self, patient_id: str) -> Chart:
        """The chart of the city itself about somebody: linked by his ID number like any other."""
        who = await self._identities.get_identity(patient_id)
        said = Demographics(who.name, cast(Sex, str(who.sex)), who.birth_on, who.id_number)
        source = Source("own", f"chart-{patient_id}", CITY, clock.now())
        return await self._charts.chart_for(CITY, ChartNumber(_ASSIGNER, patient_id), said, source)

    # -- corrections -----------------------------------------------------------------------------------

    async def keepers(self, actor: Actor, patient_id: str) -> list[Place]:
        """The hospitals that keep a chart of somebody."""
        await self._gate.own(actor, patient_id)
        charts = [one for one in await self._charts.charts_of(patient_id) if one.organization_id != CITY]
        names = await self._reports.places(one.organization_id for one in charts)
        return [Place(one.id, names[one.organization_id]) for one in charts]

    async def ask(self, actor: Actor, patient_id: str, chart_id: str, field: str, wish: str) -> Correction:
        """Ask the hospital that keeps a chart to put something right. Raises CONFLICT beyond twenty open."""
        await self._gate.own(actor, patient_id)
        chart = await self._charts.chart(chart_id)
        if chart is None or chart.person_id != patient_id or chart.organization_id == CITY:
            raise not_found(f"chart {chart_id}")
        if await self._corrections.count_open(patient_id) >= MOST_OPEN:
            raise AppError(ErrorCode.CONFLICT, "twenty corrections are waiting")
        asked = Correction(
            new_id(),
            actor.id,
            patient_id,
            chart_id,
            chart.organization_id,
            field,
            CorrectionState.ASKED,
            wish,
            clock.now(),
        )
        await self._corrections.insert(asked)
        data = {"correction_id": asked.id, "field": field}
        about = f"person/{patient_id}"
        await self._audit.record(actor, "records.ask_correction", about, "own", chart.organization_id, data)
        return asked

    async def asked(self, actor: Actor, patient_id: str) -> list[tuple[Correction, str]]:
        """What has been asked for somebody, the latest first, each with its hospital's name."""
        await self._gate.own(actor, patient_id)
        found = await self._corrections.of_patient(patient_id)
        names = await self._reports.places(one.organization_id for one in found)
        return [(one, names[one.organization_id]) for one in found]

    async def waiting(self, actor: Actor) -> list[tuple[Correction, Chart]]:
        """What residents have asked the hospital for, with the chart each is about."""
        found = await self._corrections.waiting(organization_of(actor))
        charts = [await self._charts.chart(one.chart_id) for one in found]
        return [(one, chart) for one, chart in zip(found, charts, strict=True) if chart is not None]

    async def answer(self, actor: Actor, correction_id: str, *, done: bool, answer: str) -> None:
        """The hospital has looked: put right, or not, and why. A second time changes nothing."""
        organization_id = organization_of(actor)
        asked = await self._corrections.find(correction_id)
        if asked is None or asked.organization_id != organization_id:
            raise not_found(f"correction {correction_id}")
        await self.answer_one(actor, asked, done=done, answer=answer)

    async def answer_one(self, actor: Actor, asked: Correction, *, done: bool, answer: str) -> bool:
        """Keep the answer and have who asked told of it; False when it was answered before."""
        state = CorrectionState.DONE if done else CorrectionState.REFUSED
        event = Event(
            EventKind.RECORD_CORRECTION_ANSWERED,
            {
                "correction_id": asked.id,
                "person_id": asked.patient_id,
                "organization_id": asked.organization_id,
                "asked_by": asked.resident_id,
            },
        )
        if not await self._corrections.answer(asked, state, answer, clock.now(), event):
            return False
        about = f"correction/{asked.id}"
        await self._audit.record(
            actor, "records.answer_correction", about, "own chart", asked.organization_id, {"state": state}
        )
        self._nudge()
        return True

    async def forget(self, resident_id: str) -> None:
        """An account is gone: so is what it has asked."""
        await self._corrections.delete_of(resident_id)
