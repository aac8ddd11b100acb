"""Every state, every event, every part: what the table says is what happens, and nothing else does."""

import asyncio
import random
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta
from itertools import product
from typing import Any

import pytest

from backend import clock
from backend.errors import AppError, ErrorCode
from backend.permissions import SYSTEM, Actor
from backend.records.care_rules import AFTER, STAY
from backend.records.sharing_models import CareKind
from backend.referrals.acting import Acting
from backend.referrals.limits import TimeLimits, WorkingHours, time_limits
from backend.referrals.machine import (
    CARED_FOR,
    ENDED,
    OPEN,
    PLACED,
    TABLE,
    WAITING,
    Part,
    ReferralEvent,
    ReferralState,
    possible,
)
from backend.referrals.models import (
    NO_FACTS,
    Clinical,
    Direction,
    Facts,
    FreePlaces,
    Level,
    Place,
    PlanItem,
    Referral,
    Urgency,
)
from backend.referrals.sending import Sending, changed
from backend.referrals.store import New, ReferralStore, Turn
from backend.referrals.unidentified import Unidentified
from backend.worker.events import Event
from tests.factories.referrals import FACTS, a_referral

E, S = ReferralEvent, ReferralState

# Who may do what where, and what comes of it: s(ender), r(eceiver), p(atient), c(ity), t(he clock or a scan).
DRAWN = """
requested   ask_more        r    returned
requested   accept          r    accepted
requested   reject          r    rejected
requested   withdraw        spt  withdrawn
requested   escalate        t    requested
requested   lapse           ct   lapsed
returned    supplement      s    requested
returned    withdraw        spt  withdrawn
returned    escalate        t    returned
returned    lapse           ct   lapsed
accepted    reject          r    rejected
accepted    wish            p    accepted
accepted    rebook          r    accepted
accepted    depart          s    in_transit
accepted    arrive          rt   arrived
accepted    withdraw        spt  withdrawn
accepted    lapse           ct   lapsed
accepted    miss            rt   not_arrived
in_transit  depart          s    in_transit
in_transit  arrive          rt   arrived
in_transit  withdraw        st   withdrawn
in_transit  miss            rt   not_arrived
arrived     begin_treatment r    treating
arrived     complete        r    completed
arrived     escalate        t    arrived
arrived     close           t    completed
treating    escalate        t    treating
treating    close           t    completed
treating    complete        r    completed
requested   identify        sr   requested
returned    identify        sr   returned
accepted    identify        sr   accepted
in_transit  identify        sr   in_transit
arrived     identify        sr   arrived
treating    identify        sr   treating
completed   identify        sr   completed
accepted    follow_up       rt   accepted
in_transit  follow_up       rt   in_transit
arrived     follow_up       rt   arrived
treating    follow_up       rt   treating
completed   follow_up       rt   completed
not_arrived follow_up       rt   not_arrived
not_arrived arrive          r    arrived
not_arrived redirect        sc   not_arrived
rejected    redirect        sct  rejected
lapsed      redirect        sct  lapsed
"""
PLANNED = Clinical("康复", plan=(PlanItem("复查", clock.today()), PlanItem("换药", clock.today())))
LETTERS = {"s": Part.SENDER, "r": Part.RECEIVER, "p": Part.RESIDENT, "c": Part.CITY, "t": Part.SYSTEM}
EXPECTED = {
    (S(state), E(event)): (frozenset(LETTERS[letter] for letter in parts), S(to))
    for state, event, parts, to in (line.split() for line in DRAWN.strip().splitlines())
}


