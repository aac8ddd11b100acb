"""The dashboard: what happened today and in the last two weeks, renewed by itself while the page is open."""

from __future__ import annotations

from typing import Any

from admin import board_words
from admin.base import PageHandler, page
from admin.board_view import label, shown
from admin.templating import local_time
from backend import clock
from backend.http.endpoint import requires
from backend.permissions import Permission
from backend.statistics.board_models import Board, Definition, Line
from backend.statistics.models import NOWHERE
from backend.statistics.service import Overview

SHOWN_ORGANIZATIONS = 10


class DashboardHandler(PageHandler):
    """The page."""

    @requires(Permission.STAFF_DASHBOARD_READ)
    @page("The dashboard")
    async def get(self) -> None:
        """Figures in the page; the charts fetch theirs."""
        overview = await self.services.statistics.overview(self.actor)
        self.show_page(
            "dashboard/show.html",
            days=overview.by_day,
            figures={each.code: each for each in overview.by_day.definitions},
            places=_busiest(overview.by_place),
            shown=_shown(overview),
            text=_text,
            # Whose own institutions these are sees every number.
            why=board_words.HIDDEN_WHY if self.actor.organization_ids is None else "",
        )


class FiguresHandler(PageHandler):
    """The same figures for the page's script."""

    by_a_person = False

    @requires(Permission.STAFF_DASHBOARD_READ)
    @page("The dashboard's figures")
    async def get(self) -> None:
        """JSON."""
        self.finish(_shown(await self.services.statistics.overview(self.actor)))


def _text(definition: Definition, line: Line) -> str:
    """A number as people read it, with the sign of money."""
    value = line.get(definition.code)
    sign = "¥" if definition.unit == "元" and value.number is not None else ""
    return sign + shown(value, definition)


def _busiest(places: Board) -> list[Line]:
    """Institutions where anything happened, those with the most bookings first, the hidden after them."""
    alive = [
        line
        for line in places.lines
        if line.key != NOWHERE and any(value.hidden or value.number for value in line.values.values())
    ]
    alive.sort(key=lambda line: (-(line.get("bookings").number or 0), line.name))
    return alive[:SHOWN_ORGANIZATIONS]


def _shown(overview: Overview) -> dict[str, Any]:
    days = overview.by_day
    before, today = days.lines[-2:]
    figures = {each.code: _text(each, today) for each in days.definitions}
    figures |= {f"{each.code}_before": _text(each, before) for each in days.definitions}
    channels = days.parts["bookings"]
    return {
        "at": local_time(clock.now(), seconds=True)[11:],
        "figures": figures,
        "days": {
            # The last day has only begun: its figures are not to be read as a fall.
            "labels": [label(line, days) for line in days.lines],
            **{each.code: [line.get(each.code).number for line in days.lines] for each in days.definitions},
        },
        "channels": {
            "labels": [part.name for part in channels],
            "values": [part.value.number for part in channels],
        },
    }


routes = [
    (r"/admin/dashboard", DashboardHandler),
    (r"/admin/dashboard/figures", FiguresHandler),
]
