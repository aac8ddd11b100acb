"""What a referral's two sides do with it: a form for each event of the machine, and the way to the record."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

from pydantic import Field

from admin.base import page
from admin.forms import Day, Filters
from admin.referral_forms import ASKS_PLACE, StepForm
from admin.views.referral_sending import receivers, unrung, worded
from admin.views.referrals import ROOT, WRITE, OnePage, ReferralPage
from backend import clock
from backend.errors import AppError, ErrorCode, not_found
from backend.http.endpoint import requires
from backend.permissions import Permission
from backend.records.models import Purpose
from backend.referrals import plans
from backend.referrals.machine import ReferralEvent
from backend.referrals.models import FreePlaces, Referral, Urgency
from backend.referrals.pool import FURTHEST

DAYS = 7
# No form to fill in: the button does it.
AT_ONCE = frozenset({ReferralEvent.BEGIN_TREATMENT})


class PlaceFilters(Filters):
    """Which part of the pool is looked at."""

    department: str = Field("", max_length=64, title="科室")
    from_on: Day | None = Field(None, title="从哪天起")


class StepHandler(OnePage):
    """One event's form, and doing it."""

    @requires(WRITE)
    @page("The form of a referral's next step", errors=(ErrorCode.REFERRAL_STATE, ErrorCode.FORBIDDEN))
    async def get(self, query: PlaceFilters, referral_id: str, event: str) -> None:
        """Only what this side may do now has a form; else it is refused as doing it would be."""
        del query
        await self.show(referral_id=referral_id, event=event)

    async def show(self, **path: str) -> None:
        """The form; a button's refusal is told where the button is."""
        event, service = _event(path["event"]), self.services.referrals
        referral = await service.get(self.actor, path["referral_id"])
        parts = await service.parts(self.actor, referral)
        if self.problem is None:
            service.check(parts, referral, event)
        if event in AT_ONCE or event not in service.possible(parts, referral):
            await self.show_one(referral)
            return
        await self.show_referrals(
            "referrals/step.html",
            referral=referral,
            event=event,
            people=await self.people_of([referral]),
            names=await self.places_of([referral]),
            plan_rows=self.plan_rows(),
            **await self._beside(referral, event),
        )

    async def _beside(self, referral: Referral, event: ReferralEvent) -> dict[str, Any]:
        if event in ASKS_PLACE:
            return await self._places(referral)
        if event is ReferralEvent.FOLLOW_UP:
            return {"plan_lines": plans.lines(referral), "today": clock.today()}
        if event is ReferralEvent.REDIRECT:
            found = await receivers(self, referral.direction, referral.to_organization_id)
            urgent = referral.urgency is Urgency.EMERGENCY
            return {"receivers": found, "unrung": await unrung(self, found) if urgent else ()}
        return {}

    async def _places(self, referral: Referral) -> dict[str, Any]:
        """What the green channel has free here, from the wanted day on."""
        asked = self.read_query(PlaceFilters)
        department_id = self.query.get("department", referral.to_department_id)
        first = asked.from_on or max(clock.today(), referral.wanted_from or date.min)
        # Whoever sent it may have written any day: nothing is published so far ahead.
        first = min(first, clock.today() + FURTHEST)
        service, directory = self.services.referrals, self.services.directory
        own = referral.to_organization_id
        free = await service.places(self.actor, own, department_id, first, DAYS)
        doctors = await directory.practitioners_by_id({each.practitioner_id for each in free})
        departments = await directory.list_departments(own)
        return {
            "free": sorted(free, key=_when),
            "doctors": doctors,
            "departments": {each.id: each for each in departments},
            "chosen": department_id,
            "first": first,
            "following": first + timedelta(days=DAYS),
            "soon": (clock.now() + timedelta(minutes=30)).astimezone(clock.CITY_ZONE),
        }

    @requires(WRITE)
    @page(
        "Take a referral a step further",
        errors=(ErrorCode.REFERRAL_STATE, ErrorCode.BAD_REQUEST, ErrorCode.SLOT_TAKEN, ErrorCode.CONFLICT),
        again=True,
    )
    async def post(self, body: StepForm, referral_id: str, event: str) -> None:
        """Do it, and show where the referral now stands."""
        wanted, service = _event(event), self.services.referrals
        if wanted is ReferralEvent.ARRIVE and body.health_code:
            await self._check_code(body.health_code, referral_id)
        after = await worded(service.act(self.actor, referral_id, wanted, body.facts(wanted)))
        self.go(f"{ROOT}/{after.id}", "referral-sent" if wanted is ReferralEvent.REDIRECT else "saved")

    async def _check_code(self, code: str, referral_id: str) -> None:
        """Whoever shows a code must be who is expected."""
        service = self.services.referrals
        at = (await service.get(self.actor, referral_id)).to_organization_id
        if (await service.expected(self.actor, code, at)).id != referral_id:
            raise AppError(
                ErrorCode.CONFLICT, "another person's code", text="这个健康码不是这位患者的，请核对。"
            )


