"""The child becomes a person of the city: once it has an ID number, the parents act for it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace

from backend import clock
from backend.births.asking import TRIES, Kept
from backend.births.machine import StepEvent
from backend.births.models import Birth, Concern, ConcernKind, Filing
from backend.births.rules import Rules
from backend.births.settling import with_concern
from backend.errors import AppError, ErrorCode
from backend.residents.id_numbers import IDNumberError, parse_id_number
from backend.worker.events import Event

# Makes a child of this name and ID number a patient of a parent: the child's id.
Adopt = Callable[[str, str, str], Awaitable[str]]
ID_NUMBER = "id_number"


class Children:
    """Answers BIRTH_STEP_CHANGED of the step that yields the ID number."""

    def __init__(self, kept: Kept, rules: Rules, adopt: Adopt) -> None:
        self._filings = kept.filings
        self._births = kept.births
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
        child_id, linked = "", await self._is_the_childs(filing, event.data["step"], number)
        for parent_id in filing.parent_ids if linked else ():
            try:
                child_id = await self._adopt(parent_id, filing.answers.child_name, number)
            except AppError as error:
                if error.status >= 500:
                    raise
                linked = False
        await self._note(filing.id, event.data["step"], child_id, linked=linked)

    async def _is_the_childs(self, filing: Filing, step: str, number: str) -> bool:
        """Whether a number can be this child's: who acts for its bearer reads everything of that person."""
        birth = await self._births.find(filing.birth_id)
        if birth is None or not fits(birth, number):
            return False
        for parent_id in filing.parent_ids:
            for other in await self._births.of_parent(parent_id):
                filings = await self._filings.of_birth(other.id) if other.id != birth.id else []
                if any(each.result(step, ID_NUMBER) == number for each in filings):
                    return False
        return True

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


def fits(birth: Birth, number: str) -> bool:
    """Whether a number speaks of somebody born on that day, and of that sex."""
    try:
        read = parse_id_number(number, today=clock.today())
    except IDNumberError:
        return False
    born_on, sex = clock.civil_date(birth.facts.born_at), birth.facts.sex
    return read.birth_on == born_on and sex in ("unknown", read.sex.value)
