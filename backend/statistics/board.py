"""The city's board: one read for the page, the wall, the exports and open data."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence, Set
from datetime import date, timedelta
from typing import Protocol

from backend import clock
from backend.errors import AppError, ErrorCode, not_found
from backend.permissions import Actor
from backend.statistics.board_models import Board, BoardQuery, By, Definition, Line
from backend.statistics.definitions import book
from backend.statistics.editions import Rests
from backend.statistics.models import GAUGES, NOWHERE, Measure, Row
from backend.statistics.ports import Above
from backend.statistics.reckoning import Sums, hidden_alone, hidden_in, line, parts, rests_of, summed
from backend.statistics.store import StatisticsStore, are_months

MOST_DAYS = 400
MOST_MONTHS = 60
NOWHERE_NAME = "不属于单个机构"
_GROUPED = {
    By.DAY: ("on",),
    By.MONTH: ("month",),
    By.ORGANIZATION: ("organization_id",),
    By.DISTRICT: ("organization_id",),
}


class Place(Protocol):
    """What the board says of an institution."""

    @property
    def name(self) -> str:
        """What it is called."""

    @property
    def district(self) -> str:
        """Where it lies today: its figures of earlier days move with it."""


class Places(Protocol):
    """Where institutions are looked up; the directory, seen from beside."""

    async def organizations_by_id(self, ids: Iterable[str]) -> Mapping[str, Place]:
        """The institutions that exist among `ids`."""


class BoardReading:
    """Reads counters within the actor's scope, and shows what may be shown."""

    def __init__(self, store: StatisticsStore, places: Places, above: Above) -> None:
        self._store = store
        self._places = places
        self._above = above

    async def read(self, actor: Actor, query: BoardQuery) -> Board:
        """The board. Raises NOT_FOUND for what is outside the scope, BAD_REQUEST for a wrong period."""
        return (await self._read(actor, query))[0]

    async def read_with_rests(self, actor: Actor, query: BoardQuery) -> tuple[Board, Rests]:
        """The board, and the counts that each figure rests on: those are for nobody's eyes."""
        board, groups = await self._read(actor, query)
        return board, {each.code: rests_of(each, groups) for each in board.definitions}

    async def _read(self, actor: Actor, query: BoardQuery) -> tuple[Board, dict[str, Sums]]:
        check_period(query)
        definitions = _wanted(query)
        within = await self._within(actor, query)
        wanted = {each.measure for each in definitions} | {each.of for each in definitions}
        rows = await self._rows(actor, query, within, wanted)
        places = await self._places.organizations_by_id({row.organization_id for row in rows} - {NOWHERE})
        groups = _grouped(rows, query, places)
        # Small numbers are hidden from others than the institution itself.
        hide = actor.organization_ids is None
        hidden = hidden_in(groups, definitions) if hide else {}
        whole = summed(rows)
        total_hidden = hidden_alone(whole, definitions) if hide else set()
        known = book()
        lines = [
            line(Line(key, _name(key, query.by, places)), sums, definitions, known, hidden.get(key, set()))
            for key, sums in groups.items()
        ]
        board = Board(
            query=query,
            definitions=definitions,
            total=line(Line("", "合计"), whole, definitions, known, total_hidden),
            lines=tuple(sorted(lines, key=_order(query.by))),
            parts={each.code: parts(each, whole, known, hide=hide) for each in definitions if each.parts},
            at=clock.now(),
            assumptions=known.assumptions,
        )
        return board, groups

    async def _within(self, actor: Actor, query: BoardQuery) -> frozenset[str] | None:
        """The institutions that are read; None for the whole city."""
        within = actor.organization_ids
        if query.organization_id is not None:
            found = await self._places.organizations_by_id([query.organization_id])
            if query.organization_id not in found or not actor.covers(query.organization_id):
                raise not_found("organization")
            within = frozenset({query.organization_id})
        if query.district is not None:
            counted = await self._places.organizations_by_id(
                await self._store.places() if within is None else within
            )
            within = frozenset(id for id, place in counted.items() if place.district == query.district)
        return within

    async def _rows(
        self, actor: Actor, query: BoardQuery, within: frozenset[str] | None, wanted: Set[Measure | None]
    ) -> list[Row]:
        grouped, period = _GROUPED[query.by], (query.from_on, query.to_on)
        # An institution of the district may have nothing but what others count.
        by_district = query.district is not None and query.organization_id is None
        asked = actor.organization_ids if by_district else within
        rows = await self._store.totals(*period, (*grouped, "channel", "extra"), within)
        if not wanted.isdisjoint(GAUGES):
            rows += await self._store.levels(*period, grouped, within)
        by_day = not by_months(query)
        for kept in self._above.kept:
            if not wanted.isdisjoint(kept.measures):
                rows += await self._of_district(query, await kept.rows(*period, asked, by_day=by_day))
        return rows

    async def _of_district(self, query: BoardQuery, rows: Sequence[Row]) -> Sequence[Row]:
        if query.district is None:
            return rows
        places = await self._places.organizations_by_id({row.organization_id for row in rows} - {NOWHERE})
        return [
            row
            for row in rows
            if (place := places.get(row.organization_id)) and place.district == query.district
        ]