class ArrivalHandler(ReferralPage):
    """The desk at the door: a code is shown, and whose it is has arrived."""

    @requires(WRITE)
    @page("Register an arrival by health code")
    async def get(self) -> None:
        """A box for the scanner."""
        await self.show()

    async def show(self, **path: str) -> None:
        """The box."""
        await self.show_referrals("referrals/arrival.html")

    @requires(WRITE)
    @page("Register who has arrived", errors=(ErrorCode.BAD_REQUEST, ErrorCode.REFERRAL_STATE), again=True)
    async def post(self, body: StepForm) -> None:
        """Whoever shows a code and is expected here has arrived."""
        if not body.health_code:
            raise AppError(ErrorCode.BAD_REQUEST, "no code", text="请扫描或输入健康码。")
        service = self.services.referrals
        found = await service.expected(self.actor, body.health_code)
        if ReferralEvent.ARRIVE in service.possible(await service.parts(self.actor, found), found):
            await service.act(self.actor, found.id, ReferralEvent.ARRIVE)
        self.go(f"{ROOT}/{found.id}", "referral-arrived")


class RecordHandler(OnePage):
    """The patient's record, in its own window."""

    async def show(self, **path: str) -> None:
        """The referral, where the record could not be opened."""
        await super().show(referral_id=path["referral_id"])

    @requires(Permission.STAFF_RECORD_ACCESS_OPEN)
    @page("Open a referred patient's record", errors=(ErrorCode.PRACTITIONER_UNKNOWN,), again=True)
    async def post(self, referral_id: str) -> None:
        """By the doctor who has signed in; whether the record may be read, the window's gate decides."""
        referral = await self.services.referrals.get(self.actor, referral_id)
        if not referral.person_id:
            text = "这份转诊没有登记患者身份，不能打开病历。"
            raise AppError(ErrorCode.REFERRAL_STATE, "nobody's record", text=text)
        mine = (referral.to_organization_id, referral.from_organization_id)
        organization_id = next((each for each in mine if self.actor.covers(each)), "")
        doctor = await self.services.directory.find_practitioner(self.actor.practitioner_id or "-")
        if doctor is None or doctor.organization_id != organization_id:
            raise AppError(
                ErrorCode.PRACTITIONER_UNKNOWN,
                "an account that is no doctor of this institution",
                text="您的账号没有关联本机构的医生，不能打开病历。请联系市级管理员在“工作人员”中关联。",
            )
        launches = self.services.sharing.launches
        launch = await launches.make(
            self.actor,
            organization_id,
            referral.person_id,
            practitioner=doctor.external.value,
            encounter="",
            purpose=Purpose.TREAT,
            presented=False,
        )
        self.redirect(launches.address(launch), status=303)


def _event(name: str) -> ReferralEvent:
    try:
        return ReferralEvent(name)
    except ValueError:
        raise not_found("event") from None


def _when(free: FreePlaces) -> tuple[date, str, str]:
    return free.on, free.period, free.schedule_id


_ONE = rf"{ROOT}/(?P<referral_id>[0-9A-Z]{{26}})"
routes = [
    (rf"{ROOT}/arrival", ArrivalHandler),
    (rf"{_ONE}/record", RecordHandler),
    (rf"{_ONE}/(?P<event>[\w-]+)", StepHandler),
]
