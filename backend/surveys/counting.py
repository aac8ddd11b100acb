"""From runs to figures: what each thing that happened to a run adds to which counter."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal

from backend import clock
from backend.surveys.models import Run, RunState
from backend.surveys.questionnaire import WITH_OPTIONS, Kind, Question, Questionnaire, Value, relevant
from backend.surveys.questionnaire_store import QuestionnaireStore
from backend.surveys.result_store import ResultStore
from backend.surveys.results_models import DISSATISFIED, SATISFIED, TOTALS, Level, Place
from backend.surveys.screening import topics

BATCH = 500
# Fields of a document may not hold these; ids of questionnaires from elsewhere do.
_ESCAPED = str.maketrans({".": "\uff0e", "$": "\uff04", "|": "\uff5c"})
_UNESCAPED = str.maketrans({"\uff0e": ".", "\uff04": "$", "\uff5c": "|"})


class Counting:
    """Adds up, in batches, what is not in the figures yet."""

    def __init__(self, results: ResultStore, questionnaires: QuestionnaireStore) -> None:
        self._results = results
        self._questionnaires = questionnaires

    async def run(self, batches: int = 20) -> int:
        """Periodic: count what has happened; returns how many runs were counted."""
        done = 0
        for _ in range(batches):
            runs = await self._results.uncounted(BATCH)
            increments: dict[tuple[str, ...], Counter[str]] = {}
            for run in runs:
                added = await self._added(run)
                for place in places_of(run):
                    increments.setdefault(place, Counter()).update(added)
                increments.setdefault(day_of(run), Counter()).update(of_day(run, added))
            if not runs or not await self._results.count(runs, increments):
                break
            done += len(runs)
            if len(runs) < BATCH:
                break
        return done

    async def _added(self, run: Run) -> Counter[str]:
        added = Counter(run.to_count)
        if "completed" not in added:
            return added
        added.update(_scored(run))
        if run.through is not None:
            added[f"through.{run.through}"] += 1
        version = await self._questionnaires.find(run.questionnaire_id, run.version)
        if version is not None:
            added.update(of_answers(version.content, run))
        return Counter({name: count for name, count in added.items() if count})


def places_of(run: Run) -> list[Place]:
    """Every counter a run is counted in. The month is the one in which it happened what was asked about."""
    month = f"{clock.civil_date(run.happened_at):%Y-%m}"
    of = run.questionnaire_id
    department, practitioner = run.department_id or "", run.practitioner_id or ""
    found = [
        Place(of, Level.CITY, "", "", "", month),
        Place(of, Level.ORGANIZATION, run.organization_id, "", "", month),
        Place(of, Level.WEEK, run.organization_id, "", "", week_of(clock.civil_date(run.happened_at))),
    ]
    if department:
        found.append(Place(of, Level.DEPARTMENT, run.organization_id, department, "", month))
    if practitioner:
        found.append(Place(of, Level.PRACTITIONER, run.organization_id, department, practitioner, month))
    return found


def day_of(run: Run) -> Place:
    """The counter of the hospital's day on which it happened what was asked about."""
    on = clock.civil_date(run.happened_at).isoformat()
    return Place(run.questionnaire_id, Level.DAY, run.organization_id, "", "", on)


def of_day(run: Run, added: Mapping[str, int]) -> Counter[str]:
    """What a run adds to its day: the totals of this time, or all that it has been where its day lacks it.

    What was counted of an older run is not written down. What it has become says as much as the board shows.
    """
    if run.by_day:
        return Counter({name: count for name, count in added.items() if name in TOTALS})
    found = Counter({"sent": int(run.sent_at is not None or run.through is not None)})
    if run.state is RunState.COMPLETED:
        found["completed"] = 1
        found.update(_scored(run))
    return found


def _scored(run: Run) -> Counter[str]:
    if run.percent is None:
        return Counter()
    return Counter(
        scored=1,
        points=run.percent,
        satisfied=int(run.percent >= SATISFIED),
        dissatisfied=int(run.percent < DISSATISFIED),
    )


def week_of(on: date) -> str:
    """The week of a day, as 2026-W47."""
    year, week, _ = on.isocalendar()
    return f"{year:04d}-W{week:02d}"


def of_answers(questionnaire: Questionnaire, run: Run) -> Counter[str]:
    """What the answers of a completed run add: one for each option, sums of numbers, topics of texts."""
    added: Counter[str] = Counter()
    texts = []
    for question_id, value in relevant(questionnaire, run.answers).items():
        question = questionnaire.question(question_id)
        if question is None or value is None:
            continue
        if question.kind is Kind.TEXT:
            texts.append(str(value))
        added.update(_of_answer(question, value))
    added.update(f"words.{topic}" for topic in topics(texts))
    return added


def _of_answer(question: Question, value: Value) -> Counter[str]:
    name = escaped(question.id)
    added = Counter({f"sums.{name}.answered": 1})
    if question.kind in WITH_OPTIONS:
        chosen: Sequence[str] = value if isinstance(value, tuple) else (str(value),)
        added.update(f"counts.{name}.{escaped(each)}" for each in chosen)
    elif question.kind is Kind.SCALE:
        added[f"counts.{name}.{value}"] += 1
    if isinstance(value, int | Decimal):
        # Hundredths, so that counters stay whole.
        added[f"sums.{name}.hundredths"] += round(Decimal(value) * 100)
    return added


def escaped(name: str) -> str:
    """A name as it may stand in a document's field."""
    return name.translate(_ESCAPED)


def unescaped(name: str) -> str:
    """What was escaped."""
    return name.translate(_UNESCAPED)
