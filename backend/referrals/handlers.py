"""Referrals over HTTP: hospitals' systems, and residents' app."""

from __future__ import annotations

from backend.directory import identity
from backend.directory.service import organization_of
from backend.errors import ErrorCode as E
from backend.http.base import APIHandler
from backend.http.endpoint import operation, requires
from backend.http.schema import Items, Page
from backend.ids import new_id
from backend.permissions import Permission
from backend.referrals import answers, schemas
from backend.referrals.desks import Desk
from backend.referrals.machine import ReferralEvent
from backend.referrals.models import Facts, Referral, ReferralQuery

_TAG = "referrals"
_PLACE_ERRORS = (
    E.SCHEDULE_NOT_FOUND, E.SCHEDULE_STOPPED, E.SLOT_NOT_FOUND, E.SLOT_PAST, E.SLOT_RESERVED, E.SLOT_TAKEN,
    E.SOLD_OUT, E.ALREADY_BOOKED,
)  # fmt: skip
_WHO_ERRORS = (
    E.NAME_INVALID, E.ID_NUMBER_INVALID, E.PHONE_INVALID, E.REAL_NAME_MISMATCH, E.CODE_EXPIRED,
    E.CODE_REPLAYED,
)  # fmt: skip
_ACT_ERRORS = (
    E.NOT_FOUND, E.REFERRAL_STATE, E.REFERRAL_OPEN, E.REFERRAL_NO_RECEIVER, E.CONFLICT,
    *_PLACE_ERRORS, *_WHO_ERRORS,
)  # fmt: skip


class _ReferralAnswers(APIHandler):
    """Referrals as the asking side sees them."""

    async def shown(self, *referrals: Referral) -> list[answers.ReferralOut]:
        """With the names of what they point to; the two institutions see who the patient is."""
        services, clear = self.services, self.actor.kind == "client"
        people = {each.person_id for each in referrals}
        department_ids = {each.to_department_id for each in referrals}
        department_ids |= {each.place.department_id for each in referrals if each.place}
        doctors = {each.from_practitioner_id for each in referrals}
        doctors |= {each.place.practitioner_id for each in referrals if each.place}
        sides = {each.from_organization_id for each in referrals}
        sides |= {each.to_organization_id for each in referrals}
        names = answers.Names(
            await services.directory.organizations_by_id(sides),
            await services.directory.departments_by_id(department_ids - {""}),
            await services.directory.practitioners_by_id(doctors - {""}),
            {} if clear else await services.residents.names(people),
            await services.residents.identities(people) if clear else {},
        )
        return [names.out(each, await self._can(each)) for each in referrals]

    async def _can(self, referral: Referral) -> list[ReferralEvent]:
        service = self.services.referrals
        return list(service.possible(await service.parts(self.actor, referral), referral))


class HospitalReferralsHandler(_ReferralAnswers):
    """Referrals of a hospital."""

    @requires(Permission.HOSPITAL_REFERRALS_WRITE)
    @operation(
        "Refer a patient",
        status=201,
        errors=(
            *_WHO_ERRORS, E.PRACTITIONER_UNKNOWN, E.REFERRAL_OPEN, E.REFERRAL_NO_RECEIVER,
            E.IDEMPOTENCY_KEY_INVALID, E.IDEMPOTENCY_KEY_REUSED,
        ),
        tag=_TAG,
        rate_limit="hospital_write",
    )  # fmt: skip
    async def post(self, body: schemas.SendReferral) -> answers.ReferralOut:
        """An emergency opens the record to the receiver at once. Repeat with the same Idempotency-Key."""
        practitioner_id = ""
        if body.practitioner is not None:
            external = identity.of_hospital(body.practitioner)
            practitioner_id = identity.practitioner_id(organization_of(self.actor), external)
        draft = schemas.draft_of(body, practitioner_id)
        sent = await self.services.referrals.send(self.actor, draft, self.idempotency_key or new_id())
        return (await self.shown(sent))[0]

    @requires(Permission.HOSPITAL_REFERRALS_READ)
    @operation("List referrals sent to and by the hospital", tag=_TAG)
    async def get(self, query: schemas.ReferralsQuery) -> Page[answers.ReferralOut]:
        """The newest first."""
        found = await self.services.referrals.list(self.actor, schemas.query_of(query))
        return Page(items=await self.shown(*found.items), next_cursor=found.next_cursor)


