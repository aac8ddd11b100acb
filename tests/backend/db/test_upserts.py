"""Upserts by shard key and id: whoever is first at one moment, nobody is refused and nothing is lost."""

from __future__ import annotations

import asyncio

from pymongo import UpdateOne

from backend.db.client import Database
from backend.db.upserts import upsert, upsert_many

_ROUNDS, _AT_ONCE = 40, 8


async def test_those_who_are_first_at_one_moment_all_change_the_same_document(db: Database):
    things = db.collection("things")
    for n in range(_ROUNDS):
        where = {"_id": f"id-{n}", "owner": "someone"}
        await asyncio.gather(*(upsert(things, where, {"$inc": {"times": 1}}) for _ in range(_AT_ONCE)))
    assert await things.distinct("times") == [_AT_ONCE]
    assert await things.count_documents({}) == _ROUNDS


async def test_many_at_once_are_each_added(db: Database):
    things = db.collection("things")
    writes = [
        UpdateOne({"_id": f"id-{n}", "owner": "someone"}, {"$inc": {"times": 1}}, upsert=True)
        for n in range(_ROUNDS)
    ]
    await asyncio.gather(*(upsert_many(things, writes) for _ in range(_AT_ONCE)))
    await upsert_many(things, [])
    assert await things.distinct("times") == [_AT_ONCE]
    assert await things.count_documents({}) == _ROUNDS
