"""Stays and referrals: asked about with the department and the doctor that the hospital named by codes."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from datetime import date, datetime, timedelta
from typing import Any

import pytest

from backend import clock
from backend.directory.models import Practitioner
from backend.errors import AppError
from backend.exchange.v2.models import SenderKind
from backend.exchange.v2.server import MLLPServer
from backend.ids import new_id
from backend.records.care_places import Places
from backend.slotpool.claims_models import Claim, ClaimState
from backend.surveys import cohorts
from backend.surveys.cohorts import Cohort, Cohorts
from backend.surveys.models import Campaign, Happened, Trigger, Way
from backend.surveys.stay_store import StayStore
from tests.backend.exchange.v2.test_server import Line, head, verdict
from tests.backend.surveys.conftest import Ward
from tests.factories.directory import a_department, a_practitioner
from tests.factories.surveys import ASKED

PEOPLE = 6


async def publish(ward: Ward) -> Practitioner:
    """A ward 201 of the hospital's own code, and its doctor D01."""
    directory, hospital = ward.city.city.services.directory, ward.city.hospital
    inpatient = a_department(hospital, "201", name="内科病区")
    doctor = a_practitioner(hospital, inpatient, value="D01", name="李明")
    await directory.save_departments([inpatient])
    await directory.save_practitioners([doctor])
    return doctor


async def leave(ward: Ward, *visits: str) -> None:
    """Discharge somebody for each of these PV1-3 to PV1-8, as a hospital's system does it: over a socket."""
    exchange = ward.city.city.services.exchange
    await exchange.senders.allow(SenderKind.FACILITY, "QY", ward.city.hospital.id, "")
    server = MLLPServer(exchange.receiver)
    port = await server.listen("127.0.0.1", 0)
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    left = f"{clock.now() + timedelta(hours=8) - timedelta(minutes=9):%Y%m%d%H%M%S}"
    line = Line(reader, writer)
    for number, visit in enumerate(visits):
        person = f"PID|1||ZY{number:04d}^^^HIS^MR||王秀{'一二三四五六七八'[number]}||19560304|F"
        stay = f"PV1|1|I|{visit}" + "|" * 11 + f"ZY2026{number:03d}" + "|" * 25 + f"20260301082500|{left}"
        answer = await line.send(head("ADT^A03", f"A{number}"), f"EVN|A03|{left}", person, stay)
        assert verdict(answer) == "AA"
    writer.close()
    await server.stop(5)
    await ward.city.work()


async def test_a_discharge_over_hl7_is_counted_for_its_ward_and_its_doctor(ward: Ward):
    doctor = await publish(ward)
    [department_id] = doctor.department_ids
    campaign = await ward.campaign(
        trigger=Trigger.DISCHARGE, ways=(Way.PHONE,), department_ids=(department_id,)
    )
    ward.service.planning._known.clear()
    # Code of the ward in PV1-3.1, number of the attending doctor in PV1-7.1.
    await leave(ward, *["201^3^1^^||||D01^李^明|"] * PEOPLE)
    runs = await ward.runs()
    assert [(run.department_id, run.practitioner_id) for run in runs] == [(department_id, doctor.id)] * PEOPLE
    await ward.service.count()
    figures = await ward.service.reading.results(
        ward.operator, campaign.questionnaire_id, ASKED, last=clock.today()
    )
    assert [(line.id, line.figures.planned) for line in figures.departments] == [(department_id, PEOPLE)]
    assert [(line.id, line.figures.planned) for line in figures.practitioners] == [(doctor.id, PEOPLE)]


async def test_codes_that_the_directory_does_not_know_name_nobody(ward: Ward):
    await publish(ward)
    await ward.campaign(trigger=Trigger.DISCHARGE)
    ward.service.planning._known.clear()
    await leave(ward, "999^3^1^^||||D99^赵^六|", "|||||")
    assert [(run.department_id, run.practitioner_id) for run in await ward.runs()] == [(None, None)] * 2


async def test_those_who_were_discharged_are_invited_a_page_at_a_time(
    ward: Ward, monkeypatch: pytest.MonkeyPatch
):
    doctor = await publish(ward)
    await leave(ward, *["201^3^1^^||||D01^李^明|"] * 4, "999^3^1^^|||||")
    monkeypatch.setattr(cohorts, "PAGE", 2)
    held: list[int] = []
    invite = ward.service.planning.invite

    async def counted(campaign: Campaign, people: Iterable[Happened]) -> int:
        page = list(people)
        held.append(len(page))
        return await invite(campaign, page)

    monkeypatch.setattr(ward.service.planning, "invite", counted)
    everywhere = await ward.campaign(trigger=Trigger.STAFF)
    inside = await ward.campaign(trigger=Trigger.STAFF, department_ids=doctor.department_ids)
    today = clock.civil_date(clock.now() - timedelta(minutes=9))

    async def invited(campaign: Campaign, cohort: Cohort, on: date) -> int:
        return await ward.service.invite(ward.operator, campaign.id, on, on, cohort)

    assert await invited(everywhere, Cohort.STAYS, today) == 5
    assert held == [2, 2, 1]
    # The same once more asks nobody twice; of one department those that its code names.
    assert await invited(everywhere, Cohort.STAYS, today) == 0
    assert await invited(inside, Cohort.STAYS, today) == 4
    assert await invited(everywhere, Cohort.STAYS, today - timedelta(days=1)) == 0
    assert await invited(everywhere, Cohort.VISITS, today) == 0


