"""The waiting list: when a place is freed, it is held for whoever has waited longest, and they are told.

Booking knows nothing of it. What frees a place says so afterwards, as an event; only then is looked whether
anybody waits, and the place is held for them as everybody holds places. If somebody else was quicker, they go
on waiting. Who does not answer in time loses the hold, which frees the place, and the next one is told.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from enum import Enum, auto
from typing import Protocol

from backend import clock
from backend.appointments.ports import Directory, Patients, Schedules
from backend.appointments.waitlist_models import MOST_WAITING, Waiting, WaitState
from backend.appointments.waitlist_store import WaitlistStore
from backend.errors import AppError, ErrorCode
from backend.ids import new_id
from backend.messages.models import Answer
from backend.permissions import Actor, Role
from backend.slotpool.claims import ClaimService
from backend.slotpool.claims_models import Claim, ClaimState, Wanted, pool_key
from backend.slotpool.schedules_models import Schedule, ScheduleState
from backend.worker.events import Event

TOO_MANY = f"最多同时候补{MOST_WAITING}个，请先退出一个再试。"
_TRIES = 20
_MOST_DAYS = 500
# The patient has been booked otherwise, or whoever waits for him acts for him no more.
_NOT_NEEDED = frozenset(
    {
        ErrorCode.ALREADY_BOOKED,
        ErrorCode.NOT_FOUND,
        ErrorCode.PATIENT_PENDING,
        ErrorCode.REAL_NAME_REQUIRED,
        ErrorCode.UNAUTHENTICATED,
    }
)


class _Offer(Enum):
    """What came of an offer: it was made, that person does not want it, or there is no place."""

    MADE = auto()
    NOT_WANTED = auto()
    NO_PLACE = auto()


class Sessions(Schedules, Protocol):
    """The schedules' service, as far as the waiting list needs it."""

    async def list_for_department(self, department_id: str, first: date, days: int) -> Sequence[Schedule]:
        """A department's sessions."""


class Tells(Protocol):
    """Messages' service."""

    async def answer(self, answer: Answer) -> None:
        """Push words to a line, once for a key."""


