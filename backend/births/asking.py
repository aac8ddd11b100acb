"""The saga: agencies are asked, listened to, queried when silent, and told to stop. Nobody is asked twice.

A question is written down as asked before it is sent. Whoever dies in between, or hears no answer, leaves a
step of which nobody knows whether the question arrived: the agency is queried under the question's id. If it
has never heard of it, it is told to refuse it should it still come; only then a new attempt is made.
"""

from __future__ import annotations

import base64
import logging
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from backend import clock
from backend.births.birth_store import BirthStore
from backend.births.file_store import CallbackStore, FileStore
from backend.births.handing import LOOK_EVERY, Handing
from backend.births.hearing import Hearing
from backend.births.machine import By, FilingEvent, FilingState, StepEvent, StepState
from backend.births.models import Birth, Concern, ConcernKind, Filing, Step
from backend.births.owning import overdue
from backend.births.ports import AgencyLine, AgencyUnavailableError, CallbackError, Standing, Word
from backend.births.questions import SentFile, question_of, step_asked
from backend.births.rules import Rules
from backend.births.settling import Change, Settling, with_concern, with_step
from backend.births.store import FilingStore
from backend.errors import AppError, ErrorCode, not_found
from backend.worker.events import Event, EventKind

log = logging.getLogger(__name__)

# A write that meets another is thought over again, so often.
TRIES = 8
# Who looks after a filing has so long; then another sweep may.
LEASE = timedelta(minutes=2)
AT_ONCE = 50
LONGEST_WAIT = timedelta(hours=1)
# All that an agency is told of why: what the parents or staff have written is not for it.
WITHDRAWN = "家长撤回申请"


@dataclass(frozen=True)
class Pace:
    """How soon a silent agency is queried, and how often one that is at work."""

    after: timedelta
    every: timedelta


@dataclass(frozen=True)
class Kept:
    """Where filings, births and files lie."""

    filings: FilingStore
    births: BirthStore
    files: FileStore
    callbacks: CallbackStore


