"""The city's board made ready to be shown: tiles, charts, tables, and the same for a spreadsheet. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from admin.board_words import BEFORE_IS_ZERO, HIDDEN, NONE, POINTS
from admin.workbook import Cell, Sheet
from backend import clock
from backend.statistics.board_models import Board, By, Definition, Line, Value

# More lines than this in one chart are read by nobody.
MOST_SERIES = 4
# So many groups of bars, or bars alone, can be told apart; beyond that it is lines.
FEW_BARS, MANY_BARS = 14, 62
LEVELS = ("level", "level_mean")


@dataclass(frozen=True, slots=True)
class Change:
    """Against the period before: the words, and whether it is good (or nobody can say)."""

    text: str
    tone: str = ""


@dataclass(frozen=True, slots=True)
class Tile:
    """One figure of the whole period."""

    definition: Definition
    value: Value
    change: Change | None
    assumption: str

    @property
    def text(self) -> str:
        """The number as people read it."""
        return shown(self.value, self.definition)


@dataclass(frozen=True, slots=True)
class Chart:
    """What a chart draws, as the page's script reads it; the table beside it says the same."""

    id: str
    title: str
    kind: str  # bar, line, or parts (bars lying down)
    unit: str
    labels: list[str]
    series: list[dict[str, Any]]
    hidden: int

    @property
    def told(self) -> dict[str, Any]:
        """What goes into the page."""
        return {name: getattr(self, name) for name in ("kind", "title", "unit", "labels", "series")}

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to draw."""
        return not any(number for each in self.series for number in each["data"])


@dataclass(frozen=True, slots=True)
class Group:
    """A part of the board: what belongs together."""

    id: str
    title: str
    tiles: list[Tile]
    charts: list[Chart]
    definitions: list[Definition]


def groups(board: Board, before: Board) -> list[Group]:
    """The board in its parts, in the order of the definitions."""
    titles = list(dict.fromkeys(each.group for each in board.definitions))
    found = []
    for number, title in enumerate(titles, start=1):
        mine = [each for each in board.definitions if each.group == title]
        tiles = [_tile(each, board, before) for each in mine]
        found.append(Group(f"g{number}", title, tiles, [*_charts(board, mine, f"g{number}")], mine))
    return found


def _tile(definition: Definition, board: Board, before: Board) -> Tile:
    now = board.total.get(definition.code)
    assumption = board.assumptions.get(definition.assumption)
    return Tile(
        definition,
        now,
        change(now, before.total.get(definition.code), definition),
        assumption.text if assumption else "",
    )


def change(now: Value, before: Value, definition: Definition) -> Change | None:
    """How a figure stands against the period before; None where one of them is not known or not shown."""
    if now.number is None or before.number is None:
        return None
    by = now.number - before.number
    tone = ""
    if definition.better and by:
        tone = "good" if (by > 0) == (definition.better == "more") else "bad"
    if definition.unit == "%":
        return Change(f"{by:+.1f} {POINTS}", tone)
    if not before.number:
        return Change(BEFORE_IS_ZERO if by else "持平", tone)
    return Change(f"{by * 100 / before.number:+.1f}%" if by else "持平", tone)


# -- charts ------------------------------------------------------------------------------------------------


def _charts(board: Board, definitions: Sequence[Definition], prefix: str) -> Iterator[Chart]:
    """Over time, one chart for each unit; and of what falls into parts, its parts."""
    for number, unit in enumerate(dict.fromkeys(each.unit for each in definitions)):
        same = [each for each in definitions if each.unit == unit]
        for at in range(0, len(same), MOST_SERIES):
            some = same[at : at + MOST_SERIES]
            yield over_lines(f"{prefix}-{number}-{at}", board, some)
    for each in definitions:
        parts = board.parts.get(each.code, ())
        if each.parts and parts:
            yield Chart(
                id=f"{prefix}-parts-{each.code}",
                title=f"{each.name}构成",
                kind="parts",
                unit=each.unit,
                labels=[part.name for part in parts],
                series=[{"name": each.name, "data": [part.value.number for part in parts]}],
                hidden=sum(part.value.hidden for part in parts),
            )


def over_lines(chart_id: str, board: Board, definitions: Sequence[Definition]) -> Chart:
    """Figures of one unit over the board's lines."""
    first = definitions[0]
    over_time = board.query.by in (By.DAY, By.MONTH)
    values = {each.code: [line.get(each.code) for line in board.lines] for each in definitions}
    # What was nothing all the time takes no room; the table says so.
    drawn = [each for each in definitions if any(value.number for value in values[each.code])] or [first]
    crowded = len(board.lines) > (FEW_BARS if len(drawn) > 1 else MANY_BARS)
    is_line = over_time and (first.unit == "%" or first.formula in LEVELS or crowded)
    return Chart(
        id=chart_id,
        title="、".join(each.name for each in drawn),
        kind="line" if is_line else "bar" if over_time else "parts",
        unit=first.unit,
        labels=[label(line, board) for line in board.lines],
        series=[{"name": each.name, "data": [value.number for value in values[each.code]]} for each in drawn],
        hidden=sum(value.hidden for each in drawn for value in values[each.code]),
    )


