"""The patient index: pairs that may be one person, and everything known of one person's charts."""

from __future__ import annotations

from datetime import date
from typing import Literal, NamedTuple

from pydantic import Field

from admin import index_words
from admin.base import PageHandler, page
from admin.forms import Filters, Form, ReasonForm
from admin.lookups import organization_names, organizations_in_scope
from backend.errors import AppError, ErrorCode, not_found
from backend.http.endpoint import requires
from backend.patient_index.models import Chart, ChartNumber, Demographics
from backend.patient_index.review_models import ReviewState
from backend.patient_index.weighing import degrees_of
from backend.permissions import Permission
from backend.security.masking import mask_id_number, mask_name, mask_phone

_MANAGE = Permission.STAFF_PATIENT_INDEX_MANAGE
_BASE = "/admin/patient-index"
PAGE_SIZE = 30
# Of an address: the district, not the door.
_SHOWN_OF_ADDRESS = 6


class PairFilters(Filters):
    """Which pairs the list shows."""

    state: Literal["", "open", "later", "same", "different"] = Field("", title="状态")


class SaidForm(ReasonForm):
    """What a pair is."""

    said: Literal["same", "different", "later"] = Field("later", title="结论")


class LinkForm(ReasonForm):
    """What is done to a chart."""

    other: str = Field("", max_length=64, title="另一份病案编号")


class SearchForm(Form):
    """Whom to look up. Sent, not put into an address."""

    person: str = Field("", max_length=32, title="手机号或身份证号")
    organization: str = Field("", max_length=64, title="机构")
    assigner: str = Field("", max_length=64, title="编号类别")
    number: str = Field("", max_length=64, title="病案号")


class Row(NamedTuple):
    """One field of a pair: both sides masked, and in what degree they agree."""

    title: str
    left: str
    right: str
    degree: tuple[str, str]


class PairsHandler(PageHandler):
    """The list."""

    @requires(_MANAGE)
    @page("Charts that may be one person's")
    async def get(self, query: PairFilters) -> None:
        """The likeliest first."""
        desk = self.services.patient_index.desk
        state = ReviewState(query.state or "open")
        rows, following = await desk.list_pairs(self.actor, state, query.cursor or None, PAGE_SIZE)
        places = [side.chart.organization_id for row in rows for side in row.sides if side.chart]
        self.show_page(
            "patient_index/pairs.html",
            rows=rows,
            following=following,
            counts=await desk.counts(self.actor),
            names=await organization_names(self.services, places),
            mask_name=mask_name,
            said=index_words,
        )


class PairHandler(PageHandler):
    """One pair, side by side."""

    @requires(_MANAGE)
    @page("Two charts side by side")
    async def get(self, pair_id: str) -> None:
        """What both hospitals say; that somebody looked is on record."""
        await self.show(pair_id=pair_id)

    async def show(self, **path: str) -> None:
        """Show the pair."""
        review, left, right = await self.services.patient_index.desk.access_pair(self.actor, path["pair_id"])
        places = [side.chart.organization_id for side in (left, right) if side.chart]
        self.show_page(
            "patient_index/pair.html",
            review=review,
            sides=(left, right),
            rows=compared(left.who, right.who),
            names=await organization_names(self.services, places),
            members=await self.services.staff.names({_member(review.decided_by)} - {""}),
            by=_member(review.decided_by),
            number=_number,
            said=index_words,
        )

    @requires(_MANAGE)
    @page("Say what a pair is", errors=(ErrorCode.REASON_REQUIRED, ErrorCode.CONFLICT), again=True)
    async def post(self, body: SaidForm, pair_id: str) -> None:
        """Take the word and go on with the list."""
        desk = self.services.patient_index.desk
        await desk.decide(self.actor, pair_id, ReviewState(body.said), body.given())
        self.go(_BASE, "saved")


