"""Crashes: web and worker are killed while patients are referred; then every place is somebody's or free."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest

from backend.db.client import Database
from backend.referrals.machine import PLACED, ReferralState
from backend.referrals.models import Referral
from backend.referrals.store import ReferralStore
from backend.slotpool.schedules_models import Schedule
from backend.slotpool.schedules_store import ScheduleStore
from tests.factories.city import a_name
from tests.factories.referrals import REASON, Road, make_road
from tests.support.city import Caller, id_number, make_schedule
from tests.support.lives import Lives, open_lives
from tests.support.polling import poll

pytestmark = [pytest.mark.serial, pytest.mark.timeout(280)]
PATIENTS, KILLS = 20, 8
PATH = "/hospital/v1/referrals"
S = ReferralState
# What becomes of one patient in five after acceptance; the first just waits for his day.
ENDS: tuple[tuple[tuple[str, str, dict[str, Any]], ...], ...] = (
    (),
    (("clinic", "withdraw", {}),),
    (("lead", "reject", {"reason": "no_bed"}), ("clinic", "redirect", {})),
    (("lead", "rebook", {}),),
    (
        ("clinic", "depart", {"transport": "own"}),
        ("lead", "arrive", {}),
        ("lead", "complete", {"outcome": "improved"}),
    ),
)
EXPECTED = (S.ACCEPTED, S.WITHDRAWN, S.REJECTED, S.ACCEPTED, S.COMPLETED)


@dataclass
class Roads:
    """The city of processes, and who refers in it."""

    town: Lives
    road: Road
    clinic: Caller
    lead: Caller
    sessions: tuple[Schedule, Schedule]
    sent: dict[int, str] = field(default_factory=dict)
    refusals: Counter[str] = field(default_factory=Counter)

    @property
    def store(self) -> ReferralStore:
        return self.road.store

    async def ask(self, who: Caller, path: str, key: str, body: dict[str, Any]) -> Any:
        """Call as a hospital's system does: the same request, until somebody answers."""
        headers = who.headers | {"Idempotency-Key": key}
        while True:
            try:
                answer = await self.town.http.post(self.town.url + path, headers=headers, json=body)
            except httpx.TransportError as error:
                self.refusals[type(error).__name__] += 1
            else:
                if answer.is_success:
                    return answer.json()
                code = answer.json()["error"]["code"]
                self.refusals[code] += 1
                # A place that a killed process has left taken is given back after a while.
                assert answer.status_code >= 500 or code in ("ALREADY_BOOKED", "CONFLICT"), answer.text
            await asyncio.sleep(0.2)

    async def live(self, number: int) -> None:
        """One patient, from being sent to the end."""
        first, second = self.sessions
        patient = {"name": a_name(number), "id_number": id_number(number), "phone": f"137{number:08d}"}
        body = {"patient": patient, "reason": REASON, "to": self.road.lead.id}
        sent = await self.ask(self.clinic, PATH, f"send-{number:04d}", body)
        self.sent[number] = sent["id"]
        accept = {"schedule": first.external_id}
        await self._move("lead", sent["id"], "accept", accept)
        for who, event, facts in ENDS[number % len(ENDS)]:
            more: dict[str, Any] = {}
            if event == "rebook":
                more = {"schedule": second.external_id}
            elif event == "redirect":
                more = {"to": self.road.other.id}
            await self._move(who, sent["id"], event, facts | more)

    async def _move(self, who: str, referral_id: str, event: str, facts: dict[str, Any]) -> None:
        caller = self.lead if who == "lead" else self.clinic
        key = f"{event}-{referral_id}"[:60].replace("_", "-")
        await self.ask(caller, f"{PATH}/{referral_id}/{event}", key, facts)


