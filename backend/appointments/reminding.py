"""Reminders the day before: by day one job for each department, made once however often the clock asks."""

from __future__ import annotations

from datetime import timedelta
from typing import Protocol

from backend import clock
from backend.directory.models import Department, Organization
from backend.ids import named_id
from backend.worker.events import Event, EventKind

# When tomorrow's appointments are thought of: late enough to be news, early enough to cancel.
FROM_HOUR, UNTIL_HOUR = 10, 20
_PAGE = 200


class Places(Protocol):
    """What reminding needs of the directory."""

    async def list_organizations(
        self, *, cursor: str | None = None, limit: int = 20
    ) -> tuple[list[Organization], str | None]:
        """Institutions, page by page."""

    async def list_departments(self, organization_id: str) -> list[Department]:
        """The departments of one."""


class Jobs(Protocol):
    """What reminding needs of the outbox."""

    async def add(self, *events: Event) -> None:
        """Make the jobs of events; those that exist already stay as they are."""


class Reminding:
    """Says that tomorrow's reminders are due."""

    def __init__(self, places: Places, jobs: Jobs) -> None:
        self._places = places
        self._jobs = jobs

    async def run(self) -> int:
        """Periodic. How many departments were asked for."""
        now = clock.now()
        if not FROM_HOUR <= now.astimezone(clock.CITY_ZONE).hour < UNTIL_HOUR:
            return 0
        on = clock.today() + timedelta(days=1)
        count, cursor = 0, None
        while True:
            page, cursor = await self._places.list_organizations(cursor=cursor, limit=_PAGE)
            for organization in page:
                departments = await self._places.list_departments(organization.id)
                await self._jobs.add(*(_due(department.id, on.isoformat()) for department in departments))
                count += len(departments)
            if cursor is None:
                return count


def _due(department_id: str, on: str) -> Event:
    return Event(
        EventKind.REMINDERS_DUE,
        {"department_id": department_id, "on": on},
        id=named_id("reminders", department_id, on),
    )
