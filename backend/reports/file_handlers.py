"""`/api/v1/records`: the timeline, own measurements, and corrections; hospitals answer these."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated, Literal

from pydantic import AwareDatetime, Field

from backend.errors import ErrorCode
from backend.http.base import APIHandler
from backend.http.endpoint import operation, requires
from backend.http.schema import Answer, Instant, Items, Page, PageQuery, Query, Schema
from backend.permissions import Permission
from backend.records.models import Kind
from backend.reports.correction_store import CorrectionState
from backend.reports.document_handlers import send_original
from backend.reports.handlers import READING
from backend.reports.measuring import Measurement
from backend.reports.schemas import DocumentOut, documents_out
from backend.reports.timeline import Moment

_KINDS = "|".join(Kind)


class TimelineQuery(PageQuery):
    """Whose file, and which kinds of entries, comma-separated."""

    patient_id: str = Field(max_length=64)
    kinds: str = Field("", pattern=rf"^(({_KINDS})(,({_KINDS}))*)?$")


class PatientQuery(Query):
    """About whom."""

    patient_id: str = Field(max_length=64)


class MomentOut(Answer):
    """One entry of the timeline."""

    id: str
    kind: Kind
    at: Instant
    title: str
    note: str
    organization_name: str
    own: bool
    sensitive: bool
    report_id: str | None
    # Files of a document; a report's come with the report.
    documents: list[DocumentOut]


class NewMeasurement(Schema):
    """What somebody has measured: one value, or for blood pressure the upper and the lower."""

    patient_id: str = Field(max_length=64)
    kind: Measurement = Field(strict=False)
    values: list[Annotated[float, Field(ge=0, le=1000, allow_inf_nan=False)]] = Field(
        min_length=1, max_length=2
    )
    at: AwareDatetime = Field(strict=False)


class MeasurementOut(Answer):
    """What it is kept as."""

    id: str


class KeeperOut(Answer):
    """A hospital that keeps a chart."""

    chart_id: str
    organization_name: str


class NewCorrection(Schema):
    """What is wrong in which hospital's chart."""

    patient_id: str = Field(max_length=64)
    chart_id: str = Field(max_length=64)
    field: Literal["name", "sex", "birth_on", "phone", "address", "other"]
    wish: str = Field(min_length=1, max_length=500)


class CorrectionOut(Answer):
    """A wish and where it stands."""

    id: str
    organization_name: str
    field: str
    wish: str
    state: CorrectionState
    answer: str
    asked_at: Instant


class WaitingOut(Answer):
    """A wish as its hospital reads it."""

    id: str
    patient_number: str
    field: str
    wish: str
    asked_at: Instant


class CorrectionAnswer(Schema):
    """What the hospital has done about it."""

    done: bool
    answer: str = Field("", max_length=500)


class TimelineHandler(APIHandler):
    """A person's file."""

    @requires(Permission.RESIDENT_RECORDS_READ)
    @operation("Read the life-long file", errors=READING, tag="records")
    async def get(self, query: TimelineQuery) -> Page[MomentOut]:
        """The latest first."""
        kinds = [kind for kind in query.kinds.split(",") if kind]
        moments, cursor = await self.services.reports.file.timeline(
            self.actor, query.patient_id, kinds, query.cursor, query.limit
        )
        return Page(
            items=[_moment_out(one, place) for one, place in moments],
            next_cursor=cursor,
        )


class EntryHandler(APIHandler):
    """One entry of a file."""

    @requires(Permission.RESIDENT_RECORDS_READ)
    @operation("Open one entry of the file", errors=READING, tag="records")
    async def get(self, query: PatientQuery, entry_id: str) -> MomentOut:
        """With its words, also where the list leaves them out as sensitive."""
        moment, place = await self.services.reports.file.entry(self.actor, query.patient_id, entry_id)
        return _moment_out(moment, place)


class PaperHandler(APIHandler):
    """A file of a document."""

    @requires(Permission.RESIDENT_RECORDS_READ)
    @operation("Fetch a file of a document", errors=READING, tag="records", media="application/octet-stream")
    async def get(self, query: PatientQuery, entry_id: str, number: str) -> bytes | None:
        """As its hospital issued it, in the type that it named if browsers know it."""
        file = self.services.reports.file
        await send_original(self, await file.paper(self.actor, query.patient_id, entry_id, int(number)))
        return None


def _moment_out(one: Moment, place: str) -> MomentOut:
    return MomentOut(
        id=one.id,
        kind=one.kind,
        at=one.at,
        title=one.title,
        note=one.note,
        organization_name=place,
        own=one.own,
        sensitive=one.sensitive,
        report_id=one.report_id,
        documents=documents_out(one.documents),
    )