class Kept(ReferralStore):
    """The store, in memory: a turn is written over the one it was thought of, or not at all."""

    def __init__(self) -> None:
        self.referrals: dict[str, Referral] = {}
        self.told: list[Event] = []

    async def find(self, referral_id: str) -> Referral | None:
        return self.referrals.get(referral_id)

    async def write(self, after: Referral, events: Sequence[Event] = ()) -> bool:
        return await self.write_all([Turn(after, events)])

    async def write_all(self, turns: Sequence[Turn], new: New | None = None) -> bool:
        await asyncio.sleep(0)
        if any(self.referrals[each.after.id].turn != each.after.turn for each in turns):
            return False
        if new is not None:
            self.referrals[new.referral.id] = new.referral
        for each in turns:
            self.referrals[each.after.id] = replace(each.after, turn=each.after.turn + 1)
            self.told += each.events
        return True


class Pool:
    """Places, in memory: a key has one place for good."""

    def __init__(self) -> None:
        self.booked: dict[str, bool] = {}

    def appointment_id(self, key: str) -> str:
        return f"A-{key}"

    async def free(
        self, organization_id: str, department_id: str, from_on: date, days: int
    ) -> list[FreePlaces]:
        return []

    async def take(
        self, key: str, organization_id: str, schedule_id: str, number: int | None, person_id: str
    ) -> Place:
        await asyncio.sleep(0)
        if not self.booked.setdefault(f"A-{key}", True):
            raise AppError(ErrorCode.SLOT_TAKEN)
        return Place(clock.now() + timedelta(days=1), appointment_id=f"A-{key}", schedule_id=schedule_id)

    async def give_back(self, appointment_id: str) -> bool:
        await asyncio.sleep(0)
        there = appointment_id in self.booked
        if there:
            self.booked[appointment_id] = False
        return there

    @property
    def live(self) -> set[str]:
        return {appointment_id for appointment_id, booked in self.booked.items() if booked}


class Delivered:
    """The limits that the city came with."""

    async def now(self) -> TimeLimits:
        return time_limits()


class Onward(Sending):
    """What goes on from a referral."""

    def __init__(self, kept: Kept) -> None:
        self.kept = kept

    async def redirect(self, old: Referral, actor: Actor, part: Part, facts: Facts) -> New:
        made = replace(
            old, id=f"NEXT-{old.id}", state=S.REQUESTED, follows=old.id, place=None, loose=(), turn=0
        )
        return New(made, changed(made, E.SEND))

    async def last_of(self, old: Referral) -> Referral | None:
        return await self.kept.find(old.followed_by)

    async def send_back(self, done: Referral) -> None:
        return None

    async def check_attachments(self, person_id: str, attachments: Iterable[str]) -> None:
        return None


@pytest.fixture
def acting() -> tuple[Acting, Kept, Pool]:
    kept, pool = Kept(), Pool()
    return Acting(kept, Delivered(), pool, Onward(kept)), kept, pool


def facts_for(event: ReferralEvent) -> Facts:
    return Facts(to_organization_id="OTHER") if event is E.REDIRECT else FACTS.get(event, NO_FACTS)


def fit_for(event: ReferralEvent) -> dict[str, Any]:
    """Who is to be identified is somebody whom nobody knows; what is followed up came with a plan."""
    if event is E.IDENTIFY:
        return {"person_id": "", "unidentified": Unidentified("火车站")}
    return {"direction": Direction.DOWN, "clinical": PLANNED} if event is E.FOLLOW_UP else {}


def test_the_table_is_the_one_that_was_drawn():
    said = {key: (rule.parts, rule.to) for key, rule in TABLE.items() if key[0] is not None}
    assert said == EXPECTED
    assert TABLE[None, E.SEND].to is S.REQUESTED
    assert frozenset(S) == OPEN | ENDED
    assert CARED_FOR >= PLACED
    assert not WAITING & CARED_FOR


