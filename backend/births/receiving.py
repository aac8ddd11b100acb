"""Receiving what is done: parents say that it has come or not, staff send it, find it, hand it over."""

from __future__ import annotations

import hmac
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from datetime import timedelta
from enum import StrEnum

from backend import clock
from backend.audit.service import AuditService
from backend.births.asking import TRIES, Asking, Kept
from backend.births.belonging import is_parents
from backend.births.checking import other_number
from backend.births.handing import Handing
from backend.births.machine import By, HandoverEvent, HandoverState, MoveError
from backend.births.models import Birth, Filing, FilingView, Step
from backend.births.owning import owner_of
from backend.births.rules import Rules
from backend.births.settling import Change
from backend.errors import AppError, ErrorCode, not_found
from backend.permissions import Actor, Permission

LONGEST_TEXT = 500
# What the QR of a pick-up code begins with, and what stands between its parts.
PICKUP, BETWEEN = "BIRTH", ":"


class Deed(StrEnum):
    """What staff do about something that is handed over."""

    POST = "post"
    LAY_OUT = "lay_out"
    # At the counter, to whoever shows the code or a parent's ID card.
    HAND_OVER = "hand_over"
    # The parents have said so elsewhere.
    CONFIRM = "confirm"
    MISS = "miss"


@dataclass(frozen=True, slots=True)
class Done:
    """What staff have done, with what has to be known of it."""

    deed: Deed
    courier: str = ""
    tracking_no: str = field(default="", repr=False)
    place: str = ""
    # What was shown: the code or all of its QR, or an ID number, which is compared and not kept.
    shown: str = field(default="", repr=False)
    text: str = field(default="", repr=False)


# The filing and its birth, for whoever may have them.
Access = Callable[[], Awaitable[tuple[Filing, Birth]]]
_EVENTS = {
    Deed.POST: HandoverEvent.POST,
    Deed.LAY_OUT: HandoverEvent.LAY_OUT,
    Deed.HAND_OVER: HandoverEvent.RECEIVE,
    Deed.CONFIRM: HandoverEvent.RECEIVE,
    Deed.MISS: HandoverEvent.MISS,
}


def pickup_text(filing_id: str, step: Step) -> str:
    """What the QR at the counter says; "" where there is nothing to be fetched."""
    known = step.handover
    if known is None or known.state is not HandoverState.READY:
        return ""
    return BETWEEN.join((PICKUP, filing_id, step.code, known.code))


