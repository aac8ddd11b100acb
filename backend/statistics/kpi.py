"""Supervision by figures: targets, how institutions stand to them, comments, and the monthly report."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from datetime import date, timedelta

from backend import clock
from backend.errors import AppError, ErrorCode, not_found
from backend.ids import new_id
from backend.permissions import SYSTEM, Actor, Permission
from backend.security.redaction import redact
from backend.statistics.board import BoardReading, Places
from backend.statistics.board_models import Board, BoardQuery, By, Definition, Line
from backend.statistics.definitions import book
from backend.statistics.kpi_models import CITY, Comment, Sheet, SheetLine, Standing, Target
from backend.statistics.kpi_report import Report, report_of
from backend.statistics.kpi_rules import expected, light, may_have_target
from backend.statistics.kpi_store import KPIStore
from backend.statistics.models import NOWHERE
from backend.statistics.ports import AuditLog

MONTH = re.compile(r"20[0-9]{2}-(0[1-9]|1[0-2])")
CITY_NAME = "全市"
LONGEST_COMMENT = 500
MOST_TOLERANCE = 50
# A month's reports are made when its last events have certainly been counted.
REPORTS_FROM_DAY = 2
Draw = Callable[[Report], Awaitable[bytes]]


class KPIService:
    """The city sets targets; an institution sees its own; both comment."""

    def __init__(self, store: KPIStore, board: BoardReading, places: Places, audit: AuditLog) -> None:
        self._store = store
        self._board = board
        self._places = places
        self._audit = audit
        # How a report becomes pages; put in by the composition root.
        self.draw: Draw | None = None
        self.city_name = ""

    # -- reading ---------------------------------------------------------------------------------------

    async def sheet(self, actor: Actor, organization_id: str, month: str) -> Sheet:
        """A month of an institution, or of the city (CITY). Raises NOT_FOUND, BAD_REQUEST."""
        name = await self._access(actor, organization_id)
        first_on = _first_of(month)
        return (await self._sheets(actor, {organization_id: name}, first_on))[0]

    async def lines(self, actor: Actor, month: str) -> list[SheetLine]:
        """Every institution in scope that has figures or targets in a month: how many stand how."""
        first_on = _first_of(month)
        own = actor.organization_ids
        targets = await self._store.targets(month, None if own is None else sorted(own))
        board = await self._read(actor, first_on, CITY)
        ids = {line.key for line in board.lines} | {target.organization_id for target in targets}
        found = await self._places.organizations_by_id(ids - {NOWHERE})
        names = {id: place.name for id, place in found.items()}
        sheets = await self._sheets(actor, names, first_on)
        return [
            SheetLine(
                sheet.organization_id,
                sheet.name,
                sheet.lights(),
                sum(each.target is not None for each in sheet.standings),
                len(sheet.comments),
            )
            for sheet in sorted(sheets, key=lambda sheet: sheet.name)
        ]

    async def report(self, actor: Actor, organization_id: str, month: str) -> bytes:
        """The month's report as PDF: the one that was made, else made now. Raises NOT_FOUND, UNAVAILABLE.

        An institution's own has its small numbers; whoever reads it from outside gets one without them.
        """
        name = await self._access(actor, organization_id)
        kept = organization_id == CITY or actor.organization_ids is not None
        made = await self._store.report(organization_id, month) if kept else None
        return made or await self._made(actor, organization_id, name, month)

    # -- changing --------------------------------------------------------------------------------------

    async def set_target(
        self, actor: Actor, organization_id: str, month: str, figure: str, value: float, tolerance: int = 10
    ) -> None:
        """Set a target. Raises FORBIDDEN, NOT_FOUND, BAD_REQUEST with the field."""
        await self._may_set(actor, organization_id, month)
        definition = book().find(figure)
        if definition is None or not may_have_target(definition):
            raise _bad("figure")
        if not 0 <= value < 10**12:
            raise _bad("value")
        if not 0 <= tolerance <= MOST_TOLERANCE:
            raise _bad("tolerance")
        target = Target(organization_id, month, figure, value, tolerance, actor.id, clock.now())
        await self._store.set_target(target)
        data = {"month": month, "figure": figure, "value": value, "tolerance": tolerance}
        await self._changed(actor, "statistics.target", organization_id, month, data)

    async def remove_target(self, actor: Actor, organization_id: str, month: str, figure: str) -> None:
        """Take a target away. Raises FORBIDDEN, NOT_FOUND."""
        await self._may_set(actor, organization_id, month)
        if not await self._store.remove_target(organization_id, month, figure):
            raise not_found("target")
        data = {"month": month, "figure": figure}
        await self._changed(actor, "statistics.target_removed", organization_id, month, data)

    async def copy_targets(self, actor: Actor, organization_id: str, from_month: str, month: str) -> int:
        """Take over the targets of another month where the month has none; returns how many."""
        await self._may_set(actor, organization_id, month)
        _first_of(from_month)
        there = {each.figure for each in await self._store.targets(month, [organization_id])}
        copied = 0
        for target in await self._store.targets(from_month, [organization_id]):
            if target.figure not in there:
                await self.set_target(
                    actor, organization_id, month, target.figure, target.value, target.tolerance
                )
                copied += 1
        return copied

    async def comment(
        self, actor: Actor, organization_id: str, month: str, text: str, figure: str = "", id: str = ""
    ) -> Comment:
        """Say something of a month, or of one figure of it; the same `id` again says it once.

        Raises NOT_FOUND, BAD_REQUEST with the field.
        """
        await self._access(actor, organization_id)
        _first_of(month)
        said = redact(text.strip())
        if not said or len(said) > LONGEST_COMMENT:
            raise _bad("text")
        if figure and book().find(figure) is None:
            raise _bad("figure")
        comment = Comment(id or new_id(), organization_id, month, figure, said, actor.id, clock.now())
        await self._store.add_comment(comment)
        data = {"month": month, "figure": figure}
        await self._changed(actor, "statistics.comment", organization_id, month, data)
        return comment

    # -- reports ---------------------------------------------------------------------------------------

    async def make_reports(self, most: int = 3) -> int:
        """Periodic: the reports of the month before that nobody has made yet; returns how many were made."""
        today = clock.today()
        if today.day < REPORTS_FROM_DAY:
            return 0
        last_on = today.replace(day=1) - timedelta(days=1)
        month = f"{last_on:%Y-%m}"
        board = await self._read(SYSTEM, last_on.replace(day=1), CITY)
        places = await self._places.organizations_by_id({line.key for line in board.lines} - {NOWHERE})
        wanted = {CITY: CITY_NAME} | {id: place.name for id, place in places.items()} if board.lines else {}
        made = await self._store.reported(month)
        due = sorted(set(wanted) - made)[:most]
        for organization_id in due:
            scope = None if organization_id == CITY else frozenset({organization_id})
            of_its_own = replace(SYSTEM, organization_ids=scope)
            told = await self._told(organization_id, month)
            content = await self._made(of_its_own, organization_id, wanted[organization_id], month)
            report = {"content": content, "made_at": clock.now()}
            await self._store.keep_report(organization_id, month, report)
            if await self._told(organization_id, month) != told:
                # Somebody said something while it was drawn: it is drawn anew.
                await self._store.forget_report(organization_id, month)
        return len(due)

    async def _told(self, organization_id: str, month: str) -> tuple[list[Target], list[Comment]]:
        """What people have said of a month: a report without the last of it is out of date."""
        of = [organization_id]
        return await self._store.targets(month, of), await self._store.comments(month, of)

    async def _made(self, actor: Actor, organization_id: str, name: str, month: str) -> bytes:
        if self.draw is None:
            raise AppError(ErrorCode.UNAVAILABLE, "nothing to draw with")
        first_on = _first_of(month)
        sheet = (await self._sheets(actor, {organization_id: name}, first_on))[0]
        places = await self._read(actor, first_on, CITY) if organization_id == CITY else None
        return await self.draw(report_of(sheet, self.city_name, clock.now(), places))

    # -- parts -----------------------------------------------------------------------------------------

    async def _sheets(self, actor: Actor, names: dict[str, str], first_on: date) -> list[Sheet]:
        """Of several at once: two readings of the board, whoever they are."""
        month, today = f"{first_on:%Y-%m}", clock.today()
        of = next(iter(names)) if len(names) == 1 else CITY
        board = await self._read(actor, first_on, of)
        before = await self._read(actor, (first_on - timedelta(days=1)).replace(day=1), of)
        ids = sorted(names)
        targets = {(t.organization_id, t.figure): t for t in await self._store.targets(month, ids)}
        comments = await self._store.comments(month, ids)
        return [
            Sheet(
                organization_id,
                names[organization_id],
                month,
                running=today <= _last_of(first_on),
                standings=tuple(
                    _standing(
                        each,
                        _line(board, organization_id),
                        _line(before, organization_id),
                        targets.get((organization_id, each.code)),
                        today,
                    )
                    for each in board.definitions
                ),
                comments=tuple(each for each in comments if each.organization_id == organization_id),
            )
            for organization_id in names
        ]

    async def _read(self, actor: Actor, first_on: date, organization_id: str) -> Board:
        last_on = min(_last_of(first_on), max(clock.today(), first_on))
        query = BoardQuery(first_on, last_on, By.ORGANIZATION, organization_id or None)
        return await self._board.read(actor, query)

    async def _access(self, actor: Actor, organization_id: str) -> str:
        """The name of what is asked about. Raises NOT_FOUND for what is outside the scope."""
        if organization_id == CITY:
            if actor.organization_ids is not None:
                raise not_found("the city's figures")
            return CITY_NAME
        found = await self._places.organizations_by_id([organization_id])
        if organization_id not in found or not actor.covers(organization_id):
            raise not_found("organization")
        return found[organization_id].name

    async def _may_set(self, actor: Actor, organization_id: str, month: str) -> None:
        if actor.organization_ids is not None or not actor.may(Permission.STAFF_TARGETS_WRITE):
            raise AppError(ErrorCode.FORBIDDEN, "targets are the city's to set")
        await self._access(actor, organization_id)
        _first_of(month)

    async def _changed(
        self, actor: Actor, action: str, organization_id: str, month: str, data: Mapping[str, object]
    ) -> None:
        await self._store.forget_report(organization_id, month)
        about = f"organization/{organization_id}" if organization_id else "city"
        await self._audit.record(actor, action, about, "supervision", organization_id or None, data)


def _standing(
    definition: Definition, line: Line, before: Line, target: Target | None, today: date
) -> Standing:
    value = line.get(definition.code)
    return Standing(
        definition,
        value,
        before.get(definition.code),
        target,
        None if target is None else expected(definition, target, today),
        light(definition, value, target, today),
    )


def _line(board: Board, organization_id: str) -> Line:
    if organization_id == CITY:
        return board.total
    return next((line for line in board.lines if line.key == organization_id), Line(organization_id, ""))


def _first_of(month: str) -> date:
    """The first day of a month. Raises BAD_REQUEST for what is none, or is yet to come."""
    if not MONTH.fullmatch(month):
        raise _bad("month")
    return date(int(month[:4]), int(month[5:]), 1)


def _last_of(first_on: date) -> date:
    return (first_on + timedelta(days=31)).replace(day=1) - timedelta(days=1)


def _bad(field: str) -> AppError:
    return AppError(ErrorCode.BAD_REQUEST, f"wrong {field}", data={"field": field})
