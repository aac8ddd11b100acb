"""Residents' wishes for corrections of hospitals' charts, beside the readings: list, answer, due date."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from admin.base import page
from admin.forms import Form
from admin.lookups import organization_names
from admin.record_words import CORRECTION_FIELDS, CORRECTION_STATES
from admin.views.record_access import DoneFilters, RecordPage
from backend.errors import ErrorCode
from backend.http.endpoint import requires
from backend.permissions import Permission

_READ, _REVIEW = Permission.STAFF_RECORD_ACCESS_READ, Permission.STAFF_RECORD_ACCESS_REVIEW
_ROOT = "/admin/record-access/corrections"


class CorrectionForm(Form):
    """What the hospital has done, and what the resident is to read."""

    done: Literal["yes", "no"] = Field(title="处理结果")
    text: str = Field("", max_length=500, title="答复")


class CorrectionListHandler(RecordPage):
    """Wishes."""

    @requires(_READ)
    @page("Corrections asked for")
    async def get(self, query: DoneFilters) -> None:
        """The longest waiting first."""
        desk = self.services.reports.corrections
        wishes, following = await desk.list_wishes(
            self.actor, answered=query.done_with == "yes", cursor=query.cursor
        )
        await self.show_with_counts(
            "record_access/corrections.html",
            wishes=wishes,
            due={each.id: desk.due_at(each) for each in wishes},
            following=following,
            fields=CORRECTION_FIELDS,
            states=CORRECTION_STATES,
            names=await organization_names(self.services, {each.organization_id for each in wishes}),
            people=await self.services.residents.names({each.patient_id for each in wishes}),
        )


class CorrectionHandler(RecordPage):
    """One wish."""

    @requires(_READ)
    @page("A correction asked for")
    async def get(self, correction_id: str) -> None:
        """What is wrong in which chart, as the resident says."""
        await self.show(correction_id=correction_id)

    async def show(self, **path: str) -> None:
        """Show it."""
        desk = self.services.reports.corrections
        wish = await desk.access(self.actor, path["correction_id"])
        chart = await self.services.patient_index.chart(wish.chart_id)
        names = await organization_names(self.services, [wish.organization_id])
        await self.show_with_counts(
            "record_access/correction.html",
            wish=wish,
            due_at=desk.due_at(wish),
            number=chart.number.value if chart else "—",
            fields=CORRECTION_FIELDS,
            states=CORRECTION_STATES,
            organization=names.get(wish.organization_id, "—"),
            patient=(await self.services.residents.names([wish.patient_id])).get(wish.patient_id, "—"),
        )

    @requires(_REVIEW)
    @page(
        "Answer a correction asked for",
        errors=(ErrorCode.REASON_REQUIRED, ErrorCode.CONFLICT),
        again=True,
    )
    async def post(self, body: CorrectionForm, correction_id: str) -> None:
        """The resident is told."""
        await self.services.reports.corrections.answer(
            self.actor, correction_id, done=body.done == "yes", answer=body.text
        )
        self.go(f"{_ROOT}/{correction_id}", "saved")


routes = [
    (_ROOT, CorrectionListHandler),
    (rf"{_ROOT}/(?P<correction_id>[0-9A-Z]{{26}})", CorrectionHandler),
]
