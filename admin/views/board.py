"""The city's board: figures with what they mean, charts, tables, the way down to an institution, files."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace
from typing import Literal

from pydantic import Field

from admin import board_period, board_view, board_words, spreadsheet
from admin.base import PageHandler, page
from admin.board_period import Span
from admin.forms import Day, Filters
from admin.lookups import access_organization, organizations_in_scope
from admin.templating import has_asset
from admin.workbook import KIND, workbook
from backend import clock
from backend.directory.models import Organization
from backend.errors import AppError, ErrorCode, not_found
from backend.http.endpoint import requires
from backend.permissions import Permission
from backend.statistics.board import MOST_DAYS, MOST_MONTHS
from backend.statistics.board_models import Board, BoardQuery, By

_READ = Permission.STAFF_BOARD_READ
ECHARTS = "vendor/echarts/echarts.common.min.js"
_TOO_LONG = f"开始日期须不晚于结束日期；按日最多 {MOST_DAYS} 天，按月最多 {MOST_MONTHS} 个月。"


class BoardFilters(Filters):
    """Which days, in which steps, and where."""

    from_on: Day | None = Field(None, title="开始日期")
    to_on: Day | None = Field(None, title="结束日期")
    by: Literal["day", "month"] | None = Field(None, title="步长")
    district: str = Field("", max_length=60, title="区县")
    organization: str = Field("", max_length=64, title="机构")
    group: str = Field("", max_length=20, title="指标类别")


@dataclass(frozen=True, slots=True)
class Where:
    """How far down one has gone: the city (or one's own institutions), a district, or one institution."""

    districts: list[str]
    district: str
    organization: Organization | None
    organizations: list[Organization]

    @property
    def places_by(self) -> By | None:
        """What lies one step further down; None when there is nothing."""
        if self.organization is not None:
            return None
        return By.DISTRICT if not self.district and len(self.districts) > 1 else By.ORGANIZATION


@dataclass(frozen=True, slots=True)
class Read:
    """What one opening of the page reads."""

    span: Span
    where: Where
    board: Board
    before: Board
    places: Board | None


class BoardHandler(PageHandler):
    """The page."""

    @requires(_READ)
    @page("The city's board", errors=(ErrorCode.BAD_REQUEST,))
    async def get(self, query: BoardFilters) -> None:
        """Tiles, charts, tables, and the places below."""
        read = await _read(self, query)
        groups = board_view.groups(read.board, read.before)
        compared = next((each for each in groups if each.id == query.group), groups[0])
        self.show_page(
            "board/show.html",
            read=read,
            where=read.where,
            span=read.span,
            before=board_period.before(read.span),
            usual=board_period.usual(clock.today()),
            groups=groups,
            compared=compared,
            places=read.places,
            compared_charts=[
                board_view.over_lines(f"places-{each.code}", read.places, [each])
                for each in compared.definitions[: board_view.MOST_SERIES]
            ]
            if read.places
            else [],
            view=board_view,
            said=board_words,
            echarts=ECHARTS if has_asset(ECHARTS) else "",
        )


class ExportFilters(BoardFilters):
    """The same, and as what."""

    form: Literal["xlsx", "csv"] = Field("xlsx", title="格式")


class ExportHandler(PageHandler):
    """The same figures as a file."""

    @requires(_READ)
    @page("Export the city's board", errors=(ErrorCode.BAD_REQUEST, ErrorCode.NOT_FOUND))
    async def get(self, query: ExportFilters) -> None:
        """CSV, or a workbook; what the page hides, the file hides."""
        read = await _read(self, query)
        by = read.places.query.by if read.places else By.ORGANIZATION
        sheets = board_view.sheets(read.board, read.before, read.places, board_words.PLACES[by])
        await self.services.audit.record(
            self.actor, "board.exported", f"board/{query.form}", "导出看板", query.organization or None
        )
        self.set_header("Content-Disposition", f'attachment; filename="board.{query.form}"')
        if query.form == "xlsx":
            self.set_header("Content-Type", KIND)
            self.finish(await asyncio.to_thread(workbook, sheets))
            return
        self.set_header("Content-Type", "text/csv; charset=utf-8")
        self.finish(spreadsheet.lines(board_view.as_rows(sheets), first=True))


async def _read(handler: PageHandler, query: BoardFilters) -> Read:
    """The board, the period before, and the places one step down."""
    span = board_period.chosen(query.from_on, query.to_on, By(query.by) if query.by else None, clock.today())
    if not 0 < span.days <= (MOST_DAYS if span.by is By.DAY else MOST_MONTHS * 31):
        raise AppError(ErrorCode.BAD_REQUEST, "period", text=_TOO_LONG)
    where = await _where(handler, query)
    then = board_period.before(span)
    asked = BoardQuery(
        span.from_on,
        span.to_on,
        span.by,
        organization_id=where.organization.id if where.organization else None,
        district=where.district or None if where.organization is None else None,
    )
    ask = handler.services.statistics.board
    by = where.places_by
    board = await ask(handler.actor, asked)
    before = await ask(handler.actor, replace(asked, from_on=then.from_on, to_on=then.to_on))
    places = await ask(handler.actor, replace(asked, by=by)) if by else None
    return Read(span, where, board, before, places)


async def _where(handler: PageHandler, query: BoardFilters) -> Where:
    """Where the page stands. Whoever has one institution only stands there. Raises NOT_FOUND for others'."""
    organizations = await organizations_in_scope(handler.services, handler.actor)
    districts = sorted({each.district for each in organizations if each.district})
    if query.organization:
        one = await access_organization(handler.services, handler.actor, query.organization)
        return Where(districts, one.district, one, organizations)
    if handler.actor.organization_ids is not None and len(organizations) == 1:
        return Where(districts, organizations[0].district, organizations[0], organizations)
    if query.district and query.district not in districts:
        raise not_found(f"district {query.district}")
    return Where(districts, query.district, None, organizations)


routes = [
    (r"/admin/board", BoardHandler),
    (r"/admin/board/export", ExportHandler),
]