def label(line: Line, board: Board) -> str:
    """A line's name below a chart: a day without its year; today has only begun, and that is said."""
    if board.query.by is not By.DAY:
        return line.name
    return "今天" if line.key == clock.civil_date(board.at).isoformat() else line.key[5:]


# -- words and numbers -------------------------------------------------------------------------------------


def shown(value: Value, definition: Definition) -> str:
    """A figure as people read it, without its unit."""
    if value.hidden:
        return HIDDEN
    if value.number is None:
        return NONE
    if definition.unit == "元":
        return f"{value.number:,.2f}"
    return f"{value.number:,.1f}" if value.number % 1 else f"{value.number:,.0f}"


def plain(number: float) -> str:
    """A target as it is typed: without what it does not need."""
    return f"{number:.2f}".rstrip("0").rstrip(".")


def cell(value: Value) -> Cell:
    """A figure in a spreadsheet: a number that can be reckoned with."""
    return HIDDEN if value.hidden else value.number


def titles(definitions: Iterable[Definition]) -> list[str]:
    """Heads of columns: each figure with its unit."""
    return [f"{each.name}（{each.unit}）" for each in definitions]


# -- files -------------------------------------------------------------------------------------------------


def sheets(board: Board, before: Board, places: Board | None, of_places: str) -> list[Sheet]:
    """The board as sheets: the whole, over time, by place, in parts, and what each figure means."""
    by_time = "按月" if board.query.by is By.MONTH else "按日"
    made = [_whole(board, before), _lines(by_time, "日期", board)]
    if places is not None:
        made.append(_lines(of_places, "名称", places))
    made.append(_parts(board))
    return [*made, _meanings(board)]


def _whole(board: Board, before: Board) -> Sheet:
    rows = []
    for each in board.definitions:
        now, then = board.total.get(each.code), before.total.get(each.code)
        changed = change(now, then, each)
        rows.append([each.name, each.unit, cell(now), cell(then), changed.text if changed else None])
    return Sheet("合计", ["指标", "单位", "本期", "上期", "比上期"], rows)


def _lines(title: str, first: str, board: Board) -> Sheet:
    rows = [
        [line.name, *(cell(line.get(each.code)) for each in board.definitions)]
        for line in (*board.lines, board.total)
    ]
    return Sheet(title, [first, *titles(board.definitions)], rows)


def _parts(board: Board) -> Sheet:
    rows = [
        [each.name, part.name, cell(part.value), each.unit]
        for each in board.definitions
        for part in board.parts.get(each.code, ())
    ]
    return Sheet("构成", ["指标", "渠道或类别", "数值", "单位"], rows)


def _meanings(board: Board) -> Sheet:
    rows = []
    for each in board.definitions:
        assumption = board.assumptions.get(each.assumption)
        assumed = assumption.text if assumption else ""
        rows.append([each.name, each.unit, each.what, each.source, each.since, assumed])
    return Sheet("指标说明", ["指标", "单位", "统计什么", "来自", "起始", "假定"], rows)


def as_rows(made: Sequence[Sheet]) -> list[list[str]]:
    """The sheets below each other, for a file that has only one."""
    rows: list[list[str]] = []
    for sheet in made:
        rows += [[sheet.title], list(sheet.head)]
        rows += [["" if each is None else str(each) for each in row] for row in sheet.rows]
        rows.append([])
    return rows[:-1]
