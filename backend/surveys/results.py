"""The figures as they may be shown: added up from counters, silent about the few who could be recognised."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from collections.abc import Collection as Ids
from dataclasses import replace
from datetime import date

from backend.permissions import Actor
from backend.statistics.counted import FEWEST, is_small, suppressed
from backend.surveys.closing import Bin, bins, shown, year_of
from backend.surveys.counting import escaped, unescaped, week_of
from backend.surveys.questionnaire import WITH_OPTIONS, Kind, Question, Questionnaire
from backend.surveys.result_store import ResultStore
from backend.surveys.results_models import (
    Count,
    Figures,
    Level,
    Line,
    QuestionFigures,
    Results,
    Row,
)

MONTHS_SHOWN = 12
MOST_LINES = 200


class Reading:
    """Reads the figures within an actor's hospitals."""

    def __init__(self, results: ResultStore) -> None:
        self._results = results

    async def results(
        self,
        actor: Actor,
        questionnaire_id: str,
        questionnaire: Questionnaire,
        *,
        last: date,
        organization_id: str = "",
        months: int = MONTHS_SHOWN,
    ) -> Results:
        """A questionnaire's figures for so many months up to `last`, of one hospital or of all in scope."""
        scope = actor.organization_ids
        within = frozenset({organization_id}) if organization_id else scope
        first = month_before(last, months - 1)
        # From the turn of the year on: how months are put together must not depend on the period asked for.
        period = (year_of(first), f"{last:%Y-%m}")
        level = Level.CITY if within is None else Level.ORGANIZATION
        whole = await self._results.read(questionnaire_id, level, period, within, answers=True)
        everywhere = await self._results.read(questionnaire_id, Level.ORGANIZATION, period, scope)
        lines: dict[Level, list[Row]] = {Level.DEPARTMENT: [], Level.PRACTITIONER: []}
        if within is not None:
            for finer in lines:
                lines[finer] = await self._results.read(questionnaire_id, finer, period, within)
        places = _places(everywhere, lambda row: row.place.organization_id, first)
        # The page of one hospital beside that of all is a subtraction, too.
        told_else = _told_beside_the_others(everywhere, organization_id)
        if organization_id:
            places = tuple(line for line in places if line.id == organization_id)
        total = _figures(
            whole, first, hide=bool(organization_id) and any(each.figures.hidden for each in places)
        )
        told = [] if total.hidden else shown(whole, first, _completed)
        return Results(
            total=total,
            months=_months(whole, first, told_else),
            organizations=places,
            departments=_places(lines[Level.DEPARTMENT], lambda row: row.place.department_id, first),
            practitioners=_places(lines[Level.PRACTITIONER], lambda row: row.place.practitioner_id, first),
            questions=() if total.hidden else _questions(questionnaire, whole, first),
            words=_words(told),
            through=_merged(row.through for row in told),
        )

    async def week(
        self, actor: Actor, questionnaire_id: str, questionnaire: Questionnaire, on: date
    ) -> tuple[Figures, tuple[QuestionFigures, ...], tuple[Count, ...]]:
        """One week of the actor's hospitals: totals, answers, and what was spoken of."""
        week = week_of(on)
        rows = await self._results.read(
            questionnaire_id, Level.WEEK, (week, week), actor.organization_ids, answers=True
        )
        total = _figures(rows, None)
        if total.hidden:
            return total, (), ()
        return total, _questions(questionnaire, rows, None), _words(rows)


def month_before(on: date, months: int) -> str:
    """The month so many months before a day's."""
    number = on.year * 12 + on.month - 1 - months
    return f"{number // 12:04d}-{number % 12 + 1:02d}"


def _completed(row: Row) -> int:
    return row.totals.get("completed", 0)


def _answered(name: str) -> Callable[[Row], int]:
    return lambda row: row.sums.get(name, {}).get("answered", 0)


def _scored(row: Row) -> int:
    return row.totals.get("scored", 0)


def _told_beside_the_others(rows: Sequence[Row], organization_id: str) -> frozenset[str]:
    """The months of one hospital that must not be shown, for they would tell of another with few answers."""
    found = set()
    for month in {row.place.month for row in rows if organization_id}:
        there = [row for row in rows if row.place.month == month]
        hidden = suppressed([_completed(row) for row in there])
        if any(
            hide and row.place.organization_id == organization_id
            for row, hide in zip(there, hidden, strict=True)
        ):
            found.add(month)
    return frozenset(found)


def _places(rows: Iterable[Row], key: Callable[[Row], str], first: str) -> tuple[Line, ...]:
    """A line for each hospital, department or doctor: what may be compared first, the best of it on top."""
    groups: dict[str, list[Row]] = {}
    for row in rows:
        groups.setdefault(key(row), []).append(row)
    groups = {one: mine for one, mine in groups.items() if any(row.place.month >= first for row in mine)}
    sums = [_summed(row for row in mine if row.place.month >= first) for mine in groups.values()]
    hidden, unscored = (suppressed([each[name] for each in sums]) for name in ("completed", "scored"))
    lines = [
        Line(one, _figures(mine, first, hide=hidden[place], unscored=unscored[place]))
        for place, (one, mine) in enumerate(groups.items())
    ]
    lines.sort(key=lambda line: (line.figures.percent is None, -(line.figures.percent or 0), line.id))
    return tuple(lines[:MOST_LINES])


