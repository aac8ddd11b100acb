"""The next edition of a month that was counted anew: what may be told beside the edition before. Pure."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from backend.statistics.counted import is_small
from backend.statistics.open_schemas import Cell, ChangeOut, InstitutionOut, MonthOut, PartOut

# By figure, the counts that it rests on wherever it is told. They are published nowhere.
Rests = Mapping[str, Mapping[str, int]]


@dataclass(frozen=True, slots=True)
class Counted:
    """A month as it is told, and what that rests on."""

    month: MonthOut
    rests: Rests


def revised(known: Counted, found: Counted) -> Counted | None:
    """The edition that comes after `known`; None when there is nothing else to be told.

    Two editions lie side by side for everybody: the difference of two counts is a count. So a figure is told
    anew in the whole month or not at all, and not while any of its counts has changed by a few.
    """
    kept = {
        code
        for code, before in known.rests.items()
        if code in found.rests and not may_be_told(before, found.rests[code])
    }
    codes = [each.code for each in found.month.figures]
    month = found.month.model_copy(
        update={
            "total": {code: (known if code in kept else found).month.total.get(code) for code in codes},
            "institutions": _institutions(known.month, found.month, kept, codes),
            "parts": _parts(known.month, found.month, kept, codes),
        }
    )
    changes = _changes(known.month, month)
    if not changes:
        return None
    rests = {code: (known if code in kept else found).rests[code] for code in codes}
    return Counted(month.model_copy(update={"changes": changes}), rests)


def may_be_told(before: Mapping[str, int], now: Mapping[str, int]) -> bool:
    """Whether none of the counts has changed by so few that the difference would say who they were."""
    return not any(is_small(abs(now.get(key, 0) - before.get(key, 0))) for key in {*before, *now})


def _institutions(
    known: MonthOut, found: MonthOut, kept: Collection[str], codes: Collection[str]
) -> list[InstitutionOut]:
    before = {each.institution_id: each.values for each in known.institutions}
    now = {each.institution_id: each.values for each in found.institutions}
    places = {each.institution_id: each for each in (*known.institutions, *found.institutions)}
    made = [
        each.model_copy(
            update={
                "values": {code: (before if code in kept else now).get(id, {}).get(code) for code in codes}
            }
        )
        for id, each in places.items()
    ]
    return sorted(made, key=lambda each: (each.institution_id == "", each.institution))


def _parts(known: MonthOut, found: MonthOut, kept: Collection[str], codes: Collection[str]) -> list[PartOut]:
    return [
        part for code in codes for part in (known if code in kept else found).parts if part.figure == code
    ]


def _changes(before: MonthOut, after: MonthOut) -> list[ChangeOut]:
    changes = []
    for figure in after.figures:
        then, now = _cells(before, figure.code), _cells(after, figure.code)
        values = sum(then.get(key) != now.get(key) for key in {*then, *now})
        if values:
            changes.append(
                ChangeOut(
                    figure=figure.code,
                    name=figure.name,
                    values=values,
                    before=before.total.get(figure.code),
                    after=after.total.get(figure.code),
                )
            )
    return changes


def _cells(month: MonthOut, code: str) -> dict[tuple[str, str], Cell]:
    """Every value of a figure, by where it is told."""
    cells: dict[tuple[str, str], Cell] = {("total", ""): month.total.get(code)}
    cells |= {("institution", each.institution_id): each.values.get(code) for each in month.institutions}
    cells |= {("part", each.part): each.value for each in month.parts if each.figure == code}
    return cells
