"""The board says what a recount from the documents says, whatever was repeated, late, at once or cut off."""

import asyncio
from collections import Counter
from dataclasses import replace
from datetime import date, timedelta
from random import Random
from typing import Any

import pytest

from backend import clock
from backend.audit.models import AuditEntry
from backend.db.client import Database
from backend.permissions import Actor, Role
from backend.statistics import backfill
from backend.statistics.board_models import Board, BoardQuery, By
from backend.statistics.compose import make_statistics
from backend.statistics.models import Fact, Measure
from backend.statistics.service import StatisticsService
from backend.worker.events import Event, EventKind
from tests.backend.statistics.history import PLACES, History
from tests.backend.statistics.joint import Joint, days_between
from tests.backend.statistics.joint import Key as JointKey
from tests.backend.statistics.places import KnownPlaces

DAYS = 75
# Whoever is of all hospitals sees every number: the board hides nothing from him.
EVERYWHERE = Actor(
    kind="staff", id="X", role=Role.HOSPITAL_OPERATOR, organization_ids=frozenset({*PLACES, "ORG-9"})
)
FIGURES = {
    "bookings": Measure.BOOKED, "cancellations": Measure.CANCELLED, "stopped": Measure.STOPPED,
    "visits_due": Measure.VISIT_DUE, "arrivals": Measure.ARRIVED, "missed": Measure.MISSED,
    "paid_count": Measure.PAID, "codes_used": Measure.CODE_USED,
}  # fmt: skip
MONEY = {"paid_fen": Measure.PAID, "refunded_fen": Measure.REFUNDED}


class DiedError(Exception):
    pass


class Readings:
    """An audit log of readings of records, in two streams."""

    def __init__(self, dice: Random) -> None:
        self.entries = [_entry(dice, number) for number in range(1, 60)]

    async def record(self, *args: object) -> None: ...

    async def streams(self) -> list[str]:
        return ["city", "ORG-1"]

    async def after(self, stream: str, number: int, limit: int) -> list[AuditEntry]:
        mine = [each for each in self.entries if each.stream == stream and each.number > number]
        return mine[: min(limit, 7)]


def _entry(dice: Random, number: int) -> AuditEntry:
    stream, at = dice.choice(["city", "ORG-1"]), clock.now() - timedelta(hours=dice.randrange(DAYS * 24))
    return AuditEntry(
        id=f"{stream}:{number}",
        stream=stream,
        number=number,
        at=at,
        actor_kind="staff",
        actor_id="S",
        role="",
        action=dice.choice(["records.read", "records.read", "staff.lock"]),
        object="person/P",
        basis="care",
        organization_id=None if stream == "city" else stream,
        request_id="",
        data={
            "way": dice.choice(["read", "search"]),
            "basis": dice.choice(["care", "consent", "own"]),
            "types": [dice.choice(["DiagnosticReport", "Condition"])],
        },
    )


async def write(db: Database, history: History, readings: Readings) -> None:
    """What was written when things happened, as far as a recount looks at it."""
    for name, docs in {
        "claims": history.claim_docs(),
        "orders": [order.to_doc() for order in history.orders.values()],
        "code_uses": [{"_id": f"U{number}", **use} for number, use in enumerate(history.uses)],
        "audit": [_stored(entry) for entry in readings.entries],
    }.items():
        if docs:
            await db.collection(name).insert_many(docs, bypass_document_validation=True)


def _stored(entry: AuditEntry) -> dict[str, Any]:
    names = (
        "stream", "number", "at", "actor_kind", "actor_id", "role", "action", "object", "basis",
        "organization_id", "request_id", "data",
    )  # fmt: skip
    return {"_id": entry.id, **{name: getattr(entry, name) for name in names}}


async def told(service: StatisticsService, event: Event) -> None:
    """By the subscriber that the event has."""
    subjects = service.subjects
    to = {
        EventKind.REFERRAL_CHANGED: subjects.on_referral,
        EventKind.BIRTH_FILING_CHANGED: subjects.on_filing,
    }
    await to.get(event.kind, service.on_event)(event)


