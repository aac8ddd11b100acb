"""A made-up city through the real services: complete, the same every time, harmless to make again."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path

import pytest
from pydantic import SecretStr

from backend import clock
from backend.births.models import WorkQuery
from backend.bootstrap import City, open_city
from backend.db.client import Database
from backend.demo.environment import vendor_settings
from backend.permissions import STAFF_ROLES, SYSTEM
from backend.residents.id_numbers import parse_id_number
from backend.seed.clinics import sessions_on
from backend.seed.directory import demo_directory
from backend.seed.loader import Seeded, seed_city
from backend.seed.names import NOWHERE
from backend.seed.residents import demo_families
from backend.settings import Settings
from backend.slotpool.schedules_rules import problems_of
from backend.statistics.board_models import BoardQuery, By
from tests.support.outside import Outside, open_outside

# Where nobody listens: what the bank tells the city goes nowhere.
PUBLIC = "http://127.0.0.1:1"


@dataclass
class Demo:
    """An open city and the sandbox beside it."""

    city: City
    outside: Outside
    db: Database

    async def seed(self, **how) -> Seeded:
        return await seed_city(self.city, self.outside.url, **how)


@pytest.fixture(scope="module")
async def outside() -> AsyncIterator[Outside]:
    async with open_outside(PUBLIC) as world:
        yield world


@pytest.fixture
async def demo(db: Database, mongo_uri: str, keys_file: Path, outside: Outside) -> AsyncIterator[Demo]:
    own = {"environment": "test", "mongodb_database": db.name, "keys_file": keys_file, "public_url": PUBLIC}
    settings = Settings.model_validate(
        vendor_settings(outside.url, outside.credentials) | own | {"mongodb_uri": SecretStr(mongo_uri)}
    )
    city = await open_city(settings, process="test")
    yield Demo(city, outside, db)
    await city.close()


async def the_board_is_alive(city: City) -> None:
    """Two months of figures, which counting the past anew leaves alone."""
    await city.services.statistics.backfill.run()
    today = clock.today()
    query = BoardQuery(today - timedelta(days=30), today, By.DISTRICT)
    board = await city.services.statistics.board(SYSTEM, query)
    assert (board.total.get("bookings").number or 0) > 10_000
    assert 50 < (board.total.get("show_rate").number or 0) < 100
    assert len([line for line in board.lines if line.key]) > 3
    first = demo_directory().organizations[0].id
    sheet = await city.services.statistics.kpi.sheet(SYSTEM, first, f"{today:%Y-%m}")
    assert sum(sheet.lights().values()) == 3


async def the_births_desk_has_work(demo: Demo) -> None:
    """Filings as far as they come, each with whoever has to move next; two are for staff."""
    filings = await demo.db.collection("birth_filings").find({}).to_list(None)
    states = sorted(filing["state"] for filing in filings)
    assert states == [
        "completed", "in_progress", "in_progress", "needs_correction", "partly_done", "submitted",
        "withdrawn",
    ]  # fmt: skip
    desk = demo.city.services.births.desk
    views, _ = await desk.worklist(SYSTEM, WorkQuery())
    kinds = {str(each.kind) for view in views for each in view.filing.concerns}
    assert (len(views), kinds) == (2, {"contradiction", "missing"})
    views, _ = await desk.worklist(SYSTEM, WorkQuery(waiting_for_staff=False))
    owned = {str(view.owner.kind) for view in views if view.owner}
    assert owned == {"agency", "parents", "desk"}
    [handed] = [view.filing for view in views if view.filing.state == "completed"]
    assert sorted(str(step.handover.state) for step in handed.steps if step.handover) == [
        "missing", "posted", "ready", "received",
    ]  # fmt: skip


async def what_is_shared_can_be_seen(demo: Demo, seeded: Seeded) -> None:
    """Consents, readings on three grounds, a recognised result, glass to review, people to tell apart."""
    services, mine = demo.city.services, seeded.residents
    me, other = [services.tokens.verify(mine[number]["access_token"]) for number in (0, 3)]
    consents = await services.sharing.consents.list_of(me, me.id)
    assert {str(consent.state) for consent in consents} == {"granted", "requested"}
    seen, _ = await services.sharing.accesses.list_of(me, me.id, own=False, cursor=None, limit=20)
    assert {str(reading.basis) for reading in seen} == {"consent"}
    seen, _ = await services.sharing.accesses.list_of(other, other.id, own=False, cursor=None, limit=20)
    assert [str(reading.basis) for reading in seen] == ["break_glass"]
    assert await services.sharing.break_glass.count_waiting(SYSTEM) == 2
    assert await demo.db.collection("record_questions").count_documents({"answered_at": None}) == 2
    assert len(await services.recognition.service.recognised(me, me.id)) == 1
    assert await demo.db.collection("chart_reviews").count_documents({"state": "open"}) >= 2


async def the_desks_have_something_to_do(demo: Demo, seeded: Seeded) -> None:
    """Visits booked, paid, cancelled; talks, calls and wishes that wait; months of the clinical services."""
    services = demo.city.services
    assert seeded.made["appointments"] == 24
    orders = await demo.db.collection("orders").distinct("state")
    assert "paid" in orders
    assert await services.inbox.count_waiting(SYSTEM) == seeded.made["talks"] == 3
    assert await demo.db.collection("survey_runs").count_documents({"on_phone_list": True}) > 0
    assert await demo.db.collection("record_corrections").count_documents({"state": "asked"}) == 1
    recognised = await services.recognition.counting.read(SYSTEM, "", 6)
    prescribed = await services.medication.counting.read(SYSTEM, "", 6)
    assert (recognised.total.get("accepted") or 0) > 500
    assert (prescribed.total.get("alerts") or 0) > 500
    assert {line.id for line in prescribed.kinds} >= {"interaction", "duplicate"}
    days = await services.quality.days(SYSTEM, 30)
    assert {day.organization_id for day in days} == {place.id for place in demo_directory().organizations}


async def test_the_city_has_everything_a_visitor_tries(demo: Demo):
    seeded = await demo.seed()
    assert seeded.made["organizations"] == 9
    assert seeded.made["departments"] == 60
    assert seeded.made["practitioners"] == 148
    assert seeded.made["schedules"] > 2_000
    assert {member["role"] for member in seeded.staff} == {str(role) for role in STAFF_ROLES}
    assert len(seeded.residents) == 12
    assert seeded.made["referrals"] == 7
    assert seeded.made["days of figures"] == 60
    await the_board_is_alive(demo.city)
    states = await demo.db.collection("referrals").distinct("state")
    assert set(states) == {"requested", "returned", "accepted", "rejected", "in_transit", "completed"}
    assert seeded.made["births"] == 9
    await the_births_desk_has_work(demo)
    results = demo.db.collection("survey_results")
    assert await results.count_documents({"level": "practitioner"}) > 5
    assert await demo.db.collection("survey_tickets").count_documents({}) == 0
    await demo.city.services.outbox.drain()
    assert await demo.db.collection("survey_tickets").count_documents({}) > 0
    await what_is_shared_can_be_seen(demo, seeded)
    await the_desks_have_something_to_do(demo, seeded)
    logins = seeded.logins()
    assert set(logins) == {"hospitals", "staff", "residents"}
    assert set(logins["staff"][0]) == {"login", "password", "totp_secret", "role"}
    assert {"id", "name", "client_id", "client_secret"} <= set(logins["hospitals"][0])
    assert set(logins["residents"][0]) == {"id", "phone", "access_token"}


async def test_the_logins_work(demo: Demo):
    seeded = await demo.seed(days=1)
    services = demo.city.services
    for resident in seeded.residents:
        actor = services.tokens.verify(resident["access_token"])
        assert actor.id == resident["id"]
        assert actor.real_name
    for hospital in seeded.hospitals:
        for client in (hospital, *hospital["terminals"]):
            grant = await services.clients.grant(
                "client_credentials", client["client_id"], client["client_secret"]
            )
            actor = services.tokens.verify(grant.access_token)
            assert actor.organization_ids == frozenset({str(hospital["id"])})
    patients = await services.residents.patients.list_patients(
        services.tokens.verify(seeded.residents[0]["access_token"])
    )
    assert [str(patient.relation) for patient in patients] == ["self", "child"]


async def test_a_second_run_adds_nothing_but_new_days_and_hands_out_the_same_logins(demo: Demo):
    first = await demo.seed(days=2)
    before = await demo.db.collection("schedules").count_documents({})
    again = await demo.seed(days=2)
    assert sum(again.made.values()) == 0
    assert await demo.db.collection("schedules").count_documents({}) == before
    assert again.staff == first.staff
    assert again.hospitals == first.hospitals
    assert [r["id"] for r in again.residents] == [r["id"] for r in first.residents]
    tomorrow = clock.today() + timedelta(days=1)
    later = await demo.seed(first_on=tomorrow, days=2)
    added = await demo.db.collection("schedules").find({}, {"on": 1}).to_list(None)
    assert len(added) == before + later.made["schedules"]
    assert max(doc["on"] for doc in added) == (tomorrow + timedelta(days=1)).isoformat()


async def test_what_people_changed_stays(demo: Demo):
    await demo.seed(days=1)
    directory = demo.city.services.directory
    hospital = demo_directory().organizations[0]
    await directory.save_organizations([replace(hospital, phone="400-000-9999")])
    await demo.seed(days=1)
    assert (await directory.get_organization(hospital.id)).phone == "400-000-9999"


async def test_the_database_holds_no_secret_and_no_resident_in_clear(demo: Demo):
    seeded = await demo.seed(days=1)
    people = [person for family in demo_families() for person in family.people]
    texts = [text for person in people for text in (person.name, person.id_number, person.phone) if text]
    texts += [member["password"] for member in seeded.staff]
    texts += [member["totp_secret"] for member in seeded.staff]
    texts += [hospital["client_secret"] for hospital in seeded.hospitals]
    for name in await demo.db.native.list_collection_names():
        async for document in demo.db.collection(name).find({}):
            dumped = str(document)
            assert not [text for text in texts if text in dumped], name


def test_every_made_up_number_checks_and_belongs_to_nobody():
    people = [person for family in demo_families() for person in family.people]
    for person in people:
        assert parse_id_number(person.id_number, today=clock.today()).region == NOWHERE
    assert len({person.id_number for person in people}) == len(people)
    assert len({person.name for person in people}) == len(people)


def test_the_directory_and_each_day_are_the_same_every_time():
    assert demo_directory() == demo_directory()
    units = demo_directory().units
    day = clock.today()
    assert list(sessions_on(units, day)) == list(sessions_on(units, day))


def test_every_session_could_be_published_and_no_doctor_sits_twice():
    units = demo_directory().units
    for offset in range(14):
        sessions = list(sessions_on(units, clock.today() + timedelta(days=offset)))
        assert [session for session in sessions if problems_of(session)] == []
        seats = [(s.practitioner_id, s.period) for s in sessions if s.practitioner_id]
        assert len(seats) == len(set(seats))


def test_residents_and_doctors_have_different_names():
    doctors = {d.practitioner.name for unit in demo_directory().units for d in unit.doctors}
    assert not doctors & {person.name for family in demo_families() for person in family.people}