class SearchHandler(PageHandler):
    """Looking a person up."""

    @requires(_MANAGE)
    @page("Ask whom to look up")
    async def get(self) -> None:
        """Show the form."""
        await self.show()

    async def show(self, **path: str) -> None:
        """Show the form."""
        self.show_page(
            "patient_index/search.html",
            organizations=await organizations_in_scope(self.services, self.actor),
        )

    @requires(_MANAGE)
    @page("Look a person up", again=True)
    async def post(self, body: SearchForm) -> None:
        """Go to the person; the look-up is on record."""
        found = await self._find(body)
        if found is None:
            raise AppError(ErrorCode.NOT_FOUND, "no chart", text="没有找到对应的病案，请核对后再查。")
        self.go(f"{_BASE}/persons/{found}")

    async def _find(self, body: SearchForm) -> str | None:
        desk = self.services.patient_index.desk
        if body.person:
            return await desk.find(self.actor, body.person)
        if not body.organization or not body.number:
            raise AppError(ErrorCode.BAD_REQUEST, "nobody", text="请输入手机号、身份证号，或机构与病案号。")
        number = ChartNumber(body.assigner, body.number)
        return await desk.find_by_number(self.actor, body.organization, number)


class PersonHandler(PageHandler):
    """Everything the index knows of a person."""

    @requires(_MANAGE)
    @page("A person's charts and their history")
    async def get(self, person_id: str) -> None:
        """The charts, masked; that somebody looked is on record."""
        file = await self.services.patient_index.desk.access_person(self.actor, person_id)
        members = {_member(entry.by) for entry in file.history} - {""}
        self.show_page(
            "patient_index/person.html",
            file=file,
            names=await organization_names(self.services, [chart.organization_id for chart in file.charts]),
            members=await self.services.staff.names(members),
            done_by=_member,
            masked=masked,
            number=_number,
            said=index_words,
        )


class ChartStepHandler(PageHandler):
    """Linking, parting, taking a merge back."""

    @requires(_MANAGE)
    @page("Change the links of a chart", errors=(ErrorCode.REASON_REQUIRED, ErrorCode.CONFLICT))
    async def post(self, body: LinkForm, chart_id: str, step: str) -> None:
        """Do it and show whose the chart is now."""
        index = self.services.patient_index
        if step == "link":
            await index.desk.link(self.actor, chart_id, body.other.strip().upper(), body.given())
        elif step == "unlink":
            await index.desk.unlink(self.actor, chart_id, body.given())
        elif step == "unmerge":
            await index.desk.unmerge(self.actor, chart_id, body.given())
        else:
            raise not_found("step")
        self.go(f"{_BASE}/persons/{await index.person_of(chart_id)}", "saved")


def masked(who: Demographics) -> dict[str, str]:
    """What a page shows of a person, by field."""
    address = f"{who.address[:_SHOWN_OF_ADDRESS]}***" if who.address else "—"
    return {
        "name": mask_name(who.name) or "—",
        "sex": index_words.SEXES[who.sex],
        "birth": _masked_birth(who.birth_on),
        "id_number": mask_id_number(who.id_number) or "—",
        "phone": mask_phone(who.phone) or "—",
        "address": address,
    }


def compared(one: Demographics, other: Demographics) -> list[Row]:
    """Both sides field by field."""
    left, right, degrees = masked(one), masked(other), degrees_of(one, other)
    if one.id_number and other.id_number:
        same = one.id_number.upper() == other.id_number.upper()
        degrees["id_number"] = "same" if same else "other"
    return [
        Row(title, left[field], right[field], index_words.DEGREES[degrees.get(field, "")])
        for field, title in index_words.FIELDS.items()
    ]


def _masked_birth(birth_on: date | None) -> str:
    return f"{birth_on:%Y-%m}-**" if birth_on else "—"


def _number(chart: Chart) -> str:
    """A hospital's number, its last characters only."""
    value = chart.number.value
    return f"{'*' * max(len(value) - 4, 0)}{value[-4:]}" if len(value) > 4 else f"{value[:1]}***"


def _member(by: str) -> str:
    """The member of staff who did something; empty when a hospital did."""
    kind, _, found = by.partition("/")
    return found if kind == "staff" else ""


routes = [
    (r"/admin/patient-index", PairsHandler),
    (r"/admin/patient-index/search", SearchHandler),
    (r"/admin/patient-index/pairs/(?P<pair_id>[\w-]+)", PairHandler),
    (r"/admin/patient-index/persons/(?P<person_id>[\w-]+)", PersonHandler),
    (r"/admin/patient-index/charts/(?P<chart_id>[\w-]+)/(?P<step>[\w-]+)", ChartStepHandler),
]