class Waitlist:
    """Joins, leaves, and hands freed places on. Every method is safe to repeat."""

    def __init__(
        self,
        store: WaitlistStore,
        claims: ClaimService,
        schedules: Sessions,
        patients: Patients,
        directory: Directory,
        messages: Tells,
        *,
        app_url: str,
        booking_days: int,
    ) -> None:
        """`claims` holds places for as long as an offer stands."""
        self._store = store
        self._claims = claims
        self._schedules = schedules
        self._patients = patients
        self._directory = directory
        self._messages = messages
        self._app_url = app_url.rstrip("/")
        self._booking_days = booking_days

    async def join(self, actor: Actor, department_id: str, on: date, patient_id: str) -> tuple[Waiting, int]:
        """Wait for a place; who waits already stays where he is. Also how many are before him.

        Raises NOT_FOUND, SLOT_PAST, SCHEDULE_NOT_OPEN, CONFLICT when the resident waits for too many.
        """
        await self._patients.access_patient(actor, patient_id)
        await self._directory.get_department(department_id)
        if on < clock.today():
            raise AppError(ErrorCode.SLOT_PAST)
        if on > clock.today() + timedelta(days=self._booking_days):
            raise AppError(ErrorCode.SCHEDULE_NOT_OPEN)
        key = pool_key(department_id, on)
        mine = await self._store.list_of(actor.id, clock.today())
        known = next((e for e in mine if e.pool_key == key and e.patient_id == patient_id), None)
        if known is not None:
            return known, await self._store.count_before(known)
        if len(mine) >= MOST_WAITING:
            raise AppError(ErrorCode.CONFLICT, text=TOO_MANY)
        entry = Waiting(
            new_id(), key, department_id, on, patient_id, actor.id, actor.channel,
            WaitState.WAITING, None, clock.now(),
        )  # fmt: skip
        if not await self._store.add(entry):
            raise AppError(ErrorCode.CONFLICT, text="该就诊人已在候补。")
        return entry, await self._store.count_before(entry)

    async def list_mine(self, actor: Actor) -> list[Waiting]:
        """What the actor still waits for, or has been offered."""
        return await self._store.list_of(actor.id, clock.today())

    async def leave(self, actor: Actor, entry: Waiting) -> None:
        """Wait no longer; a place that was offered goes to the next one."""
        if entry.resident_id != actor.id or not await self._store.end(entry, WaitState.ENDED):
            return
        held = await self._held(entry)
        if held is not None:
            await self._claims.release(held)

    async def take(self, actor: Actor, entry: Waiting) -> None:
        """The offered place has been booked."""
        if entry.resident_id == actor.id:
            await self._store.end(entry, WaitState.TAKEN)

    async def offered(self, actor: Actor) -> list[tuple[Waiting, Claim]]:
        """Places that are held for the actor's patients and wait for an answer."""
        mine = [entry for entry in await self.list_mine(actor) if entry.state is WaitState.OFFERED]
        held = [(entry, await self._held(entry)) for entry in mine]
        return [(entry, claim) for entry, claim in held if claim is not None]

    async def on_place_freed(self, event: Event) -> None:
        """APPOINTMENT_CANCELLED, APPOINTMENT_EXPIRED: whoever has waited longest is next."""
        freed = await self._claims.get(event.data["appointment_id"])
        await self._store.end_offer(freed.pool_key, freed.id)
        for offered in await self._store.offered_in(freed.pool_key):
            # Offered by a run of this that ended before it had told anybody; who has been told is told once.
            if (held := await self._held(offered)) is not None:
                await self._tell(offered, held)
        if await self._store.first(freed.pool_key) is None:
            return
        schedule = await self._schedules.get(freed.schedule_id)
        if _takes_place(schedule):
            await self._offer_next(schedule, event.id)

    async def sweep(self) -> int:
        """Periodic: places that a hospital has added, not given back; returns how many were offered."""
        offered = 0
        for department_id, on in await self._store.waiting_days(clock.today(), _MOST_DAYS):
            for schedule in await self._schedules.list_for_department(department_id, on, 1):
                while _takes_place(schedule) and await self._offer_next(schedule, new_id()):
                    offered += 1
        return offered

    async def _offer_next(self, schedule: Schedule, key: str) -> bool:
        """Offer a place to the first one who wants it; False when there is nobody, or no place."""
        after = ""
        for _ in range(_TRIES):
            entry = await self._store.first(schedule.pool_key, after)
            came = await self._offer(entry, schedule, key) if entry else _Offer.NO_PLACE
            if entry is None or came is not _Offer.NOT_WANTED:
                return came is _Offer.MADE
            after = entry.id
        return False

    async def on_resident_deleted(self, event: Event) -> None:
        """RESIDENT_DELETED."""
        await self._store.forget_resident(event.data["resident_id"])

    async def _offer(self, entry: Waiting, schedule: Schedule, key: str) -> _Offer:
        """Hold a place for somebody. The same key holds the same place."""
        try:
            await self._patients.access_patient(_who_waits(entry), entry.patient_id)
            claim = await self._claims.claim(_wanted(entry, schedule, key), schedule)
        except AppError as error:
            if error.status >= 500:
                raise
            if error.code not in _NOT_NEEDED:
                return _Offer.NO_PLACE  # Somebody else was quicker: everybody goes on waiting.
            if not await self._is_being_offered(error):
                await self._store.end(entry, WaitState.ENDED)
            return _Offer.NOT_WANTED
        if claim.state is not ClaimState.HELD:
            return _Offer.MADE  # Before, when this event was heard the first time.
        if not await self._store.offer(entry, claim.id):
            await self._claims.release(claim)
            return _Offer.NOT_WANTED
        await self._tell(entry, claim)
        return _Offer.MADE

    async def _is_being_offered(self, error: AppError) -> bool:
        """Whether the patient's other place is but held: by somebody who is offering it at this moment."""
        if error.code is not ErrorCode.ALREADY_BOOKED:
            return False
        return (await self._claims.get(error.data["appointment_id"])).state is ClaimState.HELD

    async def _tell(self, entry: Waiting, claim: Claim) -> None:
        """By SMS, which reaches everybody; and where the talk was, when that was not by SMS."""
        contact = await self._patients.contact(entry.resident_id)
        text = await self._text(claim)
        key = f"waitlist:{claim.id}"
        if contact.phone:
            await self._messages.answer(Answer(f"{key}:sms", "sms", contact.phone, text, entry.resident_id))
        if entry.channel != "sms" and contact.followed_as:
            await self._messages.answer(
                Answer(f"{key}:oa", "official_account", contact.followed_as, text, entry.resident_id)
            )

    async def _text(self, claim: Claim) -> str:
        organization = await self._directory.get_organization(claim.organization_id)
        department = await self._directory.get_department(claim.department_id)
        at = claim.start_at.astimezone(clock.CITY_ZONE)
        until = claim.hold_until.astimezone(clock.CITY_ZONE) if claim.hold_until else at
        what = f"{organization.name}{department.name}{at:%m月%d日 %H:%M} {claim.number}号"
        if claim.fee_fen:
            pay = f"{self._app_url}/#/pages/booking/pay/index?appointment_id={claim.id}"
            return f"您候补的号有了：{what}，为您保留到{until:%H:%M}，请付款领取：{pay}"
        return f"您候补的号有了：{what}，为您保留到{until:%H:%M}，回复“候补”领取，过时给下一位。"

    async def _held(self, entry: Waiting) -> Claim | None:
        """The hold that was made for an entry, while it lasts."""
        if entry.claim_id is None:
            return None
        claim = await self._claims.get(entry.claim_id)
        over = claim.hold_until is None or claim.hold_until <= clock.now()
        return None if claim.state is not ClaimState.HELD or over else claim


def _who_waits(entry: Waiting) -> Actor:
    """Who joined the list, as whom he did: a number that texts may stand for a family without an account."""
    role = Role.RESIDENT_BY_SMS if entry.channel == "sms" else Role.RESIDENT
    return Actor("resident", entry.resident_id, role, channel=entry.channel)


def _takes_place(schedule: Schedule) -> bool:
    return schedule.state is ScheduleState.OPEN and any(slot.end_at > clock.now() for slot in schedule.slots)


def _wanted(entry: Waiting, schedule: Schedule, key: str) -> Wanted:
    return Wanted(
        schedule_id=schedule.id,
        number=None,
        resident_id=entry.resident_id,
        patient_id=entry.patient_id,
        channel=entry.channel,
        request_key=f"waitlist:{entry.id}:{key}",
        actor_id=entry.resident_id,
        hold=True,
    )
