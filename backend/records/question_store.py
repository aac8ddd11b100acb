"""The `record_questions` collection: what residents ask about readings of their records; words are sealed."""

from __future__ import annotations

from collections.abc import Collection as Ids
from datetime import datetime

from pymongo import ASCENDING, DESCENDING
from pymongo.errors import DuplicateKeyError

from backend.db.client import Database, Document
from backend.records.sharing_models import Question
from backend.security.fields import FieldCipher
from backend.security.lasting import declare_sealed
from backend.worker.events import Event, pushed

_QUESTIONS = "record_questions"
declare_sealed(_QUESTIONS, "text", "answer")


class QuestionStore:
    """Questions by the reading they are about: one for each."""

    def __init__(self, db: Database, cipher: FieldCipher) -> None:
        self._questions = db.collection(_QUESTIONS)
        self._cipher = cipher

    async def insert(self, question: Question) -> bool:
        """Keep a question; False when this reading has been asked about."""
        seal = self._cipher.seal
        try:
            await self._questions.insert_one(
                {
                    "_id": question.id,
                    "person_id": question.person_id,
                    "organization_id": question.organization_id,
                    "asked_by": question.asked_by,
                    "text": seal(_QUESTIONS, "text", question.id, question.text),
                    "asked_at": question.asked_at,
                    "due_at": question.due_at,
                    "turn": question.turn,
                    "answer": None,
                    "answered_by": None,
                    "answered_at": None,
                }
            )
        except DuplicateKeyError:
            return False
        return True

    async def find(self, question_id: str) -> Question | None:
        """A question, or None."""
        doc = await self._questions.find_one({"_id": question_id})
        return self._read(doc) if doc else None

    async def answer(self, question: Question, text: str, by: str, at: datetime, event: Event) -> bool:
        """Write the answer; False when there is one."""
        change = pushed(event)
        change["$set"] |= {
            "answer": self._cipher.seal(_QUESTIONS, "answer", question.id, text),
            "answered_by": by,
            "answered_at": at,
            "turn": question.turn + 1,
        }
        where = {"_id": question.id, "answered_at": None}
        return (await self._questions.update_one(where, change)).matched_count == 1

    async def of_person(self, person_id: str, limit: int) -> list[Question]:
        """What was asked about a person's record, newest first."""
        found = self._questions.find({"person_id": person_id}).sort("asked_at", DESCENDING).limit(limit)
        return [self._read(doc) async for doc in found]

    async def of_readings(self, reading_ids: Ids[str]) -> dict[str, Question]:
        """Questions about these readings, by reading."""
        found = self._questions.find({"_id": {"$in": sorted(reading_ids)}})
        return {doc["_id"]: self._read(doc) async for doc in found}

    async def list_of(
        self,
        within: Ids[str] | None,
        answered: bool,
        after: tuple[datetime, str] | None,
        limit: int,
    ) -> list[Question]:
        """Of these institutions (None: of all), the most urgent first."""
        where: Document = {"answered_at": {"$ne": None} if answered else None}
        if within is not None:
            where["organization_id"] = {"$in": sorted(within)}
        if after is not None:
            due_at, question_id = after
            where["$or"] = [{"due_at": {"$gt": due_at}}, {"due_at": due_at, "_id": {"$gt": question_id}}]
        found = self._questions.find(where).sort([("due_at", ASCENDING), ("_id", ASCENDING)]).limit(limit)
        return [self._read(doc) async for doc in found]

    async def count_waiting(self, within: Ids[str] | None) -> int:
        """How many have no answer."""
        where: Document = {"answered_at": None}
        if within is not None:
            where["organization_id"] = {"$in": sorted(within)}
        return await self._questions.count_documents(where)

    async def forget(self, person_id: str) -> None:
        """What was said about somebody's record goes with the account."""
        await self._questions.delete_many({"person_id": person_id})

    def _read(self, doc: Document) -> Question:
        opened = self._cipher.open
        sealed = doc["answer"]
        return Question(
            id=doc["_id"],
            person_id=doc["person_id"],
            organization_id=doc["organization_id"],
            asked_by=doc["asked_by"],
            text=opened(_QUESTIONS, "text", doc["_id"], doc["text"]),
            asked_at=doc["asked_at"],
            due_at=doc["due_at"],
            turn=doc["turn"],
            answer=opened(_QUESTIONS, "answer", doc["_id"], sealed) if sealed else "",
            answered_by=doc["answered_by"],
            answered_at=doc["answered_at"],
        )