class Asking:
    """Speaks with the agencies."""

    def __init__(
        self,
        kept: Kept,
        rules: Rules,
        settling: Settling,
        lines: Mapping[str, AgencyLine],
        place_name: Callable[[str], Awaitable[str]],
        *,
        pace: Pace,
        nudge: Callable[[], None],
    ) -> None:
        self._kept = kept
        self._filings = kept.filings
        self._rules = rules
        self._settling = settling
        self._hearing = Hearing(rules, settling)
        self._handing = Handing(rules)
        self._lines = lines
        self._place_name = place_name
        self._pace = pace
        self._nudge = nudge

    # What others call.

    async def on_step_due(self, event: Event) -> None:
        """BIRTH_STEP_DUE: ask the step's agency, or tell it to stop."""
        filing = await self._filings.find(event.data["filing_id"])
        step = filing.step(event.data["step"]) if filing else None
        if filing is None or step is None:
            return
        if step.stopping:
            await self._look_at(filing, step)
        else:
            await self._ask(filing.id, step.code)

    async def on_callback(self, agency: str, headers: Mapping[str, str], body: bytes) -> None:
        """An agency says something by itself. Raises NOTICE_INVALID, NOT_FOUND."""
        line = self._lines.get(agency)
        if line is None:
            raise not_found(f"agency {agency}")
        try:
            nonce, word = line.read_callback(headers, body)
        except CallbackError as error:
            raise AppError(ErrorCode.NOTICE_INVALID, str(error)) from None
        key = f"{agency}:{nonce}"
        if await self._kept.callbacks.is_seen(key):
            return
        await self.take(agency, word)
        # Afterwards: who dies before this line hears it once more, and it changes nothing.
        await self._kept.callbacks.see(key, clock.now())

    async def take(self, agency: str, word: Word) -> None:
        """A word of an agency. Raises NOT_FOUND for a question that is none of ours."""
        for _ in range(TRIES):
            filing = await self._filings.find_asked(word.question_id)
            if filing is None:
                raise not_found("a question that was never asked")
            step = next((each for each in filing.steps if each.request_id == word.question_id), None)
            if step is None:
                return await self._take_late(filing, agency, word)
            if step.agency != agency:
                raise not_found("another agency's question")
            change = self._hearing.heard(filing, step, word, clock.now())
            if change is None or await self.write(change):
                return None
        raise AppError(ErrorCode.UNAVAILABLE, "the filing is being changed")

    async def sweep(self) -> int:
        """Periodic: whatever was to be looked after by now."""
        due = await self._filings.take_due(clock.now(), LEASE, AT_ONCE)
        for filing in due:
            try:
                await self._look_after(filing)
            except Exception as error:
                # The others are looked after all the same. Its words might quote somebody: only its name.
                log.error("birth_filing_stuck", extra={"filing": filing.id, "reason": type(error).__name__})
        return len(due)

    async def look_now(self, filing: Filing, step: Step) -> None:
        """Query an agency at once, because staff want to know."""
        await self._look_at(filing, step)

    async def write(self, change: Change, birth: Birth | None = None) -> bool:
        """Write a change with what must follow; False when the filing has changed meanwhile.

        With a birth: False, too, when its notice is not as it was when the change was thought of.
        """
        events = list(events_of(change))
        if birth is None:
            written = await self._filings.write(change.filing, events)
        else:
            written = await self._filings.write_of(change.filing, birth, events)
        if written and events:
            self._nudge()
        return written

    # Asking.

    async def _ask(self, filing_id: str, code: str) -> None:
        """Ask for a step that is ready. Whose write says "asked" is the one who asks."""
        for _ in range(TRIES):
            filing = await self._filings.find(filing_id)
            step = filing.step(code) if filing else None
            if filing is None or step is None or step.state is not StepState.READY or filing.is_over:
                return
            birth = await self._birth(filing)
            rule = self._rules.by_code[code]
            place = await self._place_name(filing.organization_id)
            question = question_of(
                filing, birth, step, rule, place, await self._files(filing, rule.materials)
            )
            now = clock.now()
            asked = self._settling.step(
                filing, code, StepEvent.ASK, By.SYSTEM, "system", now,
                attempt=step.attempt + 1, request_id=question.id, asked_at=now,
                look_at=now + self._pace.after, heard=0,
            )  # fmt: skip
            if await self.write(self._settling.settled(asked, now)):
                break
        else:
            raise AppError(ErrorCode.UNAVAILABLE, "the filing is being changed")
        try:
            word = await self._line(step.agency).ask(question)
        except AgencyUnavailableError as error:
            await self._missed(filing_id, question.id, str(error))
            return
        if word.standing is Standing.CANCELLED:
            # It refuses what it has only now been asked: not to be asked anew at once, again and again.
            await self._missed(filing_id, question.id, "refused unheard")
            return
        await self._take_answer(filing_id, step.agency, word)

    async def _files(self, filing: Filing, kinds: Iterable[str]) -> list[SentFile]:
        sent = []
        wanted = set(kinds)
        for file in filing.files:
            content = await self._kept.files.content(file.id) if file.kind in wanted else None
            if content is not None:
                sent.append((file.kind, file.content_type, base64.b64encode(content).decode()))
        return sent

    # Looking.

    async def _look_after(self, filing: Filing) -> None:
        now = clock.now()
        if filing.state is FilingState.DRAFT:
            if filing.open_until <= now:
                await self.write(self._settling.move(filing, FilingEvent.EXPIRE, By.SYSTEM, "system", now))
            return
        asked = self._handing.reminded(filing, now)
        late = overdue(asked.filing, self._rules, now)
        if late != filing and not await self.write(replace(asked, filing=late)):
            return
        for step in filing.steps:
            if step.look_at is not None and step.look_at <= now:
                await self._look_at(filing, step)

    async def _look_at(self, filing: Filing, step: Step) -> None:
        """Query, stop or ask, whichever is due; the agency away, it is tried again later."""
        if step.state is StepState.READY:
            await self._ask(filing.id, step.code)
            return
        if not step.is_watched:
            return
        try:
            line = self._line(step.agency)
            word = await (
                line.cancel(step.request_id, WITHDRAWN) if step.stopping else line.query(step.request_id)
            )
            if word.standing is Standing.UNKNOWN and step.is_out:
                # Should it still be under way, it must not be heeded any more.
                word = await line.bar(step.request_id)
        except AgencyUnavailableError as error:
            await self._missed(filing.id, step.request_id, str(error))
            return
        if await self._take_answer(filing.id, step.agency, word):
            await self._looked(filing.id, step.request_id)

    async def _take_answer(self, filing_id: str, agency: str, word: Word) -> bool:
        """What came back on our own line. UNKNOWN is what nobody says who was just told: no answer."""
        if word.standing is Standing.UNKNOWN:
            await self._missed(filing_id, word.question_id, "knows nothing of what it was told")
            return False
        await self.take(agency, word)
        return True

    async def _looked(self, filing_id: str, question_id: str) -> None:
        """It answered, and is still at work: look again after a while."""

        def later(step: Step, now: datetime) -> Step:
            pause = self._pace.after if step.stopping else self._pace.every
            if not step.is_out:
                pause = max(pause, LOOK_EVERY)
            return replace(step, look_at=now + pause, failures=0)

        await self._touch(filing_id, question_id, later)

    async def _missed(self, filing_id: str, question_id: str, reason: str) -> None:
        """It did not answer: nobody knows. Look again, ever more slowly; in the end staff are told."""
        log.warning("agency_unavailable", extra={"question": question_id, "reason": reason})

        def later(step: Step, now: datetime) -> Step:
            pause = min(self._pace.after * 2 ** min(step.failures, 8), LONGEST_WAIT)
            if not step.is_out:
                pause = LOOK_EVERY
            return replace(step, look_at=now + pause, failures=step.failures + 1)

        await self._touch(filing_id, question_id, later)

    async def _touch(
        self, filing_id: str, question_id: str, change: Callable[[Step, datetime], Step]
    ) -> None:
        for _ in range(TRIES):
            filing, now = await self._filings.find(filing_id), clock.now()
            step = next((s for s in filing.steps if s.request_id == question_id), None) if filing else None
            if filing is None or step is None or not step.is_watched:
                return
            after = with_step(filing, change(step, now))
            if await self.write(Change(self._worrying(after, step.code, now))):
                return
        # The lease ends, and the next sweep looks.

    def _worrying(self, filing: Filing, code: str, now: datetime) -> Filing:
        step = filing.step(code)
        # What is on its way has clocks of its own: an agency that is away for a day is no worry of each.
        if step is None or not step.is_out or step.failures < self._rules.unreachable_after:
            return filing
        due_at = self._rules.calendar.after(now, self._rules.desk_working_days)
        return with_concern(filing, Concern(ConcernKind.UNREACHABLE, code, now, due_at))

    async def _take_late(self, filing: Filing, agency: str, word: Word) -> None:
        """A word of an attempt that is over. Only that it was done after all is worth a look."""
        log.info("agency_word_late", extra={"question": word.question_id, "standing": str(word.standing)})
        step = step_asked(filing, word.question_id)
        if step is None or step.agency != agency:
            raise not_found("another agency's question")
        found: Filing | None = filing
        for _ in range(TRIES):
            if word.standing is not Standing.DONE or found is None:
                return
            now = clock.now()
            due_at = self._rules.calendar.after(now, self._rules.desk_working_days)
            concern = Concern(ConcernKind.CONTRADICTION, step.code, now, due_at)
            if await self.write(Change(with_concern(found, concern))):
                return
            found = await self._filings.find(filing.id)
        raise AppError(ErrorCode.UNAVAILABLE, "the filing is being changed")

    def _line(self, agency: str) -> AgencyLine:
        line = self._lines.get(agency)
        if line is None:
            raise AgencyUnavailableError("no line to it is set up")
        return line

    async def _birth(self, filing: Filing) -> Birth:
        birth = await self._kept.births.find(filing.birth_id)
        if birth is None:
            raise not_found(f"birth {filing.birth_id}")
        return birth