async def deliver(services: list[StatisticsService], events: list[Event], dice: Random) -> None:
    """Every event once or more, in any order, many at once and by several processes; some die on the way."""
    waiting = events + dice.sample(events, len(events) // 2)
    dice.shuffle(waiting)
    while waiting:
        some, waiting = waiting[:40], waiting[40:]
        tries = [told(dice.choice(services), event) for event in some]
        results = await asyncio.gather(*tries, return_exceptions=True)
        # The outbox tries again what failed.
        waiting += [event for event, result in zip(some, results, strict=True) if result is not None]
        assert not [each for each in results if each is not None and not isinstance(each, DiedError)]


def let_die(service: StatisticsService, dice: Random, patch: pytest.MonkeyPatch) -> None:
    """Now and then the process dies between the steps of counting, before or after it is committed."""
    store = service._store
    add, together = store._add, store._together

    async def dies_within(*args: Any) -> None:
        await add(*args)
        if dice.random() < 0.1:
            raise DiedError

    async def dies_afterwards(work: Any) -> Any:
        answer = await together(work)
        if dice.random() < 0.1:
            raise DiedError
        return answer

    patch.setattr(store, "_add", dies_within)
    patch.setattr(store, "_together", dies_afterwards)


@pytest.mark.parametrize("seed", range(3))
async def test_the_board_says_what_the_documents_say(
    db: Database, seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    dice = Random(seed)
    history, readings = History(dice), Readings(dice)
    history.live(60, DAYS)
    await write(db, history, readings)
    services = [
        make_statistics(db, claims=history, orders=history, places=KnownPlaces(), audit=readings)
        for _ in range(2)
    ]
    for service in services:
        let_die(service, dice, monkeypatch)
    await deliver(services, list(history.events), dice)
    for _ in range(60):
        await asyncio.gather(*(service.follower.run() for service in services), return_exceptions=True)
    fresh = make_statistics(db, claims=history, orders=history, places=KnownPlaces(), audit=readings)
    today = clock.today()
    assert await fresh.recount.run(today - timedelta(days=DAYS + 30), today + timedelta(days=2)) == []
    await agrees(fresh, history)
    read = Counter(
        entry.data["way"] == "read" for entry in readings.entries if entry.action == "records.read"
    )
    looked = [e for e in readings.entries if e.action == "records.read" and e.data["way"] == "read"]
    assert sum(read.values()) == await counted(fresh, Measure.RECORD_ACCESS)
    reports = [e for e in looked if e.data["types"] == ["DiagnosticReport"]]
    assert len(reports) == await counted(fresh, Measure.REPORT_LOOKUP)


# Code of the figure, its measure, and the extra that it takes of it; "" takes whatever there is.
JOINT = {
    "referrals_up": (Measure.REFERRAL_SENT, "up"),
    "referrals_down": (Measure.REFERRAL_SENT, "down"),
    "referrals_accepted": (Measure.REFERRAL_ACCEPTED, ""),
    "referrals_completed": (Measure.REFERRAL_ENDED, "completed"),
    "births_filed": (Measure.BIRTH_FILED, ""),
    "births_completed": (Measure.BIRTH_COMPLETED, ""),
}
MEANS = {"referral_minutes": Measure.REFERRAL_ACCEPTED, "birth_days": Measure.BIRTH_COMPLETED}


@pytest.mark.parametrize("seed", range(2))
async def test_the_board_says_of_referrals_and_births_what_their_documents_say(
    db: Database, seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    dice = Random(seed)
    joint, readings = Joint(dice), Readings(dice)
    readings.entries = []
    joint.live(60, DAYS)
    for name, docs in joint.docs().items():
        await db.collection(name).insert_many(docs, bypass_document_validation=True)
    services = [_joined(db, joint, readings) for _ in range(2)]
    for service in services:
        let_die(service, dice, monkeypatch)
    # First as they stood in the middle; then as they stand now, and much of it again.
    joint.upto = clock.now() - timedelta(days=DAYS // 3)
    await deliver(services, [each for each in joint.events if each.at <= joint.upto], dice)
    first = joint.upto
    joint.upto = clock.now()
    late = [each for each in joint.events if each.at > first]
    await deliver(services, late + dice.sample(joint.events, len(joint.events) // 3), dice)
    fresh, today = _joined(db, joint, readings), clock.today()
    assert await fresh.recount.run(today - timedelta(days=DAYS + 30), today + timedelta(days=2)) == []
    await joint_agrees(fresh, joint)
    # A single count too many is seen by both.
    await fresh._store.count("never happened", [Fact(today, "ORG-1", Measure.BIRTH_FILED)])
    found = await fresh.recount.run(today - timedelta(days=1), today)
    assert [each.place[2] for each in found] == ["birth_filed"]
    with pytest.raises(AssertionError):
        await joint_agrees(fresh, joint)


def _joined(db: Database, joint: Joint, readings: Readings) -> StatisticsService:
    history = History(joint.dice)
    made = make_statistics(db, claims=history, orders=history, places=KnownPlaces(), audit=readings)
    made.above.referral, made.above.filing = joint.referral, joint.filing
    made.above.working_days = days_between
    return made


async def joint_agrees(service: StatisticsService, joint: Joint) -> None:
    """Counts, and what is reckoned from them, by each kind of line."""
    first, last = clock.today() - timedelta(days=DAYS + 30), clock.today() + timedelta(days=2)
    months = replace(_query(first, last), from_on=first.replace(day=1))
    count, amount = joint.counted()
    for query in (months, *(replace(months, by=by) for by in (By.DAY, By.ORGANIZATION, By.DISTRICT))):
        board = await service.board(EVERYWHERE, query)
        for code, (measure, extra) in JOINT.items():
            assert shown(board, code) == lines_of(count, measure, query, extra), (code, query.by)
        for code, measure in MEANS.items():
            often, whole = lines_of(count, measure, query), lines_of(amount, measure, query)
            mean = {key: round(whole.get(key, 0) / often[key], 1) for key in often}
            assert shown(board, code) == {key: value for key, value in mean.items() if value}
        came = lines_of(count, Measure.REFERRAL_ARRIVED, query)
        taken = lines_of(count, Measure.REFERRAL_ACCEPTED, query)
        share = {key: round(100 * came[key] / taken[key], 1) for key in came}
        assert shown(board, "referral_arrival_rate") == share


def lines_of(
    counts: Counter[JointKey], measure: Measure, query: BoardQuery, extra: str = ""
) -> dict[str, int]:
    found: Counter[tuple[date, str, Measure]] = Counter()
    for (on, place, of, what), number in counts.items():
        if not extra or what == extra:
            found[on, place, of] += number
    return plain(found, measure, query)


async def counted(service: StatisticsService, measure: Measure) -> int:
    period = (clock.today() - timedelta(days=DAYS + 30), clock.today())
    rows = await service._store.totals(*period, (), None)
    return sum(row.total.count for row in rows if row.measure is measure)


async def agrees(service: StatisticsService, history: History) -> None:
    """Each figure of the board, by each kind of line, beside the plain count."""
    first, last = clock.today() - timedelta(days=DAYS + 30), clock.today() + timedelta(days=2)
    months = replace(_query(first, last), from_on=first.replace(day=1))
    for query in (months, *(replace(months, by=by) for by in (By.DAY, By.ORGANIZATION, By.DISTRICT))):
        board = await service.board(EVERYWHERE, query)
        for code, measure in FIGURES.items():
            assert shown(board, code) == plain(history.count, measure, query), (code, query.by)
        for code, measure in MONEY.items():
            fen = plain(history.fen, measure, query)
            assert {key: round(yuan * 100) for key, yuan in shown(board, code).items()} == fen
    whole = await service.board(EVERYWHERE, months)
    channels = Counter[str]()
    for (_, channel), count in history.channels.items():
        channels[channel] += count
    assert {part.key: part.value.number for part in whole.parts["bookings"]} == channels


def _query(from_on: date, to_on: date) -> BoardQuery:
    return BoardQuery(from_on, to_on, By.MONTH)


def shown(board: Board, code: str) -> dict[str, float]:
    values = {line.key: line.get(code).number for line in board.lines}
    return {key: value for key, value in values.items() if value}


def plain(counts: Counter[tuple[date, str, Measure]], measure: Measure, query: BoardQuery) -> dict[str, int]:
    found: Counter[str] = Counter()
    for (on, place, of), count in counts.items():
        if of is measure and query.from_on <= on <= query.to_on:
            found[_line(on, place, query.by)] += count
    return {key: count for key, count in found.items() if count}


def _line(on: date, place: str, by: By) -> str:
    if by is By.DAY:
        return on.isoformat()
    if by is By.MONTH:
        return f"{on:%Y-%m}"
    return place if by is By.ORGANIZATION else KnownPlaces.district_of(place)


async def test_a_counter_that_is_wrong_is_found(db: Database) -> None:
    history, readings = History(Random(9)), Readings(Random(9))
    history.live(10, 20)
    readings.entries = []
    await write(db, history, readings)
    service = make_statistics(db, claims=history, orders=history, places=KnownPlaces(), audit=readings)
    await deliver([service], list(history.events), Random(9))
    today = clock.today()
    await service._store.count("never happened", [Fact(today, "ORG-1", Measure.BOOKED, "h5")])
    found = await service.recount.run(today - timedelta(days=60), today)
    assert [(each.place, each.counted, each.found) for each in found] == [
        ((today.isoformat(), "ORG-1", "booked", "h5", ""), {"count": 1}, {})
    ]


async def test_the_past_of_a_city_that_had_data_is_counted_anew_once(
    db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    # In the first hour of a day, yesterday would be waited for.
    monkeypatch.setattr(backfill, "GRACE", timedelta(0))
    history, readings = History(Random(4)), Readings(Random(4))
    history.live(30, 40)
    readings.entries = []
    await write(db, history, readings)
    service = make_statistics(db, claims=history, orders=history, places=KnownPlaces(), audit=readings)
    await deliver([service], list(history.events), Random(4))
    # What the version before has left: its measures by day, without the new ones and without months.
    new = {"$in": [str(Measure.VISIT_DUE), str(Measure.ARRIVED), str(Measure.MISSED)]}
    await db.collection("statistics_days").delete_many({"measure": new})
    await db.collection("statistics_months").delete_many({})
    await agrees_not(service, history)
    for _ in range(40):
        if not await service.backfill.run():
            break
    progress = await service.backfill.progress()
    assert progress.done in (progress.total, progress.total - 1)
    await agrees(service, history)
    # Once is enough, and twice does no harm.
    await db.collection("statistics_cursors").delete_one({"_id": "backfill"})
    while await service.backfill.run():
        pass
    await agrees(service, history)


async def agrees_not(service: StatisticsService, history: History) -> None:
    with pytest.raises(AssertionError):
        await agrees(service, history)
