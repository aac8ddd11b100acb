"""The dashboard: what happened today and in the last two weeks, renewed by itself while the page is open."""

from __future__ import annotations

from typing import Any

from admin import words
from admin.base import PageHandler, page
from admin.lookups import organization_names
from admin.templating import local_time, yuan
from backend import clock
from backend.http.endpoint import requires
from backend.permissions import Permission
from backend.statistics.models import Measure, Overview

SHOWN_ORGANIZATIONS = 10


class DashboardHandler(PageHandler):
    """The page."""

    @requires(Permission.STAFF_DASHBOARD_READ)
    @page("The dashboard")
    async def get(self) -> None:
        """Figures in the page; the charts fetch theirs."""
        overview = await self.services.statistics.overview(self.actor)
        shown = await _shown(self, overview)
        self.show_page("dashboard/show.html", overview=overview, shown=shown, Measure=Measure)


class FiguresHandler(PageHandler):
    """The same figures for the page's script."""

    by_a_person = False

    @requires(Permission.STAFF_DASHBOARD_READ)
    @page("The dashboard's figures")
    async def get(self) -> None:
        """JSON."""
        self.finish(await _shown(self, await self.services.statistics.overview(self.actor)))


async def _shown(handler: PageHandler, overview: Overview) -> dict[str, Any]:
    today, before = overview.today, overview.yesterday
    top = overview.organizations[:SHOWN_ORGANIZATIONS]
    names = await organization_names(handler.services, [figures.organization_id for figures in top])
    days = overview.days
    return {
        "at": local_time(clock.now(), seconds=True)[11:],
        "figures": {
            "booked": f"{today.of(Measure.BOOKED).count:,}",
            "booked_before": f"{before.of(Measure.BOOKED).count:,}",
            "cancelled": f"{today.of(Measure.CANCELLED).count:,}",
            "cancelled_before": f"{before.of(Measure.CANCELLED).count:,}",
            "stopped": f"{today.of(Measure.STOPPED).count:,}",
            "paid": yuan(today.of(Measure.PAID).fen),
            "paid_count": f"{today.of(Measure.PAID).count:,}",
            "refunded": yuan(today.of(Measure.REFUNDED).fen),
            "refunded_count": f"{today.of(Measure.REFUNDED).count:,}",
            "messages": f"{today.of(Measure.MESSAGE).count:,}",
            "messages_before": f"{before.of(Measure.MESSAGE).count:,}",
            "codes": f"{today.of(Measure.CODE_USED).count:,}",
            "codes_before": f"{before.of(Measure.CODE_USED).count:,}",
        },
        "days": {
            # The last day has only begun: its figures are not to be read as a fall.
            "labels": ["今天" if day.on == clock.today() else f"{day.on:%m-%d}" for day in days],
            "booked": [day.of(Measure.BOOKED).count for day in days],
            "cancelled": [day.of(Measure.CANCELLED).count for day in days],
            "paid": [day.of(Measure.PAID).fen / 100 for day in days],
            "refunded": [day.of(Measure.REFUNDED).fen / 100 for day in days],
            "codes": [day.of(Measure.CODE_USED).count for day in days],
            "messages": [day.of(Measure.MESSAGE).count for day in days],
        },
        "channels": {
            "labels": [words.of(words.CHANNELS, name) for name in overview.booked_by_channel],
            "values": list(overview.booked_by_channel.values()),
        },
        "organizations": {
            "labels": [names.get(figures.organization_id, "—") for figures in top],
            "booked": [figures.of(Measure.BOOKED).count for figures in top],
            "cancelled": [figures.of(Measure.CANCELLED).count for figures in top],
            "paid": [yuan(figures.of(Measure.PAID).fen) for figures in top],
            "codes": [figures.of(Measure.CODE_USED).count for figures in top],
        },
    }


routes = [
    (r"/admin/dashboard", DashboardHandler),
    (r"/admin/dashboard/figures", FiguresHandler),
]
