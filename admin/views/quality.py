"""The quality of what hospitals send: scores by day, and what was not kept."""

from __future__ import annotations

from datetime import timedelta

from pydantic import Field

from admin import quality_words
from admin.base import PageHandler, page
from admin.forms import Day, Filters
from admin.lookups import access_organization, organizations_in_scope
from backend import clock
from backend.http.endpoint import requires
from backend.permissions import Permission

_READ = Permission.STAFF_QUALITY_READ
DAYS = 7


class DayFilters(Filters):
    """Which day."""

    on: Day | None = Field(None, title="日期")


class ScoresHandler(PageHandler):
    """Every hospital's last days."""

    @requires(_READ)
    @page("Scores of the last days")
    async def get(self) -> None:
        """A row for each hospital, a column for each day."""
        days = await self.services.quality.days(self.actor, DAYS)
        places = await organizations_in_scope(self.services, self.actor)
        sent = {day.organization_id for day in days}
        today = clock.today()
        self.show_page(
            "quality/scores.html",
            dates=[today - timedelta(days=back) for back in range(DAYS)],
            scores={(day.organization_id, day.on): day for day in days},
            places=[place for place in places if place.id in sent],
            said=quality_words,
        )


class DayHandler(PageHandler):
    """One hospital's day."""

    @requires(_READ)
    @page("What was not kept on a day")
    async def get(self, query: DayFilters, organization_id: str) -> None:
        """Every rule that applied, the most broken first."""
        place = await access_organization(self.services, self.actor, organization_id)
        on = query.on or clock.today()
        day, findings = await self.services.quality.day(self.actor, place.id, on)
        self.show_page(
            "quality/day.html",
            place=place,
            day=day,
            on=on,
            broken=[each for each in findings if each.count.failed],
            kept=sum(not each.count.failed for each in findings),
            said=quality_words,
        )


routes = [
    (r"/admin/quality", ScoresHandler),
    (r"/admin/quality/days/(?P<organization_id>[\w-]+)", DayHandler),
]
