"""A small city for security tests: people who are something to each other, two hospitals, and real things.

Every test that asks "may this one do that to this thing?" takes its people from here and has its things
made here, so that a refusal is about the caller and never about a thing that is not there.
"""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import pytest

from backend import clock
from backend.bootstrap import Services
from backend.directory.models import Department, Organization, Practitioner, TerminalKind
from backend.ids import new_id
from backend.messages.models import Letter, MessageKind
from backend.messages.rendering import samples
from backend.permissions import Actor, Role
from backend.residents.models import LinkBasis, LinkState, PatientLink, Relation
from backend.security import limits
from backend.slotpool.claims_models import Claim, Wanted
from backend.slotpool.schedules_models import Schedule
from backend.worker.events import Event, EventKind
from tests.factories.city import a_name, an_id_number
from tests.factories.directory import a_department, make_hospital
from tests.factories.residents import SignedIn, make_child, make_resident
from tests.support.city import Caller, Surroundings, TestCity, open_test_city
from tests.support.databases import Shelf

_serial = itertools.count(1)


@dataclass
class Hospital:
    """A hospital and who speaks for it."""

    organization: Organization
    department: Department
    practitioner: Practitioner
    client: Caller
    actor: Actor


@dataclass
class Town:
    """Who and what there is."""

    city: TestCity
    mine: Hospital
    theirs: Hospital
    callers: dict[str, Caller] = field(default_factory=dict)
    residents: dict[str, SignedIn] = field(default_factory=dict)

    @property
    def services(self) -> Services:
        return self.city.city.services

    def __getitem__(self, name: str) -> Caller:
        return self.callers[name]

    # -- people ----------------------------------------------------------------------------------------

    async def resident(self) -> Caller:
        """One more resident, known to the register, verified and signed in."""
        return await self._known(await make_resident(self.services))

    async def twin(self, name: str) -> Caller:
        """Another session of the same person: what ends it does not end theirs."""
        actor = self.residents[name].actor
        issued = await self.services.sessions.open(actor)
        return dataclasses.replace(self.callers[name], token=issued.access_token)

    async def _known(self, made: SignedIn) -> Caller:
        person = {"name": made.name, "id_number": made.id_number, "phone": f"137{next(_serial):08d}"}
        await self.city.outside.post("persons", person)
        return Caller(made.id, made.access_token, "", made.name, made.id_number)

    async def stranger_at_the_register(self) -> dict[str, str]:
        """Somebody the register knows and the city does not."""
        number = next(_serial)
        person = {"name": a_name(number), "id_number": an_id_number(number % 1000, "19550607")}
        await self.city.outside.post("persons", {**person, "phone": f"136{number:08d}"})
        return person

    async def link(self, guardian_id: str, patient_id: str, state: LinkState = LinkState.ACTIVE) -> str:
        """`guardian_id` acts, or asks to act, for `patient_id`; the link's id."""
        link = PatientLink(
            id=new_id(),
            guardian_id=guardian_id,
            patient_id=patient_id,
            position=1,
            relation=Relation.PARENT,
            state=state,
            basis=LinkBasis.NONE,
            created_at=clock.now(),
        )
        data = {"link_id": link.id, "guardian_id": guardian_id, "patient_id": patient_id}
        kind = EventKind.PATIENT_LINKED if state is LinkState.ACTIVE else EventKind.PATIENT_LINK_REQUESTED
        await self.services.residents.patients._links.place(link, Event(kind, data))
        return link.id

    async def child(self, guardian: str) -> str:
        """A small child of one of the residents; the id."""
        return await make_child(self.services, self.residents[guardian])

    # -- things ----------------------------------------------------------------------------------------

    async def schedule(self, *, fee_fen: int = 0, **more: Any) -> Schedule:
        """A session in a department of its own, so that nobody is busy there already."""
        department = a_department(self.mine.organization, new_id())
        await self.services.directory.save_departments([department])
        return await self.city.schedule(fee_fen=fee_fen, department_id=department.id, **more)

    async def claim(self, patient_id: str, *, fee_fen: int = 0, hold: bool = False) -> Claim:
        """A hold or an appointment of a patient."""
        schedule = await self.schedule(fee_fen=fee_fen)
        return await self.services.claims.claim(
            Wanted(
                schedule_id=schedule.id,
                number=None,
                resident_id=patient_id,
                patient_id=patient_id,
                channel="wechat",
                request_key=new_id(),
                actor_id=patient_id,
                hold=hold,
            )
        )

    async def message(self, recipient_id: str, **more: Any) -> str:
        """Something a person was told; the message's id."""
        kind = MessageKind.APPOINTMENT_BOOKED
        letter = Letter(new_id(), clock.now(), recipient_id, kind, samples(), **more)
        await self.services.messages.tell(letter)
        doc = await self.city.city.db.collection("messages").find_one(
            {"recipient_id": recipient_id}, sort=[("_id", -1)]
        )
        assert doc is not None
        return str(doc["_id"])


