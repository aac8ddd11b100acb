"""The `survey_runs` collection: one document per person and campaign, the answers sealed."""

from __future__ import annotations

from collections.abc import Collection as Ids
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson
from pymongo import ASCENDING, DESCENDING, UpdateOne
from pymongo.errors import BulkWriteError

from backend import clock
from backend.db.client import Database, Document
from backend.db.gather import DUPLICATE_KEY, GatheredCalls
from backend.ids import new_id
from backend.security.fields import FieldCipher
from backend.security.lasting import declare_sealed
from backend.surveys.answering import pack, unpack
from backend.surveys.models import (
    LIVE_STATES,
    OPEN_STATES,
    Cause,
    Posted,
    Run,
    RunState,
    Share,
    Skipped,
    Through,
    Trigger,
    Way,
)
from backend.worker.events import Event

declare_sealed("survey_runs", "answers", "remarks")
REMEMBERED = 20
REMARKS_KEPT = 20
# Who wrote the last turns: enough to tell a writer whether his was one of them, though others went on.
_STEPS_KEPT = 4


@dataclass(frozen=True)
class _Turn:
    """A turn to be written over the one before."""

    run_id: str
    before: int
    step: str
    changes: Document

    def write(self) -> UpdateOne:
        """The write, on its condition."""
        return UpdateOne({"_id": self.run_id, "turn": self.before}, self.changes)


