"""Who may read another hospital's records: consent, care, law, broken glass, in order, otherwise nobody."""

import asyncio
from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from backend import clock
from backend.audit.models import AuditFilter
from backend.bootstrap import City
from backend.errors import AppError, ErrorCode
from backend.permissions import SYSTEM, Role
from backend.records.models import BasisKind, Purpose, RecordQuery
from backend.records.sharing_models import Asked, CareKind
from tests.factories.records import make_chart, make_resources
from tests.factories.residents import make_resident
from tests.factories.sharing import DAY, DOCTOR, Shared, a_condition, fill, make_place, make_shared

EVERYTHING = {"diagnosis", "allergy", "medicine"}
ASKED = Asked(practitioner=DOCTOR, presented=True)
BROKEN = Asked(Purpose.BREAK_GLASS, DOCTOR, reason="02 心梗抢救，家属未到", presented=True)


@pytest.fixture
async def shared(city: City) -> Shared:
    made = await make_shared(city.services)
    await fill(made)
    return made


async def refused(shared: Shared, asked: Asked, code: ErrorCode) -> AppError:
    with pytest.raises(AppError) as error:
        await shared.services.record_gate.care(shared.away.actor, shared.person.id, asked)
    assert error.value.code is code
    return error.value


async def special(shared: Shared, asked: Asked) -> bool:
    """Whether the especially sensitive diagnosis is among what is read."""
    basis = await shared.services.record_gate.care(shared.away.actor, shared.person.id, asked)
    found = await shared.services.record_reader.timeline(basis, ["diagnosis"])
    return len(found.items) == 2


async def care_for(shared: Shared) -> None:
    now = clock.now()
    await shared.services.sharing.care.begin(
        CareKind.REFERRAL, shared.person.id, shared.away.id, "r1", begins_at=now, until=now
    )


async def test_without_a_ground_nobody_reads_and_the_answer_says_what_ways_there_are(shared: Shared):
    await refused(shared, Asked(practitioner=DOCTOR), ErrorCode.NOT_FOUND)
    error = await refused(shared, ASKED, ErrorCode.RECORD_ACCESS_DENIED)
    assert [way["way"] for way in error.data["ways"]] == ["consent", "care", "break_glass"]
    await refused(shared, Asked(presented=True), ErrorCode.PRACTITIONER_UNKNOWN)
    await refused(
        shared, Asked(Purpose.PATIENT_REQUEST, DOCTOR, presented=True), ErrorCode.RECORD_ACCESS_DENIED
    )


async def test_the_resident_grants_the_other_hospital_reads_and_the_resident_sees_it(shared: Shared):
    sharing, me = shared.services.sharing, shared.person
    consent = await sharing.consents.give(me.actor, me.id, shared.terms(), None)
    assert await shared.kinds_read() == EVERYTHING
    (seen,), more = await sharing.accesses.list_of(me.actor, me.id, own=False, cursor=None, limit=20)
    assert more is None
    assert (seen.organization, seen.practitioner) == ("健康城市中医院", "单丽华 主任医师")
    assert (seen.by, seen.basis, seen.reference) == ("hospital", BasisKind.CONSENT, consent.id)
    assert seen.why.endswith("授权")
    assert seen.kinds == ("allergy", "diagnosis", "medicine")
    await sharing.consents.revoke(me.actor, consent.id)
    await refused(shared, ASKED, ErrorCode.RECORD_ACCESS_DENIED)


@pytest.mark.parametrize(
    ("terms", "kinds"),
    [
        ({"kinds": frozenset({"allergy"})}, {"allergy"}),
        ({"since": date(2026, 1, 1)}, {"diagnosis", "medicine"}),
        ({"until": date(2026, 1, 9)}, {"allergy"}),
    ],
)
async def test_a_consent_shows_what_it_names_and_no_more(
    shared: Shared, terms: dict[str, Any], kinds: set[str]
):
    me = shared.person
    await shared.services.sharing.consents.give(me.actor, me.id, shared.terms(**terms), None)
    assert await shared.kinds_read() == kinds


async def test_a_consent_for_one_department_is_good_for_its_doctors_only(shared: Shared):
    me, consents = shared.person, shared.services.sharing.consents
    given = shared.terms(department_ids=frozenset({shared.away.department.id}))
    await consents.give(me.actor, me.id, given, None)
    assert await shared.kinds_read() == EVERYTHING
    await refused(shared, Asked(practitioner="somebody else"), ErrorCode.RECORD_ACCESS_DENIED)
    left = replace(shared.away.doctor, active=False)
    await shared.services.directory.save_practitioners([left])
    await refused(shared, ASKED, ErrorCode.RECORD_ACCESS_DENIED)


