"""Schedules and the pool: an institution's day, one session with its numbers, and stop-clinic."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from pydantic import Field

from admin.base import PageHandler, page
from admin.forms import Day, Filters, ReasonForm
from admin.lookups import organizations_in_scope
from backend import clock
from backend.appointments.desk import Session
from backend.directory.models import Department, Organization
from backend.errors import ErrorCode
from backend.http.endpoint import requires
from backend.permissions import Permission

DAYS_SHOWN = 14


class DayFilters(Filters):
    """Which institution, department and day."""

    organization: str = Field("", max_length=64, title="机构")
    department: str = Field("", max_length=64, title="科室")
    on: Day | None = Field(None, title="日期")


class SchedulesHandler(PageHandler):
    """A day of an institution, by department."""

    @requires(Permission.STAFF_SCHEDULES_READ)
    @page("An institution's day")
    async def get(self, query: DayFilters) -> None:
        """Every session with what is sold and free."""
        organizations = await organizations_in_scope(self.services, self.actor)
        chosen = choose(organizations, query.organization)
        on = query.on or clock.today()
        departments: list[Department] = []
        sessions: list[Session] = []
        if chosen:
            departments = await self.services.directory.list_departments(chosen)
            sessions = await self.services.desk.day(self.actor, chosen, on, query.department)
        self.show_page(
            "schedules/day.html",
            organizations=organizations,
            chosen=chosen,
            departments=departments,
            groups=by_department(departments, sessions),
            sessions=sessions,
            on=on,
            days=[clock.today() + timedelta(days=n) for n in range(DAYS_SHOWN)],
        )


class ScheduleHandler(PageHandler):
    """One session."""

    @requires(Permission.STAFF_SCHEDULES_READ)
    @page("A session with its numbers")
    async def get(self, schedule_id: str) -> None:
        """Who has which number, under masked names."""
        session = await self.services.desk.session(self.actor, schedule_id)
        self.show_page("schedules/show.html", session=session, **await _where(self, session))


class StopHandler(PageHandler):
    """Stop-clinic."""

    @requires(Permission.STAFF_SCHEDULES_STOP)
    @page("Ask why the clinic is stopped")
    async def get(self, schedule_id: str) -> None:
        """Say what will follow and ask for the reason."""
        await self.show(schedule_id=schedule_id)

    async def show(self, **path: str) -> None:
        """Show the form."""
        session = await self.services.desk.session(self.actor, path["schedule_id"])
        self.show_page("schedules/stop.html", session=session, **await _where(self, session))

    @requires(Permission.STAFF_SCHEDULES_STOP)
    @page("Stop a clinic", errors=(ErrorCode.REASON_REQUIRED, ErrorCode.SCHEDULE_NOT_FOUND), again=True)
    async def post(self, body: ReasonForm, schedule_id: str) -> None:
        """Stop it; everybody who had booked is told and refunded."""
        await self.services.desk.stop(self.actor, schedule_id, body.given())
        self.go(f"/admin/schedules/{schedule_id}", "stopped")


def choose(organizations: Sequence[Organization], wanted: str) -> str:
    """The institution a page shows: the one asked for, else the first within scope.

    One outside the scope is passed on as asked: the service answers as if there were none.
    """
    return wanted or (organizations[0].id if organizations else "")


def by_department(
    departments: Sequence[Department], sessions: Sequence[Session]
) -> list[tuple[Department, list[Session]]]:
    """Sessions under their departments, in the directory's order; departments without one are left out."""
    groups = [(d, [s for s in sessions if s.schedule.department_id == d.id]) for d in departments]
    return [(department, mine) for department, mine in groups if mine]


async def _where(handler: PageHandler, session: Session) -> dict[str, object]:
    directory = handler.services.directory
    return {
        "organization": await directory.get_organization(session.schedule.organization_id),
        "department": await directory.get_department(session.schedule.department_id),
        "now": clock.now(),
    }


routes = [
    (r"/admin/schedules", SchedulesHandler),
    (r"/admin/schedules/(?P<schedule_id>[\w-]+)", ScheduleHandler),
    (r"/admin/schedules/(?P<schedule_id>[\w-]+)/stop", StopHandler),
]
