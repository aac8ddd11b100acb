"""Batches of one moment share a transaction, and the fate of none of them is another's."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace

import pytest
from pymongo.errors import PyMongoError

from backend import clock
from backend.db.client import Along, Database, Session
from backend.records.commit_store import Batch, Commits
from backend.records.models import Outcome
from backend.records.service import draft_of
from backend.records.store import RESOURCES, VERSIONS
from tests.factories.record_parts import HOSPITAL, RecordParts, a_message, observation


@pytest.fixture
def transactions(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many resources each transaction wrote, or tried to."""
    seen: list[int] = []
    really = Commits._in_transaction

    async def counted(self: Commits, batch: Batch) -> None:
        seen.append(len(batch.ids))
        await really(self, batch)

    monkeypatch.setattr(Commits, "_in_transaction", counted)
    return seen


def a_batch(parts: RecordParts, *values: float, along: Sequence[Along] = ()) -> Batch:
    """New results as they are committed."""
    chart = parts.charts.add()
    drafts = [draft_of(HOSPITAL, observation(chart, f"{value}", value), a_message()) for value in values]
    first = [parts.store._documents.first(draft, clock.now()) for draft in drafts]
    return Batch(first, [], [], frozenset(draft.id for draft in drafts), along)


async def test_what_comes_at_once_is_committed_at_once(db: Database, transactions: list[int]):
    parts = RecordParts(db)
    charts = [parts.charts.add() for _ in range(6)]
    many = [parts.write(*(observation(chart, f"{n}", n) for n in range(4))) for chart in charts]
    written = await asyncio.gather(*many)
    assert {each.outcome for batch in written for each in batch} == {Outcome.CREATED}
    assert transactions == [24]
    transactions.clear()
    again = [parts.write(*(observation(chart, f"{n}", n + 10) for n in range(4))) for chart in charts]
    assert {each.version for batch in await asyncio.gather(*again) for each in batch} == {2}
    assert transactions == [24]
    assert len(await parts.documents(VERSIONS)) == 24


async def test_one_that_is_refused_takes_no_other_with_it(db: Database):
    parts = RecordParts(db)
    good, bad, taken, same = [a_batch(parts, 1.0, 2.0) for _ in range(4)]
    bad.first[1].pop("kind")
    assert await parts.store._commits.commit(taken)
    twice = replace(same, first=[dict(doc) for doc in same.first])
    found = await asyncio.gather(
        *(parts.store._commits.commit(each) for each in (good, bad, taken, same, twice)),
        return_exceptions=True,
    )
    assert found[0] is True
    assert isinstance(found[1], PyMongoError)
    assert found[2] is False
    assert set(found[3:]) == {False, True}
    there = {doc["_id"] for doc in await parts.documents(RESOURCES)}
    assert there == good.ids | taken.ids | same.ids


async def test_what_goes_along_is_written_with_it_or_not_at_all(db: Database):
    parts, things = RecordParts(db), db.collection("things")

    async def thing(session: Session) -> None:
        await things.insert_one({"_id": "made"}, session=session)

    await things.insert_one({"_id": "there"})
    batch = a_batch(parts, 1.0, along=(thing,))
    broken = replace(batch, first=[{**batch.first[0], "kind": None}])
    with pytest.raises(PyMongoError):
        await parts.store._commits.commit(broken)
    assert await things.count_documents({}) == 1
    assert await parts.store._commits.commit(batch)
    assert await things.count_documents({}) == 2
    assert len(await parts.documents(RESOURCES)) == 1
