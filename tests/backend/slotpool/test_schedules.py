"""Publishing, changing and stopping schedules on a real database."""

import asyncio
from dataclasses import dataclass, replace
from datetime import timedelta

import pytest

from backend import clock
from backend.audit.chain import Chain
from backend.audit.models import AuditFilter
from backend.audit.service import AuditService
from backend.audit.store import AuditStore
from backend.db.client import Database
from backend.directory.models import Department, Organization, Outcome, Practitioner
from backend.directory.service import DirectoryService
from backend.directory.store import DirectoryStore
from backend.errors import AppError, ErrorCode
from backend.permissions import SYSTEM, Actor, Role
from backend.security.keys import Keyring
from backend.slotpool import schedules as schedules_module
from backend.slotpool.availability import Availability
from backend.slotpool.claims import ClaimService
from backend.slotpool.claims_models import Claim, ClaimState
from backend.slotpool.claims_store import ClaimStore
from backend.slotpool.schedules import ScheduleService
from backend.slotpool.schedules_models import Schedule, ScheduleState
from backend.slotpool.schedules_store import ScheduleStore
from backend.slotpool.withdrawals import Withdrawals
from tests.backend.slotpool.pool import CIPHER, time_passes, wanted
from tests.factories.directory import a_department, a_practitioner, hospital_client, make_hospital
from tests.factories.schedules import a_schedule, some_slots


@dataclass
class Hospital:
    """A hospital that publishes."""

    organization: Organization
    department: Department
    practitioner: Practitioner
    directory: DirectoryService
    schedules: ScheduleService
    claims: ClaimService
    db: Database
    audit: AuditService

    @property
    def client(self) -> Actor:
        return hospital_client(self.organization)

    def session(self, value: str = "s1", **overrides) -> Schedule:
        return a_schedule(self.department, self.practitioner, value, **overrides)

    async def publish(self, schedule: Schedule) -> Schedule:
        return await self.schedules.publish(self.client, schedule)

    async def sell(self, schedule: Schedule, *numbers: int, hold: bool = False) -> list[Claim]:
        """Sell numbers of a schedule as the seller knows it, however old that is."""
        wishes = [wanted(schedule, number=number, hold=hold) for number in numbers]
        return [await self.claims.claim(wish, schedule) for wish in wishes]

    async def is_taken(self, schedule: Schedule, number: int) -> bool:
        """Whether a number of such a schedule is refused."""
        [answer] = await asyncio.gather(self.sell(schedule, number), return_exceptions=True)
        return isinstance(answer, AppError) and answer.code is ErrorCode.SLOT_TAKEN

    async def refusal(self, schedule: Schedule) -> AppError:
        with pytest.raises(AppError) as refused:
            await self.publish(schedule)
        return refused.value


@pytest.fixture
async def hospital(db: Database) -> Hospital:
    directory, store = DirectoryService(DirectoryStore(db)), ClaimStore(db, CIPHER)
    chain = Chain(Keyring.generate())
    audit = AuditService(AuditStore(db, chain), chain)
    schedules = ScheduleService(ScheduleStore(db), directory, Withdrawals(store), audit)
    claims = ClaimService(store, schedules, Availability(store), hold_for=timedelta(seconds=600))
    return Hospital(*await make_hospital(directory), directory, schedules, claims, db, audit)


async def recorded(hospital: Hospital) -> list[tuple[str, str, str, str | None]]:
    """What the audit log says, oldest first: who did what to which schedule of whom."""
    entries, _ = await hospital.audit.list_entries(SYSTEM, AuditFilter())
    return [
        (f"{entry.actor_kind} {entry.actor_id}", entry.action, entry.object, entry.organization_id)
        for entry in reversed(entries)
    ]


def reason(error: AppError) -> str:
    return str(error.data["problems"][0]["problem"])


async def test_what_was_published_is_read_back(hospital: Hospital):
    wanted = hospital.session(reserved={"window": 2, "kiosk": 1})
    published = await hospital.publish(wanted)
    assert published == wanted
    assert await hospital.schedules.access(hospital.client, "s1") == wanted
    assert await hospital.schedules.get_cached(wanted.id) == wanted
    assert wanted.reserved_for == {6: "window", 5: "window", 4: "kiosk"}


