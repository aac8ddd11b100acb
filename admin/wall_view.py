"""What the wall shows: today in large figures, the month, thirty days as charts, districts as a map. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from math import ceil, sqrt
from statistics import fmean

from admin import board_view
from admin.board_view import Chart
from backend.directory.models import Organization
from backend.statistics.board_models import Board, Definition, Value
from backend.statistics.counted import FEWEST

TODAY = ("bookings", "arrivals", "paid_fen", "codes_used", "report_lookups", "messages")
MONTH = (
    "bookings", "show_rate", "hours_saved", "paid_fen", "recognitions", "recognised_fen", "record_accesses",
    "duplicate_medicines", "referrals_up", "referrals_down", "surveys_completed", "satisfaction",
    "births_completed", "birth_days", "connected", "quality_score",
)  # fmt: skip
ON_THE_MAP = ("bookings", "arrivals", "paid_fen")
TREND = ("bookings", "arrivals")
READINGS = ("record_accesses", "report_lookups")
# How dark a district is, by its share of the greatest.
SHADES = 4
_WAN = 10_000


@dataclass(frozen=True, slots=True)
class Number:
    """One figure on the wall: its name, the number as it can be read from afar, its unit."""

    code: str
    name: str
    text: str
    unit: str


@dataclass(frozen=True, slots=True)
class Tile:
    """A district on the map."""

    name: str
    places: int
    numbers: tuple[Number, ...]
    shade: int


def numbers(board: Board, values: Mapping[str, Value], codes: Sequence[str]) -> list[Number]:
    """The figures of these codes that the board knows."""
    found = ((board.definition(code), values.get(code, Value())) for code in codes)
    return [number(definition, value) for definition, value in found if definition is not None]


def number(definition: Definition, value: Value) -> Number:
    """A figure read from afar: from ten thousand on in 万."""
    if value.number is not None and value.number >= _WAN:
        return Number(definition.code, definition.name, f"{value.number / _WAN:,.1f}", f"万{definition.unit}")
    whole = definition.unit == "元" and value.number is not None
    text = f"{value.number:,.0f}" if whole else board_view.shown(value, definition)
    return Number(definition.code, definition.name, text, definition.unit if value.number is not None else "")


def veiled(days: Board, month: Board) -> Board:
    """The days without those that the month's numbers beside them would tell.

    Both stand on one wall: a month without its shown days is what its hidden ones had.
    """
    first = month.query.from_on.isoformat()
    mine = {number: dict(line.values) for number, line in enumerate(days.lines) if line.key >= first}
    for each in days.definitions:
        whole = month.total.get(each.code).number
        hidden = [number for number, values in mine.items() if _of(values, each.code).hidden]
        if whole is None or not hidden:
            continue
        shown = {number: count for number in mine if (count := _of(mine[number], each.code).number)}
        left = whole - sum(shown.values())
        for number in sorted(shown, key=lambda number: shown[number]):
            if len(hidden) > 1 and left >= FEWEST:
                break
            mine[number][each.code] = Value(hidden=True)
            hidden.append(number)
            left += shown[number]
    lines = (
        replace(line, values=mine[number]) if number in mine else line
        for number, line in enumerate(days.lines)
    )
    return replace(days, lines=tuple(lines))


def charts(days: Board) -> list[Chart]:
    """The days that are over: bookings and arrivals, through what they were booked, money, readings.

    Today has only begun, and from afar it would look like a fall.
    """
    found = []
    over = replace(days, lines=days.lines[:-1])
    for chart_id, codes in (("trend", TREND), ("money", ("paid_fen",)), ("readings", READINGS)):
        mine = [each for each in days.definitions if each.code in codes]
        if mine:
            found.append(board_view.over_lines(chart_id, over, mine))
    channels = days.parts.get("bookings", ())
    if channels:
        data = [part.value.number for part in channels]
        labels = [part.name for part in channels]
        series = [{"name": "预约量", "data": data}]
        found.append(Chart("channels", "各渠道预约", "parts", "人次", labels, series, 0))
    return found


def tiles(districts: Board, organizations: Iterable[Organization]) -> tuple[int, list[Tile]]:
    """How many columns the map has, and its tiles row by row: north above south, west before east."""
    known: dict[str, list[Organization]] = {}
    for each in organizations:
        if each.district:
            known.setdefault(each.district, []).append(each)
    values = {line.key: line.values for line in districts.lines if line.key}
    most = max((_count(values.get(name, {})) for name in known), default=0)
    columns = ceil(sqrt(len(known))) if known else 1
    made = []
    for name in _laid_out(known, columns):
        mine = values.get(name, {})
        shade = ceil(_count(mine) * SHADES / most) if most else 0
        shown = numbers(districts, mine, ON_THE_MAP)
        made.append(Tile(name, len(known[name]), tuple(shown), shade))
    return columns, made


def _of(values: Mapping[str, Value], code: str) -> Value:
    return values.get(code, Value())


def _count(values: Mapping[str, Value]) -> float:
    return values.get(ON_THE_MAP[0], Value()).number or 0


def _laid_out(known: Mapping[str, Sequence[Organization]], columns: int) -> list[str]:
    """Districts in rows from north to south, each row from west to east, by where their institutions are."""
    middle = {
        name: (_mean(each.lat for each in of), _mean(each.lng for each in of)) for name, of in known.items()
    }
    southwards = sorted(known, key=lambda name: (-middle[name][0], name))
    rows = [southwards[at : at + columns] for at in range(0, len(southwards), columns)]
    return [name for row in rows for name in sorted(row, key=lambda name: (middle[name][1], name))]


def _mean(numbers: Iterable[float | None]) -> float:
    """Zero where nobody knows: at the edge of the map."""
    known = [each for each in numbers if each is not None]
    return fmean(known) if known else 0.0
