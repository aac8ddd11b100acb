"""The machines of a birth filing as tables: its own, each step's, and that of what a step hands over. Pure.

A step asks one agency for one thing. A filing's state follows from its steps; `settling.py` says how. What is
printed or embossed is still to reach the parents once its step is done: that has a machine of its own, so
that a filing is over, and its days are counted, when the agencies have done their work.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class By(StrEnum):
    """Who makes something happen."""

    RESIDENT = "resident"
    STAFF = "staff"
    AGENCY = "agency"
    SYSTEM = "system"


class FilingState(StrEnum):
    """Where a filing stands as a whole."""

    DRAFT = "draft"
    # Handed in; no agency has been asked yet.
    SUBMITTED = "submitted"
    # At least one step waits for the parents; others may go on meanwhile.
    NEEDS_CORRECTION = "needs_correction"
    IN_PROGRESS = "in_progress"
    # Over, with some things done and others not.
    PARTLY_DONE = "partly_done"
    COMPLETED = "completed"
    # Withdrawn by the parents; agencies that are at work are being told.
    WITHDRAWING = "withdrawing"
    # Over, with nothing done: by the parents' wish, by refusal, or because a draft was never handed in.
    WITHDRAWN = "withdrawn"
    REJECTED = "rejected"
    EXPIRED = "expired"


class FilingEvent(StrEnum):
    """What may happen to a filing."""

    AMEND = "amend"
    SUBMIT = "submit"
    EXPIRE = "expire"
    BEGIN = "begin"
    WANT_CORRECTION = "want_correction"
    RESUME = "resume"
    FINISH = "finish"
    FINISH_PARTLY = "finish_partly"
    REFUSE = "refuse"
    WITHDRAW = "withdraw"
    END_WITHDRAWAL = "end_withdrawal"
    REOPEN = "reopen"


class StepState(StrEnum):
    """Where one step stands."""

    # Until the steps it needs are done.
    WAITING = "waiting"
    READY = "ready"
    # Written down before the agency is called: until it answers nobody knows whether the question arrived.
    ASKED = "asked"
    ACCEPTED = "accepted"
    NEEDS_CORRECTION = "needs_correction"
    REJECTED = "rejected"
    DONE = "done"
    CANCELLED = "cancelled"
    NOT_WANTED = "not_wanted"


class StepEvent(StrEnum):
    """What may happen to a step."""

    LEAVE_OUT = "leave_out"
    WANT = "want"
    UNLOCK = "unlock"
    ASK = "ask"
    # The question never arrived, and the agency will refuse it should it still come.
    LOSE = "lose"
    ACCEPT = "accept"
    WANT_CORRECTION = "want_correction"
    REJECT = "reject"
    FINISH = "finish"
    CORRECT = "correct"
    RETRY = "retry"
    CANCEL = "cancel"
    RESTORE = "restore"


class HandoverState(StrEnum):
    """Where the paper or card of a step is that is done."""

    # Its agency has neither posted it nor laid it out yet.
    AWAITED = "awaited"
    POSTED = "posted"
    # It lies at a place, to be fetched.
    READY = "ready"
    # Sent and not come, or not to be found where it should lie.
    MISSING = "missing"
    RECEIVED = "received"


class HandoverEvent(StrEnum):
    """What may happen to it. No agency is asked anew for one that is lost: what is done stays done."""

    POST = "post"
    LAY_OUT = "lay_out"
    # Nobody has said that it has come: the parents are asked.
    REMIND = "remind"
    MISS = "miss"
    RECEIVE = "receive"


@dataclass(frozen=True, slots=True)
class Move:
    """Where an event leads, and who may bring it about."""

    to: FilingState | StepState | HandoverState
    by: frozenset[By]


class MoveError(Exception):
    """What was wanted is no move of the machine: not from this state, or not by this one."""

    def __init__(self, state: str, event: str, by: By, *, known: bool) -> None:
        super().__init__(f"{event} of {state} by {by}")
        # Whether the move exists, for somebody else.
        self.known = known


_F, _E, _S, _T, _H, _G = FilingState, FilingEvent, StepState, StepEvent, HandoverState, HandoverEvent
_RESIDENT, _STAFF = frozenset({By.RESIDENT}), frozenset({By.STAFF})
_AGENCY, _SYSTEM = frozenset({By.AGENCY}), frozenset({By.SYSTEM})
_PARENTS = frozenset({By.RESIDENT, By.STAFF})

FILING_MOVES: dict[tuple[FilingState, FilingEvent], Move] = {
    (_F.DRAFT, _E.AMEND): Move(_F.DRAFT, _RESIDENT),
    (_F.DRAFT, _E.SUBMIT): Move(_F.SUBMITTED, _RESIDENT),
    (_F.DRAFT, _E.WITHDRAW): Move(_F.WITHDRAWN, _PARENTS),
    (_F.DRAFT, _E.EXPIRE): Move(_F.EXPIRED, _SYSTEM),
    (_F.SUBMITTED, _E.BEGIN): Move(_F.IN_PROGRESS, _SYSTEM),
    (_F.IN_PROGRESS, _E.WANT_CORRECTION): Move(_F.NEEDS_CORRECTION, _SYSTEM),
    (_F.NEEDS_CORRECTION, _E.RESUME): Move(_F.IN_PROGRESS, _SYSTEM),
    (_F.PARTLY_DONE, _E.REOPEN): Move(_F.IN_PROGRESS, _STAFF),
    (_F.REJECTED, _E.REOPEN): Move(_F.IN_PROGRESS, _STAFF),
    (_F.WITHDRAWING, _E.END_WITHDRAWAL): Move(_F.WITHDRAWN, _SYSTEM),
    **{(state, _E.WITHDRAW): Move(_F.WITHDRAWING, _PARENTS)
       for state in (_F.SUBMITTED, _F.NEEDS_CORRECTION, _F.IN_PROGRESS)},
    **{(state, _E.FINISH): Move(_F.COMPLETED, _SYSTEM)
       for state in (_F.IN_PROGRESS, _F.NEEDS_CORRECTION, _F.WITHDRAWING)},
    **{(state, _E.FINISH_PARTLY): Move(_F.PARTLY_DONE, _SYSTEM)
       for state in (_F.IN_PROGRESS, _F.NEEDS_CORRECTION, _F.WITHDRAWING)},
    **{(state, _E.REFUSE): Move(_F.REJECTED, _SYSTEM)
       for state in (_F.IN_PROGRESS, _F.NEEDS_CORRECTION)},
}  # fmt: skip

STEP_MOVES: dict[tuple[StepState, StepEvent], Move] = {
    (_S.WAITING, _T.LEAVE_OUT): Move(_S.NOT_WANTED, frozenset({By.RESIDENT, By.SYSTEM})),
    (_S.NOT_WANTED, _T.WANT): Move(_S.WAITING, frozenset({By.RESIDENT, By.SYSTEM})),
    (_S.WAITING, _T.UNLOCK): Move(_S.READY, _SYSTEM),
    (_S.READY, _T.ASK): Move(_S.ASKED, _SYSTEM),
    (_S.ASKED, _T.LOSE): Move(_S.READY, _SYSTEM),
    (_S.ASKED, _T.ACCEPT): Move(_S.ACCEPTED, _AGENCY),
    (_S.NEEDS_CORRECTION, _T.CORRECT): Move(_S.READY, _PARENTS),
    (_S.REJECTED, _T.RETRY): Move(_S.READY, _STAFF),
    (_S.CANCELLED, _T.RESTORE): Move(_S.WAITING, _SYSTEM),
    **{(state, _T.WANT_CORRECTION): Move(_S.NEEDS_CORRECTION, _AGENCY)
       for state in (_S.ASKED, _S.ACCEPTED)},
    # What an agency has sent back is nobody's any more; the corrected one is another question.
    # Staff, too: a result that came on paper, where the agency has not answered by itself.
    **{(state, _T.FINISH): Move(_S.DONE, _AGENCY | _STAFF) for state in (_S.ASKED, _S.ACCEPTED)},
    **{(state, _T.REJECT): Move(_S.REJECTED, _AGENCY) for state in (_S.ASKED, _S.ACCEPTED)},
    # What no agency has before it is called off at once; what one has, when it says so.
    **{(state, _T.CANCEL): Move(_S.CANCELLED, _SYSTEM)
       for state in (_S.WAITING, _S.READY, _S.NEEDS_CORRECTION)},
    **{(state, _T.CANCEL): Move(_S.CANCELLED, _AGENCY) for state in (_S.ASKED, _S.ACCEPTED)},
}  # fmt: skip

_SENDERS, _ANYBODY = _AGENCY | _STAFF, _RESIDENT | _STAFF | _AGENCY
HANDOVER_MOVES: dict[tuple[HandoverState, HandoverEvent], Move] = {
    # Posted anew, laid out elsewhere, back from the post to the counter: whoever has it says so.
    **{(state, _G.POST): Move(_H.POSTED, _SENDERS) for state in _H if state is not _H.RECEIVED},
    **{(state, _G.LAY_OUT): Move(_H.READY, _SENDERS) for state in _H if state is not _H.RECEIVED},
    **{(state, _G.RECEIVE): Move(_H.RECEIVED, _ANYBODY) for state in _H if state is not _H.RECEIVED},
    **{(state, _G.REMIND): Move(state, _SYSTEM) for state in (_H.POSTED, _H.READY)},
    **{(state, _G.MISS): Move(_H.MISSING, _ANYBODY) for state in (_H.POSTED, _H.READY)},
    # Said too soon, or signed for by somebody else.
    (_H.RECEIVED, _G.MISS): Move(_H.MISSING, _PARENTS),
}  # fmt: skip

ENDED = frozenset({_F.PARTLY_DONE, _F.COMPLETED, _F.WITHDRAWN, _F.REJECTED, _F.EXPIRED})
# An agency has it before it, as far as we know.
AT_AGENCY = frozenset({_S.ASKED, _S.ACCEPTED})
# Nothing more will come of it by itself.
SETTLED = frozenset({_S.DONE, _S.REJECTED, _S.CANCELLED, _S.NOT_WANTED})


def filing_after(state: FilingState, event: FilingEvent, by: By) -> FilingState:
    """The filing's next state. Raises MoveError."""
    to = _after(FILING_MOVES.get((state, event)), state, event, by)
    return FilingState(to)


def step_after(state: StepState, event: StepEvent, by: By) -> StepState:
    """The step's next state. Raises MoveError."""
    to = _after(STEP_MOVES.get((state, event)), state, event, by)
    return StepState(to)


def handover_after(state: HandoverState, event: HandoverEvent, by: By) -> HandoverState:
    """The next state of what a step hands over. Raises MoveError."""
    to = _after(HANDOVER_MOVES.get((state, event)), state, event, by)
    return HandoverState(to)


def _after(move: Move | None, state: str, event: str, by: By) -> str:
    if move is None or by not in move.by:
        raise MoveError(state, event, by, known=move is not None)
    return move.to
