"""The pool's promise under any story: a slot is sold at most once, and a free slot can always be sold.

Hospitals take places away, move them and bring them back meanwhile, and each process sells from a schedule
that may be two seconds old: nobody ends up with a place that the schedule does not have.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from dataclasses import dataclass, replace
from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from backend import clock
from backend.db.client import Database, Document
from backend.errors import AppError, ErrorCode
from backend.ids import new_id
from backend.slotpool.claims_models import Claim
from backend.slotpool.schedules_models import Schedule
from tests.backend.slotpool.pool import MemorySchedules, Pool, publisher, wanted
from tests.factories.schedules import some_slots

SLOTS, PATIENTS, PROCESSES = 4, 6, 2
REFUSALS = (ErrorCode.SLOT_TAKEN, ErrorCode.SLOT_NOT_FOUND, ErrorCode.SOLD_OUT, ErrorCode.ALREADY_BOOKED)
UNCHANGED = (ErrorCode.SCHEDULE_HAS_BOOKINGS, ErrorCode.CONFLICT)
HOURS = (8, 9)


@dataclass(frozen=True)
class Act:
    """One thing somebody does: `who` is a patient, `process` the one that serves him.

    A hospital that publishes states which numbers there are from then on, and from which hour.
    """

    what: str
    who: int
    process: int
    number: int | None
    key: int
    numbers: frozenset[int]
    hour: int


ACTS = st.builds(
    Act,
    what=st.sampled_from(
        ["book", "book", "hold", "confirm", "release", "cancel", "lapse", "sweep", "publish", "publish"]
    ),
    who=st.integers(0, PATIENTS - 1),
    process=st.integers(0, PROCESSES - 1),
    number=st.none() | st.integers(1, SLOTS),
    key=st.integers(0, 2),
    numbers=st.frozensets(st.integers(1, SLOTS), min_size=1),
    hour=st.sampled_from(HOURS),
)
# Acts of one inner list happen at the same moment.
STORIES = st.lists(st.lists(ACTS, min_size=1, max_size=4), min_size=1, max_size=8)


class Story:
    """A fresh schedule, two processes, and what each patient was last told."""

    def __init__(self, db: Database) -> None:
        on = clock.today() + timedelta(days=1)
        made = MemorySchedules().add(department_id=new_id())
        self.schedule: Schedule = replace(made, on=on, slots=some_slots(on, SLOTS, hour=HOURS[0]))
        self.publishers = [publisher(db) for _ in range(PROCESSES)]
        self.pools = [Pool(db, schedules) for schedules in self.publishers]
        self.db = db
        self.mine: dict[int, Claim] = {}
        self.answers: dict[tuple[int, int, int | None, bool], str] = {}

    async def begin(self) -> None:
        await self.publishers[0].publish_many([self.schedule])

    async def play(self, act: Act) -> None:
        claims = self.pools[act.process].claims
        mine = self.mine.get(act.who)
        if act.what in ("book", "hold"):
            await self._claim(act)
        elif act.what == "publish":
            await self._publish(act)
        elif act.what == "sweep":
            await claims.sweep_holds()
        elif mine is None:
            return
        elif act.what == "confirm":
            await claims.confirm(mine.id, paid=False)
        elif act.what == "release":
            await claims.release(mine)
        elif act.what == "cancel":
            await claims.cancel(mine.id, reason="", by="resident")
        else:
            # The hold's time passes.
            await self.db.collection("claims").update_one(
                {"_id": mine.id, "state": "held"}, [{"$set": {"hold_until": {"$subtract": ["$$NOW", 1]}}}]
            )

    async def _claim(self, act: Act) -> None:
        hold = act.what == "hold"
        key = f"key-{self.schedule.id}-{act.who}-{act.key}-{act.number}-{hold}"
        wish = wanted(self.schedule, f"patient-{act.who}", number=act.number, hold=hold, request_key=key)
        try:
            claim = await self.pools[act.process].claims.claim(wish)
        except AppError as error:
            if error.code not in REFUSALS:
                raise
            return
        told = self.answers.setdefault((act.who, act.key, act.number, hold), claim.id)
        assert told == claim.id, "the same request got two answers"
        self.mine[act.who] = claim

    async def _publish(self, act: Act) -> None:
        slots = some_slots(self.schedule.on, SLOTS, hour=act.hour)
        wish = replace(self.schedule, slots=tuple(slot for slot in slots if slot.number in act.numbers))
        [published] = await self.publishers[act.process].publish_many([wish])
        if published.error is not None and published.error.code not in UNCHANGED:
            raise published.error

    async def live(self) -> list[Document]:
        """What people have."""
        rules = {"schedule_id": self.schedule.id, "live": True, "state": {"$ne": "withdrawn"}}
        return await self.db.collection("claims").find(rules).to_list(None)

    async def check(self) -> None:
        live = await self.live()
        assert max(Counter(c["number"] for c in live).values(), default=0) <= 1
        assert max(Counter(c["patient_id"] for c in live).values(), default=0) <= 1
        assert all(c["live"] == (c["state"] in ("held", "booked")) for c in live)
        there = (await self.publishers[0].get(self.schedule.id)).by_number
        for c in live:
            assert c["number"] in there, "somebody has a place that is gone"
            assert c["start_at"] == there[c["number"]].start_at, "somebody has a place at another time"

    async def sell_the_rest(self) -> None:
        """Whatever is free can be sold, through either process, until exactly all are gone."""
        await self.pools[0].claims.sweep_holds()
        # What is off sale comes back by the clock.
        await self.db.collection("claims").update_many(
            {"schedule_id": self.schedule.id, "state": "withdrawn"}, {"$set": {"hold_until": clock.now()}}
        )
        now = await self.publishers[0].get(self.schedule.id)
        for number in range(len(now.slots) - len(await self.live())):
            await self.pools[number % PROCESSES].claims.claim(wanted(now), now)
        with pytest.raises(AppError) as refused:
            await self.pools[0].claims.claim(wanted(now), now)
        assert refused.value.code is ErrorCode.SOLD_OUT


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(story=STORIES)
async def test_no_story_oversells_or_undersells(db: Database, story: list[list[Act]]) -> None:
    told = Story(db)
    await told.begin()
    for moment in story:
        await asyncio.gather(*(told.play(act) for act in moment))
        await told.check()
    await told.sell_the_rest()
