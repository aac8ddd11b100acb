"""What the doctor decides for each item of a check: recognise, or say why not."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from backend import clock
from backend.audit.service import AuditService
from backend.errors import AppError, ErrorCode, not_found
from backend.permissions import Actor
from backend.recognition.lists import Lists, lists_of
from backend.recognition.models import ANSWER_WITHIN, CHANGE_FOR, AskedItem, Check, Decision
from backend.recognition.store import RecognitionStore
from backend.records.gate import organization_of
from backend.rulebooks.service import Rulebook
from backend.worker.events import Event, EventKind

_ATTEMPTS = 8
UNANSWERABLE = "这份结果不在可互认之列，不能登记为互认。"


@dataclass(frozen=True, slots=True)
class Said:
    """One answer as it comes in."""

    item: str
    accepted: bool
    resource_id: str = ""
    reason: str = ""
    note: str = ""


class Deciding:
    """Takes answers. The same again changes nothing; another counts for a while, and the old one is kept."""

    def __init__(
        self, store: RecognitionStore, lists: Rulebook, audit: AuditService, nudge: Callable[[], None]
    ) -> None:
        self._store = store
        self._lists = lists
        self._audit = audit
        self._nudge = nudge

    async def decide(self, actor: Actor, check_id: str, practitioner: str, said: Sequence[Said]) -> Check:
        """Write down the answers. Raises NOT_FOUND, BAD_REQUEST naming the item, DECISION_CLOSED."""
        for _ in range(_ATTEMPTS):
            check = await self.access(actor, check_id)
            lists = lists_of(await self._lists.read(check.edition)) if check.edition else Lists(0)
            after = check
            for each in said:
                after = decided(after, _decision(after, lists, practitioner, each))
            if after is check:
                return check
            event = Event(
                EventKind.RECOGNITION_DECIDED,
                {"check_id": check.id, "organization_id": check.organization_id},
            )
            if await self._store.write(after, [event]):
                self._nudge()
                await self._record(actor, check, after, practitioner)
                return replace(after, turn=after.turn + 1)
        raise AppError(ErrorCode.CONFLICT, "the check is being decided elsewhere")

    async def access(self, actor: Actor, check_id: str) -> Check:
        """A check of the asking hospital; another's looks like none."""
        check = await self._store.find(check_id)
        if check is None or check.organization_id != organization_of(actor):
            raise not_found("check")
        return check

    async def _record(self, actor: Actor, before: Check, after: Check, practitioner: str) -> None:
        new = [each for each in after.decisions.values() if before.decisions.get(each.item) != each]
        await self._audit.record(
            actor,
            "recognition.decided",
            f"recognition/{after.id}",
            "结果互认",
            after.organization_id,
            {
                "person": after.person_id,
                "practitioner": practitioner,
                "accepted": sorted(each.item for each in new if each.accepted),
                "refused": sorted(f"{each.item}:{each.reason}" for each in new if not each.accepted),
            },
        )


def decided(check: Check, decision: Decision) -> Check:
    """The check with one more answer; the very same check when it is nothing new. Raises DECISION_CLOSED."""
    before = check.decisions.get(decision.item)
    if before is not None and before.says_the_same(decision):
        return check
    first = check.first_decided_at.get(decision.item)
    if first is not None and decision.at > first + CHANGE_FOR:
        raise AppError(ErrorCode.DECISION_CLOSED, data={"item": decision.item})
    if first is None and decision.at > check.at + ANSWER_WITHIN:
        raise AppError(ErrorCode.DECISION_CLOSED, "the check is old", data={"item": decision.item})
    return replace(
        check,
        decisions={**check.decisions, decision.item: decision},
        first_decided_at={**check.first_decided_at, decision.item: first or decision.at},
        history=(*check.history, before) if before is not None else check.history,
    )


def _decision(check: Check, lists: Lists, practitioner: str, said: Said) -> Decision:
    asked = check.item(said.item)
    if asked is None:
        raise _bad("item", "unknown", said)
    at = clock.now()
    if not said.accepted:
        if said.reason not in lists.reasons:
            raise _bad("reason", "unknown", said)
        if not asked.offers:
            raise _bad("item", "nothing offered", said)
        excused = not lists.reasons[said.reason].counted
        return Decision(
            asked.item, False, practitioner, at, reason=said.reason, note=said.note, excused=excused
        )
    return _acceptance(asked, said, Decision(asked.item, True, practitioner, at, note=said.note))


def _acceptance(asked: AskedItem, said: Said, decision: Decision) -> Decision:
    offer = asked.offer(said.resource_id)
    if offer is None:
        raise AppError(ErrorCode.BAD_REQUEST, "not recognisable", text=UNANSWERABLE, data={"item": said.item})
    return replace(decision, resource_id=offer.resource_id, saved_fen=asked.fee_fen)


def _bad(field: str, problem: str, said: Said) -> AppError:
    about = {"fields": [{"field": f"decisions.{field}", "problem": problem}], "item": said.item[:64]}
    return AppError(ErrorCode.BAD_REQUEST, data=about)
