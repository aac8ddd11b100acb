"""A handful of referrals between a community clinic and hospitals, in the states a visitor looks for."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from backend import clock
from backend.bootstrap import City
from backend.directory.codes import HospitalLevel
from backend.ids import new_id
from backend.permissions import SYSTEM, Actor, Role
from backend.referrals.desks import Desk
from backend.referrals.machine import ReferralEvent
from backend.referrals.models import (
    Diagnosis,
    Draft,
    Facts,
    Outcome,
    PlanItem,
    Referral,
    ReferralQuery,
    RejectReason,
    TransportKind,
    Urgency,
    Who,
)
from backend.seed.accounts import CLINIC, LEAD
from backend.seed.directory import DemoDirectory, Unit
from backend.seed.residents import Family, Person

E = ReferralEvent
_EMERGENCY_LEVELS = (HospitalLevel.L3_A, HospitalLevel.L3_B, HospitalLevel.L2_A)
_HEART, _STOMACH, _BONES, _BRAIN = "0304", "0302", "0403", "0303"
_DUTY, _OPERATORS = "13700130001", "13700130002"


async def seed_referrals(city: City, directory: DemoDirectory, families: Sequence[Family]) -> int:
    """Returns how many are new: none, when the clinic has sent somebody already."""
    staff = city.services.staff
    doctor, operator = await staff.find_by_login("family"), await staff.find_by_login("hospital")
    road = _Road(city, directory, doctor.id if doctor else "", operator.id if operator else "")
    known = await city.services.referrals.list(
        SYSTEM, ReferralQuery(organization_id=road.clinic.department.organization_id)
    )
    if known.items:
        return 0
    await _desks(city, directory)
    await road.waiting(families[0].father)
    await road.returned(families[1].mother)
    await road.accepted(families[2].father)
    await road.rejected(families[3].father)
    await road.on_the_way(families[4].grandmother)
    # The last is two: he has been sent back.
    await road.back_home(families[5].grandmother)
    return 7


async def _desks(city: City, directory: DemoDirectory) -> None:
    """The large hospitals take emergencies; somebody answers everywhere."""
    for organization in directory.organizations:
        takes = organization.level in _EMERGENCY_LEVELS and "儿童" not in organization.name
        await city.services.referrals.set_desk(SYSTEM, Desk(organization.id, takes, _DUTY, _OPERATORS))


class _Road:
    """Between the clinic's family doctor and the first hospital."""

    def __init__(self, city: City, directory: DemoDirectory, doctor_id: str, operator_id: str) -> None:
        self._city = city
        self._units = directory.units
        self.clinic = next(unit for unit in directory.units if unit.hospital.key == CLINIC)
        self._lead = self._unit(_HEART).department.organization_id
        own = self.clinic.department.organization_id
        doctor = self.clinic.doctors[0].practitioner.id
        self._doctor = Actor(
            "staff", doctor_id, Role.DOCTOR, frozenset({own}), channel="console", practitioner_id=doctor
        )
        self._desk = Actor("staff", operator_id, Role.HOSPITAL_OPERATOR, frozenset({self._lead}))

    async def waiting(self, person: Person) -> None:
        """Nobody has answered yet."""
        await self._send(
            person, _HEART, "活动后胸闷两个月，爬楼加重，休息数分钟缓解", "劳力性心绞痛待查", "I20.8"
        )

    async def returned(self, person: Person) -> None:
        """The hospital wants to know more."""
        sent = await self._send(
            person, _STOMACH, "反复上腹痛半年，近一个月体重下降3公斤", "上腹痛待查", "R10.1"
        )
        await self._act(self._desk, sent, E.ASK_MORE, Facts(text="请补充血常规和幽门螺杆菌检测结果"))

    async def accepted(self, person: Person) -> None:
        """With a place that the expert keeps for referrals."""
        sent = await self._send(person, _BONES, "右膝疼痛一年，行走百米即痛", "膝骨关节炎", "M17.9")
        department = self._unit(_BONES).department.id
        tomorrow = clock.today() + timedelta(days=1)
        free = await self._city.services.referrals.places(self._desk, self._lead, department, tomorrow, 7)
        if free:
            facts = Facts(schedule_id=free[0].schedule_id, bring="身份证、医保卡和膝关节片")
        else:
            facts = Facts(expected_at=clock.city_instant(tomorrow, 9), bring="身份证、医保卡和膝关节片")
        await self._act(self._desk, sent, E.ACCEPT, facts)

    async def rejected(self, person: Person) -> None:
        """The sender is to look elsewhere."""
        sent = await self._send(person, _BRAIN, "头晕三年，要求住院检查", "头晕", "R42")
        why = Facts(reason=RejectReason.NOT_INDICATED, text="建议先在基层完善血压监测")
        await self._act(self._desk, sent, E.REJECT, why)

    async def on_the_way(self, person: Person) -> None:
        """An emergency, in the ambulance."""
        sent = await self._send(
            person, _HEART, "突发胸痛40分钟，大汗，心电图ST段抬高", "急性心肌梗死", "I21.3",
            urgency=Urgency.EMERGENCY,
        )  # fmt: skip
        soon = clock.now() + timedelta(minutes=25)
        await self._act(self._desk, sent, E.ACCEPT, Facts(expected_at=soon, bed="胸痛中心绿色通道"))
        ambulance = Facts(
            transport=TransportKind.AMBULANCE, vehicle="急救3号车", crew_phone=_DUTY, expected_at=soon
        )
        await self._act(self._doctor, sent, E.DEPART, ambulance)

    async def back_home(self, person: Person) -> None:
        """Treated, and sent back with a plan."""
        sent = await self._send(person, _HEART, "血压难以控制，伴夜间憋醒", "高血压3级", "I10")
        bed = Facts(expected_at=clock.now(), bed="心血管内科6床")
        for event, facts in ((E.ACCEPT, bed), (E.ARRIVE, Facts()), (E.BEGIN_TREATMENT, Facts())):
            await self._act(self._desk, sent, event, facts)
        today = clock.today()
        done = Facts(
            outcome=Outcome.IMPROVED,
            text="血压控制平稳",
            send_back=True,
            discharge_summary="调整降压方案后血压平稳，心功能好转，转社区继续随访。",
            plan=(
                PlanItem("复测血压，核对服药情况", today + timedelta(days=7)),
                PlanItem("复查电解质和肾功能", today + timedelta(days=30)),
            ),
        )
        await self._act(self._desk, sent, E.COMPLETE, done)

    async def _send(
        self, person: Person, subject: str, reason: str, diagnosis: str, code: str,
        urgency: Urgency = Urgency.ROUTINE,
    ) -> Referral:  # fmt: skip
        draft = Draft(
            who=Who(name=person.name, id_number=person.id_number, phone=person.phone),
            reason=reason,
            urgency=urgency,
            to_organization_id=self._lead,
            to_department_id=self._unit(subject).department.id,
            diagnoses=(Diagnosis(diagnosis, code),),
        )
        return await self._city.services.referrals.send(self._doctor, draft, new_id())

    async def _act(self, actor: Actor, sent: Referral, event: ReferralEvent, facts: Facts) -> None:
        await self._city.services.referrals.act(actor, sent.id, event, facts)

    def _unit(self, subject: str) -> Unit:
        return next(unit for unit in self._units if unit.hospital.key == LEAD and unit.ward.code == subject)
