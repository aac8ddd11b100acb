"""The queue before a door: hospitals say which number is being called, residents how many are before them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from backend import clock
from backend.appointments.calling_store import Calling, CallingStore
from backend.appointments.ports import Directory, Schedules
from backend.appointments.telling import Messages, Names, day_of
from backend.appointments.views import place_of
from backend.errors import AppError, ErrorCode
from backend.messages.models import Letter, MessageKind
from backend.permissions import Actor
from backend.slotpool.claims import ClaimService
from backend.slotpool.claims_models import Claim, ClaimState
from backend.slotpool.schedules_models import Schedule, ScheduleState
from backend.worker.events import Event
from backend.worker.nudge import Nudger

# With so few before them people are asked to come to the door.
NEAR = 3


@dataclass(frozen=True, slots=True)
class Position:
    """Where somebody stands: `called` is None before the first call, `ahead` counts sold numbers only."""

    number: int
    called: int | None
    ahead: int
    called_at: datetime | None

    @property
    def is_over(self) -> bool:
        """Whether the number has been called, or passed."""
        return self.called is not None and self.called >= self.number


class Queues:
    """Takes calls, tells positions, and tells who is nearly there."""

    def __init__(
        self,
        store: CallingStore,
        claims: ClaimService,
        schedules: Schedules,
        directory: Directory,
        people: Names,
        messages: Messages,
        nudger: Nudger,
    ) -> None:
        self._store = store
        self._claims = claims
        self._schedules = schedules
        self._directory = directory
        self._people = people
        self._messages = messages
        self._nudger = nudger

    async def call(self, actor: Actor, external_id: str, number: int, *, back: bool) -> Calling:
        """A hospital calls a number of its session of today; a lower one than before changes nothing.

        With `back` it does, for a mistake. Raises SCHEDULE_NOT_FOUND, SCHEDULE_STOPPED, SLOT_NOT_FOUND for a
        number the session does not have, SLOT_PAST on another day.
        """
        schedule = await self._schedules.access(actor, external_id)
        if schedule.state is ScheduleState.STOPPED:
            raise AppError(ErrorCode.SCHEDULE_STOPPED)
        if schedule.on != clock.today():
            raise AppError(ErrorCode.SLOT_PAST, "a session of another day", text="只能报送当天的叫号。")
        if number not in {slot.number for slot in schedule.slots}:
            raise AppError(ErrorCode.SLOT_NOT_FOUND)
        calling, moved = await self._store.call(schedule, number, back=back)
        if moved:
            self._nudger.kick()
        return calling

    async def position(self, claim: Claim) -> Position | None:
        """Where the holder of an appointment of today stands; None for any other."""
        if claim.state is not ClaimState.BOOKED or claim.on != clock.today() or claim.missed_at is not None:
            return None
        taken = (await self._claims.taken(claim.pool_key)).get(claim.schedule_id, set())
        return _position(claim, await self._store.find(claim.schedule_id), taken)

    async def on_moved(self, event: Event) -> None:
        """QUEUE_MOVED: who has few before him is told, once for an appointment."""
        schedule = await self._schedules.get_cached(event.data["schedule_id"])
        calling = await self._store.find(schedule.id)
        if calling is None or schedule.on != clock.today():
            return
        claims = [
            claim
            for claim in await self._claims.live_in_pools([f"{schedule.department_id}:{schedule.on}"])
            if claim.schedule_id == schedule.id and claim.missed_at is None
        ]
        taken = {claim.number for claim in claims}
        booked = [claim for claim in claims if claim.state is ClaimState.BOOKED]
        placed = [(claim, _position(claim, calling, taken)) for claim in booked]
        near = [(claim, place) for claim, place in placed if place.ahead <= NEAR and not place.is_over]
        await self._tell(near, schedule)

    async def _tell(self, near: list[tuple[Claim, Position]], schedule: Schedule) -> None:
        if not near:
            return
        where = await place_of(self._directory, near[0][0])
        names = await self._people.names({claim.patient_id for claim, _ in near})
        facts = {
            "organization": where.organization.name,
            "department": where.department.name,
            "place": where.department.place or "诊区",
        }
        for claim, position in near:
            mine = {"patient": names.get(claim.patient_id, "就诊人"), "ahead": str(position.ahead)}
            await self._messages.tell(
                Letter(
                    claim.id,
                    day_of(claim),
                    claim.resident_id,
                    MessageKind.QUEUE_NEAR,
                    facts | mine,
                    claim.id,
                    schedule.organization_id,
                )
            )


def _position(claim: Claim, calling: Calling | None, taken: set[int]) -> Position:
    called = calling.number if calling is not None else None
    ahead = sum((called or 0) < number < claim.number for number in taken)
    return Position(claim.number, called, ahead, calling.called_at if calling is not None else None)