class RunStore:
    """Runs by id. A change is written over the turn it was thought of, or not at all."""

    def __init__(self, db: Database, cipher: FieldCipher) -> None:
        self._runs = db.collection("survey_runs")
        self._cipher = cipher
        self._turns: GatheredCalls[_Turn, bool | BulkWriteError] = GatheredCalls(self._write_turns)

    async def plan(self, runs: Sequence[Run]) -> int:
        """Write new runs; one that is there already is left alone. Returns how many were new."""
        if not runs:
            return 0
        fresh: Document = {"to_count": ["planned"], "counted": 0, "count_due": True, "by_day": True}
        documents = [self._write(run) | fresh for run in runs]
        try:
            return len((await self._runs.insert_many(documents, ordered=False)).inserted_ids)
        except BulkWriteError as error:
            details = error.details or {}
            others = [each for each in details.get("writeErrors", []) if each["code"] != DUPLICATE_KEY]
            if others or details.get("writeConcernErrors"):
                raise
            return int(details["nInserted"])

    async def find(self, run_id: str) -> Run | None:
        """A run, or None."""
        found = await self._runs.find_one({"_id": run_id})
        return self.read(found) if found else None

    async def write(self, after: Run, *, counted: Sequence[str] = (), events: Sequence[Event] = ()) -> bool:
        """Write the next turn of a run; False when another turn has been written meanwhile."""
        step = new_id()
        pushes: Document = {"steps": {"$each": [step], "$slice": -_STEPS_KEPT}}
        marks: Document = {}
        if counted:
            pushes["to_count"] = {"$each": list(counted)}
            marks["count_due"] = True
        if events:
            pushes["events"] = {"$each": [event.to_doc() for event in events]}
            marks["events_due"] = True
        document = self._write(after)
        del document["_id"]
        changes: Document = {"$set": document | {"turn": after.turn + 1} | marks, "$push": pushes}
        made = await self._turns.ask(_Turn(after.id, after.turn, step, changes))
        if isinstance(made, BulkWriteError):
            raise made
        return made

    async def _write_turns(self, turns: list[_Turn]) -> list[bool | BulkWriteError]:
        """Write turns, each on its own condition. Whose were written is looked up only when not all were."""
        refused: dict[int, BulkWriteError] = {}
        try:
            result = await self._runs.bulk_write([turn.write() for turn in turns], ordered=False)
            if result.matched_count == len(turns):
                return [True] * len(turns)
        except BulkWriteError as error:
            details = error.details or {}
            refused = {each["index"]: error for each in details.get("writeErrors", [])}
            if details.get("writeConcernErrors") or not refused:
                raise
        found = self._runs.find({"_id": {"$in": [turn.run_id for turn in turns]}}, {"steps": 1})
        steps = {doc["_id"]: doc.get("steps", ()) async for doc in found}
        return [
            refused.get(place, turn.step in steps.get(turn.run_id, ())) for place, turn in enumerate(turns)
        ]

    async def take_due(self, sweep: str, now: datetime, until: datetime, limit: int) -> list[Run]:
        """Runs that wait for something, the longest first; nobody else is given them `until` then."""
        waiting = (
            self._runs.find({"due_at": {"$lte": now}}, {"_id": 1}).sort("due_at", ASCENDING).limit(limit)
        )
        ids = [doc["_id"] async for doc in waiting]
        mine: Document = {"_id": {"$in": ids}, "sweep": sweep}
        await self._runs.update_many(
            {"_id": {"$in": ids}, "due_at": {"$lte": now}}, {"$set": {"due_at": until, "sweep": sweep}}
        )
        return [self.read(doc) async for doc in self._runs.find(mine)] if ids else []

    async def count_of_share(self, share: Share) -> int:
        """How many were asked from a share of their campaign's quota."""
        return await self._runs.count_documents({"campaign_id": share.campaign_id, "quota_by": share.id})

    async def open_of(self, recipient_id: str) -> Run | None:
        """The run that somebody is asked in now: the newest one."""
        states = [str(state) for state in OPEN_STATES]
        # A quick answer comes before we have looked whether the question has left.
        asked = [{"state": {"$in": states}}, {"state": str(RunState.PLANNED), "posted": {"$ne": None}}]
        found = await self._runs.find_one(
            {"recipient_id": recipient_id, "$or": asked, "closes_at": {"$gt": clock.now()}},
            sort=[("_id", DESCENDING)],
        )
        return self.read(found) if found else None

    async def withdraw(self, ids: Ids[str]) -> int:
        """Call off runs that have asked nobody yet."""
        result = await self._runs.update_many(
            {"_id": {"$in": sorted(ids)}, "state": str(RunState.PLANNED), "posted": None},
            {
                "$set": {
                    "state": str(RunState.SKIPPED),
                    "skipped": str(Skipped.WITHDRAWN),
                    "due_at": None,
                    "on_phone_list": False,
                    "count_due": True,
                },
                "$inc": {"turn": 1},
                "$push": {"to_count": "skipped"},
            },
        )
        return result.modified_count

    async def list_of_campaign(self, campaign_id: str, before: str | None, limit: int) -> list[Run]:
        """A campaign's runs, newest first."""
        matching: Document = {"campaign_id": campaign_id}
        if before:
            matching["_id"] = {"$lt": before}
        return [
            self.read(doc) async for doc in self._runs.find(matching).sort("_id", DESCENDING).limit(limit)
        ]

    async def counts_of(self, campaign_id: str) -> dict[RunState, int]:
        """How many of a campaign's runs are in which state."""
        grouped = await self._runs.aggregate(
            [{"$match": {"campaign_id": campaign_id}}, {"$group": {"_id": "$state", "count": {"$sum": 1}}}]
        )
        return {RunState(row["_id"]): row["count"] async for row in grouped}

    async def phone_list(self, within: Ids[str] | None, limit: int) -> list[Run]:
        """Whom staff are to call, the oldest first."""
        matching: Document = {"on_phone_list": True}
        if within is not None:
            matching["organization_id"] = {"$in": sorted(within)}
        found = self._runs.find(matching).sort("_id", ASCENDING).limit(limit)
        return [self.read(doc) async for doc in found]

    async def forget(self, person_id: str) -> None:
        """Take out what somebody has said, and ask no more."""
        states = [str(state) for state in LIVE_STATES]
        gone: Document = {"answers": None, "remarks": None, "heard": [], "due_at": None}
        gone["on_phone_list"] = False
        for role in ("patient_id", "recipient_id"):
            await self._runs.update_many(
                {role: person_id, "state": {"$in": states}},
                {
                    "$set": {"state": str(RunState.REFUSED), "ended_at": clock.now(), "count_due": True},
                    "$push": {"to_count": "refused"},
                },
            )
            await self._runs.update_many({role: person_id}, {"$set": gone, "$inc": {"turn": 1}})

    def _write(self, run: Run) -> Document:
        answers = None
        if run.answers:
            packed = orjson.dumps(pack(run.answers)).decode()
            answers = self._cipher.seal("survey_runs", "answers", run.id, packed)
        remarks = None
        if run.remarks:
            words = orjson.dumps(run.remarks[:REMARKS_KEPT]).decode()
            remarks = self._cipher.seal("survey_runs", "remarks", run.id, words)
        return {
            "_id": run.id,
            "campaign_id": run.campaign_id,
            "questionnaire_id": run.questionnaire_id,
            "version": run.version,
            "organization_id": run.organization_id,
            "department_id": run.department_id,
            "practitioner_id": run.practitioner_id,
            "patient_id": run.patient_id,
            "recipient_id": run.recipient_id,
            "trigger": str(run.trigger),
            "happened_at": run.happened_at,
            "state": str(run.state),
            "turn": run.turn,
            "due_at": run.due_at,
            "closes_at": run.closes_at,
            "way": run.way,
            "tries": run.tries,
            "posted": _posted(run.posted),
            "on_phone_list": run.on_phone_list,
            "quota_by": run.quota_by,
            "sent_at": run.sent_at,
            "ended_at": run.ended_at,
            "skipped": str(run.skipped) if run.skipped else None,
            "answers": answers,
            "remarks": remarks,
            "heard": list(run.heard[:REMEMBERED]),
            "through": str(run.through) if run.through else None,
            "percent": run.percent,
            "causes": [str(cause) for cause in run.causes],
            "alarmed_at": run.alarmed_at,
        }

    def read(self, doc: Document) -> Run:
        """A stored document as a run."""
        posted = doc["posted"]
        return Run(
            id=doc["_id"],
            campaign_id=doc["campaign_id"],
            questionnaire_id=doc["questionnaire_id"],
            version=doc["version"],
            organization_id=doc["organization_id"],
            department_id=doc["department_id"],
            practitioner_id=doc["practitioner_id"],
            patient_id=doc["patient_id"],
            recipient_id=doc["recipient_id"],
            trigger=Trigger(doc["trigger"]),
            happened_at=doc["happened_at"],
            state=RunState(doc["state"]),
            turn=doc["turn"],
            due_at=doc["due_at"],
            closes_at=doc["closes_at"],
            way=doc["way"],
            tries=doc["tries"],
            posted=Posted(Way(posted["way"]), posted["number"], posted["at"]) if posted else None,
            on_phone_list=doc["on_phone_list"],
            quota_by=doc["quota_by"],
            sent_at=doc["sent_at"],
            ended_at=doc["ended_at"],
            skipped=Skipped(doc["skipped"]) if doc["skipped"] else None,
            answers=unpack(self._open(doc, "answers") or {}),
            remarks=tuple(self._open(doc, "remarks") or ()),
            heard=tuple(doc["heard"]),
            through=Through(doc["through"]) if doc["through"] else None,
            percent=doc["percent"],
            causes=tuple(Cause(cause) for cause in doc["causes"]),
            alarmed_at=doc.get("alarmed_at"),
            to_count=tuple(doc["to_count"]),
            counted=doc["counted"],
            by_day=doc.get("by_day", False),
        )

    def _open(self, doc: Document, field: str) -> Any:
        sealed = doc.get(field)
        return orjson.loads(self._cipher.open("survey_runs", field, doc["_id"], sealed)) if sealed else None


def _posted(posted: Posted | None) -> Document | None:
    return None if posted is None else {"way": str(posted.way), "number": posted.number, "at": posted.at}
