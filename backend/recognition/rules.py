"""The decision: whether one result of one hospital is to be recognised at another, and why or why not.

Every condition must hold by itself; what is not known speaks against. The doctor decides in the end.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from backend.recognition.lists import Item, Lists, Mark


class Verdict(StrEnum):
    """What the doctor is told."""

    RECOMMENDED = "recommended"
    # All conditions hold, but the list leaves it open (a lower hospital's result at a higher one).
    OPTIONAL = "optional"
    NOT_RECOMMENDED = "not_recommended"
    # The asking hospital's own: nothing to recognise, but good to know before ordering again.
    OWN = "own"


class Why(StrEnum):
    """What speaks against recognising, in the order in which it is said."""

    ASKING_NOT_LISTED = "asking_not_listed"
    SOURCE_NOT_LISTED = "source_not_listed"
    LEVEL = "level"
    NO_MARK = "no_mark"
    MARK_ELSEWHERE = "mark_elsewhere"
    MARK_LAPSED = "mark_lapsed"
    TOO_OLD = "too_old"
    IN_THE_FUTURE = "in_the_future"
    NOT_FINAL = "not_final"
    NO_VALUES = "no_values"
    NO_IMAGES = "no_images"


@dataclass(frozen=True, slots=True)
class Result:
    """What is known of a result that the list may cover."""

    item: Item
    organization_id: str
    on: date
    final: bool
    has_values: bool
    has_images: bool


@dataclass(frozen=True, slots=True)
class Judgement:
    """The verdict with what it rests on."""

    verdict: Verdict
    why: tuple[Why, ...] = ()
    mark: Mark | None = None
    age_days: int = 0


def judge(lists: Lists, asking: str, result: Result, today: date) -> Judgement:
    """Judge one result for the hospital that asks."""
    age = (today - result.on).days
    if result.organization_id == asking:
        return Judgement(Verdict.OWN, age_days=age)
    mark, no_mark = best_mark(lists, result)
    treatment, against = _by_level(lists, asking, result.organization_id)
    why = [*against, *([no_mark] if no_mark else []), *_of_the_result(result, age)]
    if why:
        return Judgement(Verdict.NOT_RECOMMENDED, tuple(why), mark, age)
    verdict = Verdict.RECOMMENDED if treatment == "recommend" else Verdict.OPTIONAL
    return Judgement(verdict, (), mark, age)


def best_mark(lists: Lists, result: Result) -> tuple[Mark | None, Why | None]:
    """The widest mark that covered us on the day of the result, else why there is none."""
    marks = lists.marks.get((result.organization_id, result.item.code), ())
    if not marks:
        return None, Why.NO_MARK
    covering = [mark for mark in marks if mark.scope == "national" or mark.area in lists.areas]
    if not covering:
        return None, Why.MARK_ELSEWHERE
    valid = [mark for mark in covering if result.on <= mark.valid_until]
    if not valid:
        return None, Why.MARK_LAPSED
    order = ("national", "province", "city")
    return min(valid, key=lambda mark: (order.index(mark.scope), mark.area)), None


def _by_level(lists: Lists, asking: str, source: str) -> tuple[str, list[Why]]:
    here, there = lists.institutions.get(asking), lists.institutions.get(source)
    against = [Why.ASKING_NOT_LISTED] if here is None else []
    if there is None:
        against.append(Why.SOURCE_NOT_LISTED)
    if here is None or there is None:
        return "no", against
    relations = ["alliance"] if here.alliance and here.alliance == there.alliance else []
    if there.level == here.level:
        relations.append("same")
    else:
        relations.append("higher" if there.level > here.level else "lower")
    treatments = {lists.levels.get(relation, "no") for relation in relations}
    for treatment in ("recommend", "optional"):
        if treatment in treatments:
            return treatment, []
    return "no", [Why.LEVEL]


def _of_the_result(result: Result, age: int) -> list[Why]:
    why = []
    if age < 0:
        why.append(Why.IN_THE_FUTURE)
    if age > result.item.valid_days:
        why.append(Why.TOO_OLD)
    if not result.final:
        why.append(Why.NOT_FINAL)
    if result.item.form == "lab" and not result.has_values:
        why.append(Why.NO_VALUES)
    if result.item.form == "image" and not result.has_images:
        why.append(Why.NO_IMAGES)
    return why
