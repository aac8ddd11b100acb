"""The figures as they may be shown: added up from counters, silent about the few who could be recognised."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import date

from backend.permissions import Actor
from backend.statistics.counted import FEWEST, is_small, suppressed
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
        within = frozenset({organization_id}) if organization_id else actor.organization_ids
        period = (month_before(last, months - 1), f"{last:%Y-%m}")
        level = Level.CITY if within is None else Level.ORGANIZATION
        whole = await self._results.read(questionnaire_id, level, period, within, answers=True)
        places = await self._results.read_sums(questionnaire_id, Level.ORGANIZATION, period, within)
        departments: list[Row] = []
        practitioners: list[Row] = []
        if within is not None:
            departments = await self._results.read_sums(questionnaire_id, Level.DEPARTMENT, period, within)
            practitioners = await self._results.read_sums(
                questionnaire_id, Level.PRACTITIONER, period, within
            )
        total = _figures(_summed(whole))
        return Results(
            total=total,
            months=_lines(whole, lambda row: row.place.month, by_id=True),
            organizations=_lines(places, lambda row: row.place.organization_id),
            departments=_lines(departments, lambda row: row.place.department_id),
            practitioners=_lines(practitioners, lambda row: row.place.practitioner_id),
            questions=() if total.hidden else _questions(questionnaire, whole),
            words=() if total.hidden else _words(whole),
            through=Counter() if total.hidden else _merged(row.through for row in whole),
        )

    async def week(
        self, actor: Actor, questionnaire_id: str, questionnaire: Questionnaire, on: date
    ) -> tuple[Figures, tuple[QuestionFigures, ...], tuple[Count, ...]]:
        """One week of the actor's hospitals: totals, answers, and what was spoken of."""
        week = week_of(on)
        rows = await self._results.read(
            questionnaire_id, Level.WEEK, (week, week), actor.organization_ids, answers=True
        )
        total = _figures(_summed(rows))
        if total.hidden:
            return total, (), ()
        return total, _questions(questionnaire, rows), _words(rows)


def month_before(on: date, months: int) -> str:
    """The month so many months before a day's."""
    number = on.year * 12 + on.month - 1 - months
    return f"{number // 12:04d}-{number % 12 + 1:02d}"


def _lines(rows: Iterable[Row], key: Callable[[Row], str], *, by_id: bool = False) -> tuple[Line, ...]:
    groups: dict[str, Counter[str]] = {}
    for row in rows:
        groups.setdefault(key(row), Counter()).update(row.totals)
    ids = list(groups)
    hidden = suppressed([groups[one]["completed"] for one in ids])
    lines = [Line(one, _figures(groups[one], hide=hide)) for one, hide in zip(ids, hidden, strict=True)]
    if by_id:
        return tuple(sorted(lines, key=lambda line: line.id))
    # What may be compared comes first, the best of it on top.
    lines.sort(key=lambda line: (line.figures.percent is None, -(line.figures.percent or 0), line.id))
    return tuple(lines[:MOST_LINES])


def _summed(rows: Iterable[Row]) -> Counter[str]:
    return _merged(row.totals for row in rows)


def _merged(parts: Iterable[Mapping[str, int]]) -> Counter[str]:
    total: Counter[str] = Counter()
    for part in parts:
        total.update(part)
    return total


def _figures(totals: Mapping[str, int], *, hide: bool = False) -> Figures:
    figures = Figures(
        planned=totals.get("planned", 0),
        sent=totals.get("sent", 0),
        completed=totals.get("completed", 0),
        refused=totals.get("refused", 0),
        expired=totals.get("expired", 0),
        tickets=totals.get("tickets", 0),
        hidden=hide or totals.get("completed", 0) < FEWEST,
    )
    scored = totals.get("scored", 0)
    if figures.hidden:
        return replace(figures, tickets=0)
    if scored < FEWEST:
        return figures
    return replace(
        figures,
        percent=round(totals.get("points", 0) / scored),
        satisfied=round(totals.get("satisfied", 0) * 100 / scored),
        dissatisfied=round(totals.get("dissatisfied", 0) * 100 / scored),
    )


def _questions(questionnaire: Questionnaire, rows: Sequence[Row]) -> tuple[QuestionFigures, ...]:
    found = []
    for question in questionnaire.questions:
        if question.asks:
            name = escaped(question.id)
            counts = _merged(row.counts.get(name, {}) for row in rows)
            sums = _merged(row.sums.get(name, {}) for row in rows)
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
