"""Referrals: work-lists of what comes and goes, one with its history, and what waits, for the menu."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict
from typing import Any, Literal

from pydantic import Field

from admin import referral_words
from admin.base import PageHandler, page
from admin.forms import Filters
from admin.lookups import organization_names, organizations_in_scope
from admin.referral_forms import PLAN_ROWS
from backend import clock
from backend.http.endpoint import requires
from backend.permissions import Permission
from backend.referrals import plans
from backend.referrals.machine import OPEN, Part, ReferralEvent, ReferralState
from backend.referrals.models import Direction, Level, Referral, ReferralQuery, Side, Urgency

ROOT = "/admin/referrals"
READ, WRITE = Permission.STAFF_REFERRALS_READ, Permission.STAFF_REFERRALS_WRITE
WHY = "处理转诊"
# Said at the line of the plan that it is about.
_AT_ITS_LINE = ReferralEvent.FOLLOW_UP
PER_PAGE = 50


class ListFilters(Filters):
    """Which referrals are shown; without a state those that have not ended."""

    side: Side | None = Field(None, title="方向")
    state: ReferralState | Literal["all"] | None = Field(None, title="状态")
    urgency: Urgency | None = Field(None, title="紧急程度")
    direction: Direction | None = Field(None, title="上转或下转")
    overdue: Literal["yes"] | None = Field(None, title="期限")
    level: Level | None = Field(None, title="提醒到")
    organization: str = Field("", max_length=64, title="机构")


class ReferralPage(PageHandler):
    """What every page of referrals has."""

    async def show_referrals(self, template: str, **values: Any) -> None:
        """A page with the tabs, what waits, and the words."""
        counters = await self.services.referrals.counters(self.actor)
        self.show_page(template, counters=counters, said=referral_words, now=clock.now(), **values)

    def plan_rows(self) -> list[tuple[str, str]]:
        """What was typed of a follow-up plan, and empty rows after it."""
        what, on = self.get_body_arguments("plan_what"), self.get_body_arguments("plan_on")
        rows = [row for row in zip(what, on, strict=False) if any(row)]
        return rows + [("", "")] * (PLAN_ROWS - len(rows))

    async def people_of(self, referrals: Iterable[Referral]) -> dict[str, str]:
        """Masked names."""
        return await self.services.residents.names({each.person_id for each in referrals})

    async def places_of(self, referrals: Iterable[Referral]) -> dict[str, str]:
        """Names of institutions."""
        found = {each for one in referrals for each in (one.from_organization_id, one.to_organization_id)}
        return await organization_names(self.services, found)

    async def sayers_of(self, referrals: Iterable[Referral]) -> dict[str, str]:
        """Who has said how things of a plan stand: staff by name, the receiver's own system as such."""
        said = {each.said_by for one in referrals for each in one.follow_ups if each.said_by}
        staff = await self.services.staff.names(
            {by.partition(":")[2] for by in said if by.startswith("staff:")}
        )
        found = {f"staff:{id}": name for id, name in staff.items()}
        kinds = {"staff": "工作人员", "client": "机构系统", "system": "系统"}
        return {by: kinds[by.partition(":")[0]] for by in said} | found


class ListHandler(ReferralPage):
    """The work-list."""

    @requires(READ)
    @page("Work-list of referrals")
    async def get(self, query: ListFilters) -> None:
        """What has not ended, by when somebody has to move; or what was asked for, the newest first."""
        found = await self.services.referrals.list(self.actor, _query(query))
        items = list(found.items)
        departments = {each.to_department_id for each in items if each.to_department_id}
        await self.show_referrals(
            "referrals/list.html",
            referrals=items,
            following=found.next_cursor,
            people=await self.people_of(items),
            names=await self.places_of(items),
            departments=await self.services.directory.departments_by_id(departments),
            organizations=await organizations_in_scope(self.services, self.actor),
            filtered=any(
                (query.state, query.urgency, query.direction, query.overdue, query.level, query.organization)
            ),
        )


class CountsHandler(PageHandler):
    """What waits, for the page's script."""

    by_a_person = False

    @requires(READ)
    @page("What waits of referrals")
    async def get(self) -> None:
        """JSON."""
        counters = await self.services.referrals.counters(self.actor)
        counts = asdict(counters)
        # What others have still time for is not the city's to do.
        waits = counters.at_city
        if self.actor.organization_ids is not None:
            waits = sum(count for name, count in counts.items() if name != "overdue")
        self.finish(counts | {"waits": waits, "late": bool(counters.overdue)})