async def test_every_state_event_and_part_is_answered_as_the_table_says(
    acting: tuple[Acting, Kept, Pool],
):
    act, kept, _ = acting
    walked = 0
    for state, event, part in product(S, E, Part):
        before = a_referral(state, due_at=clock.now() if state in OPEN else None, **fit_for(event))
        kept.referrals[before.id] = before
        rule = EXPECTED.get((state, event))
        walked += 1
        if rule is not None and part in rule[0]:
            await act.act(SYSTEM, before, event, facts_for(event), frozenset({part}))
            after = kept.referrals[before.id]
            assert (after.state, after.turn) == (rule[1], before.turn + 1), (state, event, part)
            assert_sound(before, after, event, part)
            assert kept.told[-1].data["event"] == event
        else:
            with pytest.raises(AppError) as refused:
                await act.act(SYSTEM, before, event, facts_for(event), frozenset({part}))
            code = ErrorCode.REFERRAL_STATE if rule is None else ErrorCode.FORBIDDEN
            assert refused.value.code is code, (state, event, part)
            assert kept.referrals[before.id] is before
        assert (event in possible(state, frozenset({part}))) == (rule is not None and part in rule[0])
    assert walked == len(S) * len(E) * len(Part) == 1045


def assert_sound(before: Referral, after: Referral, event: ReferralEvent, part: Part) -> None:
    """What must hold after any event."""
    step = after.history[-1]
    assert (step.event, step.state, step.part) == (event, after.state, part)
    assert (after.due_at is not None) == (after.state in OPEN)
    # An end that was, as long as nobody has come after all.
    assert not (after.is_open and after.ended_at)
    assert (after.ended_at is not None) == (after.has_ended and before.is_open)
    assert after.gives_access == (after.state in CARED_FOR)
    assert (event is E.REDIRECT) == bool(after.followed_by)


async def test_what_an_event_needs_is_asked_for(acting: tuple[Acting, Kept, Pool]):
    act, kept, _ = acting
    for (state, event), rule in TABLE.items():
        if state is None or not rule.needs:
            continue
        before = a_referral(state, **fit_for(event))
        kept.referrals[before.id] = before
        with pytest.raises(AppError) as refused:
            await act.act(SYSTEM, before, event, NO_FACTS, rule.parts)
        assert refused.value.code is ErrorCode.BAD_REQUEST, (state, event)
    done = a_referral(S.TREATING)
    kept.referrals[done.id] = done
    half = replace(FACTS[E.COMPLETE], send_back=True)
    with pytest.raises(AppError) as refused:
        await act.act(SYSTEM, done, E.COMPLETE, half, frozenset({Part.RECEIVER}))
    assert [each["field"] for each in refused.value.data["fields"]] == ["discharge_summary", "plan"]


async def test_however_people_act_at_once_a_place_is_kept_for_whom_it_was_given_to(
    acting: tuple[Acting, Kept, Pool],
):
    """Random lives, several acting at the same moment: what is booked is the referral's place, or owed."""
    act, kept, pool = acting
    dice = random.Random(5)
    seen = set()
    for _ in range(300):
        referral = a_referral(urgency=dice.choice(list(Urgency)), **dice.choice(({}, fit_for(E.FOLLOW_UP))))
        kept.referrals[referral.id] = referral
        pool.booked.clear()
        for _ in range(12):
            now = kept.referrals[referral.id]
            await asyncio.gather(
                *(one(act, now, dice) for _ in range(dice.choice((1, 2, 3)))), return_exceptions=False
            )
            after = kept.referrals[referral.id]
            seen.add(after.state)
            kept_for = {after.place.appointment_id} if after.place and after.state in PLACED else set()
            loose = {each.appointment_id for each in after.loose}
            assert pool.live <= kept_for | loose | came(after), after
            assert {each for each in kept_for if each} <= pool.live | {""}, after
        assert len(pool.live) <= 1 + len(kept.referrals[referral.id].loose)
    assert seen == set(S)


def came(referral: Referral) -> set[str]:
    """The place that somebody has come to, or has been waited for at."""
    return {referral.place.appointment_id} if referral.place else set()


