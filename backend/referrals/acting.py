"""Acting: an event comes, the table is asked, and the next turn is written over the one it was thought of.

A place of the pool is taken between two writes. The first says that it may be taken, the second that it is
the referral's; whatever dies between them leaves a loose place behind, which the sweep gives back. A loose
place is given back only after `places_tried` has gone up: from then on nobody can arrive at it under its key,
and whoever has taken it late finds his turn gone and gives it back himself.
"""

from __future__ import annotations

import logging
from dataclasses import replace
from datetime import timedelta

from backend import clock
from backend.errors import AppError, ErrorCode, not_found
from backend.permissions import SYSTEM, Actor
from backend.referrals.deciding import check_hour, check_needs, check_rule, is_repeat, moved, step_of
from backend.referrals.machine import THERE, Part, ReferralEvent, possible, rule_for
from backend.referrals.models import Facts, Loose, Place, Referral
from backend.referrals.plans import check_said
from backend.referrals.ports import Limits, Places
from backend.referrals.sending import Sending, changed
from backend.referrals.store import ReferralStore, Turn
from backend.referrals.words import CAME_AFTER_ALL

log = logging.getLogger(__name__)

_TRIES = 8
# A place that nobody has claimed in so long will not be claimed any more: no request lives so long.
NEVER_AFTER = timedelta(minutes=10)
_WITH_PLACE = frozenset({ReferralEvent.ACCEPT, ReferralEvent.REBOOK})
_WITH_HOUR = _WITH_PLACE | {ReferralEvent.DEPART}


