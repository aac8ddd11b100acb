"""Births as a hospital notes them, and families that file them, through the city's own doors."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from backend import clock
from backend.births.handing import Handing
from backend.births.handover_models import Handover
from backend.births.machine import SETTLED, By, FilingState, HandoverEvent, HandoverState, StepState
from backend.births.models import Answers, Birth, BirthFacts, Filing, Parent, Problem, Step
from backend.births.owning import overdue
from backend.births.questions import question_id
from backend.births.settling import with_step
from backend.births.store import FilingStore
from backend.bootstrap import City, Services
from backend.ids import new_id
from backend.permissions import SYSTEM, Actor
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


async def let_pass(city: TestCity, by: timedelta = timedelta(minutes=2), *, papers: bool = False) -> None:
    """Time passes for what waits: the outbox, and every filing that is to be looked at.

    `papers`: for what is on its way to the parents, too.
    """
    store = city.city.services.births._filings
    now = clock.now()
    for doc in await city.city.db.collection("birth_filings").find({}, {"_id": 1}).to_list(None):
        filing = await store.find(doc["_id"])
        assert filing is not None
        await store.write(earlier(filing, by, now, papers=papers))
    await city.city.services.births.asking.sweep()
    await city.later()


def earlier(filing: Any, by: timedelta, now: datetime, *, papers: bool = False) -> Any:
    """The filing as if everything had happened so much earlier."""

    def before(at: datetime | None) -> datetime | None:
        return at - by if at is not None else None

    def passed(step: Step) -> Step:
        known = step.handover
        if known is not None and papers:
            received_at = before(known.received_at)
            known = replace(known, due_at=before(known.due_at), received_at=received_at)
        return replace(
            step, look_at=before(step.look_at), due_at=before(step.due_at),
            correct_by=before(step.correct_by), handover=known,
        )  # fmt: skip

    steps = tuple(passed(step) for step in filing.steps)
    concerns = tuple(replace(each, due_at=each.due_at - by) for each in filing.concerns)
    return replace(filing, steps=steps, concerns=concerns, open_until=filing.open_until - by)


async def applications(city: TestCity) -> list[dict[str, Any]]:
    """What the agencies have before them."""
    return list((await city.outside.get("agencies"))["items"])


async def make_birth(services: Services, organization_id: str, mother: Parent, **facts: Any) -> Birth:
    """A birth as a hospital's system notes it, straight through the service."""
    seen: dict[str, Any] = {
        "born_at": clock.now() - timedelta(days=1),
        "sex": "female",
        "weight_g": 3200,
    } | facts
    return await services.births.noting.note(
        SYSTEM, organization_id, new_id(), BirthFacts(**seen), mother, None
    )


async def make_filing(
    city: City,
    birth: Birth,
    state: FilingState,
    states: Mapping[str, StepState],
    *,
    late: str = "",
    ended_at: datetime | None = None,
) -> Filing:
    """A filing whose steps stand as said, the others waiting; one of them late if named."""
    rules, now = city.services.births.rules, clock.now()
    filing_id, steps = new_id(), []
    for rule in rules.steps:
        at = states.get(rule.code, StepState.WAITING)
        asked = None if at is StepState.WAITING else now - timedelta(days=1)
        shown = Step(
            rule.code, rule.name, rule.agency, at, rule.needs, rule.optional, rule.working_days,
            attempt=int(asked is not None), asked_at=asked,
            ended_at=now if at in SETTLED else None,
            due_at=rules.calendar.after(now, 1) if asked else None,
        )  # fmt: skip
        if rule.code == late:
            shown = replace(shown, due_at=now - timedelta(hours=1))
        if at in (StepState.NEEDS_CORRECTION, StepState.REJECTED):
            unclear = Problem("unclear", "身份证照片看不清。", "请重新上传。", step=rule.code)
            shown = replace(shown, problems=(unclear,), correct_by=rules.calendar.after(now, 5))
        if asked:
            shown = replace(shown, request_id=question_id(filing_id, now, rule.code, 1))
        steps.append(shown)
    filing = Filing(
        id=filing_id, birth_id=birth.id, organization_id=birth.organization_id,
        applicant_id=birth.mother.person_id, parent_ids=birth.parent_ids, state=state, turn=0,
        edition=rules.edition, answers=Answers(child_name="陈小满"), steps=tuple(steps), created_at=now,
        updated_at=now, open_until=now + timedelta(days=30), submitted_at=now, ended_at=ended_at,
    )  # fmt: skip
    filing = overdue(filing, rules, now)
    services = city.services
    assert await FilingStore(city.db, services.cipher).insert(filing)
    return filing


async def hand_over(city: City, filing_id: str, step: str) -> str:
    """What a step that is done hands over lies ready; the code that it is fetched with."""
    services, now = city.services, clock.now()
    store, rules = FilingStore(city.db, services.cipher), services.births.rules
    filing = await store.find(filing_id)
    found = filing.step(step) if filing else None
    assert filing is not None
    assert found is not None
    begun = replace(found, handover=Handover(HandoverState.AWAITED, False, now, now + timedelta(days=1)))
    moved = Handing(rules).move(
        with_step(filing, begun), step, HandoverEvent.LAY_OUT, By.STAFF, SYSTEM.id, now, place="社区服务中心"
    )
    assert await store.write(moved.filing)
    ready = moved.filing.step(step)
    assert ready is not None
    assert ready.handover is not None
    return ready.handover.code


async def make_kept_filing(services: Services, organization_id: str, mother: Actor) -> Filing:
    """A birth, a draft of it, and a photograph: one of everything that is sealed."""
    who = await services.residents.get_identity(mother.id)
    birth = await make_birth(services, organization_id, Parent(who.name, who.id_number))
    filing = (await services.births.open(mother, birth.id)).filing
    await services.births.files.add(mother, filing.id, "marriage", "image/jpeg", A_PHOTO)
    return filing
