"""Journals: numbered without gaps, whoever writes and however often."""

from __future__ import annotations

import asyncio

from backend.db.client import Database
from backend.db.journal import Journal


async def test_two_writers_number_one_stream_without_gaps(db: Database):
    journals = [Journal(db.collection("booking_feed")) for _ in range(2)]
    numbers = await asyncio.gather(*(journals[n % 2].append("org", {"event_id": str(n)}) for n in range(100)))
    assert sorted(numbers) == list(range(1, 101))


async def test_an_event_is_written_once_however_often_it_comes(db: Database):
    journals = [Journal(db.collection("booking_feed")) for _ in range(2)]
    numbers = await asyncio.gather(
        *(journals[n % 2].append("org", {"event_id": str(n % 7)}) for n in range(70))
    )
    assert sorted(set(numbers)) == list(range(1, 8))
    assert await db.collection("booking_feed").count_documents({}) == 7


async def test_a_reader_goes_on_where_it_stopped(db: Database):
    journal = Journal(db.collection("booking_feed"))
    for n in range(5):
        await journal.append("org", {"event_id": str(n)})
    first = await journal.read("org", 0, 3)
    rest = await journal.read("org", first[-1]["number"], 3)
    assert [entry["event_id"] for entry in first + rest] == ["0", "1", "2", "3", "4"]
    assert await journal.read("other", 0, 3) == []
