"""Gathered inserts: few round trips, and everybody learns his own fate."""

from __future__ import annotations

import asyncio
from typing import cast

import pytest
from pymongo.errors import DuplicateKeyError, PyMongoError

from backend.db.client import Collection, Database
from backend.db.gather import GatheredCalls, GatheredInserts


async def test_concurrent_inserts_share_round_trips(db: Database):
    sent = []

    class Counting:
        async def insert_many(self, documents, ordered):
            sent.append(len(documents))
            return await db.collection("things").insert_many(documents, ordered=ordered)

    inserts = GatheredInserts(cast(Collection, Counting()))
    await asyncio.gather(*(inserts.insert({"_id": n}) for n in range(100)))
    assert await db.collection("things").count_documents({}) == 100
    assert len(sent) <= 3


async def test_only_the_duplicates_are_refused(db: Database):
    inserts = GatheredInserts(db.collection("things"))
    results = await asyncio.gather(
        *(inserts.insert({"_id": n % 5, "n": n}) for n in range(10)), return_exceptions=True
    )
    assert [type(result) for result in results] == [type(None)] * 5 + [DuplicateKeyError] * 5


async def test_a_refused_insert_says_which_rule_it_met(db: Database):
    things = db.collection("things")
    name = await things.create_index([("group", 1), ("number", 1)], unique=True)
    inserts = GatheredInserts(things)
    await inserts.insert({"_id": "a", "group": 1, "number": 1})
    with pytest.raises(DuplicateKeyError) as met:
        await inserts.insert({"_id": "b", "group": 1, "number": 1})
    assert set((met.value.details or {})["keyPattern"]) == {"group", "number"}
    await things.drop_index(name)


async def test_an_unknown_outcome_fails_the_whole_batch_and_the_next_one_goes_on(db: Database):
    class Broken:
        broken = True

        async def insert_many(self, documents, ordered):
            if self.broken:
                raise PyMongoError("connection lost")
            return await db.collection("things").insert_many(documents, ordered=ordered)

    collection = Broken()
    inserts = GatheredInserts(cast(Collection, collection))
    results = await asyncio.gather(*(inserts.insert({"_id": n}) for n in range(3)), return_exceptions=True)
    assert all(isinstance(result, PyMongoError) for result in results)
    collection.broken = False
    await inserts.insert({"_id": 9})
    await inserts.drained()


async def test_a_document_that_cannot_be_encoded_fails_alone(db: Database):
    inserts = GatheredInserts(db.collection("things"))
    documents = [{"_id": 1}, {"_id": 2, "n": 2**70}, {"_id": 3}]
    results = await asyncio.wait_for(
        asyncio.gather(*(inserts.insert(document) for document in documents), return_exceptions=True), 10
    )
    assert [type(result) for result in results] == [type(None), OverflowError, type(None)]


async def test_concurrent_questions_share_calls_and_each_gets_its_own_answer():
    asked: list[int] = []

    async def doubled(numbers: list[int]) -> list[int]:
        asked.append(len(numbers))
        return [2 * number for number in numbers]

    calls = GatheredCalls(doubled)
    answers = await asyncio.gather(*(calls.ask(number) for number in range(100)))
    assert answers == [2 * number for number in range(100)]
    assert len(asked) <= 3


async def test_a_question_that_cannot_be_asked_takes_no_other_with_it_and_a_broken_call_fails_all():
    async def inverted(numbers: list[int]) -> list[float]:
        if 99 in numbers:
            raise PyMongoError("connection lost")
        return [1 / number for number in numbers]

    calls = GatheredCalls(inverted)
    answers = await asyncio.gather(*(calls.ask(number) for number in (1, 0, 2)), return_exceptions=True)
    assert [type(answer) for answer in answers] == [float, ZeroDivisionError, float]
    lost = await asyncio.gather(*(calls.ask(number) for number in (1, 99)), return_exceptions=True)
    assert all(isinstance(answer, PyMongoError) for answer in lost)
    assert await calls.ask(4) == 0.25
