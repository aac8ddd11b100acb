"""Open data: the board's finished months for everybody, without anything that could be somebody.

Only whole months that are over are published, each by itself, with what is too small hidden in it and beside
it; and no sums over months, so that none of them can be reckoned from others. What was published of a month
stays as it was: what is counted anew afterwards comes as its next edition.
"""

from __future__ import annotations

import asyncio
import hashlib
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta

from backend import clock
from backend.permissions import SYSTEM
from backend.statistics.backfill import SUBSCRIBER
from backend.statistics.board import BoardReading, Places
from backend.statistics.board_models import Board, BoardQuery, By, Formula, Line, Value
from backend.statistics.edition_store import EditionStore
from backend.statistics.editions import Counted, revised
from backend.statistics.models import NOWHERE
from backend.statistics.open_schemas import Cell, EditionOut, FigureOut, InstitutionOut, MonthOut, PartOut
from backend.statistics.open_tables import HIDDEN, Table, catalogue, published, tables
from backend.statistics.raw_store import RawStore
from backend.statistics.store import StatisticsStore

KEPT_S = 3600
_DAY = timedelta(days=1)
# The last evening of a month may be counted the next day.
SETTLES = _DAY


@dataclass(frozen=True, slots=True)
class File:
    """A dataset in one of its forms; caches ask by the checksum whether theirs is the same."""

    content: bytes
    checksum: str


@dataclass(frozen=True, slots=True)
class _Shelf:
    """What is published, as it was when somebody looked."""

    until: float
    editions: list[EditionOut]
    tables: dict[str, Table]