@asynccontextmanager
async def open_own_city(
    surroundings: Surroundings, mongo_uri: str, databases: Shelf, **more: Any
) -> AsyncIterator[TestCity]:
    """A city for all tests of a module, on a database of its own."""
    async with (
        databases.lend() as database,
        open_test_city(surroundings, mongo_uri, database, **more) as city,
    ):
        yield city


async def build_town(city: TestCity) -> Town:
    """Everybody and the two hospitals."""
    mine = await _hospital(city, "mine", "健康城市第一人民医院")
    theirs = await _hospital(city, "theirs", "健康城市中医院")
    city.hospital, city.department = mine.organization, mine.department
    town = Town(city, mine, theirs)
    for name in ("owner", "guardian", "other"):
        town.residents[name] = await make_resident(city.city.services)
        town.callers[name] = await town._known(town.residents[name])
    await town.link(town["guardian"].id, town["owner"].id)
    town.callers |= _staff(town) | {"client": mine.client, "foreign_client": theirs.client}
    town.callers["terminal"] = await _terminal(city, mine)
    town.callers |= await _nobodies(town)
    return town


async def _hospital(city: TestCity, value: str, name: str) -> Hospital:
    services = city.city.services
    organization, department, practitioner = await make_hospital(services.directory, value, name=name)
    issued = await services.clients.register_hospital(organization.id, f"{name} HIS")
    grant = await services.clients.grant("client_credentials", issued.client.id, issued.secret)
    actor = services.tokens.verify(grant.access_token)
    return Hospital(
        organization, department, practitioner, Caller(issued.client.id, grant.access_token), actor
    )


async def _terminal(city: TestCity, hospital: Hospital) -> Caller:
    clients = city.city.services.clients
    issued = await clients.register_terminal(hospital.actor, "1号窗口", TerminalKind.WINDOW)
    grant = await clients.grant("client_credentials", issued.client.id, issued.secret)
    return Caller(issued.client.id, grant.access_token)


def _staff(town: Town) -> dict[str, Caller]:
    """Staff work in the console; should a token of theirs ever exist, the API has nothing for it."""
    mine, theirs = town.mine.organization.id, town.theirs.organization.id
    scopes = {
        "city_operator": (Role.CITY_OPERATOR, None),
        "hospital_operator": (Role.HOSPITAL_OPERATOR, mine),
        "doctor": (Role.DOCTOR, mine),
        "finance": (Role.FINANCE, None),
        "auditor": (Role.AUDITOR, None),
        "foreign_operator": (Role.HOSPITAL_OPERATOR, theirs),
    }
    callers = {}
    for name, (role, scope) in scopes.items():
        organizations = None if scope is None else frozenset({scope})
        actor = Actor("staff", new_id(), role, organizations, new_id(), "console")
        callers[name] = Caller(actor.id, town.services.tokens.issue(actor))
    return callers


async def _nobodies(town: Town) -> dict[str, Caller]:
    owner = town.residents["owner"].actor
    expired = town.services.tokens.issue(owner, ttl=timedelta(seconds=-1))
    ended = await town.services.sessions.open(owner)
    await town.services.sessions.end(ended.actor.session_id)
    return {
        "nobody": Caller("", ""),
        "expired": Caller(owner.id, expired),
        "revoked": Caller(owner.id, ended.access_token),
    }


@contextmanager
def without_limits() -> Iterator[None]:
    """Rate limits out of the way: a table of a thousand requests is no attack."""
    with pytest.MonkeyPatch.context() as patch:
        for name in limits.BUCKETS:
            patch.setitem(limits.BUCKETS, name, limits.Bucket(burst=1_000_000, every_s=0.001))
        yield