class HospitalReferralHandler(_ReferralAnswers):
    """One referral."""

    @requires(Permission.HOSPITAL_REFERRALS_READ)
    @operation("Read a referral", errors=(E.NOT_FOUND,), tag=_TAG)
    async def get(self, referral_id: str) -> answers.ReferralOut:
        """Being read is on record, and the patient sees it."""
        return (await self.shown(await self.services.referrals.get(self.actor, referral_id)))[0]


class HospitalReferralEventHandler(_ReferralAnswers):
    """What happens to it."""

    @requires(Permission.HOSPITAL_REFERRALS_WRITE)
    @operation("Move a referral", errors=_ACT_ERRORS, tag=_TAG, rate_limit="hospital_write")
    async def post(self, body: schemas.ReferralFactsIn, referral_id: str, event: str) -> answers.ReferralOut:
        """Events: ask_more, supplement, accept, reject, rebook, depart, arrive, begin_treatment, complete,
        withdraw, miss, redirect, identify, follow_up. Which side may do which, and what each needs, is in
        docs/referrals.md. Safe to repeat.
        """
        facts = await self._facts(body)
        moved = await self.services.referrals.act(self.actor, referral_id, ReferralEvent(event), facts)
        return (await self.shown(moved))[0]

    async def _facts(self, body: schemas.ReferralFactsIn) -> Facts:
        schedule_id = ""
        if body.schedule is not None:
            schedule_id = (await self.services.schedules.access(self.actor, body.schedule)).id
        return Facts(
            text=body.text,
            reason=body.reason,
            schedule_id=schedule_id,
            number=body.number,
            bed=body.bed,
            expected_at=body.expected_at,
            bring=body.bring,
            transport=body.transport,
            vehicle=body.vehicle,
            crew_phone=body.crew_phone,
            attachments=tuple(body.attachments),
            diagnoses=schemas.diagnoses_of(body.diagnoses),
            outcome=body.outcome,
            send_back=body.send_back,
            discharge_summary=body.discharge_summary,
            plan=schemas.plan_of(body.plan),
            to_organization_id=body.to,
            to_department_id=body.department,
            nearest=body.nearest,
            who=schemas.who_of(body.patient) if body.patient else None,
            item=body.item,
            done_on=body.done_on,
            not_done=body.not_done,
        )


class HospitalPlacesHandler(APIHandler):
    """What the green channel has free."""

    @requires(Permission.HOSPITAL_REFERRALS_READ)
    @operation("List places for referrals", errors=(E.NOT_FOUND,), tag=_TAG)
    async def get(self, query: schemas.PlacesQuery) -> Items[answers.ReferralSessionOut]:
        """The asking hospital's own, or another's before a patient is sent there."""
        own = organization_of(self.actor)
        place = query.organization or own
        found = await self.services.referrals.places(
            self.actor, place, query.department, query.from_on, query.days
        )
        known = await self.services.schedules.list_by_id([each.schedule_id for each in found])
        return Items(
            items=[
                answers.session_out(each, known[each.schedule_id].external_id if place == own else None)
                for each in found
            ]
        )


class HospitalDeskHandler(APIHandler):
    """Who answers referrals here."""

    @requires(Permission.HOSPITAL_REFERRALS_READ)
    @operation("Read the hospital's referral desk", tag=_TAG)
    async def get(self) -> answers.DeskOut:
        """Empty where nothing was stated."""
        own = organization_of(self.actor)
        return answers.desk_out(await self.services.referrals.desk(self.actor, own))

    @requires(Permission.HOSPITAL_REFERRALS_WRITE)
    @operation("State the hospital's referral desk", tag=_TAG, rate_limit="hospital_write")
    async def put(self, body: schemas.DeskIn) -> answers.DeskOut:
        """Phones that are called when nobody answers, and whether emergencies may be sent unasked."""
        desk = Desk(
            organization_of(self.actor), body.takes_emergencies, body.duty_phone, body.operators_phone
        )
        return answers.desk_out(await self.services.referrals.set_desk(self.actor, desk))