class OpenData:
    """Publishes months, and keeps the tables for an hour: whoever asks in between gets the same."""

    def __init__(
        self,
        board: BoardReading,
        places: Places,
        editions: EditionStore,
        counters: StatisticsStore,
        raw: RawStore,
    ) -> None:
        self._board = board
        self._places = places
        self._editions = editions
        self._counters = counters
        self._raw = raw
        self._shelf: _Shelf | None = None
        self._files: dict[tuple[str, str], tuple[Table, File]] = {}
        self._making, self._writing = asyncio.Lock(), asyncio.Lock()

    # -- publishing ------------------------------------------------------------------------------------

    async def publish(self, *, again: bool = False) -> int:
        """Periodic: freeze each month that is over, and what changed in others; returns how many editions.

        A month is looked at anew when the next one is published, or at once with `again`. Which edition is
        the next is decided by its number: of two processes that made the same, one has published it.
        """
        months = finished_months()
        end = months[-1][1] + _DAY
        if not await self._is_counted(end):
            return 0
        newest = {each.month: each for each in await self._editions.listed()}
        made = 0
        for first, last in months:
            known = newest.get(f"{first:%Y-%m}")
            if known is not None and not again and clock.civil_date(known.published_at) >= end + SETTLES:
                continue
            found = await self._counted(first, last, known.edition + 1 if known else 1)
            if known is not None:
                after = revised(await self._editions.counted(known.month, known.edition), found)
            else:
                # Nothing is said of the months before there was anything.
                begun = made or any(month < found.month.month for month in newest)
                after = found if begun or _says_anything(found.month) else None
            made += after is not None and await self._editions.add(after)
        if made:
            self._shelf = None
        return made

    async def _is_counted(self, end: date) -> bool:
        """Whether all that happened before a day is in the counters."""
        return await self._counters.months_are_ready() and await self._raw.is_settled(
            SUBSCRIBER, clock.city_instant(end, 0)
        )

    async def _counted(self, first: date, last: date, edition: int) -> Counted:
        codes = tuple(each.code for each in published())
        board, rests = await self._board.read_with_rests(
            SYSTEM, BoardQuery(first, last, By.ORGANIZATION, figures=codes)
        )
        places = await self._places.organizations_by_id({line.key for line in board.lines} - {NOWHERE})
        month = MonthOut(
            month=f"{first:%Y-%m}",
            edition=edition,
            published_at=clock.now(),
            licence=catalogue().licence.code,
            hidden=HIDDEN,
            figures=[FigureOut(code=each.code, name=each.name, unit=each.unit) for each in published()],
            total=_cells(board, board.total),
            institutions=[
                InstitutionOut(
                    institution_id=line.key,
                    institution=line.name,
                    district=places[line.key].district if line.key in places else "",
                    values=_cells(board, line),
                )
                for line in board.lines
            ],
            parts=[
                PartOut(figure=code, part=part.key, part_name=part.name, value=_cell(part.value))
                for code in codes
                for part in board.parts.get(code, ())
            ],
            changes=[],
        )
        return Counted(month, rests)

    # -- reading ---------------------------------------------------------------------------------------

    async def editions(self) -> Sequence[EditionOut]:
        """Every edition of every month, by month and number."""
        return (await self._published()).editions

    async def edition(self, month: str, edition: int) -> bytes | None:
        """The file of an edition, to the letter as it was published."""
        return await self._editions.content(month, edition)

    async def table(self, code: str) -> Table:
        """A dataset's content. Raises NOT_FOUND."""
        dataset = catalogue().dataset(code)
        return (await self._published()).tables[dataset.code]

    async def file(self, code: str, form: str, make: Callable[[Table], bytes]) -> File:
        """A dataset in a form, made once as well, and where it keeps nobody waiting. Raises NOT_FOUND."""
        table = await self.table(code)
        async with self._writing:
            kept = self._files.get((code, form))
            if kept is None or kept[0] is not table:
                kept = (table, await asyncio.to_thread(_file, table, make))
                self._files[code, form] = kept
        return kept[1]

    async def _published(self) -> _Shelf:
        async with self._making:
            shelf, until = self._shelf, time.monotonic() + KEPT_S
            if shelf is None or shelf.until < time.monotonic():
                editions = await self._editions.listed()
                if shelf is None or shelf.editions != editions:
                    shelf = _Shelf(until, editions, await self._tables(editions))
                self._shelf = shelf = replace(shelf, until=until)
        return shelf

    async def _tables(self, editions: Sequence[EditionOut]) -> dict[str, Table]:
        months = finished_months()
        newest = {each.month: each for each in editions if each.month >= f"{months[0][0]:%Y-%m}"}
        contents = await self._editions.contents(newest.values())
        return await asyncio.to_thread(tables, contents, list(newest.values()), months[-1][1])


def finished_months(today: date | None = None) -> list[tuple[date, date]]:
    """The first and last days of the months that are over and told, the oldest first."""
    found: list[tuple[date, date]] = []
    last = ((today or clock.today()) - SETTLES).replace(day=1) - _DAY
    for _ in range(catalogue().months):
        found.append((last.replace(day=1), last))
        last = last.replace(day=1) - _DAY
    return found[::-1]


def _file(table: Table, make: Callable[[Table], bytes]) -> File:
    content = make(table)
    return File(content, hashlib.sha256(content).hexdigest())


def _says_anything(month: MonthOut) -> bool:
    return any(month.total.values())


def _cells(board: Board, line: Line) -> dict[str, Cell]:
    veiled = _veiled(board, line)
    return {each.code: _cell(veiled.get(each.code)) for each in board.definitions}


def _veiled(board: Board, line: Line) -> Line:
    """A line, without what is weighed by channel where a channel is hidden: the two would tell it,

    also where the lines are added up.
    """
    told = {
        each.measure
        for each in board.definitions
        if any(part.value.hidden for part in board.parts.get(each.code, ()))
    }
    weighed = [each for each in board.definitions if each.formula is Formula.WEIGHED]
    hidden = {each.code: Value(hidden=True) for each in weighed if each.measure in told}
    return replace(line, values={**line.values, **hidden})


def _cell(value: Value) -> Cell:
    return HIDDEN if value.hidden else value.number