class Acting:
    """Every event but `send`."""

    def __init__(self, store: ReferralStore, limits: Limits, places: Places, sending: Sending) -> None:
        self._store = store
        self._limits = limits
        self._places = places
        self._sending = sending

    async def act(
        self,
        actor: Actor,
        referral: Referral,
        event: ReferralEvent,
        facts: Facts,
        parts: frozenset[Part],
        turn: int | None = None,
    ) -> tuple[Referral, bool]:
        """The referral after the event, and whether anything has changed.

        Others may act at the same time: then it is thought of anew, on what they have made of it.
        """
        taken: list[str] = []
        try:
            return await self._until_written(actor, referral, event, facts, parts, turn, taken)
        finally:
            # Of several tries one has its place at most; what the others took is nobody's.
            for appointment_id in taken:
                await self.give_up(referral.id, appointment_id)

    async def _until_written(
        self,
        actor: Actor,
        referral: Referral,
        event: ReferralEvent,
        facts: Facts,
        parts: frozenset[Part],
        turn: int | None,
        taken: list[str],
    ) -> tuple[Referral, bool]:
        for _ in range(_TRIES):
            if is_repeat(referral, event, facts):
                return referral, False
            if turn is not None and referral.turn != turn:
                raise AppError(ErrorCode.VERSION_CONFLICT, "it has moved on")
            after = await self._try(actor, referral, event, facts, parts, taken)
            if after is not None:
                return after, True
            referral = await self.reload(referral.id)
        raise AppError(ErrorCode.CONFLICT, "others were faster every time")

    async def once(
        self,
        actor: Actor,
        referral: Referral,
        event: ReferralEvent,
        facts: Facts,
        parts: frozenset[Part],
    ) -> Referral | None:
        """The event on the referral as it was read; None when somebody has moved it meanwhile."""
        return await self._try(actor, referral, event, facts, parts, [])

    async def reload(self, referral_id: str) -> Referral:
        """As it is now. Raises NOT_FOUND."""
        found = await self._store.find(referral_id)
        if found is None:
            raise not_found(f"referral {referral_id}")
        return found

    async def _try(
        self,
        actor: Actor,
        referral: Referral,
        event: ReferralEvent,
        facts: Facts,
        parts: frozenset[Part],
        taken: list[str],
    ) -> Referral | None:
        """Write one turn; None when another was written meanwhile."""
        rule, part = check_rule(referral, event, parts)
        check_needs(rule, facts)
        if event is ReferralEvent.FOLLOW_UP:
            check_said(referral, facts)
        if event in _WITH_HOUR:
            check_hour(facts.expected_at, clock.now())
        if facts.attachments:
            await self._sending.check_attachments(referral.person_id, facts.attachments)
        _check_known(referral, facts)
        if event is ReferralEvent.REDIRECT:
            return await self._redirect(actor, referral, part, facts)
        place = None
        if event in _WITH_PLACE:
            if not facts.schedule_id:
                place = _own_place(referral, facts)
            else:
                going = await self._intend(referral, facts)
                if going is None:
                    return None
                referral, place = going, await self._take(going, facts)
                taken.append(place.appointment_id)
        now = clock.now()
        step = step_of(event, rule, part, actor, facts, referral, now)
        after = moved(referral, event, rule, step, facts, await self._limits.now(), place)
        turns = [Turn(after, [changed(after, event)])]
        if event is ReferralEvent.ARRIVE and referral.followed_by:
            turns += await self._called_off(referral)
        if await self._store.write_all(turns):
            after = replace(after, turn=after.turn + 1)
            if event is ReferralEvent.COMPLETE:
                await self._sending.send_back(after)
            return after
        return None

    async def _redirect(self, actor: Actor, referral: Referral, part: Part, facts: Facts) -> Referral | None:
        """Together: whoever comes to the one at this moment is not expected at the other besides."""
        new = await self._sending.redirect(referral, actor, part, facts)
        rule, part = check_rule(referral, ReferralEvent.REDIRECT, frozenset({part}))
        now = clock.now()
        step = step_of(ReferralEvent.REDIRECT, rule, part, actor, facts, referral, now)
        marked = replace(referral, followed_by=new.referral.id)
        after = moved(marked, ReferralEvent.REDIRECT, rule, step, facts, await self._limits.now())
        turn = Turn(after, [changed(after, ReferralEvent.REDIRECT)])
        return new.referral if await self._store.write_all([turn], new) else None

    async def _called_off(self, referral: Referral) -> list[Turn]:
        """Whoever was missed, sent elsewhere and has come after all: nobody expects him elsewhere any more.

        What ended elsewhere is written, too, and goes on here: nobody can send him on from there meanwhile.
        """
        last = await self._sending.last_of(referral)
        if last is None:
            return []
        if last.state in THERE:
            text = "患者已改转，并已到达改转的机构，请先与对方核对。"
            data = {"state": str(referral.state), "followed_by": last.id}
            raise AppError(ErrorCode.REFERRAL_STATE, "is elsewhere", data=data, text=text)
        here = replace(last, followed_by=referral.id)
        rule = rule_for(last.state, ReferralEvent.WITHDRAW)
        if rule is None:
            goes_on = ReferralEvent.REDIRECT in possible(last.state, frozenset(Part))
            return [Turn(here)] if goes_on else []
        why = Facts(text=CAME_AFTER_ALL)
        step = step_of(ReferralEvent.WITHDRAW, rule, Part.SYSTEM, SYSTEM, why, last, clock.now())
        off = moved(here, ReferralEvent.WITHDRAW, rule, step, why, await self._limits.now())
        return [Turn(off, [changed(off, ReferralEvent.WITHDRAW)])]

    # -- places ----------------------------------------------------------------------------------------

    def _key(self, referral: Referral, facts: Facts) -> str:
        return f"{referral.id}:{referral.places_tried}:{facts.schedule_id}:{facts.number or 0}"

    async def _intend(self, referral: Referral, facts: Facts) -> Referral | None:
        """Say that a place may be taken, before it is; None when another turn was written meanwhile."""
        appointment_id = self._places.appointment_id(self._key(referral, facts))
        if any(each.appointment_id == appointment_id for each in referral.loose):
            return referral
        going = replace(referral, loose=(*referral.loose, Loose(appointment_id, clock.now())))
        return replace(going, turn=going.turn + 1) if await self._store.write(going) else None

    async def _take(self, referral: Referral, facts: Facts) -> Place:
        key = self._key(referral, facts)
        take = (key, referral.to_organization_id, facts.schedule_id, facts.number, referral.person_id)
        try:
            place = await self._places.take(*take)
        except AppError as error:
            own = referral.place.appointment_id if referral.place else ""
            if (
                error.code is not ErrorCode.ALREADY_BOOKED
                or not own
                or error.data.get("appointment_id") != own
            ):
                await self.give_up(referral.id, self._places.appointment_id(key))
                raise
            # Another hour in the same department on the same day: nobody may have two places there.
            await self._places.give_back(own)
            try:
                place = await self._places.take(*take)
            except AppError:
                await self.give_up(referral.id, self._places.appointment_id(key))
                raise
        return replace(place, bring=facts.bring.strip())

    async def give_up(self, referral_id: str, appointment_id: str) -> None:
        """A place is not to be this referral's: give it back if it was taken, and forget it."""
        for _ in range(_TRIES):
            referral = await self.reload(referral_id)
            loose = next((each for each in referral.loose if each.appointment_id == appointment_id), None)
            if loose is None:
                if referral.place is None or referral.place.appointment_id != appointment_id:
                    await self._places.give_back(appointment_id)
                return
            if loose.owed or await self._store.write(_barred(referral, loose)):
                there_was_one = await self._places.give_back(appointment_id)
                if there_was_one or loose.since <= clock.now() - NEVER_AFTER:
                    await self._forget_loose(referral_id, appointment_id)
                return
        log.warning("referral_place_left_loose", extra={"referral_id": referral_id})

    async def _forget_loose(self, referral_id: str, appointment_id: str) -> None:
        for _ in range(_TRIES):
            referral = await self.reload(referral_id)
            left = tuple(each for each in referral.loose if each.appointment_id != appointment_id)
            if left == referral.loose or await self._store.write(replace(referral, loose=left)):
                return
        log.warning("referral_place_left_loose", extra={"referral_id": referral_id})


def _check_known(referral: Referral, facts: Facts) -> None:
    """A place of the pool is somebody's, and so are the papers that go home with him."""
    if referral.is_unidentified and (facts.schedule_id or facts.send_back):
        text = "患者身份待查：请先登记身份；或直接安排床位、时间，完成诊治时不下转。"
        raise AppError(ErrorCode.BAD_REQUEST, "unidentified", text=text)


def _own_place(referral: Referral, facts: Facts) -> Place:
    """A bed or a time that the receiver has without the pool."""
    if facts.expected_at is None:
        raise AppError(ErrorCode.BAD_REQUEST, "neither place nor time")
    return Place(
        expected_at=facts.expected_at,
        department_id=referral.to_department_id,
        bed=facts.bed.strip(),
        bring=facts.bring.strip(),
    )


def _barred(referral: Referral, loose: Loose) -> Referral:
    """From now on nobody arrives at this place under its key."""
    marked = tuple(replace(each, owed=True) if each == loose else each for each in referral.loose)
    return replace(referral, loose=marked, places_tried=referral.places_tried + 1)
