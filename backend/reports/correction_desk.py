"""What residents say is wrong in hospitals' charts, for those who answer for a hospital in the console."""

from __future__ import annotations

from datetime import datetime, timedelta

from backend.errors import AppError, ErrorCode, not_found
from backend.permissions import Actor, Permission
from backend.reports.correction_store import Correction, CorrectionStore
from backend.reports.file import RecordFile

LONGEST_ANSWER = 500


class CorrectionDesk:
    """Lists wishes within an actor's hospitals, and answers them."""

    def __init__(self, store: CorrectionStore, file: RecordFile, *, answer_within: timedelta) -> None:
        self._store = store
        self._file = file
        self._answer_within = answer_within

    def due_at(self, asked: Correction) -> datetime:
        """Until when the hospital has to answer."""
        return asked.asked_at + self._answer_within

    async def list_wishes(
        self, actor: Actor, *, answered: bool = False, cursor: str = "", limit: int = 50
    ) -> tuple[list[Correction], str]:
        """The longest waiting first, and the cursor of the next page."""
        found = await self._store.list_of(
            actor.organization_ids, answered=answered, after=cursor, limit=limit + 1
        )
        page = found[:limit]
        return page, page[-1].id if len(found) > limit else ""

    async def count_waiting(self, actor: Actor) -> int:
        """How many have no answer."""
        return await self._store.count_waiting(actor.organization_ids)

    async def access(self, actor: Actor, correction_id: str) -> Correction:
        """One within the actor's hospitals. Raises NOT_FOUND."""
        asked = await self._store.find(correction_id)
        if asked is None or not actor.covers(asked.organization_id):
            raise not_found("correction")
        return asked

    async def answer(self, actor: Actor, correction_id: str, *, done: bool, answer: str) -> None:
        """Put right, or not and why; whoever asked is told. Raises REASON_REQUIRED, CONFLICT."""
        if not actor.may(Permission.STAFF_RECORD_ACCESS_REVIEW):
            raise AppError(ErrorCode.FORBIDDEN, Permission.STAFF_RECORD_ACCESS_REVIEW)
        asked = await self.access(actor, correction_id)
        if not answer.strip():
            raise AppError(ErrorCode.REASON_REQUIRED, text="请填写答复。")
        said = answer.strip()[:LONGEST_ANSWER]
        if not await self._file.answer_one(actor, asked, done=done, answer=said):
            raise AppError(ErrorCode.CONFLICT, "answered already", text="该申请已答复。")