def events_of(change: Change) -> Iterable[Event]:
    """What is told of a change: every move, and each step that is to be seen to."""
    filing = change.filing
    for event in change.filing_events:
        yield Event(
            EventKind.BIRTH_FILING_CHANGED,
            {
                "filing_id": filing.id,
                "event": str(event),
                "state": str(filing.state),
                "organization_id": filing.organization_id,
                "applicant_id": filing.applicant_id,
            },
        )
    due: set[str] = set()
    for code, step_event in change.step_events:
        step = filing.step(code)
        if step is None:
            continue
        told = {"filing_id": filing.id, "step": code, "agency": step.agency, "event": str(step_event)}
        yield Event(EventKind.BIRTH_STEP_CHANGED, told | {"state": str(step.state)})
        if step.state is StepState.READY:
            due.add(code)
    for code, handover_event in change.handover_events:
        step = filing.step(code)
        if step is not None and step.handover is not None:
            told = {"filing_id": filing.id, "step": code, "event": str(handover_event)}
            yield Event(EventKind.BIRTH_HANDOVER_CHANGED, told | {"state": str(step.handover.state)})
    due |= {
        step.code for step in filing.steps if step.stopping and FilingEvent.WITHDRAW in change.filing_events
    }
    for code in sorted(due):
        yield Event(EventKind.BIRTH_STEP_DUE, {"filing_id": filing.id, "step": code})
