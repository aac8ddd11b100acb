"""The demo's residents: families whom the sandbox's population register knows, with accounts and links."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, Protocol

import httpx

from backend.bootstrap import City
from backend.permissions import Actor, Role
from backend.residents.accounts import Accounts
from backend.residents.claim_ids import ClaimIds
from backend.residents.models import Relation
from backend.residents.store import ResidentStore
from backend.seed.names import RESIDENT_SURNAMES, Names, id_number

# Scripts keep city.json for longer than a resident's token lives; these people are nobody.
DEMO_TOKEN_TTL = timedelta(hours=24)
_FAMILIES = 6


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody who does not exist."""

    name: str
    id_number: str
    phone: str
    family: tuple[tuple[str, str], ...] = ()
    """Relatives: relation, ID number."""

    def register_entry(self) -> dict[str, Any]:
        """As the population register keeps it."""
        return {
            "name": self.name,
            "id_number": self.id_number,
            "phone": self.phone,
            "family": [{"relation": relation, "id_number": number} for relation, number in self.family],
        }


@dataclass(frozen=True, slots=True)
class Family:
    """Two grown-ups with accounts, a child, and the grandmother."""

    father: Person
    mother: Person
    child: Person
    grandmother: Person

    @property
    def people(self) -> tuple[Person, ...]:
        """All of them."""
        return (self.father, self.mother, self.child, self.grandmother)


def demo_families() -> list[Family]:
    """The same families every time."""
    names = Names("residents of 健康城", RESIDENT_SURNAMES)
    return [_family(names, number) for number in range(_FAMILIES)]


class People(Protocol):
    """Those of one household."""

    @property
    def people(self) -> tuple[Person, ...]:
        """All of them."""


async def register_people(sandbox_url: str, families: Sequence[People]) -> None:
    """Tell the sandbox's population register who there is; telling it again changes nothing."""
    entries = [person.register_entry() for family in families for person in family.people]
    async with httpx.AsyncClient(base_url=sandbox_url, timeout=10, trust_env=False) as client:
        answer = await client.post("/control/persons", json={"items": entries})
        answer.raise_for_status()


async def seed_residents(city: City, families: Sequence[Family]) -> list[dict[str, str]]:
    """Accounts for the grown-ups, real names checked at the register, children linked to both parents."""
    grown_ups = [person for family in families for person in (family.father, family.mother)]
    actors = await asyncio.gather(*(_sign_in(city, person) for person in grown_ups))
    signed_in = {person.id_number: actor for person, actor in zip(grown_ups, actors, strict=True)}
    for parents in zip(*((family.father, family.mother) for family in families), strict=True):
        # Fathers first, then mothers: the two would meet at the child's file.
        await asyncio.gather(
            *(
                _link(city, signed_in[parent.id_number], Relation.CHILD, family.child)
                for family, parent in zip(families, parents, strict=True)
            )
        )
    return [
        {
            "id": signed_in[person.id_number].id,
            "phone": person.phone,
            "access_token": city.services.tokens.issue(signed_in[person.id_number], DEMO_TOKEN_TTL),
        }
        for person in grown_ups
    ]


async def _sign_in(city: City, person: Person) -> Actor:
    """What signing in by SMS does, without the SMS: this runs beside the city, not behind its API."""
    services = city.services
    accounts = Accounts(ResidentStore(city.db, services.cipher), ClaimIds(services.blind), services.sessions)
    account = await accounts.account_of_phone(person.phone)
    opened = await services.sessions.open(
        Actor(kind="resident", id=account.id, role=Role.RESIDENT, channel="h5", real_name=account.real_name),
        "demo",
    )
    _, token = await services.residents.verify_real_name(opened.actor, person.name, person.id_number)
    return services.tokens.verify(token)


async def _link(city: City, actor: Actor, relation: Relation, patient: Person) -> None:
    patients = city.services.residents.patients
    if any(known.relation is relation for known in await patients.list_patients(actor)):
        return
    await patients.add(actor, relation, patient.name, patient.id_number, patient.phone or None)


def _family(names: Names, number: int) -> Family:
    father_born, mother_born = date(1984 + number, 3, 9), date(1986 + number, 8, 21)
    child_born, grandmother_born = date(2017 + number, 5, 4), date(1955 + number, 11, 2)
    father_number = id_number(father_born, number, male=True)
    mother_number = id_number(mother_born, number, male=False)
    child_number = id_number(child_born, number, male=number % 2 == 0)
    grandmother_number = id_number(grandmother_born, number, male=False)
    father = names.next(male=True)
    surname = father[0]
    return Family(
        father=Person(
            father, father_number, _phone(number, 1),
            (("child", child_number), ("spouse", mother_number), ("parent", grandmother_number)),
        ),
        mother=Person(names.next(male=False), mother_number, _phone(number, 2), (("child", child_number),)),
        child=Person(names.next(male=number % 2 == 0, surname=surname), child_number, ""),
        grandmother=Person(names.next(male=False), grandmother_number, _phone(number, 3)),
    )  # fmt: skip


def _phone(family: int, member: int) -> str:
    return f"1390000{family:02d}{member:02d}"
