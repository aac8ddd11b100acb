"""Births of the demo: two not filed yet, one under way, and filings as far as they come."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from backend import clock
from backend.births.models import Answers, Birth, BirthFacts, Parent
from backend.bootstrap import City
from backend.errors import AppError, ErrorCode
from backend.ids import named_id
from backend.permissions import SYSTEM, Actor, Role
from backend.seed.birth_stories import STORIES, Teller
from backend.seed.names import RESIDENT_SURNAMES, Names, id_number
from backend.seed.residents import Family, Person


@dataclass(frozen=True, slots=True)
class Couple:
    """Parents whom the registers know, and who have no account."""

    father: Person
    mother: Person

    @property
    def people(self) -> tuple[Person, ...]:
        """Both of them."""
        return (self.father, self.mother)


def demo_couples() -> list[Couple]:
    """The same parents every time, one couple for each story."""
    names = Names("parents of 健康城", RESIDENT_SURNAMES)
    return [_couple(names, number) for number in range(len(STORIES))]


async def seed_births(
    city: City, organization_id: str, families: Sequence[Family], couples: Sequence[Couple]
) -> int:
    """Have the hospital note a birth for each; the last family and the couples file. How many are new."""
    made = 0
    for number, family in enumerate(families):
        born = await _noted(city, organization_id, f"demo-{number + 1}", family, number)
        made += born is not None
        if born is not None and number == len(families) - 1:
            await _filed(city, born, family)
    for number, couple in enumerate(couples):
        born = await _noted(city, organization_id, f"demo-story-{number + 1}", couple, number)
        made += born is not None
        story = await _filed(city, born, couple) if born is not None else None
        if born is not None and story is not None:
            facts = born.facts
            births, male = city.services.births, facts.sex == "male"
            await STORIES[number](Teller(births, *story, number + 1, facts.born_at, male))
    return made


async def _noted(
    city: City, organization_id: str, external_id: str, parents: Family | Couple, number: int
) -> Birth | None:
    """The birth; None where it has been noted before, and is whatever has become of it."""
    births = city.services.births
    try:
        await births.noting.read(SYSTEM, organization_id, external_id)
    except AppError as error:
        if error.code is not ErrorCode.NOT_FOUND:
            raise
    else:
        return None
    facts = BirthFacts(
        clock.now() - timedelta(days=2 + number),
        "female" if number % 2 else "male",
        3150 + 120 * number,
        50,
        39,
        place="产科",
    )
    mother, father = _parent(parents.mother), _parent(parents.father)
    return await births.noting.note(SYSTEM, organization_id, external_id, facts, mother, father)


async def _filed(city: City, birth: Birth, parents: Family | Couple) -> tuple[Actor, str] | None:
    """Handed in: who has filed it, and its id. None: without the licence library it stays a draft."""
    births, mother_id = city.services.births, birth.mother.person_id
    session = named_id("demo_birth", mother_id)
    mother = Actor("resident", mother_id, Role.RESIDENT, session_id=session, channel="h5", real_name=True)
    opened = (await births.open(mother, birth.id)).filing
    await births.amend(mother, opened.id, Answers(child_name=f"{parents.father.name[0]}小满"))
    try:
        await births.submit(mother, opened.id)
    except AppError as error:
        # As it would be for anybody.
        if error.code is not ErrorCode.BIRTH_NOT_FILEABLE:
            raise
        return None
    return mother, opened.id


def _couple(names: Names, number: int) -> Couple:
    father_number = id_number(date(1990 + number, 4, 12), 50 + number, male=True)
    mother_number = id_number(date(1992 + number, 9, 3), 50 + number, male=False)
    phone = f"1390001{number:02d}"
    married = (("spouse", mother_number),)
    return Couple(
        Person(names.next(male=True), father_number, f"{phone}01", married),
        Person(names.next(male=False), mother_number, f"{phone}02"),
    )


def _parent(person: Person) -> Parent:
    return Parent(person.name, person.id_number, person.phone)
