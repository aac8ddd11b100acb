"""The staff's work-list: what is late, silent, or does not fit together, until somebody has settled it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime

from backend import clock
from backend.audit.service import AuditService
from backend.births.asking import TRIES, Asking, Kept
from backend.births.belonging import is_parents
from backend.births.entering import entered
from backend.births.figures import BirthFigures, figures_of
from backend.births.files import Files
from backend.births.handing import WORRIES
from backend.births.machine import By, MoveError, StepEvent, StepState
from backend.births.models import (
    Birth,
    BirthState,
    ConcernKind,
    Filing,
    FilingView,
    MaterialFile,
    PaperResult,
    Step,
    WorkQuery,
)
from backend.births.noting import Noting
from backend.births.owning import owner_of
from backend.births.papers import Papers
from backend.births.rules import Rules
from backend.births.settling import Change, Settling, noted, with_step, withdrawal
from backend.births.verifying import is_printable
from backend.errors import AppError, ErrorCode, not_found
from backend.permissions import Actor, Permission

MOST_LISTED = 200
LONGEST_NOTE = 1000
# What a word of staff settles for good; the rest comes back when its new day passes.
_SETTLED = (ConcernKind.CONTRADICTION, ConcernKind.CHILD_NOT_LINKED)


class Desk:
    """Lists filings, and lets staff move what is stuck. Another hospital's filing is NOT_FOUND."""

    def __init__(
        self,
        kept: Kept,
        rules: Rules,
        settling: Settling,
        asking: Asking,
        noting: Noting,
        files: Files,
        papers: Papers,
        audit: AuditService,
    ) -> None:
        self._filings = kept.filings
        self._births = kept.births
        self._rules = rules
        self._settling = settling
        self._asking = asking
        self._noting = noting
        self._files = files
        self._papers = papers
        self._audit = audit

    async def worklist(self, actor: Actor, query: WorkQuery) -> tuple[list[FilingView], str]:
        """A page of filings, the most urgent first, and the next page's cursor."""
        self._check_may(actor, Permission.STAFF_BIRTHS_READ)
        found = await self._filings.worklist(query, _within(actor), actor.id)
        page = found[: query.limit]
        views = [await self._view(filing) for filing in page]
        return views, page[-1].id if len(found) > query.limit else ""

    async def count(self, actor: Actor) -> tuple[int, int]:
        """How many wait for staff, and how many of them are late."""
        return await self._filings.count_for_staff(_within(actor))

    async def figures(self, actor: Actor, months: int) -> BirthFigures:
        """How filings of this month and the ones before it are getting on."""
        self._check_may(actor, Permission.STAFF_BIRTHS_READ)
        today = clock.today()
        place = today.year * 12 + today.month - months
        since = clock.city_instant(date(place // 12, place % 12 + 1, 1), 0)
        rows = await self._filings.rows_since(_within(actor), since)
        codes = [rule.code for rule in self._rules.steps]
        return figures_of(rows, codes, self._rules.calendar, clock.now())

    async def look(self, actor: Actor, filing_id: str) -> FilingView:
        """A filing with everything; on record."""
        self._check_may(actor, Permission.STAFF_BIRTHS_READ)
        filing = await self._access(actor, filing_id)
        await self._record(actor, "births.look", filing)
        return await self._view(filing)

    async def read_file(self, actor: Actor, filing_id: str, file_id: str) -> tuple[MaterialFile, bytes]:
        """An uploaded material; on record. Raises NOT_FOUND."""
        self._check_may(actor, Permission.STAFF_BIRTHS_READ)
        filing = await self._access(actor, filing_id)
        await self._record(actor, "births.read_file", filing)
        return await self._files.content(filing, file_id)

    async def print(self, actor: Actor, filing_id: str, step: str) -> bytes:
        """What has come of a step as a PDF, names and ID numbers masked; on record. Raises NOT_FOUND."""
        self._check_may(actor, Permission.STAFF_BIRTHS_READ)
        view = await self._view(await self._access(actor, filing_id))
        return await self._papers.made(actor, view, step, masked=True)

    async def take(self, actor: Actor, filing_id: str) -> FilingView:
        """Make it one's own; from somebody else, too. Raises CONFLICT where nothing is staff's."""

        def taken(filing: Filing) -> Change:
            if not filing.concerns:
                raise AppError(ErrorCode.CONFLICT, "nothing to take", text="该申请目前没有需要处理的事项。")
            mine = replace(filing, taken_by=actor.id)
            return Change(noted(mine, clock.now(), actor.id, "take"))

        return await self._change(actor, filing_id, "births.take", taken)

    async def note(self, actor: Actor, filing_id: str, text: str) -> FilingView:
        """Write down what was done. Raises REASON_REQUIRED."""
        said = _given(text)
        return await self._change(
            actor,
            filing_id,
            "births.note_filing",
            lambda filing: Change(noted(filing, clock.now(), actor.id, "note", text=said)),
        )

    async def settle(self, actor: Actor, filing_id: str, text: str) -> FilingView:
        """The concerns are seen to; what is still overdue comes back. Raises REASON_REQUIRED, CONFLICT."""
        said = _given(text)

        def settled(filing: Filing) -> Change:
            if not filing.concerns:
                raise AppError(ErrorCode.CONFLICT, "no concern", text="该申请目前没有需要处理的事项。")
            return Change(self._without_concerns(filing, actor.id, said))

        return await self._change(actor, filing_id, "births.settle", settled)

    def _without_concerns(self, filing: Filing, who: str, text: str) -> Filing:
        """No concern is left, and whatever brought one has another day."""
        now = clock.now()
        for concern in filing.concerns:
            step = filing.step(concern.step)
            if step is not None and step.handover is not None and concern.kind in WORRIES:
                put_off = replace(step.handover, due_at=self._another_day(now))
                filing = with_step(filing, replace(step, handover=put_off))
            elif step is not None and concern.kind not in _SETTLED:
                filing = with_step(filing, self._given_time(step))
            if not concern.step and filing.done_by is not None:
                filing = replace(filing, done_by=max(filing.done_by, self._another_day(now)))
        done = replace(filing, concerns=(), taken_by="")
        return noted(done, now, who, "settle", text=text)

    def _another_day(self, now: datetime) -> datetime:
        return self._rules.calendar.after(now, self._rules.desk_working_days)

    def _given_time(self, step: Step) -> Step:
        now = clock.now()
        if step.state is StepState.NEEDS_CORRECTION:
            return replace(step, correct_by=self._rules.calendar.after(now, self._rules.correct_working_days))
        # What the agency promised stays as it was, for the figures.
        due_at = self._another_day(now)
        return replace(step, due_at=max(due_at, step.due_at or due_at), failures=0)

    async def ask_again(self, actor: Actor, filing_id: str, step: str) -> FilingView:
        """Query the agency now. Raises NOT_FOUND, CONFLICT when it has nothing before it."""
        self._check_may(actor)
        filing = await self._access(actor, filing_id)
        found = _step(filing, step)
        if not found.is_watched:
            raise AppError(ErrorCode.CONFLICT, "not at an agency", text="该事项目前不在部门办理中。")
        await self._record(actor, "births.ask_again", filing)
        await self._asking.look_now(filing, found)
        return await self._view(await self._access(actor, filing_id))

    async def retry(self, actor: Actor, filing_id: str, step: str, reason: str) -> FilingView:
        """Ask anew for what an agency rejected. Raises REASON_REQUIRED, CONFLICT, NOT_FOUND."""
        said = _given(reason)
        self._check_may(actor)
        for _ in range(TRIES):
            view = await self._view(await self._access(actor, filing_id))
            change = self._retried(view, step, actor.id, said)
            # Over the notice that was looked at: its hospital may be correcting it at this moment.
            if await self._asking.write(change, view.birth):
                await self._record(actor, "births.retry", view.filing)
                return await self._view(replace(change.filing, turn=view.filing.turn + 1))
        raise AppError(ErrorCode.UNAVAILABLE, "the filing is being changed")

    def _retried(self, view: FilingView, step: str, who: str, said: str) -> Change:
        filing, birth = view.filing, view.birth
        _step(filing, step)
        if birth.state is not BirthState.NOTED or not is_parents(filing, birth, filing.applicant_id):
            text = "医院已更正或作废这条出生信息，不能重办；请家长按新的信息申请。"
            raise AppError(ErrorCode.CONFLICT, "another birth by now", text=text)
        if filing.superseded or filing.reason:
            text = "家长已撤回，或已就同一出生另行申请，不能重办。"
            raise AppError(ErrorCode.CONFLICT, "withdrawn or superseded", text=text)
        try:
            return self._settling.reopened(filing, step, who, clock.now(), said)
        except MoveError as error:
            raise AppError(ErrorCode.CONFLICT, str(error)) from None

    async def mark_corrected(self, actor: Actor, filing_id: str, step: str, reason: str) -> FilingView:
        """Have an agency look again, at what the parents put right elsewhere."""
        said = _given(reason)

        def corrected(filing: Filing) -> Change:
            _step(filing, step)
            now = clock.now()
            told = noted(filing, now, actor.id, "note", step, said)
            moved = self._settling.step(told, step, StepEvent.CORRECT, By.STAFF, actor.id, now)
            return self._settling.settled(moved, now)

        return await self._change(actor, filing_id, "births.mark_corrected", corrected)

    async def enter(self, actor: Actor, filing_id: str, step: str, said: PaperResult) -> FilingView:
        """A result that came on paper: the same follows as from the agency's own word.

        Raises NOT_FOUND, BAD_REQUEST, CONFLICT where the agency has answered or was not asked.
        """
        self._check_may(actor)
        birth = (await self._view(await self._access(actor, filing_id))).birth

        def typed(filing: Filing) -> Change:
            found, rule = _step(filing, step), self._rules.by_code.get(step)
            if rule is None or not found.is_out:
                text = "该事项部门已经答复，或者还没有送办，不能录入纸质结果。"
                raise AppError(ErrorCode.CONFLICT, "not at an agency", text=text)
            return entered(self._settling, filing, birth, found, rule, said, actor.id, clock.now())

        return await self._change(actor, filing_id, "births.enter_result", typed, step=step)

    async def revoke(self, actor: Actor, filing_id: str, step: str, text: str) -> FilingView:
        """No printout of a result holds any more: its agency has corrected or withdrawn it.

        Raises REASON_REQUIRED, NOT_FOUND, CONFLICT where nothing is done.
        """
        said = _given(text)

        def revoked(filing: Filing) -> Change:
            found = _step(filing, step)
            if not is_printable(found):
                raise AppError(ErrorCode.CONFLICT, "no result that holds", text="该事项没有有效的电子凭证。")
            now = clock.now()
            after = with_step(filing, replace(found, revoked_at=now))
            return Change(noted(after, now, actor.id, "revoke", step, said))

        return await self._change(actor, filing_id, "births.revoke", revoked, step=step)

    async def withdraw(self, actor: Actor, filing_id: str, reason: str) -> FilingView:
        """Take it back for parents who asked for it. Raises REASON_REQUIRED, CONFLICT."""
        said = _given(reason)
        return await self._change(
            actor,
            filing_id,
            "births.withdraw",
            lambda filing: withdrawal(self._settling, filing, By.STAFF, actor.id, said, clock.now()),
        )

    async def doubtful(self, actor: Actor) -> Sequence[Birth]:
        """Births that look like others."""
        self._check_may(actor, Permission.STAFF_BIRTHS_READ)
        return await self._noting.doubtful(actor, MOST_LISTED)

    async def likes(self, actor: Actor, births: Sequence[Birth]) -> Mapping[str, Birth]:
        """What each of these doubtful births looks like, by its id; other hospitals' births stay out."""
        self._check_may(actor, Permission.STAFF_BIRTHS_READ)
        return await self._noting.likes(actor, births)

    async def decide_doubtful(self, actor: Actor, birth_id: str, *, same: bool, reason: str) -> Birth:
        """Say whether it is the same birth. Raises NOT_FOUND, CONFLICT, REASON_REQUIRED."""
        self._check_may(actor)
        return await self._noting.decide(actor, birth_id, same=same, reason=reason)

    async def _change(
        self, actor: Actor, filing_id: str, action: str, thought: Callable[[Filing], Change], **data: str
    ) -> FilingView:
        self._check_may(actor)
        for _ in range(TRIES):
            filing = await self._access(actor, filing_id)
            try:
                change = thought(filing)
            except MoveError as error:
                raise AppError(ErrorCode.CONFLICT, str(error)) from None
            if await self._asking.write(change):
                await self._record(actor, action, filing, **data)
                return await self._view(replace(change.filing, turn=filing.turn + 1))
        raise AppError(ErrorCode.UNAVAILABLE, "the filing is being changed")

    @staticmethod
    def _check_may(actor: Actor, permission: Permission = Permission.STAFF_BIRTHS_HANDLE) -> None:
        if not actor.may(permission):
            raise AppError(ErrorCode.FORBIDDEN, permission)

    async def _access(self, actor: Actor, filing_id: str) -> Filing:
        filing = await self._filings.find(filing_id)
        if filing is None or not actor.covers(filing.organization_id):
            raise not_found(f"filing {filing_id}")
        return filing

    async def _view(self, filing: Filing) -> FilingView:
        birth = await self._births.find(filing.birth_id)
        if birth is None:
            raise not_found(f"birth {filing.birth_id}")
        return FilingView(filing, birth, owner_of(filing))

    async def _record(self, actor: Actor, action: str, filing: Filing, **data: str) -> None:
        """What staff write is sealed with the filing; on the audit log stands no word of it."""
        thing = f"birth_filing/{filing.id}"
        await self._audit.record(actor, action, thing, "出生一件事办理", filing.organization_id, data)


def _within(actor: Actor) -> list[str] | None:
    return None if actor.organization_ids is None else sorted(actor.organization_ids)


def _step(filing: Filing, code: str) -> Step:
    found = filing.step(code)
    if found is None:
        raise not_found(f"step {code}")
    return found


def _given(text: str) -> str:
    if not text.strip():
        raise AppError(ErrorCode.REASON_REQUIRED)
    return text.strip()[:LONGEST_NOTE]
