"""The people tests are made of: a thing that was not made must not look like one that is refused."""

from __future__ import annotations

from backend.bootstrap import City
from backend.residents.models import MOST_PATIENTS
from tests.factories.residents import make_child, make_resident


async def test_every_child_is_the_residents_however_many_people_were_made_between(city: City) -> None:
    mother = await make_resident(city.services)
    children = [await make_child(city.services, mother)]
    # Six people later a place counted by people made would be the first child's again.
    for _ in range(MOST_PATIENTS - 1):
        await make_resident(city.services)
    children.append(await make_child(city.services, mother))
    for child in children:
        patient = await city.services.residents.access_patient(mother.actor, child)
        assert patient.id == child