@pytest.fixture
async def roads(mongo_uri: str, redis_url: str, bare_db: Database, tmp_path: Path) -> AsyncIterator[Roads]:
    broker = redis_url.rsplit("/", 1)[0] + "/9"
    async with open_lives(bare_db, mongo_uri, broker, tmp_path / "keys.json") as town:
        services = town.city.services
        road = await make_road(services)
        at = road.lead
        sessions = tuple(
            make_schedule(at.organization, at.department, slots=PATIENTS, days=days, external_id=f"S{days}")
            for days in (1, 2)
        )
        await ScheduleStore(town.city.db).insert(list(sessions))
        clinic, lead = (
            Caller(place.id, services.tokens.issue(place.actor)) for place in (road.clinic, road.lead)
        )
        yield Roads(town, road, clinic, lead, (sessions[0], sessions[1]))


async def test_no_place_is_lost_and_none_is_had_twice_when_processes_are_killed(roads: Roads) -> None:
    dice = random.Random(20261122)
    lives = asyncio.gather(*(roads.live(number) for number in range(PATIENTS)))
    await _havoc(roads.town, dice)
    await lives
    await _settled(roads)
    await _assert_all_adds_up(roads)


async def _havoc(town: Lives, dice: random.Random) -> None:
    """Kill web or worker at random moments, and start it again."""
    commands = {"web": ("serve",), "worker": ("worker",)}
    for number in range(KILLS):
        await asyncio.sleep(dice.uniform(0.2, 1.5))
        name = ("web", "worker")[number % 2]
        town.processes.kill(name)
        town.processes.start(name, *commands[name])


async def _settled(roads: Roads) -> None:
    """Until nothing is under way, and what was left taken has been given back."""
    said = ""

    async def quiet() -> bool:
        nonlocal said
        said = await _left(roads)
        return not said

    try:
        await poll(quiet, 150, "every place to be somebody's or free")
    except AssertionError as error:
        raise AssertionError(f"still under way: {said}") from error


async def _left(roads: Roads) -> str:
    db = roads.town.city.db
    waiting = {"state": "due", "kind": {"$ne": "message.due"}}
    jobs = await db.collection("outbox").distinct("subscriber", waiting)
    unrelayed = [
        name
        for name in ("claims", "referrals")
        if await db.collection(name).count_documents({"events_due": True})
    ]
    unequal = await _live_places(db) ^ {each for each in await _own_places(roads) if each}
    left = (jobs, unrelayed, unequal)
    return str(left) if any(left) else ""


async def _live_places(db: Database) -> set[str]:
    return {claim["_id"] async for claim in db.collection("claims").find({"live": True}, {"_id": 1})}


async def _all(roads: Roads) -> list[Referral]:
    ids = [doc["_id"] async for doc in roads.town.city.db.collection("referrals").find({}, {"_id": 1})]
    return [found for each in ids if (found := await roads.store.find(each)) is not None]


async def _own_places(roads: Roads) -> list[str]:
    """Of those who are expected; who came before his time and is treated has left his place to others."""
    return [each.place.appointment_id for each in await _all(roads) if each.place and each.state in PLACED]


async def _assert_all_adds_up(roads: Roads) -> None:
    referrals = {each.id: each for each in await _all(roads)}
    redirected = [each for each in referrals.values() if each.follows]
    # Each was sent once, and each of those refused was sent on once.
    assert len(roads.sent) == PATIENTS
    assert set(roads.sent.values()) == set(referrals) - {each.id for each in redirected}
    assert len(redirected) == PATIENTS // len(ENDS)
    for number, referral_id in roads.sent.items():
        referral = referrals[referral_id]
        assert referral.state is EXPECTED[number % len(ENDS)], (number, referral)
        events = [step.event for step in referral.history]
        assert len(events) == len(set(events)), events
    # What is taken is somebody's; nobody has two, and nobody's is gone.
    own = await _own_places(roads)
    assert len(own) == len(set(own)) == 2 * PATIENTS // len(ENDS)
    assert await _live_places(roads.town.city.db) == set(own)
    # Whoever waits has an owner: a clock runs, and at its end somebody is called.
    assert all(each.due_at is not None for each in referrals.values() if each.state is S.REQUESTED)
    # The receiver reads for as long as it treats or expects the patient, and no longer.
    for each in referrals.values():
        held = await roads.road.services.sharing.care.holding(each.person_id, each.to_organization_id)
        assert (held is not None) == each.gives_access, each