async def test_what_is_sold_from_is_read_again_only_when_it_has_changed(
    hospital: Hospital, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(schedules_module, "CACHED_S", 0)
    seller = ScheduleService(
        ScheduleStore(hospital.db),
        hospital.directory,
        Withdrawals(ClaimStore(hospital.db, CIPHER)),
        hospital.audit,
    )
    wanted = await hospital.publish(hospital.session())
    known = await seller.get_cached(wanted.id)
    assert await seller.get_cached(wanted.id) is known
    changed = await hospital.publish(hospital.session(fee_fen=known.fee_fen + 100))
    assert (await seller.get_cached(wanted.id)).fee_fen == changed.fee_fen
    await hospital.schedules.stop(hospital.client, "s1", "医生临时出诊")
    assert (await seller.get_cached(wanted.id)).state is ScheduleState.STOPPED


async def test_the_same_schedule_twice_changes_nothing(hospital: Hospital):
    await hospital.publish(hospital.session())
    before = await hospital.db.collection("schedules").find_one({})
    await hospital.publish(hospital.session())
    assert await hospital.db.collection("schedules").find_one({}) == before


async def test_a_change_is_written_under_the_next_version(hospital: Hospital):
    await hospital.publish(hospital.session())
    changed = await hospital.publish(hospital.session(fee_fen=500, slots=hospital.session().slots[:3]))
    assert (changed.version, changed.fee_fen, len(changed.slots)) == (2, 500, 3)


async def test_many_publishers_at_once_leave_one_schedule(hospital: Hospital):
    wanted = [hospital.session(fee_fen=fee) for fee in (100, 200, 300, 400)] * 3
    await asyncio.gather(*(hospital.publish(schedule) for schedule in wanted), return_exceptions=True)
    stored = await hospital.db.collection("schedules").find({}).to_list(None)
    assert len(stored) == 1
    assert stored[0]["fee_fen"] in (100, 200, 300, 400)
    last = await hospital.publish(hospital.session(fee_fen=100))
    assert last.fee_fen == 100


async def test_sold_numbers_are_not_taken_away_and_are_named(hospital: Hospital):
    schedule = await hospital.publish(hospital.session())
    await hospital.sell(schedule, 5, 6)
    refusal = await hospital.refusal(hospital.session(slots=schedule.slots[:5]))
    assert refusal.code is ErrorCode.SCHEDULE_HAS_BOOKINGS
    assert refusal.data == {"numbers": [6]}
    assert await hospital.schedules.get(schedule.id) == schedule


async def test_a_sold_number_keeps_its_time_day_department_and_doctor(hospital: Hospital):
    schedule = await hospital.publish(hospital.session())
    await hospital.sell(schedule, 2)
    other = a_practitioner(hospital.organization, hospital.department, value="p2", name="安平")
    await hospital.directory.save_practitioners([other])
    tomorrow = schedule.on + timedelta(days=1)
    for change in (
        {"slots": some_slots(schedule.on, hour=9)},
        {"on": tomorrow, "slots": some_slots(tomorrow)},
        {"practitioner_id": other.id},
    ):
        refusal = await hospital.refusal(replace(schedule, **change))
        assert refusal.data == {"numbers": [2]}
    more = await hospital.publish(replace(schedule, slots=some_slots(schedule.on, 9), fee_fen=100))
    assert len(more.slots) == 9


async def test_nobody_can_have_a_number_that_is_gone_from_however_old_a_copy(hospital: Hospital):
    old = await hospital.publish(hospital.session())
    new = await hospital.publish(hospital.session(slots=old.slots[:4]))
    assert [slot.number for slot in new.slots] == [1, 2, 3, 4]
    assert await hospital.is_taken(old, 6)
    assert not await hospital.is_taken(old, 4)
    assert await hospital.schedules.sold_numbers(new) == {4}


async def test_a_number_at_another_time_is_off_sale_only_until_no_old_copy_is_left(hospital: Hospital):
    old = await hospital.publish(hospital.session())
    new = await hospital.publish(replace(old, slots=some_slots(old.on, hour=9)))
    assert await hospital.is_taken(old, 1)
    assert await hospital.is_taken(new, 1)
    await time_passes(hospital.db, timedelta(seconds=11))
    [claim] = await hospital.sell(new, 1)
    assert claim.start_at == new.slots[0].start_at


async def test_a_number_that_comes_back_soon_is_soon_on_sale(hospital: Hospital):
    whole = await hospital.publish(hospital.session())
    await hospital.publish(hospital.session(slots=whole.slots[:3]))
    await hospital.publish(hospital.session())
    assert await hospital.is_taken(whole, 5)
    await time_passes(hospital.db, timedelta(seconds=11))
    assert not await hospital.is_taken(whole, 5)


async def test_a_number_that_goes_stays_off_sale_longer_than_any_copy_lives(hospital: Hospital):
    whole = await hospital.publish(hospital.session())
    await hospital.publish(hospital.session(slots=whole.slots[:3]))
    await time_passes(hospital.db, timedelta(seconds=30))
    assert await hospital.is_taken(whole, 5)


async def test_a_refused_change_leaves_every_number_on_sale(hospital: Hospital):
    schedule = await hospital.publish(hospital.session())
    await hospital.sell(schedule, 6)
    refusal = await hospital.refusal(hospital.session(slots=schedule.slots[:3]))
    assert refusal.data == {"numbers": [6]}
    assert not await hospital.is_taken(schedule, 5)


async def test_a_hold_that_is_over_keeps_no_number_from_going(hospital: Hospital):
    schedule = await hospital.publish(hospital.session())
    [hold] = await hospital.sell(schedule, 6, hold=True)
    assert (await hospital.refusal(hospital.session(slots=schedule.slots[:3]))).data == {"numbers": [6]}
    await time_passes(hospital.db, timedelta(seconds=700))
    changed = await hospital.publish(hospital.session(slots=schedule.slots[:3]))
    assert len(changed.slots) == 3
    assert (await hospital.claims.get(hold.id)).state is ClaimState.EXPIRED


async def test_the_desk_sees_nothing_of_what_is_off_sale(hospital: Hospital):
    schedule = await hospital.publish(hospital.session())
    await hospital.publish(hospital.session(slots=schedule.slots[:4]))
    assert await hospital.db.collection("claims").count_documents({"state": "withdrawn"}) == 2
    assert await hospital.claims.live_in_pools([schedule.pool_key]) == []
    assert (await hospital.claims.of_pools([schedule.pool_key], {}, cursor=None, limit=9))[0] == []
    assert await hospital.claims.stop_all(schedule) == 0
    [withdrawn, _] = await hospital.db.collection("claims").find({}).to_list(None)
    with pytest.raises(AppError) as refused:
        await hospital.claims.get(withdrawn["_id"])
    assert refused.value.code is ErrorCode.NOT_FOUND


async def test_an_unsold_schedule_may_move_to_another_day(hospital: Hospital):
    schedule = await hospital.publish(hospital.session())
    later = schedule.on + timedelta(days=3)
    moved = await hospital.publish(replace(schedule, on=later, slots=some_slots(later)))
    assert moved.on == later
    assert await hospital.schedules.list_for_department(hospital.department.id, schedule.on, 1) == []
    assert await hospital.schedules.list_for_department(hospital.department.id, later, 1) == [moved]


async def test_what_is_wrong_is_refused_by_name(hospital: Hospital):
    refusal = await hospital.refusal(hospital.session(period="pm", fee_fen=-5))
    assert refusal.code is ErrorCode.SCHEDULE_INVALID
    assert [p["field"] for p in refusal.data["problems"]] == ["fee_fen", "period"]
    yesterday = clock.today() - timedelta(days=1)
    assert reason(await hospital.refusal(hospital.session(on=yesterday))) == "past"
    far = clock.today() + timedelta(days=400)
    assert reason(await hospital.refusal(hospital.session(on=far))) == "too_far_ahead"


async def test_a_doctor_cannot_sit_in_two_places_at_once(hospital: Hospital):
    first = await hospital.publish(hospital.session("s1"))
    clash = await hospital.refusal(hospital.session("s2"))
    assert reason(clash) == "busy_at_that_time"
    assert clash.data["problems"][0]["schedule"] == "s1"
    afternoon = hospital.session("s3", period="pm", slots=some_slots(first.on, hour=14))
    assert (await hospital.publish(afternoon)).external_id == "s3"
    await hospital.publish(a_schedule(hospital.department, None, "s4"))
    await hospital.schedules.stop(hospital.client, "s1", "医生外出")
    assert (await hospital.publish(hospital.session("s2"))).external_id == "s2"


async def test_department_and_doctor_must_be_the_hospitals_own(hospital: Hospital):
    other, department, practitioner = await make_hospital(hospital.directory, "h2")
    assert reason(await hospital.refusal(hospital.session(department_id=department.id))) == "unknown"
    assert reason(await hospital.refusal(hospital.session(practitioner_id=practitioner.id))) == "unknown"
    elsewhere = a_department(hospital.organization, "d2", name="骨科", code="0403")
    await hospital.directory.save_departments([elsewhere])
    refusal = await hospital.refusal(hospital.session(department_id=elsewhere.id))
    assert reason(refusal) == "not_of_the_department"
    with pytest.raises(AppError) as refused:
        await hospital.schedules.publish(hospital_client(other), hospital.session())
    assert refused.value.code is ErrorCode.NOT_FOUND


async def test_another_hospitals_schedule_looks_like_none(hospital: Hospital):
    await hospital.publish(hospital.session())
    other, *_ = await make_hospital(hospital.directory, "h2")
    for call in (
        hospital.schedules.access(hospital_client(other), "s1"),
        hospital.schedules.stop(hospital_client(other), "s1", "reason"),
    ):
        with pytest.raises(AppError) as refused:
            await call
        assert refused.value.code is ErrorCode.SCHEDULE_NOT_FOUND


async def test_stopping_says_so_once_in_the_same_write(hospital: Hospital):
    schedule = await hospital.publish(hospital.session())
    stopped = await hospital.schedules.stop(hospital.client, "s1", "医生外出学习")
    assert (stopped.state, stopped.stop_reason) == (ScheduleState.STOPPED, "医生外出学习")
    again = await hospital.schedules.stop(hospital.client, "s1", "another reason")
    assert again == stopped
    stored = await hospital.db.collection("schedules").find_one({"_id": schedule.id})
    assert stored is not None
    assert stored["events_due"] is True
    assert [event["kind"] for event in stored["events"]] == ["schedule.stopped"]
    assert stored["events"][0]["data"] == {
        "schedule_id": schedule.id, "organization_id": hospital.organization.id,
    }  # fmt: skip


async def test_what_a_hospital_does_to_its_schedules_is_on_record(hospital: Hospital):
    schedule = await hospital.publish(hospital.session())
    await hospital.publish(hospital.session())
    await hospital.publish(hospital.session(fee_fen=500))
    await hospital.refusal(hospital.session(fee_fen=-5))
    await hospital.schedules.stop(hospital.client, "s1", "医生外出学习")
    who, where = f"client {hospital.client.id}", hospital.organization.id
    assert await recorded(hospital) == [
        (who, "schedules.publish", f"schedule/{schedule.id}", where),
        (who, "schedules.publish", f"schedule/{schedule.id}", where),
        (who, "schedules.stop", f"schedule/{schedule.id}", where),
    ]
    [stop, *_], _ = await hospital.audit.list_entries(SYSTEM, AuditFilter(action="schedules.stop"))
    assert stop.basis == "医生外出学习"


async def test_a_stopped_schedule_stays_stopped(hospital: Hospital):
    schedule = await hospital.publish(hospital.session())
    await hospital.schedules.stop(hospital.client, "s1", "医生外出")
    assert (await hospital.publish(schedule)).state is ScheduleState.STOPPED
    refusal = await hospital.refusal(replace(schedule, fee_fen=1))
    assert refusal.code is ErrorCode.SCHEDULE_STOPPED
    assert (await hospital.schedules.get(schedule.id)).fee_fen == schedule.fee_fen


async def test_staff_stop_only_within_their_scope(hospital: Hospital):
    schedule = await hospital.publish(hospital.session())
    stranger = Actor("staff", "x", Role.HOSPITAL_OPERATOR, frozenset({"another"}))
    with pytest.raises(AppError) as refused:
        await hospital.schedules.stop_by_staff(stranger, schedule.id, "reason")
    assert refused.value.code is ErrorCode.SCHEDULE_NOT_FOUND
    operator = Actor("staff", "y", Role.CITY_OPERATOR, None)
    stopped = await hospital.schedules.stop_by_staff(operator, schedule.id, "设备检修")
    assert stopped.stop_reason == "设备检修"


async def test_a_batch_takes_the_good_and_names_the_bad(hospital: Hospital):
    good = [a_schedule(hospital.department, None, f"g{n}") for n in range(5)]
    bad = a_schedule(hospital.department, None, "bad", fee_fen=-1)
    results = await hospital.schedules.publish_many([*good[:2], bad, *good[2:]])
    assert [result.outcome for result in results] == [Outcome.CREATED] * 2 + [None] + [Outcome.CREATED] * 3
    assert results[2].error is not None
    again = await hospital.schedules.publish_many(good)
    assert {result.outcome for result in again} == {Outcome.UNCHANGED}


async def test_a_closed_session_may_open_again(hospital: Hospital):
    schedule = a_schedule(hospital.department, None, "s1")
    closed = replace(schedule, state=ScheduleState.CLOSED)
    for wish in (schedule, closed, schedule):
        await hospital.schedules.publish_many([wish])
        assert (await hospital.schedules.get(schedule.id)).state is wish.state


async def test_lists_are_in_the_order_of_the_clock(hospital: Hospital):
    day = clock.today() + timedelta(days=2)
    made = [
        a_schedule(hospital.department, None, f"s{h}", on=day, period="day", slots=some_slots(day, hour=h))
        for h in (14, 8, 10)
    ]
    await hospital.schedules.publish_many(made)
    listed = await hospital.schedules.list_for_department(hospital.department.id, day, 1)
    assert [schedule.external_id for schedule in listed] == ["s8", "s10", "s14"]
    assert await hospital.schedules.list_for_organization(hospital.organization.id, day) == listed
    assert set(await hospital.schedules.list_by_id([made[0].id, "none"])) == {made[0].id}