def _months(rows: Sequence[Row], first: str, told_else: Ids[str]) -> tuple[Line, ...]:
    """A line for each month. How satisfied people were says the month in which enough had answered."""
    lines = []
    for month in sorted({row.place.month for row in rows if row.place.month >= first}):
        mine = [row for row in rows if row.place.month == month]
        told, scored = (
            [each for each in bins(rows, people) if each.month == month] for people in (_completed, _scored)
        )
        behind = {row.place.month for each in (*told, *scored) for row in each.rows}
        hide = not told or bool(behind & set(told_else))
        figures = _with_scores(_counts(mine, hide=hide), _in(told), _in(scored))
        lines.append(Line(month, figures))
    return tuple(lines)


def _in(found: Iterable[Bin]) -> list[Row]:
    return [row for each in found for row in each.rows]


def _summed(rows: Iterable[Row]) -> Counter[str]:
    return _merged(row.totals for row in rows)


def _merged(parts: Iterable[Mapping[str, int]]) -> Counter[str]:
    total: Counter[str] = Counter()
    for part in parts:
        total.update(part)
    return total


def _figures(
    rows: Sequence[Row], first: str | None, *, hide: bool = False, unscored: bool = False
) -> Figures:
    """What became of all who were asked since `first`, and how satisfied those were who may be shown."""
    scored = [] if unscored else _told(rows, first, _scored)
    counts = _counts([row for row in rows if first is None or row.place.month >= first], hide=hide)
    return _with_scores(counts, _told(rows, first, _completed), scored)


def _told(rows: Sequence[Row], first: str | None, people: Callable[[Row], int]) -> Sequence[Row]:
    """What is shown since `first`; without it, all of it together."""
    return rows if first is None else shown(rows, first, people)


def _counts(rows: Iterable[Row], *, hide: bool = False) -> Figures:
    totals = _summed(rows)
    return Figures(
        planned=totals["planned"],
        sent=totals["sent"],
        completed=totals["completed"],
        refused=totals["refused"],
        expired=totals["expired"],
        hidden=hide or totals["completed"] < FEWEST,
    )


def _with_scores(figures: Figures, told: Iterable[Row], rows: Iterable[Row]) -> Figures:
    if figures.hidden:
        return figures
    figures, scores = replace(figures, tickets=_summed(told)["tickets"]), _summed(rows)
    scored = scores["scored"]
    if scored < FEWEST:
        return figures
    return replace(
        figures,
        percent=round(scores["points"] / scored),
        satisfied=round(scores["satisfied"] * 100 / scored),
        dissatisfied=round(scores["dissatisfied"] * 100 / scored),
    )


def _questions(
    questionnaire: Questionnaire, rows: Sequence[Row], first: str | None
) -> tuple[QuestionFigures, ...]:
    found = []
    for question in questionnaire.questions:
        if question.asks:
            name = escaped(question.id)
            told = _told(rows, first, _answered(name))
            counts = _merged(row.counts.get(name, {}) for row in told)
            sums = _merged(row.sums.get(name, {}) for row in told)
            found.append(_question(question, counts, sums))
    return tuple(found)


def _question(question: Question, counts: Mapping[str, int], sums: Mapping[str, int]) -> QuestionFigures:
    answered = sums.get("answered", 0)
    # A short wording is known to whoever reads figures; the whole one is in the questionnaire.
    if answered < FEWEST:
        return QuestionFigures(question.id, question.text, question.kind, None if answered else 0)
    shown = _options(question, counts)
    counts_shown = [count for _, _, count in shown]
    # Of several that may be chosen together there is no sum to reckon from.
    alone = question.kind is Kind.MULTIPLE
    hidden = [is_small(count) for count in counts_shown] if alone else suppressed(counts_shown)
    return QuestionFigures(
        question_id=question.id,
        text=question.text,
        kind=question.kind,
        answered=answered,
        counts=tuple(
            Count(value, text, None if hide else count)
            for (value, text, count), hide in zip(shown, hidden, strict=True)
        ),
        mean=round(sums["hundredths"] / answered / 100, 1) if "hundredths" in sums else None,
    )


def _options(question: Question, counts: Mapping[str, int]) -> list[tuple[str, str, int]]:
    if question.kind in WITH_OPTIONS:
        return [
            (option.value, option.text, counts.get(escaped(option.value), 0)) for option in question.options
        ]
    if question.kind is Kind.SCALE and question.minimum is not None and question.maximum is not None:
        numbers = range(int(question.minimum), int(question.maximum) + 1)
        return [(str(n), f"{n}分", counts.get(str(n), 0)) for n in numbers]
    return []


def _words(rows: Sequence[Row]) -> tuple[Count, ...]:
    counts = _merged(row.words for row in rows)
    frequent = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    return tuple(Count(name, unescaped(name), count) for name, count in frequent if count >= FEWEST)