async def test_who_treats_reads_all_but_what_is_especially_sensitive(shared: Shared):
    await care_for(shared)
    assert await shared.kinds_read() == EVERYTHING
    assert not await special(shared, ASKED)
    me, consents = shared.person, shared.services.sharing.consents
    await consents.give(me.actor, me.id, shared.terms(sensitive=True), None)
    assert await special(shared, ASKED)


async def test_a_narrow_consent_does_not_take_from_who_treats(shared: Shared):
    me, gate = shared.person, shared.services.record_gate
    narrow = shared.terms(kinds=frozenset({"allergy"}), sensitive=True)
    consent = await shared.services.sharing.consents.give(me.actor, me.id, narrow, None)
    assert await shared.kinds_read() == {"allergy"}
    await care_for(shared)
    assert await shared.kinds_read() == EVERYTHING
    only = Asked(practitioner=DOCTOR, kinds=frozenset({"allergy"}))
    basis = await gate.care(shared.away.actor, me.id, only)
    assert (basis.kind, basis.reference) == (BasisKind.CONSENT, consent.id)


async def test_the_law_opens_what_a_duty_needs_for_public_health_and_never_for_treatment(shared: Shared):
    await make_resources(shared.services, shared.chart, a_condition("麻疹", clock.today().isoformat()))
    named = Asked(Purpose.PUBLIC_HEALTH, DOCTOR, reason="INFECTIOUS", presented=True)
    basis = await shared.services.record_gate.care(shared.away.actor, shared.person.id, named)
    assert (basis.kind, basis.reference) == (BasisKind.LAW, "INFECTIOUS")
    found = await shared.services.record_reader.timeline(basis)
    assert [each.body["code"]["text"] for each in found.items] == ["麻疹"]
    for wrong in (
        Asked(Purpose.TREAT, DOCTOR, reason="INFECTIOUS", presented=True),
        Asked(Purpose.PUBLIC_HEALTH, DOCTOR, reason="CURIOSITY", presented=True),
        Asked(Purpose.PUBLIC_HEALTH, DOCTOR, reason="VACCINE_REACTION", presented=True),
    ):
        if wrong.reason == "VACCINE_REACTION":
            clinic = await make_place(shared.services, "clinic", kind="clinic")
            with pytest.raises(AppError) as error:
                await shared.services.record_gate.care(clinic.actor, shared.person.id, wrong)
            assert error.value.code is ErrorCode.RECORD_ACCESS_DENIED
        else:
            await refused(shared, wrong, ErrorCode.RECORD_ACCESS_DENIED)


async def test_the_glass_is_broken_by_a_named_doctor_for_a_reason_and_for_a_while(shared: Shared):
    await refused(shared, Asked(Purpose.BREAK_GLASS, DOCTOR, presented=True), ErrorCode.REASON_REQUIRED)
    stranger = Asked(Purpose.BREAK_GLASS, "nobody", reason="02 抢救抢救", presented=True)
    await refused(shared, stranger, ErrorCode.PRACTITIONER_UNKNOWN)
    assert await special(shared, BROKEN)
    again = Asked(Purpose.BREAK_GLASS, DOCTOR, presented=True)
    assert await special(shared, again), "within its time the glass is broken once"
    await refused(shared, ASKED, ErrorCode.RECORD_ACCESS_DENIED)
    glasses = shared.services.db.collection("record_glasses")
    assert await glasses.count_documents({}) == 1
    await glasses.update_many({}, {"$set": {"expires_at": clock.now()}})
    await refused(shared, again, ErrorCode.REASON_REQUIRED)


