"""Claims: one insert is the booking, whatever else happens at the same moment."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest

from backend import clock
from backend.db.client import Database
from backend.errors import AppError, ErrorCode
from backend.slotpool.claims_models import ClaimState
from backend.slotpool.schedules_models import ScheduleState
from tests.backend.slotpool.pool import MemorySchedules, Pool, time_passes, wanted


@pytest.fixture
def schedules() -> MemorySchedules:
    return MemorySchedules()


@pytest.fixture
def pool(db: Database, schedules: MemorySchedules) -> Pool:
    return Pool(db, schedules)


async def code_of(attempt) -> ErrorCode | None:
    """The error code an attempt ends with; None when it succeeds."""
    try:
        await attempt
    except AppError as error:
        return error.code
    return None


async def test_a_slot_is_sold_once_to_many_at_the_same_moment(pool, schedules):
    schedule = schedules.add(slots=3)
    codes = await asyncio.gather(*(code_of(pool.claims.claim(wanted(schedule, number=2))) for _ in range(40)))
    assert codes.count(None) == 1
    assert codes.count(ErrorCode.SLOT_TAKEN) == 39


async def test_two_processes_sell_exactly_what_there_is(db, schedules):
    schedule = schedules.add(slots=20)
    processes = [Pool(db, schedules), Pool(db, schedules)]
    codes = await asyncio.gather(
        *(code_of(processes[n % 2].claims.claim(wanted(schedule))) for n in range(100))
    )
    assert codes.count(None) == 20
    assert codes.count(ErrorCode.SOLD_OUT) == 80


async def test_the_earliest_free_number_is_given(pool, schedules):
    schedule = schedules.add(slots=4)
    await pool.claims.claim(wanted(schedule, number=1))
    assert (await pool.claims.claim(wanted(schedule))).number == 2


async def test_one_patient_has_one_live_claim_per_department_and_day(pool, schedules):
    morning, other = schedules.add(), schedules.add()
    elsewhere = schedules.add(department_id="another")
    first = await pool.claims.claim(wanted(morning, "ann"))
    with pytest.raises(AppError) as refused:
        await pool.claims.claim(wanted(other, "ann"))
    assert refused.value.code is ErrorCode.ALREADY_BOOKED
    assert refused.value.data == {"appointment_id": first.id}
    assert await code_of(pool.claims.claim(wanted(elsewhere, "ann"))) is None


async def test_the_same_request_gets_the_same_claim_even_after_it_was_cancelled(pool, schedules):
    schedule = schedules.add()
    wish = wanted(schedule, "ann", request_key="tap-0001")
    first = await pool.claims.claim(wish)
    again = await asyncio.gather(*(pool.claims.claim(wish) for _ in range(10)))
    assert {claim.id for claim in again} == {first.id}
    await pool.claims.cancel(first.id, reason="", by="resident")
    late = await pool.claims.claim(wish)
    assert (late.id, late.state) == (first.id, ClaimState.CANCELLED)


async def test_a_key_used_for_something_else_is_refused(pool, schedules):
    schedule = schedules.add()
    await pool.claims.claim(wanted(schedule, "ann", number=1, request_key="tap-0001"))
    code = await code_of(pool.claims.claim(wanted(schedule, "ann", number=2, request_key="tap-0001")))
    assert code is ErrorCode.IDEMPOTENCY_KEY_REUSED


@pytest.mark.parametrize("number", [None, 1])
async def test_a_key_used_for_another_session_at_another_time_is_refused(pool, schedules, number):
    first, other = schedules.add(), schedules.add(department_id="another", after=timedelta(days=2))
    await pool.claims.claim(wanted(first, "ann", request_key="tap-0001"))
    code = await code_of(pool.claims.claim(wanted(other, "ann", number=number, request_key="tap-0001")))
    assert code is ErrorCode.IDEMPOTENCY_KEY_REUSED
    assert await pool.store.live_on_schedule(other.pool_key, other.id) == []


async def test_a_key_used_for_another_session_is_refused_also_where_all_is_sold(pool, schedules):
    first, full = schedules.add(), schedules.add(slots=1, department_id="another", after=timedelta(days=2))
    await pool.claims.claim(wanted(full))
    await pool.claims.claim(wanted(first, "ann", request_key="tap-0001"))
    code = await code_of(pool.claims.claim(wanted(full, "ann", request_key="tap-0001")))
    assert code is ErrorCode.IDEMPOTENCY_KEY_REUSED


async def test_one_key_of_two_actors_makes_two_claims(pool, schedules):
    schedule = schedules.add()
    one, other = [
        await pool.claims.claim(wanted(schedule, who, request_key="tap-0001")) for who in ("ann", "bob")
    ]
    assert one.id != other.id


async def test_two_keys_of_one_patient_make_one_booking(pool, schedules):
    schedule = schedules.add()
    codes = await asyncio.gather(
        *(code_of(pool.claims.claim(wanted(schedule, "ann", request_key=f"tap-{n:04}"))) for n in range(10))
    )
    assert codes.count(None) == 1
    assert codes.count(ErrorCode.ALREADY_BOOKED) == 9


async def test_a_cancelled_number_can_be_sold_again(pool, schedules):
    schedule = schedules.add(slots=1)
    claim = await pool.claims.claim(wanted(schedule))
    assert await code_of(pool.claims.claim(wanted(schedule))) is ErrorCode.SOLD_OUT
    await pool.claims.cancel(claim.id, reason="ill", by="resident")
    assert (await pool.claims.claim(wanted(schedule))).number == 1


async def test_a_number_freed_by_another_process_can_be_sold_here_at_once(db, schedules):
    schedule = schedules.add(slots=1)
    here, there = Pool(db, schedules), Pool(db, schedules)
    claim = await there.claims.claim(wanted(schedule))
    assert await code_of(here.claims.claim(wanted(schedule))) is ErrorCode.SOLD_OUT
    await there.claims.cancel(claim.id, reason="", by="resident")
    assert await code_of(here.claims.claim(wanted(schedule))) is None


async def test_a_hold_that_ended_frees_its_number_and_its_patient_without_any_sweep(db, schedules):
    schedule, other = schedules.add(slots=1), schedules.add(slots=1)
    pool = Pool(db, schedules, hold_s=0)
    first = await pool.claims.claim(wanted(schedule, "ann", hold=True))
    second = await pool.claims.claim(wanted(schedule, "bob", number=1, hold=True))
    assert (await pool.claims.get(first.id)).state is ClaimState.EXPIRED
    assert second.number == 1
    third = await pool.claims.claim(wanted(other, "bob", hold=True))
    assert third.schedule_id == other.id


async def test_an_ended_hold_cannot_be_confirmed(db, schedules):
    pool = Pool(db, schedules, hold_s=0)
    claim = await pool.claims.claim(wanted(schedules.add(), hold=True))
    assert await pool.claims.confirm(claim.id, paid=False) is None


async def test_a_hold_that_awaits_payment_outlives_its_time_until_the_answer(db, schedules):
    pool = Pool(db, schedules)
    schedule = schedules.add(slots=1, fee_fen=500)
    claim = await pool.claims.claim(wanted(schedule, hold=True))
    assert await pool.claims.await_payment(claim.id, "order") is not None
    await time_passes(db, timedelta(hours=1))
    assert await code_of(pool.claims.claim(wanted(schedule))) is ErrorCode.SOLD_OUT
    assert await pool.claims.sweep_holds() == 1
    assert (await pool.claims.get(claim.id)).state is ClaimState.HELD
    booked = await pool.claims.confirm(claim.id, paid=True)
    assert booked is not None
    assert booked.state is ClaimState.BOOKED


async def test_a_closed_payment_ends_a_hold_past_its_time(db, schedules):
    pool = Pool(db, schedules)
    schedule = schedules.add(slots=1, fee_fen=500)
    claim = await pool.claims.claim(wanted(schedule, hold=True))
    await pool.claims.await_payment(claim.id, "order")
    # A machine whose clock is ahead has handed the hold on already.
    await db.collection("claims").update_one({"_id": claim.id}, {"$set": {"due_told": True}})
    early = await pool.claims.payment_is_off(claim.id)
    assert early is not None
    assert early.state is ClaimState.HELD
    await time_passes(db, timedelta(hours=1))
    await pool.claims.sweep_holds()
    assert (await pool.claims.get(claim.id)).state is ClaimState.EXPIRED


async def test_the_sweep_ends_what_is_over_and_tells_each_waiting_payment_once(db, schedules):
    pool = Pool(db, schedules, hold_s=0)
    claims = [await pool.claims.claim(wanted(schedules.add(), hold=True)) for _ in range(3)]
    await db.collection("claims").update_one({"_id": claims[0].id}, {"$set": {"awaiting_payment": True}})
    assert await pool.claims.sweep_holds() == 3
    assert await pool.claims.sweep_holds() == 0
    stored = await db.collection("claims").find({}).sort("_id", 1).to_list(None)
    kinds = sorted(event["kind"] for doc in stored for event in doc["events"])
    assert kinds == ["appointment.expired", "appointment.expired", "hold.due"]


async def test_reserved_numbers_are_sold_only_through_their_channel(pool, schedules):
    schedule = schedules.add(slots=3, reserved={"window": 1, "referral": 1})
    assert await code_of(pool.claims.claim(wanted(schedule, number=3))) is ErrorCode.SLOT_RESERVED
    assert (await pool.claims.claim(wanted(schedule, channel="window"))).number == 1
    assert (await pool.claims.claim(wanted(schedule, channel="window"))).number == 3
    assert await code_of(pool.claims.claim(wanted(schedule))) is ErrorCode.SOLD_OUT
    assert (await pool.claims.claim(wanted(schedule, channel="referral"))).number == 2


async def test_a_request_repeated_after_the_clinic_was_stopped_gets_what_it_got(pool, schedules):
    schedule = schedules.add(slots=3)
    wish = wanted(schedule, request_key="before-the-stop")
    claim = await pool.claims.claim(wish)
    schedules.made[schedule.id] = replace(schedule, state=ScheduleState.STOPPED)
    assert (await pool.claims.claim(wish)).id == claim.id
    with pytest.raises(AppError) as refused:
        await pool.claims.claim(wanted(schedule, request_key="after-the-stop"))
    assert refused.value.code is ErrorCode.SCHEDULE_STOPPED


async def test_stopping_a_clinic_ends_every_live_claim(pool, schedules):
    schedule = schedules.add(slots=3)
    await pool.claims.claim(wanted(schedule))
    await pool.claims.claim(wanted(schedule, hold=True))
    assert await pool.claims.stop_all(schedule) == 2
    assert await pool.claims.stop_all(schedule) == 0


async def test_why_a_claim_ended_is_stored_sealed_and_read_as_it_was_typed(db, pool, schedules):
    schedule = schedules.add(slots=3, stop_reason="流感高发，医生支援发热门诊")
    cancelled = await pool.claims.claim(wanted(schedule))
    stopped = await pool.claims.claim(wanted(schedule))
    ended = await pool.claims.cancel(cancelled.id, reason="复查乙肝，改期", by="resident")
    assert ended is not None
    assert ended.cancel_reason == "复查乙肝，改期"
    await pool.claims.stop_all(schedule)
    assert (await pool.claims.get(stopped.id)).cancel_reason == "流感高发，医生支援发热门诊"
    stored = await db.collection("claims").find({"live": False}).to_list(None)
    assert [sorted(doc["cancel_reason"]) for doc in stored] == [["alg", "ct", "kid", "n", "v"]] * 2


async def test_a_reason_from_before_reasons_were_sealed_is_still_read(db, pool, schedules):
    claim = await pool.claims.claim(wanted(schedules.add()))
    await pool.claims.cancel(claim.id, reason="", by="resident")
    assert (await pool.claims.get(claim.id)).cancel_reason is None
    await db.native["claims"].update_one(
        {"_id": claim.id}, {"$set": {"cancel_reason": "改期"}}, bypass_document_validation=True
    )
    assert (await pool.claims.get(claim.id)).cancel_reason == "改期"


async def test_what_is_to_come_is_found_without_looking_through_the_past(db, pool, schedules):
    under_way = schedules.add(slots=60, after=timedelta(hours=-1))
    await pool.claims.claim(wanted(under_way, "ann", number=30))
    past = [await pool.claims.claim(wanted(schedules.add(department_id=str(n)), "ann")) for n in range(20)]
    gone = {
        "$set": {"start_at": clock.now() - timedelta(days=30), "end_at": clock.now() - timedelta(days=29)}
    }
    await db.collection("claims").update_many({"_id": {"$in": [claim.id for claim in past]}}, gone)
    await db.native.command("profile", 2)
    try:
        upcoming, _ = await pool.claims.of_patients(["ann"], upcoming=True, cursor=None, limit=20)
        assert await pool.claims.has_live_future(["ann"])
        looks = await db.native["system.profile"].find({"ns": f"{db.name}.claims"}).to_list(None)
    finally:
        await db.native.command("profile", 0)
        await db.native["system.profile"].drop()
    assert [claim.number for claim in upcoming] == [30]
    assert [look["docsExamined"] for look in looks] == [1, 1]


async def test_no_slot_and_no_past_slot(pool, schedules):
    schedule = schedules.add(slots=3)
    assert await code_of(pool.claims.claim(wanted(schedule, number=9))) is ErrorCode.SLOT_NOT_FOUND
    wish = wanted(schedule, number=1)
    object.__setattr__(wish, "schedule_id", "nothing")
    assert await code_of(pool.claims.claim(wish)) is ErrorCode.SCHEDULE_NOT_FOUND
