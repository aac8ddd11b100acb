"""The wall: the city's figures on a screen in a hall, for who is signed in or by a link that can be ended."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from pydantic import Field

from admin import board_period, board_words, wall_view
from admin.base import PageHandler, page
from admin.forms import Form
from admin.lookups import organizations_in_scope
from admin.templating import has_asset
from admin.views.board import ECHARTS
from backend import clock
from backend.errors import AppError, ErrorCode
from backend.http.endpoint import public, requires
from backend.permissions import Actor, Permission
from backend.statistics.board_models import BoardQuery, By
from backend.statistics.walls import LASTS

_READ, _MANAGE = Permission.STAFF_BOARD_READ, Permission.STAFF_WALLS_MANAGE
_ANYBODY = "whoever has the link reads the city's figures, small numbers hidden, and never a person's"
DAYS = 30


class NewLinkForm(Form):
    """A link for one screen."""

    label: str = Field(min_length=1, max_length=60, title="屏幕位置")
    days: int = Field(180, title="有效期")


class WallHandler(PageHandler):
    """The wall of whoever is signed in: the city, or his own institutions."""

    @requires(_READ)
    @page("The wall")
    async def get(self) -> None:
        """The whole page."""
        await _show(self, self.actor, "/admin/board/wall/figures", whole=True)


class WallFiguresHandler(PageHandler):
    """The same, again and again, for the page's script."""

    by_a_person = False

    @requires(_READ)
    @page("The wall's figures")
    async def get(self) -> None:
        """The part of the page that changes."""
        await _show(self, self.actor, "", whole=False)


class LinkedWallHandler(PageHandler):
    """The wall of whoever has a link."""

    by_a_person = False

    @public(_ANYBODY)
    @page("The wall by its link", errors=(ErrorCode.NOT_FOUND, ErrorCode.RATE_LIMITED))
    async def get(self, secret: str) -> None:
        """The whole page."""
        await self.services.limiter.take("wall", self.client_ip)
        actor = await self.services.walls.open(secret)
        await _show(self, actor, f"/admin/wall/{secret}/figures", whole=True)


class LinkedFiguresHandler(PageHandler):
    """The same, again and again, for the page's script."""

    by_a_person = False

    @public(_ANYBODY)
    @page("The wall's figures by its link", errors=(ErrorCode.NOT_FOUND, ErrorCode.RATE_LIMITED))
    async def get(self, secret: str) -> None:
        """The part of the page that changes."""
        await self.services.limiter.take("wall", self.client_ip)
        await _show(self, await self.services.walls.open(secret), "", whole=False)


class WallsHandler(PageHandler):
    """The links there are."""

    @requires(_MANAGE)
    @page("Links of walls")
    async def get(self) -> None:
        """The list, and the form for another."""
        await self.show()

    async def show(self, **path: str) -> None:
        """Shown again when the form was refused."""
        del path
        await self._list("")

    @requires(_MANAGE)
    @page("Make a link for a wall", errors=(ErrorCode.BAD_REQUEST,), again=True)
    async def post(self, body: NewLinkForm) -> None:
        """The address is shown this once."""
        if body.days not in LASTS:
            raise AppError(ErrorCode.BAD_REQUEST, "days", text="有效期：不在可选范围内。")
        made = await self.services.walls.make(self.actor, body.label, body.days)
        await self._list(f"{self.city.settings.public_url}/admin/wall/{made.secret}")

    async def _list(self, made: str) -> None:
        links = await self.services.walls.list_all(self.actor)
        self.show_page(
            "board/walls.html",
            links=links,
            made=made,
            lasts=LASTS,
            now=clock.now(),
            names=await self.services.staff.names({link.made_by for link in links}),
            said=board_words,
        )


class RevokeHandler(PageHandler):
    """The end of a link."""

    @requires(_MANAGE)
    @page("End a wall's link", errors=(ErrorCode.NOT_FOUND,))
    async def post(self, link_id: str) -> None:
        """The screen goes dark at its next look."""
        await self.services.walls.revoke(self.actor, link_id)
        self.go("/admin/board/walls", "wall-revoked")


async def _show(handler: PageHandler, actor: Actor, figures: str, *, whole: bool) -> None:
    today = clock.today()
    ask = handler.services.statistics.board
    days = await ask(actor, BoardQuery(today - timedelta(days=DAYS - 1), today, By.DAY))
    month = await ask(actor, BoardQuery(board_period.first_of(today), today, By.DISTRICT))
    days = wall_view.veiled(days, month)
    columns, tiles = wall_view.tiles(month, await organizations_in_scope(handler.services, actor))
    values: dict[str, Any] = {
        "at": days.at,
        "today": wall_view.numbers(days, days.lines[-1].values, wall_view.TODAY),
        "month": wall_view.numbers(month, month.total.values, wall_view.MONTH),
        "charts": {chart.id: chart for chart in wall_view.charts(days)},
        "columns": columns,
        "tiles": tiles,
        # What each figure means is published there, for whoever stands before the wall.
        "open_data": f"{handler.city.settings.public_url}/open-data",
    }
    if whole:
        echarts = ECHARTS if has_asset(ECHARTS) else ""
        handler.show_page("board/wall.html", **values, figures=figures, echarts=echarts)
    else:
        handler.show_page("board/wall_figures.html", **values)


routes = [
    (r"/admin/board/wall", WallHandler),
    (r"/admin/board/wall/figures", WallFiguresHandler),
    (r"/admin/board/walls", WallsHandler),
    (r"/admin/board/walls/(?P<link_id>[0-9A-Z]{26})/revoke", RevokeHandler),
    (r"/admin/wall/(?P<secret>[\w-]{16,64})", LinkedWallHandler),
    (r"/admin/wall/(?P<secret>[\w-]{16,64})/figures", LinkedFiguresHandler),
]
