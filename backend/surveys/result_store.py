"""The figures of surveys: counters by questionnaire, place and month, fed by runs, each counted once."""

from __future__ import annotations

from collections.abc import Collection as Ids
from collections.abc import Mapping, Sequence

from pymongo import ASCENDING, UpdateOne

from backend.db.client import Database, Document
from backend.db.figures import FigureStore
from backend.security.fields import FieldCipher
from backend.surveys.models import Run
from backend.surveys.results_models import TOTALS, Level, Place, Row
from backend.surveys.run_store import RunStore

_ATTRIBUTES = ("questionnaire_id", "level", "organization_id", "department_id", "practitioner_id", "month")


class ResultStore:
    """Collection `survey_results`, and what of `survey_runs` is not yet in it."""

    def __init__(self, db: Database, cipher: FieldCipher) -> None:
        self._figures = FigureStore(db, "survey_runs", "survey_results", _ATTRIBUTES)
        self._results = db.collection("survey_results")
        self._read_run = RunStore(db, cipher).read

    async def uncounted(self, limit: int) -> list[Run]:
        """Runs to which something has happened that no figure knows."""
        return [self._read_run(doc) for doc in await self._figures.uncounted(limit)]

    async def count(
        self, runs: Sequence[Run], increments: Mapping[tuple[str, ...], Mapping[str, int]]
    ) -> bool:
        """Add up what happened to these runs; all of it or, if any was counted elsewhere, nothing."""
        marks = [UpdateOne(_as_read(run), _taken_off(run)) for run in runs]
        return await self._figures.settle(marks, increments)

    async def read(
        self,
        questionnaire_id: str,
        level: Level,
        months: tuple[str, str],
        within: Ids[str] | None,
        *,
        answers: bool = False,
    ) -> list[Row]:
        """The counters of one level, months from and to, with the answers' only where they are wanted."""
        matching: Document = {
            "questionnaire_id": questionnaire_id,
            "level": str(level),
            "month": {"$gte": months[0], "$lte": months[1]},
        }
        if within is not None:
            matching["organization_id"] = {"$in": sorted(within)}
        fields = None if answers else {"counts": 0, "words": 0, "sums": 0}
        found = self._results.find(matching, fields).sort("month", ASCENDING)
        return [_row(doc) async for doc in found]

    async def by_place(
        self, level: Level, span: tuple[str, str], within: Ids[str] | None
    ) -> list[tuple[str, str, Mapping[str, int]]]:
        """Totals of all questionnaires together: month or day, institution, and what was counted."""
        matching: Document = {"level": str(level), "month": {"$gte": span[0], "$lte": span[1]}}
        if within is not None:
            matching["organization_id"] = {"$in": sorted(within)}
        place = {name: f"${name}" for name in ("month", "organization_id")}
        sums = {name: {"$sum": f"${name}"} for name in TOTALS}
        found = await self._results.aggregate([{"$match": matching}, {"$group": {"_id": place, **sums}}])
        return [
            (doc["_id"]["month"], doc["_id"]["organization_id"], {name: doc[name] for name in TOTALS})
            async for doc in found
        ]


def _as_read(run: Run) -> Document:
    """The run as it was when it was read, as far as its counting goes."""
    return {"_id": run.id, "counted": run.counted, "by_day": True if run.by_day else {"$ne": True}}


def _taken_off(run: Run) -> list[Document]:
    """Take off what was read: more may have been put behind it meanwhile."""
    seen = len(run.to_count)
    left = {"$slice": ["$to_count", seen, {"$max": [1, {"$size": "$to_count"}]}]}
    return [
        {"$set": {"to_count": left, "counted": run.counted + seen, "by_day": True}},
        {"$set": {"count_due": {"$gt": [{"$size": "$to_count"}, 0]}}},
    ]


def _row(doc: Document) -> Row:
    known = {*_ATTRIBUTES, "_id", "counts", "words", "sums", "through"}
    return Row(
        place=Place(*(doc[name] for name in _ATTRIBUTES)),
        totals={name: value for name, value in doc.items() if name not in known},
        through=doc.get("through", {}),
        counts=doc.get("counts", {}),
        sums=doc.get("sums", {}),
        words=doc.get("words", {}),
    )
