"""A pool to test on: schedules in memory, claims in the real database."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, cast

from backend import clock
from backend.db.client import Database
from backend.errors import AppError, ErrorCode
from backend.ids import new_id
from backend.security.fields import FieldCipher
from backend.security.keys import Keyring
from backend.security.lasting import is_declared
from backend.slotpool.availability import Availability
from backend.slotpool.claims import ClaimService, Schedules
from backend.slotpool.claims_models import Wanted
from backend.slotpool.claims_store import ClaimStore
from backend.slotpool.schedules import ScheduleService
from backend.slotpool.schedules_models import Schedule, SlotTime
from backend.slotpool.schedules_store import ScheduleStore
from backend.slotpool.withdrawals import Withdrawals

# One ring for all the processes of a test.
CIPHER = FieldCipher(Keyring.generate(), may_seal=is_declared)


class MemorySchedules:
    """Schedules that a test has made."""

    def __init__(self) -> None:
        self.made: dict[str, Schedule] = {}

    def add(
        self,
        *,
        slots: int = 5,
        fee_fen: int = 0,
        department_id: str = "dept",
        after: timedelta = timedelta(days=1),
        **more: Any,
    ) -> Schedule:
        """A session tomorrow with so many numbers, ten minutes each."""
        start = clock.now() + after
        schedule = Schedule(
            id=new_id(),
            organization_id="org",
            department_id=department_id,
            practitioner_id=None,
            external_id=new_id(),
            on=clock.civil_date(start),
            period="day",
            kind="general",
            fee_fen=fee_fen,
            slots=tuple(
                SlotTime(n, start + timedelta(minutes=10 * n), start + timedelta(minutes=10 * n + 10))
                for n in range(1, slots + 1)
            ),
            **more,
        )
        self.made[schedule.id] = schedule
        return schedule

    async def get_cached(self, schedule_id: str) -> Schedule:
        return await self.get(schedule_id)

    async def get(self, schedule_id: str) -> Schedule:
        if schedule_id not in self.made:
            raise AppError(ErrorCode.SCHEDULE_NOT_FOUND)
        return self.made[schedule_id]


class Pool:
    """One process's view of the pool."""

    def __init__(self, db: Database, schedules: Schedules, *, hold_s: float = 600) -> None:
        self.store = ClaimStore(db, CIPHER)
        self.availability = Availability(self.store)
        self.claims = ClaimService(
            self.store, schedules, self.availability, hold_for=timedelta(seconds=hold_s)
        )


def publisher(db: Database) -> ScheduleService:
    """One process's schedules, for publishing in bulk, which asks neither the directory nor the audit log."""
    withdrawals = Withdrawals(ClaimStore(db, CIPHER))
    return ScheduleService(ScheduleStore(db), cast(Any, None), withdrawals, cast(Any, None))


async def time_passes(db: Database, by: timedelta) -> None:
    """Let every hold and withdrawal be so much older."""
    earlier = {"$subtract": ["$hold_until", by // timedelta(milliseconds=1)]}
    rules = {"live": True, "hold_until": {"$ne": None}}
    await db.collection("claims").update_many(rules, [{"$set": {"hold_until": earlier}}])


def wanted(schedule: Schedule, patient: str = "", **more: Any) -> Wanted:
    """A wish for a slot by a patient of its own."""
    patient = patient or new_id()
    values: dict[str, Any] = {
        "schedule_id": schedule.id,
        "number": None,
        "resident_id": patient,
        "patient_id": patient,
        "channel": "wechat",
        "request_key": None,
        "actor_id": patient,
        "hold": False,
    }
    return Wanted(**(values | more))