class Receiving:
    """For parents and for staff. Others' filings look like none."""

    def __init__(self, kept: Kept, rules: Rules, asking: Asking, audit: AuditService) -> None:
        self._filings = kept.filings
        self._births = kept.births
        self._rules = rules
        self._handing = Handing(rules)
        self._asking = asking
        self._audit = audit

    async def receive(self, actor: Actor, filing_id: str, step: str) -> FilingView:
        """The parents have it; said again, nothing changes. Raises NOT_FOUND, CONFLICT."""
        return await self._said(actor, filing_id, step, HandoverEvent.RECEIVE, HandoverState.RECEIVED, "")

    async def miss(self, actor: Actor, filing_id: str, step: str, text: str) -> FilingView:
        """It has not come, or does not lie where it should: staff look for it. Raises NOT_FOUND, CONFLICT."""
        said = text.strip()[:LONGEST_TEXT]
        return await self._said(actor, filing_id, step, HandoverEvent.MISS, HandoverState.MISSING, said)

    async def do(self, actor: Actor, filing_id: str, step: str, done: Done) -> FilingView:
        """What staff have done. Raises NOT_FOUND, CONFLICT, REASON_REQUIRED, BAD_REQUEST."""
        if not actor.may(Permission.STAFF_BIRTHS_HANDLE):
            raise AppError(ErrorCode.FORBIDDEN, Permission.STAFF_BIRTHS_HANDLE)
        changes = self._with(done, step)

        async def access() -> tuple[Filing, Birth]:
            filing, birth = await self._find(filing_id)
            if not actor.covers(filing.organization_id):
                raise not_found(f"filing {filing_id}")
            return filing, birth

        if done.deed is Deed.HAND_OVER:
            await self._check_shown(actor, *await access(), step, done.shown)

        def moved(filing: Filing) -> Change:
            event, now, text = _EVENTS[done.deed], clock.now(), done.text[:LONGEST_TEXT]
            return self._handing.move(filing, step, event, By.STAFF, actor.id, now, text, **changes)

        view = await self._change(access, step, moved)
        await self._record(actor, f"births.handover_{done.deed}", view.filing, step)
        return view

    async def opened_by(self, actor: Actor, shown: str) -> str:
        """The filing that a QR at the counter is about. Raises NOT_FOUND."""
        parts = shown.strip().split(BETWEEN)
        if not actor.may(Permission.STAFF_BIRTHS_READ) or len(parts) != 4 or parts[0] != PICKUP:
            raise not_found("a pick-up code")
        filing, _ = await self._find(parts[1])
        step = filing.step(parts[2])
        if step is None or not actor.covers(filing.organization_id) or not _is_code(filing, step, shown):
            raise not_found("a pick-up code")
        return filing.id

    async def _said(
        self, actor: Actor, filing_id: str, code: str, event: HandoverEvent, wanted: HandoverState, text: str
    ) -> FilingView:
        async def access() -> tuple[Filing, Birth]:
            filing, birth = await self._find(filing_id)
            if actor.kind != "resident" or not is_parents(filing, birth, actor.id):
                raise not_found(f"filing {filing_id}")
            return filing, birth

        changed = False

        def moved(filing: Filing) -> Change | None:
            nonlocal changed
            changed = False
            now, step = clock.now(), filing.step(code)
            known = step.handover if step else None
            if known is not None and known.state is wanted:
                return None
            since = known.received_at if known else None
            if since is not None and now - since > timedelta(days=self._rules.receiving.claim_days):
                raise AppError(ErrorCode.CONFLICT, "too late", text="签收已久，请到办理部门或社区窗口查询。")
            changed = True
            return self._handing.move(filing, code, event, By.RESIDENT, actor.id, now, text)

        view = await self._change(access, code, moved)
        if changed:
            await self._record(actor, f"births.handover_{event}", view.filing, code)
        return view

    def _with(self, done: Done, code: str) -> dict[str, str]:
        """What is kept of a deed. Raises BAD_REQUEST, REASON_REQUIRED."""
        rule = self._rules.by_code.get(code)
        if done.deed is Deed.POST:
            number = done.tracking_no
            if not _is_plain(done.courier) or not number.isascii() or not number.isalnum():
                raise AppError(ErrorCode.BAD_REQUEST, "parcel", text="请填写快递公司和单号（字母和数字）。")
            return {"courier": done.courier, "tracking_no": done.tracking_no, "place": ""}
        if done.deed is Deed.LAY_OUT:
            place = done.place or (rule.hands_over.place if rule and rule.hands_over else "")
            if not _is_plain(place):
                raise AppError(ErrorCode.BAD_REQUEST, "place", text="请填写领取地点。")
            return {"place": place, "courier": "", "tracking_no": ""}
        if done.deed is not Deed.HAND_OVER and not done.text.strip():
            raise AppError(ErrorCode.REASON_REQUIRED)
        return {}

    async def _check_shown(self, actor: Actor, filing: Filing, birth: Birth, code: str, shown: str) -> None:
        """Whether it is the code of this very thing, or the ID number of a parent; refusals are on record."""
        step, said = filing.step(code), shown.strip().upper()
        numbers = {birth.mother.id_number, other_number(birth, filing.answers)} - {""}
        is_parent = any(hmac.compare_digest(number.encode(), said.encode()) for number in numbers)
        if step is not None and (is_parent or _is_code(filing, step, shown)):
            return
        await self._record(actor, "births.handover_refused", filing, code)
        text = "取件码或身份证号不对，请核对；没有取件码的，请父母一方持本人身份证领取。"
        raise AppError(ErrorCode.BAD_REQUEST, "shown", text=text)

    async def _change(
        self, access: Access, code: str, thought: Callable[[Filing], Change | None]
    ) -> FilingView:
        """Think a move of the filing as it stands, and write it; thought over when another was quicker."""
        for _ in range(TRIES):
            filing, birth = await access()
            try:
                change = thought(filing)
            except LookupError:
                raise not_found(f"what step {code} hands over") from None
            except MoveError as error:
                raise AppError(ErrorCode.CONFLICT, str(error)) from None
            if change is None:
                return FilingView(filing, birth, owner_of(filing))
            if await self._asking.write(change):
                after = replace(change.filing, turn=filing.turn + 1)
                return FilingView(after, birth, owner_of(after))
        raise AppError(ErrorCode.UNAVAILABLE, "the filing is being changed")

    async def _find(self, filing_id: str) -> tuple[Filing, Birth]:
        filing = await self._filings.find(filing_id)
        birth = await self._births.find(filing.birth_id) if filing else None
        if filing is None or birth is None:
            raise not_found(f"filing {filing_id}")
        return filing, birth

    async def _record(self, actor: Actor, action: str, filing: Filing, step: str) -> None:
        thing = f"birth_filing/{filing.id}"
        await self._audit.record(
            actor, action, thing, "出生一件事证件交付", filing.organization_id, {"step": step}
        )


def _is_plain(text: str) -> bool:
    """Whether it can be read out: there, and without line breaks and the like."""
    return bool(text.strip()) and text.isprintable()


def _is_code(filing: Filing, step: Step, shown: str) -> bool:
    """Whether it is the code of this very thing, alone or as its QR says it."""
    whole = pickup_text(filing.id, step)
    alone = whole.rpartition(BETWEEN)[2]
    said = shown.strip().encode()
    return bool(alone) and any(hmac.compare_digest(each.encode(), said) for each in (whole, alone))
