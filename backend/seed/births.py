"""Births of the demo: two children whose papers nobody has filed yet, and one whose filing is under way."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from backend import clock
from backend.births.models import Answers, BirthFacts, Parent
from backend.bootstrap import City
from backend.errors import AppError, ErrorCode
from backend.ids import named_id
from backend.permissions import SYSTEM, Actor, Role
from backend.seed.residents import Family, Person


async def seed_births(city: City, organization_id: str, families: Sequence[Family]) -> int:
    """Have the hospital note a birth for each family, and the last one file it; how many births are new."""
    births, made = city.services.births, 0
    for number, family in enumerate(families):
        external_id = f"demo-{number + 1}"
        try:
            await births.noting.read(SYSTEM, organization_id, external_id)
            continue
        except AppError as error:
            if error.code is not ErrorCode.NOT_FOUND:
                raise
        facts = BirthFacts(
            clock.now() - timedelta(days=2 + number),
            "female" if number % 2 else "male",
            3150 + 120 * number,
            50,
            39,
            place="产科",
        )
        mother, father = _parent(family.mother), _parent(family.father)
        noted = await births.noting.note(SYSTEM, organization_id, external_id, facts, mother, father)
        made += 1
        if number == len(families) - 1:
            await _file(city, noted.id, noted.mother.person_id, family)
    return made


async def _file(city: City, birth_id: str, mother_id: str, family: Family) -> None:
    births = city.services.births
    session = named_id("demo_birth", mother_id)
    mother = Actor("resident", mother_id, Role.RESIDENT, session_id=session, channel="h5", real_name=True)
    opened = (await births.open(mother, birth_id)).filing
    await births.amend(mother, opened.id, Answers(child_name=f"{family.father.name[0]}小满"))
    try:
        await births.submit(mother, opened.id)
    except AppError as error:
        # Without the licence library it stays a draft, as it would for anybody.
        if error.code is not ErrorCode.BIRTH_NOT_FILEABLE:
            raise


def _parent(person: Person) -> Parent:
    return Parent(person.name, person.id_number, person.phone)