class OnePage(ReferralPage):
    """One referral, to be looked at."""

    async def show(self, **path: str) -> None:
        """By its id."""
        await self.show_one(await self.services.referrals.get(self.actor, path["referral_id"]))

    async def show_one(self, referral: Referral) -> None:
        """Who, why, where to, how far it has come, and what this member may do now."""
        service, directory = self.services.referrals, self.services.directory
        names = await self.places_of([referral])
        parts = await service.parts(self.actor, referral)
        events = service.possible(parts, referral)
        await self.show_referrals(
            "referrals/show.html",
            referral=referral,
            people=await self.people_of([referral]),
            names=names,
            department=await directory.find_department(referral.to_department_id or "-"),
            sender=await directory.find_practitioner(referral.from_practitioner_id or "-"),
            place=await self.place_of(referral),
            history=await self.history_of(referral, names),
            may_reveal=self._may_reveal(parts),
            identity=await self._identity(referral, parts),
            plan_lines=plans.lines(referral),
            sayers=await self.sayers_of([referral]),
            may_say=ReferralEvent.FOLLOW_UP in events,
            today=clock.today(),
            first=[event for event in events if event in referral_words.FIRST],
            others=[event for event in events if event not in referral_words.FIRST | {_AT_ITS_LINE}],
            begins=ReferralEvent.BEGIN_TREATMENT,
        )

    async def place_of(self, referral: Referral) -> dict[str, str]:
        """Where the patient is expected, in words."""
        place, directory = referral.place, self.services.directory
        if place is None:
            return {}
        department = await directory.find_department(place.department_id or "-")
        doctor = await directory.find_practitioner(place.practitioner_id or "-")
        return {
            "department": department.name if department else "",
            "where": place.bed or (department.place if department else ""),
            "doctor": f"{doctor.name} {doctor.title}".strip() if doctor else "",
        }

    async def history_of(self, referral: Referral, names: dict[str, str]) -> list[tuple[Any, str]]:
        """Every step with who did it, the last first."""
        members = {step.actor_id for step in referral.history if step.actor_kind == "staff"}
        staff = await self.services.staff.names(members)
        who = [
            " · ".join(
                filter(
                    None,
                    (
                        names.get(step.organization_id) or referral_words.PARTS[step.part],
                        staff.get(step.actor_id),
                    ),
                )
            )
            for step in referral.history
        ]
        return list(reversed(list(zip(referral.history, who, strict=True))))

    def _may_reveal(self, parts: frozenset[Part]) -> bool:
        """Who may unmask at all, and the doctors of the two sides: they treat him, and call him."""
        treats = self.actor.may(Permission.STAFF_RECORD_ACCESS_OPEN) and bool(
            parts & {Part.SENDER, Part.RECEIVER}
        )
        return treats or self.actor.may(Permission.STAFF_PERSONAL_DATA_UNMASK)

    async def _identity(self, referral: Referral, parts: frozenset[Part]) -> Any:
        """The whole name and phone, when they were asked for; that is on record."""
        if self.query.get("who") != "yes" or not referral.person_id or not self._may_reveal(parts):
            return None
        return await self.services.residents.reveal(self.actor, referral.person_id, WHY)


class ReferralHandler(OnePage):
    """One referral."""

    @requires(READ)
    @page("A referral")
    async def get(self, referral_id: str) -> None:
        """With its history."""
        await self.show(referral_id=referral_id)


def _query(asked: ListFilters) -> ReferralQuery:
    states: tuple[ReferralState, ...] = tuple(OPEN) if asked.state is None else ()
    if isinstance(asked.state, ReferralState):
        states = (asked.state,)
    return ReferralQuery(
        side=asked.side,
        organization_id=asked.organization or None,
        states=states,
        urgency=asked.urgency,
        direction=asked.direction,
        overdue=asked.overdue == "yes",
        level=asked.level,
        by_deadline=asked.state is None,
        cursor=asked.cursor or None,
        limit=PER_PAGE,
    )


routes = [
    (ROOT, ListHandler),
    (rf"{ROOT}/counts", CountsHandler),
    (rf"{ROOT}/(?P<referral_id>[0-9A-Z]{{26}})", ReferralHandler),
]