async def one(act: Acting, referral: Referral, dice: random.Random) -> None:
    event = dice.choice(possible(referral.state, frozenset(Part)) or [E.WITHDRAW])
    parts = EXPECTED.get((referral.state, event), (frozenset(Part), None))[0]
    part = dice.choice(sorted(parts) if dice.random() < 0.9 else list(Part))
    facts = facts_for(event)
    if event in (E.ACCEPT, E.REBOOK):
        facts = Facts(schedule_id=dice.choice(("S1", "S2")))
    elif event is E.FOLLOW_UP:
        facts = replace(facts, item=dice.choice((1, 2)), text=dice.choice(("血压正常", "已换药")))
    try:
        await act.act(SYSTEM, referral, event, facts, frozenset({part}))
    except AppError as error:
        assert error.code in (  # noqa: PT017
            ErrorCode.REFERRAL_STATE, ErrorCode.FORBIDDEN, ErrorCode.SLOT_TAKEN, ErrorCode.CONFLICT,
        )  # fmt: skip


def test_working_hours_count_and_nights_and_holidays_do_not():
    monday = date(2026, 3, 2)
    hours = WorkingHours.model_validate(
        {
            "weekdays": [1, 2, 3, 4, 5], "from": "08:00", "until": "17:30",
            "holidays": ["2026-03-03"], "workdays": ["2026-03-14"],
        }
    )  # fmt: skip

    def at(on: date, hour: int, minute: int = 0) -> datetime:
        return clock.city_instant(on, hour, minute)

    for start, minutes, end in (
        (at(monday, 9), 60, at(monday, 10)),
        (at(monday, 6), 30, at(monday, 8, 30)),
        (at(monday, 17), 60, at(date(2026, 3, 4), 8, 30)),
        (at(date(2026, 3, 6), 17), 30, at(date(2026, 3, 6), 17, 30)),
        (at(date(2026, 3, 6), 17), 31, at(date(2026, 3, 9), 8, 1)),
        (at(date(2026, 3, 7), 12), 570, at(date(2026, 3, 9), 17, 30)),
        # A Saturday that is worked for the holiday.
        (at(date(2026, 3, 13), 17), 60, at(date(2026, 3, 14), 8, 30)),
    ):
        assert hours.after(start, minutes) == end


def test_nobodys_referral_lapses_over_the_spring_festival():
    hours = time_limits().working_hours
    assert hours.after(clock.city_instant(date(2026, 2, 13), 17), 60) == clock.city_instant(
        date(2026, 2, 14), 8, 30
    )
    assert hours.after(clock.city_instant(date(2026, 2, 14), 17), 60) == clock.city_instant(
        date(2026, 2, 24), 8, 30
    )
    assert hours.after(clock.city_instant(date(2026, 12, 31), 17), 60) == clock.city_instant(
        date(2027, 1, 4), 8, 30
    )


def test_who_is_never_seen_out_is_given_up_on_before_his_record_closes_by_itself():
    """By urgency, and reminded of twice before."""
    for urgency in Urgency:
        limits, now, levels = time_limits(), clock.now(), []
        at, level = now, Level.SENT
        assert limits.answer_by(S.ARRIVED, urgency, now) == limits.next_due(S.ARRIVED, urgency, level, now)
        while True:
            at = limits.next_due(S.TREATING, urgency, level, at)
            onward = limits.next_level(S.TREATING, urgency, level)
            if onward is None:
                break
            level = onward
            levels.append(level)
        assert levels == [Level.DESK, Level.OPERATORS]
        assert at - now <= STAY + AFTER[CareKind.REFERRAL]


def test_an_emergency_has_passed_every_desk_within_a_quarter_of_an_hour():
    limits: TimeLimits = time_limits()
    now, waited, levels = clock.now(), timedelta(0), []
    level: Level | None = Level.SENT
    while level is not None:
        levels.append(level)
        waited += limits.next_due(S.REQUESTED, Urgency.EMERGENCY, level, now) - now
        level = limits.next_level(S.REQUESTED, Urgency.EMERGENCY, level)
    assert levels == list(Level)
    assert waited == timedelta(minutes=15)
