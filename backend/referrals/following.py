"""What follows from a referral's changes: the right to read, places given back, the next that is nearest.

Everything here looks at the referral as it is now and may run twice, late and in any order.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta

from backend import clock
from backend.errors import AppError, ErrorCode
from backend.permissions import SYSTEM
from backend.records.care_rules import CARE_STEPS, STAY
from backend.records.sharing_models import CareKind
from backend.referrals.acting import Acting
from backend.referrals.follow_up import NotDone, Result
from backend.referrals.machine import PLACED, THERE, WAITING, Part, ReferralEvent, ReferralState
from backend.referrals.models import NO_FACTS, Facts, Outcome, Referral
from backend.referrals.plans import has_died, is_followed, lines
from backend.referrals.ports import AskAbout, CareBook, Limits
from backend.referrals.sending import Sending
from backend.referrals.store import ReferralStore
from backend.worker.events import Event

log = logging.getLogger(__name__)

SWEEP_BATCH = 200
# An acceptance takes a second; whatever is loose longer was most likely left behind by a process that died.
# Whoever is only slow loses nothing by it: he finds his turn gone, and takes another place.
LEFT_AFTER = timedelta(seconds=20)
# Whoever shows his code at the receiver's so near to the hour he is expected comes because of the referral.
_COMES_WITHIN = timedelta(hours=12)
_BY_SYSTEM = frozenset({Part.SYSTEM})
_MAY_SAY_DEAD = frozenset({ReferralEvent.COMPLETE, ReferralEvent.FOLLOW_UP})
_GOES_ON = frozenset({ReferralState.REJECTED, ReferralState.LAPSED})


class Following:
    """Events and sweeps."""

    def __init__(
        self,
        store: ReferralStore,
        limits: Limits,
        acting: Acting,
        sending: Sending,
        care: CareBook,
        ask_about: AskAbout,
    ) -> None:
        self._store = store
        self._limits = limits
        self._acting = acting
        self._sending = sending
        self._care = care
        self._ask_about = ask_about

    async def on_changed(self, event: Event) -> None:
        """REFERRAL_CHANGED."""
        referral = await self._store.find(event.data["referral_id"])
        if referral is None:
            return
        await self.settle(referral)
        await self._sending.send_back(referral)
        await self._ask(event, referral)
        if event.data["event"] in _MAY_SAY_DEAD and has_died(referral):
            await self._nobody_is_followed(referral.person_id)
        if referral.nearest and referral.state in _GOES_ON and not referral.followed_by:
            await self._to_the_next(referral)

    async def settle(self, referral: Referral) -> None:
        """Rights and places as the referral's state says."""
        await self._settle_care(referral)
        await self._give_back(referral, owed_only=True)

    async def _settle_care(self, referral: Referral) -> None:
        """The receiver may read the record as long as the referral says so, and not a moment longer."""
        if not referral.person_id:
            return
        for turn in range(1, referral.care_turn + 1):
            cause = _cause(referral, turn)
            about = (CareKind.REFERRAL, referral.person_id, referral.to_organization_id, cause)
            if referral.gives_access and turn == referral.care_turn:
                now = clock.now()
                await self._care.begin(*about, begins_at=now, until=now + STAY)
            else:
                await self._care.end(*about)
        place = referral.place
        if place is not None and place.appointment_id and referral.has_ended:
            # The appointment was made for the referral: it gives no longer right than that.
            where = referral.to_organization_id
            await self._care.end(CareKind.APPOINTMENT, referral.person_id, where, place.appointment_id)

    async def on_place_ended(self, event: Event) -> None:
        """APPOINTMENT_CANCELLED, APPOINTMENT_STOPPED: another place is needed; the receiver gives it."""
        appointment_id = event.data["appointment_id"]
        while (referral := await self._store.of_appointment(appointment_id)) is not None:
            place = referral.place
            if place is None or place.appointment_id != appointment_id or place.lost:
                return
            if referral.state not in PLACED:
                return
            if await self._store.write(replace(referral, place=replace(place, lost=True))):
                return

    async def on_code_used(self, event: Event) -> None:
        """CODE_USED: whoever shows his code at the receiver's has arrived."""
        if event.data["step"] not in CARE_STEPS or event.data.get("flagged") == "yes":
            return
        for referral in await self._store.of_person(event.data["patient_id"], open_only=True):
            if referral.to_organization_id != event.data["organization_id"] or referral.state not in PLACED:
                continue
            near = referral.place is None or abs(referral.place.expected_at - event.at) <= _COMES_WITHIN
            if near or referral.state is ReferralState.IN_TRANSIT:
                await self._has_come(referral)

    async def sweep(self) -> int:
        """Whatever a clock says; returns how many were looked at."""
        now = clock.now()
        due = await self._store.due(now, SWEEP_BATCH)
        for referral in due:
            with one_alone(referral):
                await self._by_itself(referral, await self._next(referral))
        loose = await self._store.with_loose(now - LEFT_AFTER, SWEEP_BATCH)
        for referral in loose:
            with one_alone(referral):
                await self._give_back(referral, owed_only=False)
        return len(due) + len(loose)

    async def on_resident_deleted(self, event: Event) -> None:
        """RESIDENT_DELETED: what is open ends, and what was said goes with the account."""
        for referral in await self._store.of_person(event.data["resident_id"]):
            if referral.state in WAITING | {ReferralState.ACCEPTED}:
                parts = frozenset({Part.RESIDENT})
                referral, _ = await self._acting.act(
                    SYSTEM, referral, ReferralEvent.WITHDRAW, NO_FACTS, parts
                )
                await self.settle(referral)
            elif referral.state is ReferralState.IN_TRANSIT:
                await self._by_itself(referral, ReferralEvent.MISS)
                await self.settle(await self._acting.reload(referral.id))
            elif referral.state in THERE:
                await self._by_itself(referral, ReferralEvent.CLOSE)
                await self.settle(await self._acting.reload(referral.id))
            await self._store.forget(referral.id)

    # -- one by one ------------------------------------------------------------------------------------

    async def _next(self, referral: Referral) -> ReferralEvent:
        if referral.state in WAITING | THERE:
            limits = await self._limits.now()
            level = limits.next_level(referral.state, referral.urgency, referral.level)
            given_up = ReferralEvent.CLOSE if referral.state in THERE else ReferralEvent.LAPSE
            return given_up if level is None else ReferralEvent.ESCALATE
        # Who had no place to come to has not stayed away.
        lost = referral.place is not None and referral.place.lost
        at_home = referral.state is ReferralState.ACCEPTED
        return ReferralEvent.LAPSE if lost and at_home else ReferralEvent.MISS

    async def _has_come(self, referral: Referral) -> None:
        """Also when somebody moves it at the same moment: he stands there."""
        with _unless(ErrorCode.REFERRAL_STATE, ErrorCode.FORBIDDEN):
            await self._acting.act(SYSTEM, referral, ReferralEvent.ARRIVE, NO_FACTS, _BY_SYSTEM)

    async def _by_itself(self, referral: Referral, event: ReferralEvent) -> None:
        """Unless somebody has moved it meanwhile: then its clock is another."""
        with _unless(ErrorCode.REFERRAL_STATE, ErrorCode.FORBIDDEN):
            await self._acting.once(SYSTEM, referral, event, NO_FACTS, _BY_SYSTEM)

    async def _give_back(self, referral: Referral, *, owed_only: bool) -> None:
        """Places that are not the referral's: those owed at once, others when they were left behind."""
        now = clock.now()
        for each in referral.loose:
            left = not owed_only and each.since <= now - LEFT_AFTER
            if each.owed or left:
                await self._acting.give_up(referral.id, each.appointment_id)

    async def _ask(self, event: Event, referral: Referral) -> None:
        completed = event.data["event"] == ReferralEvent.COMPLETE and referral.outcome is not Outcome.DIED
        if not completed or referral.ended_at is None or not referral.person_id:
            return
        department_id = referral.place.department_id if referral.place else referral.to_department_id
        await self._ask_about(
            referral.person_id,
            referral.to_organization_id,
            department_id or None,
            (referral.place.practitioner_id or None) if referral.place else None,
            referral.ended_at,
            referral.id,
        )

    async def _nobody_is_followed(self, person_id: str) -> None:
        """Whoever has died is reminded of nothing, and looked for by nobody, by no other referral either."""
        if not person_id:
            return
        for other in await self._store.of_person(person_id):
            first = next((line.said.number for line in lines(other) if line.result is Result.OPEN), None)
            if first is None or not is_followed(other):
                continue
            facts = Facts(item=first, not_done=NotDone.DIED)
            with _unless(ErrorCode.REFERRAL_STATE):
                await self._acting.act(SYSTEM, other, ReferralEvent.FOLLOW_UP, facts, _BY_SYSTEM)

    async def _to_the_next(self, referral: Referral) -> None:
        facts = Facts(nearest=True)
        # Nobody else takes it: the sender is told, and sees it on his list.
        with _unless(ErrorCode.REFERRAL_NO_RECEIVER, ErrorCode.REFERRAL_STATE, ErrorCode.REFERRAL_OPEN):
            await self._acting.act(SYSTEM, referral, ReferralEvent.REDIRECT, facts, _BY_SYSTEM)


@contextmanager
def one_alone(referral: Referral) -> Iterator[None]:
    """What is wrong with one referral stops no other's clock; it is tried again with the next sweep."""
    try:
        yield
    except (AppError, ValueError, LookupError, OverflowError) as error:
        about = {"referral_id": referral.id, "error": type(error).__name__}
        log.exception("referral_sweep_failed", extra=about)


@contextmanager
def _unless(*codes: ErrorCode) -> Iterator[None]:
    """What cannot be any more need not be."""
    try:
        yield
    except AppError as error:
        if error.code not in codes:
            raise


def _cause(referral: Referral, turn: int) -> str:
    return referral.id if turn == 1 else f"{referral.id}.{turn}"
