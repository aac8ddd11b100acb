"""The births' service: what residents do, and the parts that hospitals, staff and agencies deal with.

noting     births, for hospitals                 desk      the work-list, for staff
asking     the saga with the agencies            files     uploaded materials
children   the child among the parents' patients telling   what parents are told
papers     printouts of what is done            receiving what is handed over, by parents and staff
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

from backend import clock
from backend.audit.service import AuditService
from backend.births.answering import refuse_of_done, refuse_of_others
from backend.births.asking import TRIES, Asking, Kept
from backend.births.belonging import is_parents
from backend.births.checking import Case, check, other_number
from backend.births.children import Children
from backend.births.desk import Desk
from backend.births.files import Files
from backend.births.finding import Finding
from backend.births.forgetting import Forgetting
from backend.births.machine import By, FilingEvent, FilingState, MoveError, StepEvent, StepState, filing_after
from backend.births.models import (
    Answers,
    Birth,
    BirthState,
    Filing,
    FilingView,
    Precheck,
    Problem,
    ProblemKind,
    Step,
)
from backend.births.noting import Noting
from backend.births.owning import owner_of
from backend.births.papers import Papers
from backend.births.receiving import Receiving
from backend.births.rules import Rules
from backend.births.settling import Change, Settling, withdrawal
from backend.births.telling import BirthTeller
from backend.births.verifying import Verifying
from backend.errors import AppError, ErrorCode, not_found
from backend.ids import derived_id
from backend.permissions import Actor
from backend.worker.events import Event

MOST_LISTED = 50
LONGEST_REASON = 500
# What time may have made of a birth since it was handed in is no obstacle to a correction.
_PAST = frozenset({"too_old", "doubtful", "not_fileable"})
# Nor who the father is, where that cannot be answered otherwise any more.
_OF_FATHER = frozenset({"other_name_wrong", "other_not_noted"})


class BirthService:
    """Filing births, for parents. Others' births and filings look like none."""

    def __init__(
        self,
        kept: Kept,
        rules: Rules,
        settling: Settling,
        *,
        finding: Finding,
        asking: Asking,
        noting: Noting,
        desk: Desk,
        files: Files,
        papers: Papers,
        verifying: Verifying,
        receiving: Receiving,
        children: Children,
        teller: BirthTeller,
        forgetting: Forgetting,
        audit: AuditService,
    ) -> None:
        self._births = kept.births
        self._filings = kept.filings
        self._contents = kept.files
        self.rules = rules
        self._settling = settling
        self._finding = finding
        self.asking = asking
        self.noting = noting
        self.desk = desk
        self.files = files
        self.papers = papers
        self.verifying = verifying
        self.receiving = receiving
        self.children = children
        self.teller = teller
        self.forgetting = forgetting
        self._audit = audit

    # Before filing.

    async def births_of(self, actor: Actor) -> list[Birth]:
        """Births that hospitals noted, where the resident is a parent."""
        found = await self._births.of_parent(actor.id)
        return [birth for birth in found if birth.state in (BirthState.NOTED, BirthState.DOUBTFUL)]

    async def precheck(self, actor: Actor, birth_id: str, answers: Answers) -> Precheck:
        """What is in the way of filing it so. Raises NOT_FOUND."""
        birth = await self._access_birth(actor, birth_id)
        filings = await self._filings.of_birth(birth_id)
        files = filings[-1] if filings and not filings[-1].is_over else None
        return check(self.rules, await self._finding.case(birth, answers, files))

    async def open(self, actor: Actor, birth_id: str) -> FilingView:
        """A draft, or the filing that there is. Raises NOT_FOUND, BIRTH_NOT_FILEABLE."""
        birth = await self._access_birth(actor, birth_id)
        for _ in range(TRIES):
            filings = await self._filings.of_birth(birth_id)
            last = filings[-1] if filings else None
            if last is not None and last.state is FilingState.DRAFT and last.parent_ids != birth.parent_ids:
                await self._hand_over(last, birth, actor)
                continue
            if last is not None and (not last.is_over or last.state is FilingState.COMPLETED):
                return _view(last, birth)
            self._refuse_unfileable(birth)
            # From here on staff cannot open the old one again: there is never more than one under way.
            if last is not None and not await self._superseded(last):
                continue
            await self._filings.insert(self._draft(actor, birth, len(filings), last))
        raise AppError(ErrorCode.UNAVAILABLE, "the birth is being filed")

    async def _hand_over(self, draft: Filing, birth: Birth, actor: Actor) -> None:
        """The hospital has corrected who the parents are: the draft is theirs, but not what others put in."""
        after = replace(draft, parent_ids=birth.parent_ids)
        if draft.applicant_id not in birth.parent_ids:
            await self._contents.delete_of(draft.id)
            after = replace(after, applicant_id=actor.id, answers=Answers(), files=())
        await self._filings.write(after)

    async def _superseded(self, last: Filing) -> bool:
        return last.superseded or await self._filings.write(replace(last, superseded=True))

    def _draft(self, actor: Actor, birth: Birth, number: int, last: Filing | None) -> Filing:
        now = clock.now()
        done = {step.code: step for step in last.steps if step.state is StepState.DONE} if last else {}
        steps = []
        for rule in self.rules.steps:
            step = Step(
                rule.code, rule.name, rule.agency, StepState.WAITING, rule.needs, rule.optional,
                rule.working_days,
            )  # fmt: skip
            if (before := done.get(rule.code)) is not None:
                # What an agency has done is not asked for again.
                step = replace(
                    step, state=StepState.DONE, receipt=before.receipt, results=before.results,
                    ended_at=before.ended_at, paper=before.paper, revoked_at=before.revoked_at,
                )  # fmt: skip
            steps.append(step)
        return Filing(
            id=derived_id(birth.created_at, "birth_filing", birth.id, str(number)),
            birth_id=birth.id,
            organization_id=birth.organization_id,
            applicant_id=actor.id,
            parent_ids=birth.parent_ids,
            state=FilingState.DRAFT,
            turn=0,
            edition=self.rules.edition,
            answers=last.answers if last and is_parents(last, birth, actor.id) else Answers(),
            steps=tuple(steps),
            created_at=now,
            updated_at=now,
            open_until=now + timedelta(days=self.rules.draft_days),
            child_id=last.child_id if last else "",
        )

    def _refuse_unfileable(self, birth: Birth) -> None:
        name = {BirthState.NOTED: "", BirthState.DOUBTFUL: "doubtful"}.get(birth.state, "not_fileable")
        if not name and (clock.now() - birth.facts.born_at).days > self.rules.child_age_days:
            name = "too_old"
        if name:
            raise _not_fileable(self.rules.situations[name].problem(name))

    # The filing.

    async def amend(self, actor: Actor, filing_id: str, answers: Answers) -> FilingView:
        """Other answers in a draft. Raises NOT_FOUND, CONFLICT."""
        optional = {rule.code for rule in self.rules.steps if rule.optional}
        wanted = tuple(code for code in dict.fromkeys(answers.wanted) if code in optional)

        def amended(filing: Filing) -> Change:
            filing_after(filing.state, FilingEvent.AMEND, By.RESIDENT)
            refuse_of_done(self.rules, filing, answers)
            return Change(replace(filing, answers=replace(answers, wanted=wanted), updated_at=clock.now()))

        return await self._change(actor, filing_id, amended)

    async def submit(self, actor: Actor, filing_id: str) -> FilingView:
        """Hand it in; done already, nothing changes. Raises NOT_FOUND, CONFLICT, BIRTH_NOT_FILEABLE."""
        first = view = await self.get(actor, filing_id)
        for _ in range(TRIES):
            filing = view.filing
            if filing.submitted_at is not None:
                return view
            if (filing.answers, filing.files) != (first.filing.answers, first.filing.files):
                raise AppError(ErrorCode.CONFLICT, "the draft changed meanwhile")
            change = await self._submitted(actor, view)
            # Over the notice that was checked: one that its hospital corrects meanwhile is checked anew.
            if await self.asking.write(change, view.birth):
                await self._record(actor, "births.submit", filing, "提交出生一件事申请")
                return _view(replace(change.filing, turn=filing.turn + 1), view.birth)
            view = await self.get(actor, filing_id)
        raise AppError(ErrorCode.UNAVAILABLE, "the filing is being changed")

    async def _submitted(self, actor: Actor, view: FilingView) -> Change:
        """The filing handed in, if nothing is in the way."""
        filing, now = view.filing, clock.now()
        case = await self._finding.case(view.birth, filing.answers, filing)
        checked = check(self.rules, case)
        if not checked.ok:
            raise _not_fileable(*(each for each in checked.problems if _stops(each)))
        ready = replace(
            filing,
            submitted_at=now,
            parent_ids=await self._parents(view, filing.answers, case),
            materials=checked.materials,
            remarks=tuple(each for each in checked.problems if each.kind is not ProblemKind.FIX),
        )
        try:
            change = self._settling.move(ready, FilingEvent.SUBMIT, By.RESIDENT, actor.id, now)
        except MoveError as error:
            raise AppError(ErrorCode.CONFLICT, str(error)) from None
        for step in filing.steps:
            if step.code in checked.left_out and step.state is StepState.WAITING:
                event = StepEvent.LEAVE_OUT
                change = change.and_then(
                    self._settling.step(change.filing, step.code, event, By.SYSTEM, "system", now)
                )
        return self._settling.settled(change, now)

    async def correct(self, actor: Actor, filing_id: str, step: str, answers: Answers) -> FilingView:
        """Put right what a step's agency wants corrected; only that step is asked for again.

        Raises NOT_FOUND, CONFLICT, BAD_REQUEST for an answer that is not this step's, BIRTH_NOT_FILEABLE.
        """
        view = await self.get(actor, filing_id)
        found = view.filing.step(step)
        if found is None:
            raise not_found(f"step {step}")
        answers = replace(answers, wanted=view.filing.answers.wanted)
        if found.attempt and found.state is not StepState.NEEDS_CORRECTION and answers == view.filing.answers:
            return view
        if found.state is not StepState.NEEDS_CORRECTION:
            raise AppError(ErrorCode.CONFLICT, f"step {step} is {found.state}")
        case = await self._finding.case(view.birth, answers, view.filing)
        refuse_of_others(self.rules, view.filing, step, answers)
        checked = check(self.rules, case)
        past = _PAST if "other_name" in self.rules.by_code[step].corrects else _PAST | _OF_FATHER
        stopping = [each for each in checked.problems if _stops(each) and each.code not in past]
        if stopping or step in checked.left_out:
            raise _not_fileable(*(stopping or checked.problems))

        parents = await self._parents(view, answers, case)

        def corrected(filing: Filing) -> Change:
            if filing.answers != view.filing.answers or filing.files != view.filing.files:
                raise AppError(ErrorCode.CONFLICT, "the filing changed meanwhile")
            now = clock.now()
            told = replace(filing, answers=answers, materials=checked.materials, parent_ids=parents)
            event = StepEvent.CORRECT
            moved = self._settling.step(told, step, event, By.RESIDENT, actor.id, now)
            return self._settling.settled(moved, now)

        return await self._change(actor, filing_id, corrected)

    async def _parents(self, view: FilingView, answers: Answers, case: Case) -> tuple[str, ...]:
        """The parents by the hospital's word, and by marriage whom the applicant has named."""
        filing, birth = view.filing, view.birth
        same = other_number(birth, answers) == other_number(birth, filing.answers)
        if filing.submitted_at is not None and same:
            return filing.parent_ids
        parents = birth.parent_ids
        if case.findings.married and birth.other is None:
            parents = (*parents, *await self._finding.other_parent(birth, answers))
        return tuple(dict.fromkeys(parents)) or filing.parent_ids

    async def withdraw(self, actor: Actor, filing_id: str, reason: str) -> FilingView:
        """Take it back: what is done stays done. Raises NOT_FOUND, CONFLICT."""
        why = reason.strip()[:LONGEST_REASON] or "家长撤回"

        def withdrawn(filing: Filing) -> Change | None:
            if filing.state in (FilingState.WITHDRAWING, FilingState.WITHDRAWN):
                return None
            return withdrawal(self._settling, filing, By.RESIDENT, actor.id, why, clock.now())

        view = await self._change(actor, filing_id, withdrawn)
        await self._record(actor, "births.withdraw", view.filing, "撤回出生一件事申请")
        return view

    async def get(self, actor: Actor, filing_id: str) -> FilingView:
        """One's own filing. Raises NOT_FOUND."""
        return _view(*await self._access(actor, filing_id))

    async def print(self, actor: Actor, filing_id: str, step: str) -> bytes:
        """What has come of a step of one's own filing, as a PDF. Raises NOT_FOUND, UNAVAILABLE."""
        return await self.papers.made(actor, await self.get(actor, filing_id), step, masked=False)

    async def list(self, actor: Actor) -> list[FilingView]:
        """One's own filings, the newest first."""
        found = await self._filings.of_parent(actor.id, MOST_LISTED)
        theirs = [(filing, await self._birth_of(filing)) for filing in found]
        return [_view(filing, birth) for filing, birth in theirs if is_parents(filing, birth, actor.id)]

    async def on_resident_deleted(self, event: Event) -> None:
        """RESIDENT_DELETED: whoever is gone files nothing any more."""
        person_id = event.data["resident_id"]
        for filing in await self._filings.of_parent(person_id, MOST_LISTED):
            await self._leave(filing.id, person_id)
        await self.noting.forget_parent(person_id)

    async def _leave(self, filing_id: str, person_id: str) -> None:
        for _ in range(TRIES):
            filing = await self._filings.find(filing_id)
            if filing is None or person_id not in filing.parent_ids:
                return
            left = tuple(each for each in filing.parent_ids if each != person_id)
            applicant = left[0] if left else filing.applicant_id
            change = Change(replace(filing, parent_ids=left, applicant_id=applicant))
            stoppable = (FilingState.DRAFT, FilingState.SUBMITTED, FilingState.IN_PROGRESS,
                         FilingState.NEEDS_CORRECTION)  # fmt: skip
            if not left and filing.state in stoppable:
                change = withdrawal(
                    self._settling, change.filing, By.RESIDENT, person_id, "账号已注销", clock.now()
                )
            if await self.asking.write(change):
                return
        raise AppError(ErrorCode.UNAVAILABLE, "the filing is being changed")

    # What all of them do.

    async def _change(
        self, actor: Actor, filing_id: str, thought: Callable[[Filing], Change | None]
    ) -> FilingView:
        """Think a change of the filing as it stands, and write it; thought over when another was quicker."""
        for _ in range(TRIES):
            filing, birth = await self._access(actor, filing_id)
            try:
                change = thought(filing)
            except MoveError as error:
                raise AppError(ErrorCode.CONFLICT, str(error)) from None
            if change is None:
                return _view(filing, birth)
            if await self.asking.write(change):
                return _view(replace(change.filing, turn=filing.turn + 1), birth)
        raise AppError(ErrorCode.UNAVAILABLE, "the filing is being changed")

    async def _access(self, actor: Actor, filing_id: str) -> tuple[Filing, Birth]:
        filing = await self._filings.find(filing_id)
        if filing is None or actor.kind != "resident":
            raise not_found(f"filing {filing_id}")
        birth = await self._birth_of(filing)
        if not is_parents(filing, birth, actor.id):
            raise not_found(f"filing {filing_id}")
        return filing, birth

    async def _access_birth(self, actor: Actor, birth_id: str) -> Birth:
        birth = await self._births.find(birth_id)
        if birth is None or actor.kind != "resident" or actor.id not in birth.parent_ids:
            raise not_found(f"birth {birth_id}")
        return birth

    async def _birth_of(self, filing: Filing) -> Birth:
        birth = await self._births.find(filing.birth_id)
        if birth is None:
            raise not_found(f"birth {filing.birth_id}")
        return birth

    async def _record(self, actor: Actor, action: str, filing: Filing, basis: str) -> None:
        await self._audit.record(
            actor, action, f"birth_filing/{filing.id}", basis, filing.organization_id, {}
        )


def _view(filing: Filing, birth: Birth) -> FilingView:
    return FilingView(filing, birth, owner_of(filing))


def _stops(problem: Problem) -> bool:
    return problem.kind in (ProblemKind.FIX, ProblemKind.ELSEWHERE)


def _not_fileable(*problems: Problem) -> AppError:
    """The problems in their own words; none of them says who it is about."""
    told = [
        {"code": each.code, "text": each.text, "what_to_do": each.what_to_do, "field": each.field}
        for each in problems
    ]
    codes = ",".join(each.code for each in problems)
    text = f"{problems[0].text}{problems[0].what_to_do}" if problems else None
    return AppError(ErrorCode.BIRTH_NOT_FILEABLE, codes, data={"problems": told}, text=text)