def check_period(query: BoardQuery) -> None:
    """Raises BAD_REQUEST."""
    days = (query.to_on - query.from_on).days + 1
    most = MOST_DAYS if query.by is By.DAY else MOST_MONTHS * 31
    if not 0 < days <= most:
        raise AppError(ErrorCode.BAD_REQUEST, "a period of the board", data={"field": "from_on"})


def by_months(query: BoardQuery) -> bool:
    """Whether the question is about whole months."""
    return query.by is not By.DAY and are_months(query.from_on, query.to_on)


def _wanted(query: BoardQuery) -> tuple[Definition, ...]:
    known = book()
    unknown = [code for code in query.figures if known.find(code) is None]
    if unknown:
        raise AppError(ErrorCode.BAD_REQUEST, "unknown figure", data={"field": "figures"})
    return tuple(each for each in known.figures if not query.figures or each.code in query.figures)


def _grouped(rows: Iterable[Row], query: BoardQuery, places: Mapping[str, Place]) -> dict[str, Sums]:
    found: dict[str, list[Row]] = {key: [] for key in _periods(query)}
    for row in rows:
        found.setdefault(_key(row, query.by, places), []).append(row)
    return {key: summed(mine) for key, mine in found.items()}


def _key(row: Row, by: By, places: Mapping[str, Place]) -> str:
    if by is By.DAY:
        return row.on
    if by is By.MONTH:
        return row.on[:7]
    if by is By.ORGANIZATION or row.organization_id == NOWHERE:
        return row.organization_id
    place = places.get(row.organization_id)
    return place.district if place else ""


def _periods(query: BoardQuery) -> Sequence[str]:
    """Days and months stand on a board also when nothing happened."""
    if query.by is By.DAY:
        count = (query.to_on - query.from_on).days + 1
        return [(query.from_on + timedelta(days=n)).isoformat() for n in range(count)]
    if query.by is By.MONTH:
        return months(query.from_on, query.to_on)
    return []


def months(from_on: date, to_on: date) -> list[str]:
    """The months from one day to another, as 2026-01."""
    first, last = from_on.year * 12 + from_on.month - 1, to_on.year * 12 + to_on.month - 1
    return [f"{number // 12:04d}-{number % 12 + 1:02d}" for number in range(first, last + 1)]


def _name(key: str, by: By, places: Mapping[str, Place]) -> str:
    if by in (By.DAY, By.MONTH) or (by is By.DISTRICT and key):
        return key
    if key == NOWHERE:
        return NOWHERE_NAME
    place = places.get(key)
    return place.name if place else key


def _order(by: By) -> Callable[[Line], tuple[bool, str]]:
    """Periods in their order, places by name, what belongs to none last."""
    if by in (By.DAY, By.MONTH):
        return lambda each: (False, each.key)
    return lambda each: (each.key == "", each.name)