def a_claim(organization_id: str, end_at: datetime) -> Claim:
    """An appointment that ends then."""
    began_at = end_at - timedelta(minutes=5)
    return Claim(
        id=new_id(),
        pool_key="p",
        schedule_id=new_id(),
        number=1,
        organization_id=organization_id,
        department_id=new_id(),
        practitioner_id=None,
        on=clock.civil_date(end_at),
        period="day",
        start_at=began_at,
        end_at=end_at,
        fee_fen=0,
        resident_id=new_id(),
        patient_id=new_id(),
        channel="h5",
        state=ClaimState.BOOKED,
        live=True,
        hold_until=None,
        awaiting_payment=False,
        order_id=None,
        cancel_reason=None,
        cancelled_by=None,
        ended_at=None,
        missed_at=None,
        created_at=began_at,
        updated_at=began_at,
    )


class Days:
    """Appointments of a department's days, in pages."""

    def __init__(self, claims: list[Claim]) -> None:
        self.claims = claims

    async def of_pools(
        self, pool_keys: Sequence[str], rules: dict[str, Any], *, cursor: str | None, limit: int
    ) -> tuple[list[Claim], str | None]:
        first = int(cursor or 0)
        page = self.claims[first : first + limit]
        return page, str(first + limit) if first + limit < len(self.claims) else None


async def test_booked_visits_are_read_a_page_at_a_time(ward: Ward, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(cohorts, "PAGE", 2)
    campaign = await ward.campaign(trigger=Trigger.STAFF)
    over = clock.now() - timedelta(hours=1)
    booked = [
        a_claim(organization_id=place_id, end_at=at)
        for place_id, at in [
            *[(ward.city.hospital.id, over)] * 3,
            (new_id(), over),
            (ward.city.hospital.id, clock.now() + timedelta(hours=1)),
        ]
    ]
    services = ward.city.city.services
    made = Cohorts(Days(booked), services.directory, services.sharing.care.encounters, StayStore(ward.db))
    pages = [page async for page in made.people(campaign, Cohort.VISITS, clock.today(), clock.today())]
    assert [len(page) for page in pages] == [2, 1, 0]


def place(code: str, status: str, start: str = "") -> dict[str, Any]:
    found: dict[str, Any] = {"location": {"identifier": {"value": code}}, "status": status}
    return found | ({"period": {"start": start}} if start else {})


def person(code: str, kind: str) -> dict[str, Any]:
    return {"type": [{"coding": [{"code": kind}]}], "individual": {"identifier": {"value": code}}}


async def test_the_last_ward_counts_and_the_doctor_who_attended(ward: Ward):
    directory, hospital = ward.city.city.services.directory, ward.city.hospital
    first, last = a_department(hospital, "201"), a_department(hospital, "202")
    await directory.save_departments([first, last])
    attended, referred = (a_practitioner(hospital, first, value=value) for value in ("D01", "D02"))
    await directory.save_practitioners([attended, referred])
    places = Places(directory)

    async def of(**body: Any) -> tuple[str | None, str | None]:
        return await places.of(hospital.id, body)

    moved = [place("201", "completed", "2026-03-01"), place("202", "completed", "2026-03-03")]
    assert await of(location=moved) == (last.id, None)
    assert await of(location=[place("202", "planned"), place("201", "active")]) == (first.id, None)
    # Where the last ward is unknown, the one before is not it.
    assert await of(location=[*moved, place("900", "completed", "2026-03-04")]) == (None, None)
    people = [person("D02", "REF"), person("D99", "ATND"), person("D01", "ADM")]
    assert await of(participant=people) == (first.id, attended.id)
    by_id = {"individual": {"reference": f"Practitioner/{referred.id}"}}
    assert await of(participant=[by_id]) == (first.id, referred.id)
    assert await of(participant="x", location={}) == (None, None)
    assert await places.of("elsewhere", {"participant": [by_id]}) == (None, None)


@pytest.mark.parametrize("trigger", [Trigger.EXAMINATION, Trigger.BIRTH])
async def test_no_campaign_waits_for_a_department_that_is_never_told(ward: Ward, trigger: Trigger):
    with pytest.raises(AppError) as refused:
        await ward.campaign(trigger=trigger, department_ids=(ward.city.department.id,))
    assert "不分科室" in refused.value.text
    await ward.campaign(trigger=trigger)
