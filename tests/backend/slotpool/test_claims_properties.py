"""The pool's promise under any story: a slot is sold at most once, and a free slot can always be sold."""

from __future__ import annotations

import asyncio
from collections import Counter
from dataclasses import dataclass

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from backend.db.client import Database
from backend.errors import AppError, ErrorCode
from backend.ids import new_id
from backend.slotpool.claims_models import Claim
from backend.slotpool.schedules_models import Schedule
from tests.backend.slotpool.pool import MemorySchedules, Pool, wanted

SLOTS, PATIENTS, PROCESSES = 4, 6, 2
REFUSALS = (ErrorCode.SLOT_TAKEN, ErrorCode.SOLD_OUT, ErrorCode.ALREADY_BOOKED)


@dataclass(frozen=True)
class Act:
    """One thing somebody does: `who` is a patient, `process` the one that serves him."""

    what: str
    who: int
    process: int
    number: int | None
    key: int


ACTS = st.builds(
    Act,
    what=st.sampled_from(["book", "book", "hold", "confirm", "release", "cancel", "lapse", "sweep"]),
    who=st.integers(0, PATIENTS - 1),
    process=st.integers(0, PROCESSES - 1),
    number=st.none() | st.integers(1, SLOTS),
    key=st.integers(0, 2),
)
# Acts of one inner list happen at the same moment.
STORIES = st.lists(st.lists(ACTS, min_size=1, max_size=4), min_size=1, max_size=8)


class Story:
    """A fresh schedule, two processes, and what each patient was last told."""

    def __init__(self, db: Database) -> None:
        schedules = MemorySchedules()
        self.schedule: Schedule = schedules.add(slots=SLOTS, department_id=new_id())
        self.pools = [Pool(db, schedules) for _ in range(PROCESSES)]
        self.db = db
        self.mine: dict[int, Claim] = {}
        self.answers: dict[tuple[int, int, int | None, bool], str] = {}

    async def play(self, act: Act) -> None:
        claims = self.pools[act.process].claims
        mine = self.mine.get(act.who)
        if act.what in ("book", "hold"):
            await self._claim(act)
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

    async def check(self) -> None:
        live = (
            await self.db.collection("claims")
            .find({"schedule_id": self.schedule.id, "live": True})
            .to_list(None)
        )
        assert max(Counter(c["number"] for c in live).values(), default=0) <= 1
        assert max(Counter(c["patient_id"] for c in live).values(), default=0) <= 1
        assert all(c["live"] == (c["state"] in ("held", "booked")) for c in live)

    async def sell_the_rest(self) -> None:
        """Whatever is free can be sold, through either process, until exactly all are gone."""
        await self.pools[0].claims.sweep_holds()
        live = await self.db.collection("claims").count_documents(
            {"schedule_id": self.schedule.id, "live": True}
        )
        for number in range(SLOTS - live):
            await self.pools[number % PROCESSES].claims.claim(wanted(self.schedule))
        with pytest.raises(AppError) as refused:
            await self.pools[0].claims.claim(wanted(self.schedule))
        assert refused.value.code is ErrorCode.SOLD_OUT


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(story=STORIES)
async def test_no_story_oversells_or_undersells(db: Database, story: list[list[Act]]) -> None:
    told = Story(db)
    for moment in story:
        await asyncio.gather(*(told.play(act) for act in moment))
        await told.check()
    await told.sell_the_rest()
