"""Questions of residents about readings of their records, and the hospitals' answers."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import timedelta

from backend import clock
from backend.audit.service import AuditService
from backend.errors import AppError, ErrorCode, not_found
from backend.permissions import Actor, Permission
from backend.records.accesses import Accesses
from backend.records.question_store import QuestionStore
from backend.records.sharing_models import Question
from backend.records.sharing_ports import Residents
from backend.records.speaking import check_speaks_for
from backend.worker.events import Event, EventKind

LONGEST_TEXT = 500
_MOST_LISTED = 100


class Questions:
    """Asks for the person, and lets the hospital's privacy officer answer in time."""

    def __init__(
        self,
        store: QuestionStore,
        accesses: Accesses,
        residents: Residents,
        audit: AuditService,
        *,
        answer_within: timedelta,
        nudge: Callable[[], None],
    ) -> None:
        self._store = store
        self._accesses = accesses
        self._residents = residents
        self._audit = audit
        self._answer_within = answer_within
        self._nudge = nudge

    # -- for residents ---------------------------------------------------------------------------------

    async def ask(self, actor: Actor, patient_id: str, access_id: str, text: str) -> Question:
        """Ask the hospital about one reading; about each once. Raises REASON_REQUIRED, CONFLICT."""
        access = await self._accesses.access(actor, patient_id, access_id)
        if access.organization_id is None:
            raise not_found("reading by a hospital")
        now = clock.now()
        question = Question(
            id=access.id,
            person_id=patient_id,
            organization_id=access.organization_id,
            asked_by=actor.id,
            text=_given(text),
            asked_at=now,
            due_at=now + self._answer_within,
        )
        if not await self._store.insert(question):
            raise AppError(ErrorCode.CONFLICT, "asked already", text="这次调阅已经询问过，请等待医院答复。")
        await self._record(actor, "records.ask_reading", question)
        return question

    async def list_of(self, actor: Actor, patient_id: str) -> list[Question]:
        """What was asked about the patient's record, newest first."""
        check_speaks_for(await self._residents.access_patient(actor, patient_id))
        return await self._store.of_person(patient_id, _MOST_LISTED)

    async def of_readings(self, access_ids: Iterable[str]) -> dict[str, Question]:
        """Questions about these readings, by reading."""
        return await self._store.of_readings(set(access_ids))

    # -- for hospitals' privacy officers ---------------------------------------------------------------

    async def list_questions(
        self, actor: Actor, *, answered: bool = False, cursor: str = "", limit: int = 50
    ) -> tuple[list[Question], str]:
        """Within the actor's institutions, the most urgent first, and the cursor of the next page."""
        last = await self._store.find(cursor) if cursor else None
        after = (last.due_at, last.id) if last else None
        found = await self._store.list_of(actor.organization_ids, answered, after, limit + 1)
        page = found[:limit]
        return page, page[-1].id if len(found) > limit else ""

    async def access(self, actor: Actor, question_id: str) -> Question:
        """One within the actor's institutions. Raises NOT_FOUND."""
        question = await self._store.find(question_id)
        if question is None or not actor.covers(question.organization_id):
            raise not_found("question")
        return question

    async def answer(self, actor: Actor, question_id: str, text: str) -> Question:
        """Answer it; whoever asked is told. Raises REASON_REQUIRED, CONFLICT."""
        if not actor.may(Permission.STAFF_RECORD_ACCESS_REVIEW):
            raise AppError(ErrorCode.FORBIDDEN, Permission.STAFF_RECORD_ACCESS_REVIEW)
        question = await self.access(actor, question_id)
        event = Event(
            EventKind.RECORD_QUESTION_ANSWERED,
            {
                "question_id": question.id,
                "person_id": question.person_id,
                "organization_id": question.organization_id,
                "asked_by": question.asked_by,
            },
        )
        if not await self._store.answer(question, _given(text), actor.id, clock.now(), event):
            raise AppError(ErrorCode.CONFLICT, "answered already", text="该询问已答复。")
        await self._record(actor, "records.answer_reading", question)
        self._nudge()
        return await self.access(actor, question_id)

    async def count_waiting(self, actor: Actor) -> int:
        """How many within the actor's institutions have no answer."""
        return await self._store.count_waiting(actor.organization_ids)

    async def forget(self, person_id: str) -> None:
        """What was said goes with the account."""
        await self._store.forget(person_id)

    async def _record(self, actor: Actor, action: str, question: Question) -> None:
        about, place = f"person/{question.person_id}", question.organization_id
        await self._audit.record(actor, action, about, "question", place, {"reading": question.id})


def _given(text: str) -> str:
    if not text.strip():
        raise AppError(ErrorCode.REASON_REQUIRED, text="请填写内容。")
    return text.strip()[:LONGEST_TEXT]