class MeasurementsHandler(APIHandler):
    """What residents measure themselves."""

    @requires(Permission.RESIDENT_RECORDS_WRITE)
    @operation(
        "Write down an own measurement",
        status=201,
        errors=(*READING, ErrorCode.MEASUREMENT_INVALID, ErrorCode.IDEMPOTENCY_KEY_INVALID),
        tag="records",
    )
    async def post(self, body: NewMeasurement) -> MeasurementOut:
        """Blood pressure, glucose, weight, temperature."""
        values = tuple(Decimal(str(value)) for value in body.values)
        written = await self.services.reports.file.measure(
            self.actor, body.patient_id, body.kind, values, body.at, self.idempotency_key
        )
        return MeasurementOut(id=written)


class MeasurementHandler(APIHandler):
    """One of them."""

    @requires(Permission.RESIDENT_RECORDS_WRITE)
    @operation("Take an own measurement back", status=204, errors=READING, tag="records")
    async def delete(self, query: PatientQuery, measurement_id: str) -> None:
        """Only what the person or a guardian has written down; what hospitals measured is theirs."""
        await self.services.reports.file.take_back(self.actor, query.patient_id, measurement_id)


class KeepersHandler(APIHandler):
    """Who keeps charts of somebody."""

    @requires(Permission.RESIDENT_RECORDS_READ)
    @operation("List the hospitals that keep a chart", errors=READING, tag="records")
    async def get(self, query: PatientQuery) -> Items[KeeperOut]:
        """Those a correction can be asked of."""
        places = await self.services.reports.file.keepers(self.actor, query.patient_id)
        return Items(items=[KeeperOut(chart_id=one.chart_id, organization_name=one.name) for one in places])


class CorrectionsHandler(APIHandler):
    """What residents say is wrong."""

    @requires(Permission.RESIDENT_RECORDS_READ)
    @operation("List corrections asked for", errors=READING, tag="records")
    async def get(self, query: PatientQuery) -> Items[CorrectionOut]:
        """The latest first, with the hospitals' answers."""
        found = await self.services.reports.file.asked(self.actor, query.patient_id)
        return Items(
            items=[
                CorrectionOut(
                    id=one.id,
                    organization_name=place,
                    field=one.item,
                    wish=one.wish,
                    state=one.state,
                    answer=one.answer,
                    asked_at=one.asked_at,
                )
                for one, place in found
            ]
        )

    @requires(Permission.RESIDENT_RECORDS_WRITE)
    @operation(
        "Ask a hospital to correct a chart", status=201, errors=(*READING, ErrorCode.CONFLICT), tag="records"
    )
    async def post(self, body: NewCorrection) -> MeasurementOut:
        """The hospital that keeps the chart decides, and answers."""
        asked = await self.services.reports.file.ask(
            self.actor, body.patient_id, body.chart_id, body.field, body.wish
        )
        return MeasurementOut(id=asked.id)


class WaitingHandler(APIHandler):
    """What residents have asked a hospital for."""

    @requires(Permission.HOSPITAL_RECORDS_READ)
    @operation("List corrections residents ask for", tag="hospital")
    async def get(self) -> Items[WaitingOut]:
        """Of one's own charts, the oldest first."""
        found = await self.services.reports.file.waiting(self.actor)
        return Items(
            items=[
                WaitingOut(
                    id=one.id,
                    patient_number=chart.number.value,
                    field=one.item,
                    wish=one.wish,
                    asked_at=one.asked_at,
                )
                for one, chart in found
            ]
        )


class AnswerHandler(APIHandler):
    """The hospital's answer."""

    @requires(Permission.HOSPITAL_RECORDS_WRITE)
    @operation(
        "Answer a correction", errors=(ErrorCode.NOT_FOUND,), tag="hospital", rate_limit="hospital_write"
    )
    async def put(self, correction_id: str, body: CorrectionAnswer) -> None:
        """Put right, or not and why; the resident reads it."""
        await self.services.reports.file.answer(self.actor, correction_id, done=body.done, answer=body.answer)


_ENTRY = r"/api/v1/records/timeline/(?P<entry_id>[0-9A-Z]{26}-[0-9A-Z]{26})"
routes = [
    (r"/api/v1/records/timeline", TimelineHandler),
    (_ENTRY, EntryHandler),
    (rf"{_ENTRY}/documents/(?P<number>[0-9]{{1,3}})", PaperHandler),
    (r"/api/v1/records/measurements", MeasurementsHandler),
    (r"/api/v1/records/measurements/(?P<measurement_id>[0-9A-Z]{26}-[0-9A-Z]{26})", MeasurementHandler),
    (r"/api/v1/records/keepers", KeepersHandler),
    (r"/api/v1/records/corrections", CorrectionsHandler),
    (r"/hospital/v1/corrections", WaitingHandler),
    (r"/hospital/v1/corrections/(?P<correction_id>[0-9A-Z]{26})", AnswerHandler),
]
