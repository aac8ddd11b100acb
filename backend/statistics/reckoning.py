"""From counters to figures, and which of them are too small to be shown. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import replace

from backend.statistics.board_models import Definition, Formula, Line, Part, Value
from backend.statistics.counted import hidden_cells, is_small, suppressed
from backend.statistics.definitions import Book
from backend.statistics.models import Measure, Row, Total

# What a line has been counted: by measure, channel and extra.
Cell = tuple[Measure, str, str]
Sums = dict[Cell, Total]
_COUNTED = (Formula.COUNT, Formula.MONEY, Formula.MEAN, Formula.SHARE, Formula.WEIGHED)


def summed(rows: Iterable[Row]) -> Sums:
    """Rows added up."""
    sums: Sums = {}
    for row in rows:
        cell = (row.measure, row.channel, row.extra)
        sums[cell] = sums.get(cell, Total()) + row.total
    return sums


def total_of(sums: Sums, measure: Measure, extras: Sequence[str] = ()) -> Total:
    """The total of a measure, of everything or of what has one of these extras."""
    found = Total()
    for (of, _, extra), total in sums.items():
        if of is measure and (not extras or extra in extras):
            found += total
    return found


def number_of(definition: Definition, sums: Sums, book: Book) -> float | None:
    """The figure's number; None where there is nothing to divide by."""
    total = total_of(sums, definition.measure, definition.extras)
    match definition.formula:
        case Formula.COUNT:
            return total.count / definition.divisor if definition.divisor > 1 else total.count
        case Formula.MONEY:
            return round(total.fen / definition.divisor, 2)
        case Formula.MEAN:
            return round(total.amount / total.count / definition.divisor, 1) if total.count else None
        case Formula.SHARE:
            of = total_of(sums, definition.of or definition.measure, ()).count
            return round(total.count * 100 / of, 1) if of > 0 else None
        case Formula.WEIGHED:
            amounts = book.assumptions[definition.assumption].amounts
            weighed = sum(
                each.count * amounts.get(channel, 0)
                for (measure, channel, _), each in sums.items()
                if measure is definition.measure
            )
            return round(weighed / definition.divisor)
        case Formula.LEVEL:
            return total.amount if total.count else None
        case Formula.LEVEL_MEAN:
            return round(total.amount / total.count / definition.divisor, 1) if total.count else None


def line(
    of: Line,
    sums: Sums,
    definitions: Iterable[Definition],
    book: Book,
    hidden: Set[str],
) -> Line:
    """A line with its figures, but for those that rest on a hidden count."""
    values = {}
    for each in definitions:
        if hidden & _columns(each):
            values[each.code] = Value(hidden=True)
        else:
            values[each.code] = Value(number_of(each, sums, book))
    return replace(of, values=values)


def hidden_in(lines: Mapping[str, Sums], definitions: Sequence[Definition]) -> dict[str, set[str]]:
    """By line, the columns that must not be shown beside the sums over the lines."""
    return hidden_cells({key: _counts(sums, definitions) for key, sums in lines.items()})


def hidden_alone(sums: Sums, definitions: Sequence[Definition]) -> set[str]:
    """The columns of a total that are too small by themselves."""
    return {column for column, count in _counts(sums, definitions).items() if is_small(count)}


def parts(definition: Definition, sums: Sums, book: Book, *, hide: bool) -> tuple[Part, ...]:
    """The parts of a figure's total, the greatest first; the small and what would tell them are hidden."""
    found: dict[str, Total] = {}
    for (measure, channel, extra), total in sums.items():
        if measure is definition.measure and (not definition.extras or extra in definition.extras):
            key = channel if definition.parts == "channel" else extra
            found[key] = found.get(key, Total()) + total
    keys = sorted((key for key in found if found[key].count), key=lambda key: (-found[key].count, key))
    hidden = suppressed([found[key].count for key in keys]) if hide else [False] * len(keys)
    shown = []
    for key, secret in zip(keys, hidden, strict=True):
        money = definition.formula is Formula.MONEY
        number = round(found[key].fen / definition.divisor, 2) if money else found[key].count
        value = Value(hidden=True) if secret else Value(number)
        shown.append(Part(key, book.name_of(definition.parts, key), value))
    return tuple(shown)


def rests_of(definition: Definition, lines: Mapping[str, Sums]) -> dict[str, int]:
    """The counts that a figure rests on: of each line, of the whole, and of its parts."""
    whole: Sums = {}
    for sums in lines.values():
        for cell, total in sums.items():
            whole[cell] = whole.get(cell, Total()) + total
    places = {"whole": whole} | {f"line|{key}": sums for key, sums in lines.items()}
    found = {
        f"{place}|{column}": count
        for place, sums in places.items()
        for column, count in _counts(sums, [definition]).items()
    }
    if definition.hides and (definition.parts or definition.formula is Formula.WEIGHED):
        for (measure, channel, extra), total in whole.items():
            if measure is definition.measure and (not definition.extras or extra in definition.extras):
                part = f"part|{extra if definition.parts == 'extra' else channel}"
                found[part] = found.get(part, 0) + total.count
    return found


def _columns(definition: Definition) -> set[str]:
    """The counts a figure rests on: with any of them it would tell what is hidden."""
    if not definition.hides or definition.formula not in _COUNTED:
        return set()
    own = _column(definition.measure, definition.extras)
    return {own, _column(definition.of)} if definition.of else {own}


def _counts(sums: Sums, definitions: Sequence[Definition]) -> dict[str, int]:
    counts: dict[str, int] = {}
    for each in definitions:
        if not each.hides or each.formula not in _COUNTED:
            continue
        counts[_column(each.measure, each.extras)] = total_of(sums, each.measure, each.extras).count
        if each.of:
            counts[_column(each.of)] = total_of(sums, each.of).count
    return counts


def _column(measure: Measure, extras: Sequence[str] = ()) -> str:
    return f"{measure}:{'+'.join(sorted(extras))}"
