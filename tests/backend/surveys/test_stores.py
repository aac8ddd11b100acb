"""The stores of surveys write in batches: each still learns whether his own write was made."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta
from typing import cast

from pymongo import UpdateOne
from pymongo.errors import BulkWriteError

from backend import clock
from backend.db.client import Collection
from backend.ids import new_id
from backend.surveys.campaign_store import CampaignStore
from backend.surveys.models import RunState
from backend.surveys.run_store import RunStore
from tests.backend.surveys.conftest import Ward


async def test_of_turns_written_over_the_same_one_in_one_batch_one_is_made(ward: Ward):
    await ward.campaign()
    for _ in range(3):
        await ward.visit(await ward.person())
    runs = await ward.runs()
    stores = [RunStore(ward.db, ward.city.city.services.cipher) for _ in range(2)]
    done = await asyncio.gather(
        *(
            store.write(replace(run, way=way), counted=(f"way{way}",))
            for run in runs
            for way in range(3)
            for store in stores
        )
    )
    assert sum(done) == len(runs)
    counted = [run.to_count for run in await ward.runs()]
    assert [len(each) for each in counted] == [2, 2, 2]  # planned, and the one that was made
    for place, (before, after) in enumerate(zip(runs, await ward.runs(), strict=True)):
        mine = done[place * 6 : place * 6 + 6]
        assert (after.turn, after.way) == (before.turn + 1, mine.index(True) // 2)


async def test_a_turn_that_the_database_refuses_takes_no_other_with_it(ward: Ward):
    await ward.campaign()
    for _ in range(3):
        await ward.visit(await ward.person())
    runs = await ward.runs()
    store = RunStore(ward.db, ward.city.city.services.cipher)
    written = [
        replace(run, state=cast(RunState, "nonsense" if place == 1 else run.state))
        for place, run in enumerate(runs)
    ]
    made = await asyncio.gather(*(store.write(each) for each in written), return_exceptions=True)
    assert [made[0], made[2]] == [True, True]
    assert isinstance(made[1], BulkWriteError)


async def test_who_was_overtaken_after_his_turn_was_written_learns_that_it_was(ward: Ward):
    await ward.campaign()
    for _ in range(2):
        await ward.visit(await ward.person())
    one, two = await ward.runs()
    store = RunStore(ward.db, ward.city.city.services.cipher)
    collection = store._runs

    class Overtaken:
        """Between the writing and the looking, somebody else goes on with the first run."""

        def find(self, *rules: object) -> object:
            return collection.find(*rules)

        async def bulk_write(self, writes: list[UpdateOne], ordered: bool) -> object:
            result = await collection.bulk_write(writes, ordered=ordered)
            await collection.update_one({"_id": one.id}, {"$inc": {"turn": 1}, "$push": {"steps": new_id()}})
            return result

    store._runs = cast(Collection, Overtaken())
    stale = replace(two, turn=two.turn + 7)
    made = await asyncio.gather(store.write(stale), store.write(one))
    assert list(made) == [False, True]


async def test_in_one_batch_everybody_is_given_to_one_run_unless_asked_long_ago(ward: Ward):
    store, now = CampaignStore(ward.db), clock.now()
    asked, long_ago, nobody = (new_id() for _ in range(3))
    assert await store.take_turn(asked, "first", now - timedelta(days=2), 30)
    assert await store.take_turn(long_ago, "first", now - timedelta(days=40), 30)
    turns = await asyncio.gather(
        *(store.take_turn(person, run, now, 30) for person in (asked, long_ago, nobody) for run in "ab"),
        store.take_turn(asked, "first", now, 30),
    )
    assert turns == [False, False, True, False, True, False, True]
