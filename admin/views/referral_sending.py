"""Sending a referral: up, down, and the emergency from a doctor's phone, which asks for next to nothing."""

from __future__ import annotations

from collections.abc import Awaitable, Collection, Sequence
from typing import TypeVar

from pydantic import Field

from admin import referral_words
from admin.base import PageHandler, page
from admin.forms import Filters
from admin.lookups import MOST_ORGANIZATIONS, organizations_in_scope
from admin.referral_forms import NEAREST, SendForm
from admin.views.referrals import ROOT, WRITE, ReferralPage
from backend.directory.codes import LEVEL_NAMES, HospitalLevel
from backend.directory.models import Organization
from backend.errors import AppError, ErrorCode, not_found
from backend.http.endpoint import requires
from backend.ids import new_id
from backend.referrals.models import Direction, Urgency

T = TypeVar("T")
EMERGENCY = "emergency"
_RANKS = {level: rank for rank, level in enumerate(HospitalLevel)}


class DepartmentFilters(Filters):
    """Of which institution."""

    organization: str = Field("", max_length=64, title="机构")


class SendHandler(ReferralPage):
    """One of the three forms."""

    @requires(WRITE)
    @page("The form of a referral")
    async def get(self, way: str) -> None:
        """Empty, with a key of its own: sent twice it is one referral."""
        await self.show(way=way)

    async def show(self, **path: str) -> None:
        """The form, with what was typed."""
        way = path["way"]
        direction, _ = _meant(way)
        if self.actor.organization_ids is None:
            raise AppError(ErrorCode.FORBIDDEN, "the city sends nobody")
        own = await organizations_in_scope(self.services, self.actor)
        typed = self.typed
        chosen = typed.get("sender") or own[0].id if len(own) == 1 else typed.get("sender", "")
        doctors = await self.services.directory.list_practitioners_of(chosen) if chosen else []
        to = typed.get("to", "")
        departments = await self.services.directory.list_departments(to) if to not in ("", NEAREST) else []
        found = await receivers(self, direction)
        await self.show_referrals(
            "referrals/send.html",
            way=way,
            direction=direction,
            own=own,
            doctors=doctors,
            myself=self.actor.practitioner_id,
            receivers=found,
            unrung=await unrung(self, found) if way == EMERGENCY else (),
            departments=departments,
            key=typed.get("key") or new_id(),
            plan_rows=self.plan_rows(),
            levels=LEVEL_NAMES,
        )

    @requires(WRITE)
    @page("Send a referral", errors=(ErrorCode.BAD_REQUEST, ErrorCode.NOT_FOUND), again=True)
    async def post(self, body: SendForm, way: str) -> None:
        """Send it, and show it."""
        direction, urgency = _meant(way)
        draft = body.draft(direction, urgency)
        service = self.services.referrals
        sent = await worded(service.send(self.actor, draft, body.key or new_id()))
        self.go(f"{ROOT}/{sent.id}", "referral-sent")


class DepartmentsHandler(PageHandler):
    """The departments of a receiver, for the form's script."""

    by_a_person = False

    @requires(WRITE)
    @page("Departments to refer to")
    async def get(self, query: DepartmentFilters) -> None:
        """JSON: id and name."""
        found = await self.services.directory.list_departments(query.organization)
        self.finish({"items": [{"id": each.id, "name": each.name} for each in found]})


async def receivers(handler: PageHandler, direction: Direction, *but: str) -> list[Organization]:
    """To whom one may send: the largest first on the way up, the smallest on the way down; not to oneself."""
    listed, _ = await handler.services.directory.list_organizations(limit=MOST_ORGANIZATIONS)
    own = handler.actor.organization_ids or frozenset()
    found = [each for each in listed if each.active and each.id not in own and each.id not in but]
    up = direction is Direction.UP
    return sorted(found, key=lambda each: (_RANKS[each.level] * (1 if up else -1), each.name))


async def unrung(handler: PageHandler, found: Sequence[Organization]) -> Collection[str]:
    """The institutions where nobody is called of an emergency by itself."""
    return await handler.services.referrals.unrung(handler.actor, {each.id for each in found})


async def worded(doing: Awaitable[T]) -> T:
    """Do it; a refusal that names fields names them as the form does."""
    try:
        return await doing
    except AppError as error:
        fields = error.data.get("fields") if error.code is ErrorCode.BAD_REQUEST and error.data else None
        if not fields:
            raise
        named = [referral_words.FIELDS.get(str(each["field"]), str(each["field"])) for each in fields]
        text = f"请填写或核对：{'、'.join(dict.fromkeys(named))}。"
        raise AppError(ErrorCode.BAD_REQUEST, "form", text=text) from None


def _meant(way: str) -> tuple[Direction, Urgency | None]:
    if way == EMERGENCY:
        return Direction.UP, Urgency.EMERGENCY
    try:
        return Direction(way), None
    except ValueError:
        raise not_found("kind of referral") from None


routes = [
    (rf"{ROOT}/new/(?P<way>[\w-]+)", SendHandler),
    (rf"{ROOT}/departments", DepartmentsHandler),
]
