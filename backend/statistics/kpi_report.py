"""A month's sheet as a document to be printed. Pure; how it is drawn is the composition root's."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from backend import clock
from backend.statistics.board_models import Board, Definition, Value
from backend.statistics.kpi_models import Light, Sheet, Standing

LIGHTS = {Light.GREEN: "达标", Light.AMBER: "接近目标", Light.RED: "未达标"}
HIDDEN, NOTHING = "过小不显示", "—"
_COLUMNS = ("指标", "本月", "上月", "目标", "评价")
_WIDTHS = (34, 17, 17, 17, 15)
_PLACES = ("bookings", "show_rate", "recognitions", "satisfaction", "quality_score")


@dataclass(frozen=True, slots=True)
class Table:
    """A heading, the heads of columns with their widths, rows; `marked` are the numbers of rows to notice."""

    heading: str
    columns: tuple[str, ...]
    widths: tuple[int, ...]
    rows: tuple[tuple[str, ...], ...]
    marked: frozenset[int] = frozenset()


@dataclass(frozen=True, slots=True)
class Report:
    """The document: title, the line at the foot of each page, facts, tables, and a closing text."""

    title: str
    mark: str
    made_at: datetime
    facts: tuple[tuple[str, str], ...]
    tables: tuple[Table, ...]
    text: str


def report_of(sheet: Sheet, city_name: str, made_at: datetime, places: Board | None = None) -> Report:
    """The report of a sheet; `places` is the month by institution, in the city's report."""
    groups = list(dict.fromkeys(each.definition.group for each in sheet.standings))
    tables = [_table(group, sheet) for group in groups]
    if places is not None:
        tables.append(_of_places(places))
    if sheet.comments:
        tables.append(_comments(sheet))
    tables.append(_definitions(sheet))
    year, month = sheet.month.split("-")
    lights = sheet.lights()
    stands = "、".join(f"{text} {lights[light]} 项" for light, text in LIGHTS.items())
    return Report(
        title=f"{sheet.name} {year}年{int(month)}月运行月报",
        mark=f"{city_name} · 运行月报 · {sheet.month}",
        made_at=made_at,
        facts=(
            ("统计范围", sheet.name),
            ("统计月份", f"{year}年{int(month)}月{'（未结束，截至制表时）' if sheet.running else ''}"),
            ("目标完成", stands if any(lights.values()) else "本月未设目标"),
            ("制表时间", f"{made_at.astimezone(clock.CITY_ZONE):%Y-%m-%d %H:%M}"),
        ),
        tables=tuple(tables),
        text=f"“{HIDDEN}”指数值小于 5，或为防止由合计推算而隐去的数值；“{NOTHING}”表示无法计算或未设目标。",
    )


def shown(value: Value, definition: Definition) -> str:
    """A number as people read it."""
    if value.hidden:
        return HIDDEN
    return NOTHING if value.number is None else f"{_number(value.number)} {definition.unit}"


def _table(group: str, sheet: Sheet) -> Table:
    standings = [each for each in sheet.standings if each.definition.group == group]
    marked = frozenset(n for n, each in enumerate(standings) if each.light is Light.RED)
    return Table(group, _COLUMNS, _WIDTHS, tuple(_row(each) for each in standings), marked)


def _row(standing: Standing) -> tuple[str, ...]:
    of, target = standing.definition, standing.target
    light = LIGHTS[standing.light] if standing.light else NOTHING
    aim = NOTHING if target is None else f"{_number(target.value)} {of.unit}"
    return (of.name, shown(standing.value, of), shown(standing.before, of), aim, light)


def _of_places(board: Board) -> Table:
    figures = [each for code in _PLACES if (each := board.definition(code))]
    rows = tuple((line.name, *(shown(line.get(each.code), each) for each in figures)) for line in board.lines)
    widths = (30, *(14 for _ in figures))
    return Table("各机构", ("机构", *(each.name for each in figures)), widths, rows)


def _comments(sheet: Sheet) -> Table:
    names = {each.definition.code: each.definition.name for each in sheet.standings}
    rows = tuple(
        (f"{each.at.astimezone(clock.CITY_ZONE):%Y-%m-%d}", names.get(each.figure, "整体"), each.text)
        for each in sheet.comments
    )
    return Table("批注", ("日期", "指标", "内容"), (14, 18, 68), rows)


def _definitions(sheet: Sheet) -> Table:
    rows = tuple((each.definition.name, each.definition.what) for each in sheet.standings)
    return Table("统计口径", ("指标", "口径"), (22, 78), rows)


def _number(number: float) -> str:
    return f"{number:,.2f}".rstrip("0").rstrip(".") if number % 1 else f"{number:,.0f}"
