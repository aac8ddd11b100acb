"""Births as a hospital notes them, and families that file them, through the city's own doors."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from backend import clock
from tests.factories.city import an_id_number
from tests.support.city import Caller, TestCity

ANSWERS: dict[str, Any] = {"child_name": "张小宝", "household_with": "father"}
A_PHOTO = b"\xff\xd8\xff\xe0" + b"a photograph of a paper" * 20


@dataclass(frozen=True)
class NewFamily:
    """A mother with an account, a father whom the registers know, and a child that a hospital noted."""

    mother: Caller
    father: dict[str, str]
    external_id: str
    birth_id: str


def a_notice(mother: Caller, father: dict[str, str] | None = None, **more: Any) -> dict[str, Any]:
    """A birth of yesterday."""
    notice: dict[str, Any] = {
        "born_at": (clock.now() - timedelta(days=1)).isoformat(),
        "sex": "female",
        "weight_g": 3200,
        "length_cm": 50,
        "gestation_weeks": 39,
        "place": "产房",
        "attendant": "王医生",
        "mother": {"name": mother.name, "id_number": mother.id_number, "phone": mother.phone},
    }
    if father is not None:
        notice["father"] = {"name": father["name"], "id_number": father["id_number"]}
    return notice | more


async def a_father(
    city: TestCity, number: int, mother: Caller, *, married: bool = True, **more: Any
) -> dict[str, str]:
    """A man whom the population register knows, by default as the mother's husband."""
    father = {"name": "张大山", "id_number": an_id_number(number * 2 + 1)}
    family = [{"relation": "spouse", "id_number": mother.id_number}] if married else []
    await city.outside.post("persons", {**father, "family": family, **more})
    return father


async def note_birth(city: TestCity, external_id: str, notice: dict[str, Any], **more: Any) -> Any:
    """The city's hospital notes a birth."""
    client = await city.hospital_client()
    path = f"/hospital/v1/births/{external_id}"
    return await city.call("PUT", path, as_=client, json=notice, **more)


async def a_family(city: TestCity, number: int = 1, *, named: bool = True, **notice: Any) -> NewFamily:
    """A family whose child has just been born. `named`: the hospital was told of the father."""
    mother = await city.resident()
    father = await a_father(city, number, mother)
    external_id = f"birth-{number}"
    noted = await note_birth(city, external_id, a_notice(mother, father if named else None, **notice))
    return NewFamily(mother, father, external_id, noted["id"])


async def a_filing(city: TestCity, family: NewFamily, *, submit: bool = True, **answers: Any) -> Any:
    """A filing of the family's, handed in unless said otherwise."""
    who = family.mother
    filing = await city.call(
        "POST", "/api/v1/birth-filings", as_=who, json={"birth_id": family.birth_id}, expect=201
    )
    path = f"/api/v1/birth-filings/{filing['id']}"
    filing = await city.call("PUT", path, as_=who, json=ANSWERS | answers)
    return await city.call("POST", f"{path}/submit", as_=who) if submit else filing


async def read(city: TestCity, family: NewFamily, filing_id: str) -> Any:
    """The filing as the mother sees it."""
    return await city.call("GET", f"/api/v1/birth-filings/{filing_id}", as_=family.mother)


def states(filing: Any) -> dict[str, str]:
    """Each step's state."""
    return {step["code"]: step["state"] for step in filing["steps"]}


async def let_pass(city: TestCity, by: timedelta = timedelta(minutes=2)) -> None:
    """Time passes for what waits: the outbox, and every filing that is to be looked at."""
    store = city.city.services.births._filings
    now = clock.now()
    for doc in await city.city.db.collection("birth_filings").find({}, {"_id": 1}).to_list(None):
        filing = await store.find(doc["_id"])
        assert filing is not None
        await store.write(earlier(filing, by, now))
    await city.city.services.births.asking.sweep()
    await city.later()


def earlier(filing: Any, by: timedelta, now: datetime) -> Any:
    """The filing as if everything had happened so much earlier."""
    from dataclasses import replace

    def before(at: datetime | None) -> datetime | None:
        return at - by if at is not None else None

    steps = tuple(
        replace(
            step, look_at=before(step.look_at), due_at=before(step.due_at), correct_by=before(step.correct_by)
        )
        for step in filing.steps
    )
    concerns = tuple(replace(each, due_at=each.due_at - by) for each in filing.concerns)
    return replace(filing, steps=steps, concerns=concerns, open_until=filing.open_until - by)


async def applications(city: TestCity) -> list[dict[str, Any]]:
    """What the agencies have before them."""
    return list((await city.outside.get("agencies"))["items"])
