"""A clinic that refers, two hospitals that receive, a resident, and what moves between them."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from backend import clock
from backend.bootstrap import Services
from backend.directory.codes import HospitalLevel, OrganizationKind
from backend.ids import new_id
from backend.permissions import SYSTEM, Actor, Role
from backend.referrals.desks import Desk
from backend.referrals.machine import ReferralEvent, ReferralState
from backend.referrals.models import (
    Clinical,
    Direction,
    Draft,
    Facts,
    Outcome,
    PlanItem,
    Referral,
    RejectReason,
    TransportKind,
    Urgency,
    Who,
)
from backend.referrals.service import ReferralService
from backend.referrals.store import ReferralStore
from backend.slotpool.schedules_models import Schedule
from backend.slotpool.schedules_store import ScheduleStore
from tests.factories.residents import SignedIn, make_resident
from tests.factories.sharing import Place, make_place
from tests.support.city import make_schedule

E = ReferralEvent
IN_TWO_HOURS = timedelta(hours=2)
REASON = "反复胸痛三天，心电图异常，疑似心绞痛"


@dataclass
class Road:
    """Between a clinic and hospitals."""

    services: Services
    clinic: Place
    lead: Place
    other: Place
    person: SignedIn
    doctor: Actor
    _numbers: int = field(default=0)

    @property
    def referrals(self) -> ReferralService:
        return self.services.referrals

    @property
    def city(self) -> Actor:
        return Actor("staff", "city-1", Role.CITY_OPERATOR, None, new_id(), "console")

    def draft(self, **more: Any) -> Draft:
        who = Who(name=self.person.name, id_number=self.person.id_number)
        values: dict[str, Any] = {"who": who, "reason": REASON, "to_organization_id": self.lead.id}
        if more.get("nearest"):
            values["to_organization_id"] = ""
        if more.get("direction") is Direction.DOWN:
            values |= {"discharge_summary": "好转出院", "plan": (PlanItem("复查心电图", clock.today()),)}
        return Draft(**(values | more))

    async def send(self, actor: Actor | None = None, **more: Any) -> Referral:
        """Sent by the clinic's doctor."""
        return await self.referrals.send(actor or self.doctor, self.draft(**more), new_id())

    async def session(self, place: Place | None = None, *, slots: int = 6, **more: Any) -> Schedule:
        """A session of the lead hospital with one place kept for referrals."""
        at = place or self.lead
        values: dict[str, Any] = {"reserved": {"referral": 1}}
        schedule = make_schedule(at.organization, at.department, slots=slots, **(values | more))
        await ScheduleStore(self.services.db).insert([schedule])
        return schedule

    async def act(self, actor: Actor, referral: Referral, event: ReferralEvent, **facts: Any) -> Referral:
        return await self.referrals.act(actor, referral.id, event, Facts(**facts))

    async def accepted(self, schedule: Schedule | None = None, **more: Any) -> Referral:
        """Sent, and accepted with a place of the pool, or for two hours from now."""
        sent = await self.send(**more)
        where = {"schedule_id": schedule.id} if schedule else {"expected_at": clock.now() + IN_TWO_HOURS}
        return await self.act(self.lead.actor, sent, E.ACCEPT, **where)

    async def stored(self, referral: Referral) -> Referral:
        """As it lies in the database."""
        found = await self.store.find(referral.id)
        assert found is not None
        return found

    async def reads(self, place: Place | None = None) -> bool:
        """Whether a hospital treats the resident, as far as the record goes."""
        at = place or self.lead
        return await self.services.sharing.care.holding(self.person.id, at.id) is not None

    @property
    def store(self) -> ReferralStore:
        return ReferralStore(self.services.db, self.services.cipher)

    async def overdue(self, referral: Referral) -> None:
        """Let the clock that runs have run out, and sweep."""
        await self.services.db.collection("referrals").update_one(
            {"_id": referral.id}, {"$set": {"due_at": clock.now() - timedelta(seconds=1)}}
        )
        await self.referrals.following.sweep()


async def make_road(services: Services, **desk: Any) -> Road:
    """The clinic lies nearer to the lead hospital; both hospitals take emergencies."""
    clinic = await make_place(
        services,
        "clinic",
        name="幸福社区卫生服务中心",
        short_name="幸福社区",
        kind=OrganizationKind.COMMUNITY,
        level=HospitalLevel.UNGRADED,
        lat=36.70,
        lng=119.10,
    )
    lead = await make_place(services, "lead", name="市人民医院", short_name="市医院", lat=36.71, lng=119.11)
    other = await make_place(services, "other", name="市中医院", short_name="中医院", lat=36.80, lng=119.30)
    person = await make_resident(services)
    doctor = Actor(
        "staff",
        new_id(),
        Role.DOCTOR,
        frozenset({clinic.id}),
        new_id(),
        "console",
        practitioner_id=clinic.doctor.id,
    )
    for place, phone in ((lead, "13700000001"), (other, "13700000002")):
        phones = {"duty_phone": phone, "operators_phone": phone[:-1] + "9"} | desk
        await services.referrals.set_desk(SYSTEM, Desk(place.id, takes_emergencies=True, **phones))
    return Road(services, clinic, lead, other, person, doctor)


# What each event needs, besides a place of the pool.
FACTS: dict[ReferralEvent, Facts] = {
    E.ASK_MORE: Facts(text="请补充血常规结果"),
    E.SUPPLEMENT: Facts(text="血常规正常"),
    E.ACCEPT: Facts(expected_at=clock.now() + IN_TWO_HOURS, bed="心内科12床"),
    E.REJECT: Facts(reason=RejectReason.NO_BED, text="近三日无床"),
    E.WISH: Facts(text="希望改到下午"),
    E.REBOOK: Facts(expected_at=clock.now() + 2 * IN_TWO_HOURS, bed="心内科14床"),
    E.DEPART: Facts(transport=TransportKind.AMBULANCE, vehicle="鲁A12345", crew_phone="13600000001"),
    E.IDENTIFY: Facts(who=Who(person_id="PERSON")),
    E.FOLLOW_UP: Facts(item=1, done_on=clock.today(), text="血压正常"),
    E.COMPLETE: Facts(outcome=Outcome.IMPROVED, text="支架术后平稳"),
}


def a_referral(state: ReferralState = ReferralState.REQUESTED, **more: Any) -> Referral:
    """A referral in a state, for rules that need no city."""
    now = clock.now()
    values: dict[str, Any] = {
        "id": new_id(),
        "direction": Direction.UP,
        "urgency": Urgency.ROUTINE,
        "state": state,
        "person_id": "PERSON",
        "from_organization_id": "FROM",
        "to_organization_id": "TO",
        "clinical": Clinical(REASON),
        "created_at": now,
        "updated_at": now,
    }
    return Referral(**(values | more))