class MyReferralsHandler(_ReferralAnswers):
    """A resident's referrals."""

    @requires(Permission.RESIDENT_REFERRALS_READ)
    @operation("List referrals", tag=_TAG)
    async def get(self, query: schemas.MyReferralsQuery) -> Page[answers.ReferralOut]:
        """Of everybody he acts for, the newest first."""
        wanted = ReferralQuery(person_id=query.patient_id, cursor=query.cursor, limit=query.limit)
        found = await self.services.referrals.list(self.actor, wanted)
        return Page(items=await self.shown(*found.items), next_cursor=found.next_cursor)


class MyReferralHandler(_ReferralAnswers):
    """One of them."""

    @requires(Permission.RESIDENT_REFERRALS_READ)
    @operation("Read a referral", errors=(E.NOT_FOUND,), tag=_TAG)
    async def get(self, referral_id: str) -> answers.ReferralOut:
        """What is wrong is shown to the patient himself and a child's guardian."""
        return (await self.shown(await self.services.referrals.get(self.actor, referral_id)))[0]


class WithdrawHandler(_ReferralAnswers):
    """The patient does not go."""

    @requires(Permission.RESIDENT_REFERRALS_MANAGE)
    @operation(
        "Withdraw a referral",
        errors=(E.NOT_FOUND, E.REFERRAL_STATE, E.CONFLICT),
        tag=_TAG,
        rate_limit="booking",
    )
    async def post(self, body: schemas.WithdrawReferral, referral_id: str) -> answers.ReferralOut:
        """The place goes back to the pool, and the receiver reads the record no longer. Safe to repeat."""
        facts = Facts(text=body.text)
        moved = await self.services.referrals.act(self.actor, referral_id, ReferralEvent.WITHDRAW, facts)
        return (await self.shown(moved))[0]


class WishHandler(_ReferralAnswers):
    """The patient cannot come at that time."""

    @requires(Permission.RESIDENT_REFERRALS_MANAGE)
    @operation(
        "Ask for another time",
        errors=(E.NOT_FOUND, E.REFERRAL_STATE, E.CONFLICT),
        tag=_TAG,
        rate_limit="booking",
    )
    async def post(self, body: schemas.WishAnotherTime, referral_id: str) -> answers.ReferralOut:
        """The place stays until the receiver has given another. Safe to repeat."""
        facts = Facts(text=body.text)
        moved = await self.services.referrals.act(self.actor, referral_id, ReferralEvent.WISH, facts)
        return (await self.shown(moved))[0]


_NOT_HOSPITALS = {
    ReferralEvent.SEND, ReferralEvent.WISH, ReferralEvent.ESCALATE, ReferralEvent.LAPSE, ReferralEvent.CLOSE,
}  # fmt: skip
_HOSPITALS = "|".join(event for event in ReferralEvent if event not in _NOT_HOSPITALS)

routes = [
    (r"/hospital/v1/referrals", HospitalReferralsHandler),
    (r"/hospital/v1/referrals/places", HospitalPlacesHandler),
    (r"/hospital/v1/referrals/desk", HospitalDeskHandler),
    (r"/hospital/v1/referrals/(?P<referral_id>[^/]+)", HospitalReferralHandler),
    (
        rf"/hospital/v1/referrals/(?P<referral_id>[^/]+)/(?P<event>{_HOSPITALS})",
        HospitalReferralEventHandler,
    ),
    (r"/api/v1/referrals", MyReferralsHandler),
    (r"/api/v1/referrals/(?P<referral_id>[^/]+)", MyReferralHandler),
    (r"/api/v1/referrals/(?P<referral_id>[^/]+)/withdraw", WithdrawHandler),
    (r"/api/v1/referrals/(?P<referral_id>[^/]+)/wish", WishHandler),
]