async def test_emergencies_at_once_break_one_glass_and_tell_of_it_once(shared: Shared):
    gate, me = shared.services.record_gate, shared.person.id
    bases = await asyncio.gather(*(gate.care(shared.away.actor, me, BROKEN) for _ in range(8)))
    assert len({basis.reference for basis in bases}) == 1
    glasses = shared.services.db.collection("record_glasses")
    (glass,) = await glasses.find({}).to_list(None)
    assert (glass["_id"], len(glass["events"])) == (bases[0].reference, 1)
    entries, _ = await shared.services.audit.list_entries(
        SYSTEM, AuditFilter(action="records.break_glass"), limit=20
    )
    assert len(entries) == 1
    # When its time is over the next emergency is another one.
    past = {"$set": {"expires_at": clock.now()}}
    await glasses.update_many({}, past)
    await shared.services.db.collection("record_glass_windows").update_many({}, past)
    assert (await gate.care(shared.away.actor, me, BROKEN)).reference != glass["_id"]


async def test_what_others_ended_is_over_at_the_next_reading(shared: Shared):
    sharing, me = shared.services.sharing, shared.person
    await care_for(shared)
    assert await shared.kinds_read() == EVERYTHING
    await sharing.care.end(CareKind.REFERRAL, me.id, shared.away.id, "r1")
    await refused(shared, ASKED, ErrorCode.RECORD_ACCESS_DENIED)
    consent = await sharing.consents.give(me.actor, me.id, shared.terms(), None)
    assert await shared.kinds_read() == EVERYTHING
    # No consent is given for less than a moment: on a slow machine it would have ended before it was given.
    ended = {"$set": {"terms.expires_at": clock.now()}}
    await shared.services.db.collection("record_consents").update_one({"_id": consent.id}, ended)
    await refused(shared, ASKED, ErrorCode.RECORD_ACCESS_DENIED)


async def test_only_a_hospitals_own_system_may_ask(shared: Shared):
    for actor in (shared.person.actor,):
        with pytest.raises(AppError) as error:
            await shared.services.record_gate.care(actor, shared.person.id, ASKED)
        assert error.value.code is ErrorCode.FORBIDDEN


async def test_a_deleted_account_lets_nobody_read_any_more(shared: Shared):
    me, sharing = shared.person, shared.services.sharing
    await sharing.consents.give(me.actor, me.id, shared.terms(expires_at=clock.now() + 9 * DAY), None)
    await care_for(shared)
    await shared.services.residents.delete_account(me.actor)
    await shared.services.outbox.drain()
    await refused(shared, ASKED, ErrorCode.RECORD_ACCESS_DENIED)


async def test_a_number_that_texts_reads_no_record_not_even_its_owners(shared: Shared):
    me = shared.person.actor
    assert (await shared.services.record_gate.own(me, me.id)).kind is BasisKind.OWN
    with pytest.raises(AppError) as error:
        await shared.services.record_gate.own(replace(me, role=Role.RESIDENT_BY_SMS), me.id)
    assert error.value.code is ErrorCode.NOT_FOUND


async def test_what_a_hospital_reads_of_many_patients_at_once_each_of_them_sees(shared: Shared):
    services, me = shared.services, shared.person
    other = await make_resident(services)
    chart = await make_chart(services, shared.home.id, name=other.name, id_number=other.id_number)
    await make_resources(services, chart, a_condition("糖尿病"))
    basis = await services.record_gate.origin(shared.home.actor)
    page = await services.record_reader.search(basis, RecordQuery(types=("Condition",)))
    assert len(page.items) == 3
    accesses, questions = services.sharing.accesses, services.sharing.questions
    seen = []
    for each, count in ((me, 2), (other, 1)):
        (reading,), more = await accesses.list_of(each.actor, each.id, own=False, cursor=None, limit=20)
        assert more is None
        assert (reading.basis, reading.count, reading.person_id) == (BasisKind.ORIGIN, count, each.id)
        seen.append(reading)
        await questions.ask(each.actor, each.id, reading.id, "为什么看我的病历？")
    # One reading, and yet each asks for himself; nobody is shown what another has asked, or may name his.
    asked = await questions.of_readings([seen[0].id])
    assert [question.person_id for question in asked.values()] == [me.id]
    with pytest.raises(AppError) as error:
        await accesses.access(me.actor, me.id, seen[1].id)
    assert error.value.code is ErrorCode.NOT_FOUND
    assert (await accesses.access(me.actor, me.id, seen[0].id)).count == 2
    asking = {"action": "records.read", "data.charts": {"$in": [shared.chart.id, chart.id]}}
    found = services.db.collection("audit").find(asking).sort([("at", -1), ("_id", -1)]).limit(20)
    plan = str((await found.hint("of_charts").explain())["queryPlanner"]["winningPlan"])
    assert "'SORT'" not in plan, "the newest are met first, however many there are"
