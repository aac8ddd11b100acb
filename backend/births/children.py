"""The child becomes a person of the city: once it has an ID number, the parents act for it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace

from backend import clock
from backend.births.asking import TRIES
from backend.births.machine import StepEvent
from backend.births.models import Concern, ConcernKind, Filing
from backend.births.rules import Rules
from backend.births.settling import with_concern
from backend.births.store import FilingStore
from backend.errors import AppError, ErrorCode
from backend.worker.events import Event

# Makes a child of this name and ID number a patient of a parent: the child's id.
Adopt = Callable[[str, str, str], Awaitable[str]]
ID_NUMBER = "id_number"


class Children:
    """Answers BIRTH_STEP_CHANGED of the step that yields the ID number."""

    def __init__(self, filings: FilingStore, rules: Rules, adopt: Adopt) -> None:
        self._filings = filings
        self._rules = rules
        self._adopt = adopt
        self._codes = {rule.code for rule in rules.steps if rule.yields_id_number}

    async def on_step_changed(self, event: Event) -> None:
        """BIRTH_STEP_CHANGED: may come twice; a parent has a child once."""
        if event.data["event"] != StepEvent.FINISH or event.data["step"] not in self._codes:
            return
        filing = await self._filings.find(event.data["filing_id"])
        if filing is None or filing.child_id:
            return
        number = filing.result(event.data["step"], ID_NUMBER)
        child_id, linked = "", bool(number)
        for parent_id in filing.parent_ids:
            try:
                child_id = await self._adopt(parent_id, filing.answers.child_name, number)
            except AppError as error:
                if error.status >= 500:
                    raise
                linked = False
        await self._note(filing.id, event.data["step"], child_id, linked=linked)

    async def _note(self, filing_id: str, step: str, child_id: str, *, linked: bool) -> None:
        for _ in range(TRIES):
            filing = await self._filings.find(filing_id)
            if filing is None or await self._filings.write(self._with_child(filing, step, child_id, linked)):
                return
        raise AppError(ErrorCode.UNAVAILABLE, "the filing is being changed")

    def _with_child(self, filing: Filing, step: str, child_id: str, linked: bool) -> Filing:
        after = replace(filing, child_id=child_id)
        if linked:
            return after
        # The number is none, or a parent has no place left: a person has to see to it.
        now = clock.now()
        due_at = self._rules.calendar.after(now, self._rules.desk_working_days)
        return with_concern(after, Concern(ConcernKind.CHILD_NOT_LINKED, step, now, due_at))
