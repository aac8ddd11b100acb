"""The pool as everybody may see it."""

from __future__ import annotations

from backend.errors import ErrorCode as E
from backend.http.base import APIHandler
from backend.http.endpoint import operation, public
from backend.slotpool import schemas

_OPEN_REASON = "what is free is public: people look before they sign in"


class AvailabilityHandler(APIHandler):
    """A department's free places."""

    @public(_OPEN_REASON)
    @operation("Free places of a department by day and session", tag="pool", rate_limit="availability")
    async def get(
        self, query: schemas.AvailabilityQuery, department_id: str
    ) -> schemas.AvailabilityOut | bytes:
        """At most a second old. Days without sessions are listed empty."""
        self.set_header("Cache-Control", "public, max-age=1")
        return await self.services.board.department(department_id, query.first, query.days)


class ScheduleHandler(APIHandler):
    """One session."""

    @public(_OPEN_REASON)
    @operation(
        "A session with its numbered places",
        errors=(E.SCHEDULE_NOT_FOUND,),
        tag="pool",
        rate_limit="availability",
    )
    async def get(self, schedule_id: str) -> schemas.ScheduleDetail:
        """Places kept for other channels show as `reserved`."""
        return await self.services.board.schedule(schedule_id)


routes = [
    (r"/api/v1/departments/(?P<department_id>[^/]+)/availability", AvailabilityHandler),
    (r"/api/v1/schedules/(?P<schedule_id>[^/]+)", ScheduleHandler),
]
