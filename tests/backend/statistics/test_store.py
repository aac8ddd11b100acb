"""The counters themselves: what is counted together, what changes afterwards, what is followed; crashes."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import date, datetime, timedelta

import pytest
from pymongo.asynchronous.client_session import AsyncClientSession

from backend import clock
from backend.db.client import Database
from backend.statistics.counted import Adds
from backend.statistics.gauges import Gauges
from backend.statistics.models import Fact, Measure, Row, adds_of
from backend.statistics.ports import Above
from backend.statistics.raw_store import RawFiling, RawReferral
from backend.statistics.store import MONTHS_READY, StatisticsStore
from backend.statistics.subjects import of_filing, of_referral

ON = date(2026, 3, 31)
NEXT = date(2026, 4, 1)


def fact(on: date = ON, place: str = "ORG-1", count: int = 1, amount: int = 0, extra: str = "up") -> Fact:
    return Fact(on, place, Measure.REFERRAL_ACCEPTED, extra=extra, count=count, amount=amount)


def says(facts: list[Fact]) -> Callable[[], Awaitable[list[Fact]]]:
    async def read() -> list[Fact]:
        return facts

    return read


@pytest.fixture
def store(db: Database) -> StatisticsStore:
    return StatisticsStore(db)


async def sums(store: StatisticsStore, from_on: date = date(2026, 3, 1), to_on: date = NEXT) -> list[Row]:
    return sorted(await store.totals(from_on, to_on, ("on", "extra"), None), key=lambda row: row.on)


class DiedError(Exception):
    pass


async def test_a_crash_between_the_mark_and_the_counters_leaves_neither(
    store: StatisticsStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    add = store._add

    async def dies(adds: Adds, session: AsyncClientSession) -> None:
        await add(adds, session)
        raise DiedError

    for _ in range(2):
        monkeypatch.setattr(store, "_add", dies)
        with pytest.raises(DiedError):
            await store.count("event", [fact()])
        with pytest.raises(DiedError):
            await store.settle("subject", says([fact()]))
        with pytest.raises(DiedError):
            await store.follow("stream", 0, 9, [fact()])
    monkeypatch.setattr(store, "_add", add)
    assert await sums(store) == []
    assert await store.count("event", [fact()])
    assert await store.settle("subject", says([fact()]))
    assert await store.follow("stream", 0, 9, [fact()])
    assert [row.total.count for row in await sums(store)] == [3]


async def test_what_changes_is_counted_as_it_stands(store: StatisticsStore) -> None:
    assert await store.settle("referral:1", says([fact(amount=30), fact(extra="down", amount=5)]))
    assert not await store.settle("referral:1", says([fact(amount=30), fact(extra="down", amount=5)]))
    assert await store.settle("referral:1", says([fact(NEXT, amount=45)]))
    rows = [row for row in await sums(store) if row.total.count or row.total.amount]
    assert [(row.on, row.extra, row.total.count, row.total.amount) for row in rows] == [
        (NEXT.isoformat(), "up", 1, 45)
    ]


async def test_a_stream_is_followed_once_by_however_many(db: Database) -> None:
    stores = [StatisticsStore(db) for _ in range(4)]
    for start, end in ((0, 5), (5, 9)):
        answers = await asyncio.gather(*(store.follow("s", start, end, [fact()]) for store in stores))
        assert answers.count(True) == 1
    assert await stores[0].reached("s") == 9
    assert [row.total.count for row in await sums(stores[0])] == [2]


async def test_processes_that_count_the_first_of_a_day_at_once_lose_nothing(db: Database) -> None:
    stores = [StatisticsStore(db) for _ in range(3)]
    keys = [f"event-{number}" for number in range(20)]
    answers = await asyncio.gather(*(store.count(key, [fact()]) for key in keys for store in stores))
    assert answers.count(True) == len(keys)
    assert [row.total.count for row in await sums(stores[0])] == [len(keys)]


async def test_months_say_what_their_days_say_once_they_are_ready(
    store: StatisticsStore, db: Database
) -> None:
    await store.count("one", [fact(), fact(NEXT), fact(NEXT + timedelta(days=9), amount=3)])
    days = await store.totals(date(2026, 3, 1), date(2026, 4, 30), ("month", "extra"), None)
    await db.collection("statistics_cursors").insert_one(
        {"_id": MONTHS_READY, "number": 1, "at": clock.now()}
    )
    # Whatever is read now comes from the months: the days may be gone.
    await db.collection("statistics_days").delete_many({})
    months = await store.totals(date(2026, 3, 1), date(2026, 4, 30), ("month", "extra"), None)
    assert sorted(months, key=str) == sorted(days, key=str)
    assert sorted((row.on, row.total.count, row.total.amount) for row in months) == [
        ("2026-03", 1, 0),
        ("2026-04", 2, 3),
    ]


async def test_of_the_month_that_runs_nothing_is_told_of_days_to_come(
    store: StatisticsStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(clock, "today", lambda: date(2026, 4, 10))
    due = [date(2026, 3, 31), date(2026, 4, 1), date(2026, 4, 10), date(2026, 4, 11), date(2026, 4, 30)]
    await store.count("due", [Fact(on, "ORG-1", Measure.VISIT_DUE) for on in due])
    await store.months_ready()

    async def told(from_on: date, to_on: date) -> dict[str, int]:
        rows = await store.totals(from_on, to_on, ("month", "channel"), None)
        return {row.on: row.total.count for row in rows}

    assert await told(date(2026, 3, 1), date(2026, 4, 10)) == {"2026-03": 1, "2026-04": 2}
    assert await told(date(2026, 4, 1), date(2026, 4, 10)) == {"2026-04": 2}
    # Who asks for the whole of it is told of the whole.
    assert await told(date(2026, 4, 1), date(2026, 4, 30)) == {"2026-04": 4}


async def test_a_level_is_that_of_the_newest_day_and_a_day_may_be_measured_again(
    store: StatisticsStore,
) -> None:
    def levels(first: int, second: int) -> list[Fact]:
        return [
            Fact(ON, "ORG-1", Measure.CONNECTED, amount=first),
            Fact(ON, "ORG-2", Measure.OPEN_WORK, amount=second),
        ]

    await store.set_levels(ON - timedelta(days=1), levels(7, 9))
    await store.set_levels(ON, levels(1, 5))
    await store.set_levels(ON, levels(1, 4)[1:])
    period = (date(2026, 3, 1), date(2026, 4, 30))
    newest = {row.measure: row.total.amount for row in await store.levels(*period, (), None)}
    # Of each measure the newest day on which it was known.
    assert newest == {Measure.CONNECTED: 7, Measure.OPEN_WORK: 4}
    by_day = await store.levels(*period, ("on",), frozenset({"ORG-2"}))
    assert sorted((row.on, row.total.amount) for row in by_day) == [("2026-03-30", 9), ("2026-03-31", 4)]


async def test_what_is_all_done_does_not_seem_to_wait_for_ever(store: StatisticsStore) -> None:
    today, above = clock.today(), Above()
    waiting = {"ORG-1": 3, "ORG-2": 2}

    async def open_work() -> list[Fact]:
        return [Fact(today, place, Measure.OPEN_WORK, amount=count) for place, count in waiting.items()]

    async def seen(*within: str) -> list[tuple[str, int]]:
        rows = await store.levels(today - timedelta(days=2), today, ("organization_id",), within or None)
        return sorted((row.organization_id, row.total.amount) for row in rows)

    above.gauges["work"] = open_work
    gauges = Gauges(store, above)
    await store.set_levels(today - timedelta(days=1), await open_work())
    del waiting["ORG-1"]
    await gauges.run()
    assert await seen() == [("ORG-1", 0), ("ORG-2", 2)]
    assert await seen("ORG-1") == [("ORG-1", 0)]
    waiting.clear()
    for _ in range(2):
        await gauges.run()
        assert await seen() == [("ORG-1", 0), ("ORG-2", 0)]


def test_facts_of_one_place_are_added_up_and_names_keep_their_place() -> None:
    adds = adds_of([fact(count=2), fact(amount=4), Fact(ON, "ORG-1", Measure.PAID, "a|b", fen=3)])
    assert adds == {
        ("2026-03-31", "ORG-1", "referral_accepted", "", "up"): {"count": 3, "fen": 0, "amount": 4},
        ("2026-03-31", "ORG-1", "paid", "a｜b", ""): {"count": 1, "fen": 3, "amount": 0},
    }


def test_a_referral_adds_what_it_has_become() -> None:
    sent = clock.city_instant(date(2026, 3, 31), 23, 30)
    referral = RawReferral("up", "requested", "ORG-1", "ORG-2", sent, None, None, None)
    assert of_referral(referral) == [Fact(ON, "ORG-1", Measure.REFERRAL_SENT, extra="up")]
    later = sent + timedelta(minutes=45)
    taken = replace(referral, state="completed", accepted_at=later, arrived_at=later + timedelta(days=3))
    found = of_referral(replace(taken, ended_at=later + timedelta(days=4)))
    # Who arrives counts among those accepted that day.
    assert found[1:3] == [
        Fact(NEXT, "ORG-2", Measure.REFERRAL_ACCEPTED, extra="up", amount=45),
        Fact(NEXT, "ORG-2", Measure.REFERRAL_ARRIVED, extra="up"),
    ]
    assert found[3:] == [Fact(NEXT + timedelta(days=4), "ORG-2", Measure.REFERRAL_ENDED, extra="completed")]
    # An emergency comes before anybody says so.
    rushed = replace(referral, arrived_at=sent + timedelta(minutes=20))
    assert [fact.amount for fact in of_referral(rushed)] == [0, 20, 0]


def test_a_filing_adds_the_working_days_it_took() -> None:
    def worked(first: datetime, last: datetime) -> int:
        return (last - first).days

    first, last = clock.city_instant(ON, 10), clock.city_instant(ON + timedelta(days=9), 11)
    assert of_filing(RawFiling("ORG-1", "draft", None, None), worked) == []
    filed = Fact(ON, "ORG-1", Measure.BIRTH_FILED)
    assert of_filing(RawFiling("ORG-1", "withdrawn", first, last), worked) == [filed]
    assert of_filing(RawFiling("ORG-1", "completed", first, last), worked) == [
        filed,
        Fact(ON + timedelta(days=9), "ORG-1", Measure.BIRTH_COMPLETED, amount=9),
    ]
