"""Sending: from a draft to a referral, whoever is nearest, and the one that goes on from another."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime

from backend import clock
from backend.directory.models import Organization
from backend.errors import AppError, ErrorCode
from backend.ids import named_id
from backend.permissions import Actor
from backend.referrals.deciding import facts_key, missing_fields, successor_id
from backend.referrals.limits import TimeLimits
from backend.referrals.machine import Part, ReferralEvent, ReferralState
from backend.referrals.models import (
    NO_FACTS,
    Clinical,
    Direction,
    Draft,
    Facts,
    Level,
    Referral,
    Step,
    Urgency,
)
from backend.referrals.ports import Charts, Codes, Directory, People
from backend.referrals.store import ReferralStore
from backend.worker.events import NORMAL, URGENT, Event, EventKind

# So far back a chain of redirections is looked at: farther than there are institutions to be sent to.
_CHAIN = 500
_THERE = frozenset({ReferralState.ARRIVED, ReferralState.TREATING})


class Sending:
    """Makes referrals. Every method gives the same for the same request."""

    def __init__(
        self,
        store: ReferralStore,
        limits: TimeLimits,
        *,
        people: People,
        codes: Codes,
        charts: Charts,
        directory: Directory,
    ) -> None:
        self._store = store
        self._limits = limits
        self._people = people
        self._codes = codes
        self._charts = charts
        self._directory = directory

    async def send(self, actor: Actor, draft: Draft, key: str) -> tuple[Referral, bool]:
        """The referral and whether it is new. Raises as `Referrals.send` says."""
        referral_id = sent_id(actor.id, key)
        by = self._sender(actor, draft)
        known = await self._store.find(referral_id)
        if known is not None and draft.who.code:
            # A code is used up once.
            return _same(known, draft, by, known.person_id), False
        _check_draft(draft)
        person_id = await self._person(actor, by, draft)
        if known is not None:
            return _same(known, draft, by, person_id), False
        to = await self._receiver(draft.to_organization_id, draft.to_department_id, by, nearest=draft.nearest)
        await self.check_attachments(person_id, draft.attachments)
        await self._check_not_open(referral_id, person_id, by, to, draft)
        made = _of_draft(
            referral_id, draft, person_id, by, to, await self._practitioner(actor, draft, by), actor
        )
        return await self._keep(made, _step(actor, Part.SENDER, by, clock.now()))

    async def redirect(self, old: Referral, actor: Actor, part: Part, facts: Facts) -> tuple[Referral, bool]:
        """The referral that goes on from one that was rejected, has lapsed, or was missed."""
        known = await self._store.find(successor_id(old.id))
        if known is not None:
            return known, False
        if not old.person_id:
            raise AppError(ErrorCode.REFERRAL_STATE, "nobody is left to be sent")
        _check_nearest(facts.nearest, old.urgency, old.direction)
        tried = await self._tried(old)
        to = await self._receiver(
            facts.to_organization_id,
            facts.to_department_id,
            old.from_organization_id,
            nearest=facts.nearest,
            without=tried,
        )
        made = replace(
            _blank(successor_id(old.id), old, clock.now()),
            to_organization_id=to,
            to_department_id=facts.to_department_id,
            nearest=facts.nearest,
        )
        return await self._keep(made, _step(actor, part, old.from_organization_id, clock.now()))

    async def send_back(self, done: Referral) -> Referral | None:
        """The referral down that a completed one has opened; None where it has opened none."""
        if done.back is None:
            return None
        last = done.history[-1]
        made = replace(
            _blank(done.followed_by, done, clock.now()),
            direction=Direction.DOWN,
            urgency=Urgency.ROUTINE,
            from_organization_id=done.to_organization_id,
            to_organization_id=done.from_organization_id,
            from_practitioner_id="",
            from_phone="",
            sent_by=f"{last.actor_kind}:{last.actor_id}",
            clinical=done.back,
        )
        step = Step(
            ReferralEvent.SEND,
            ReferralState.REQUESTED,
            made.created_at,
            Part.SENDER,
            last.actor_kind,
            last.actor_id,
            made.from_organization_id,
        )
        return (await self._keep(made, step))[0]

    async def person_of_code(self, actor: Actor, code: str) -> str:
        """Who shows a health code. Raises one of the CODE_* errors."""
        return await self._codes.person_of(actor, code)

    # -- one by one ------------------------------------------------------------------------------------

    async def _keep(self, made: Referral, step: Step) -> tuple[Referral, bool]:
        now = made.created_at
        made = replace(
            made,
            accept_by=self._limits.answer_by(made.state, made.urgency, now),
            due_at=self._limits.next_due(made.state, made.urgency, Level.SENT, now),
            care_turn=int(made.gives_access),
            history=(step,),
        )
        if await self._store.insert(made, changed(made, ReferralEvent.SEND)):
            return made, True
        known = await self._store.find(made.id)
        if known is None:
            raise AppError(ErrorCode.CONFLICT, "the referral vanished")
        return known, False

    def _sender(self, actor: Actor, draft: Draft) -> str:
        places = actor.organization_ids
        if places is None:
            raise AppError(ErrorCode.FORBIDDEN, "the city sends nobody")
        if draft.from_organization_id:
            if draft.from_organization_id not in places:
                raise AppError(ErrorCode.FORBIDDEN, "another institution's referral")
            return draft.from_organization_id
        if len(places) != 1:
            raise missing_fields("from_organization_id")
        return next(iter(places))

    async def _person(self, actor: Actor, by: str, draft: Draft) -> str:
        who = draft.who
        if who.code:
            at_sender = replace(actor, organization_ids=frozenset({by}))
            return await self._codes.person_of(at_sender, who.code)
        if not who.name or not who.id_number:
            raise missing_fields("patient")
        return await self._people.find_or_create_file(who.name, who.id_number, who.phone or None)

    async def _practitioner(self, actor: Actor, draft: Draft, by: str) -> str:
        """Who signs: a doctor's account nobody but himself, others a doctor of their institution."""
        wanted = actor.practitioner_id or draft.practitioner_id
        if not wanted:
            return ""
        found = await self._directory.find_practitioner(wanted)
        if found is None or not found.active or found.organization_id != by:
            raise AppError(ErrorCode.PRACTITIONER_UNKNOWN, "not of the sender")
        return found.id

    async def _receiver(
        self, to: str, department_id: str, by: str, *, nearest: bool, without: Iterable[str] = ()
    ) -> str:
        if nearest:
            return await self._nearest(by, {by, *without})
        found = await self._directory.find_organization(to)
        if found is None or not found.active or to == by:
            raise missing_fields("to_organization_id", problem="unknown")
        if department_id:
            department = await self._directory.find_department(department_id)
            if department is None or not department.active or department.organization_id != to:
                raise missing_fields("to_department_id", problem="unknown")
        return to

    async def _nearest(self, by: str, without: set[str]) -> str:
        desks = [desk for desk in await self._store.emergency_desks() if desk.organization_id not in without]
        places = await self._directory.organizations_by_id([by, *(desk.organization_id for desk in desks)])
        here = places.pop(by, None)
        takers = [place for place in places.values() if place.active]
        if not takers:
            raise AppError(ErrorCode.REFERRAL_NO_RECEIVER)
        return min(takers, key=lambda place: (_distance_km(here, place), place.id)).id

    async def _tried(self, referral: Referral) -> set[str]:
        tried, at = {referral.to_organization_id}, referral
        for _ in range(_CHAIN):
            before = await self._store.find(at.follows) if at.follows else None
            if before is None or before.state is ReferralState.COMPLETED:
                break
            tried.add(before.to_organization_id)
            at = before
        return tried

    async def check_attachments(self, person_id: str, attachments: Iterable[str]) -> None:
        """They belong to the patient: nobody's record travels with another's referral."""
        for chart_id in {resource_id.partition("-")[0] for resource_id in attachments}:
            try:
                whose = await self._charts.person_of(chart_id)
            except AppError:
                whose = ""
            if whose != person_id:
                raise missing_fields("attachments", problem="unknown")

    async def _check_not_open(self, referral_id: str, person_id: str, by: str, to: str, draft: Draft) -> None:
        need = draft.urgency is Urgency.EMERGENCY
        for other in await self._store.of_person(person_id, open_only=True):
            same_way = (other.from_organization_id, other.to_organization_id, other.direction)
            if other.state in _THERE:
                # Who is sent again has gone home from there, whatever was written down of it.
                continue
            # What can wait is no reason to turn an emergency away.
            as_urgent = other.urgency is Urgency.EMERGENCY or not need
            # The very same request may be under way twice, and its twin a step ahead.
            if other.id != referral_id and same_way == (by, to, draft.direction) and as_urgent:
                raise AppError(ErrorCode.REFERRAL_OPEN, data={"referral_id": other.id})


def sent_id(actor_id: str, key: str) -> str:
    """The id of what somebody sends under a key."""
    return named_id("referral", actor_id, key)


def changed(referral: Referral, event: ReferralEvent) -> Event:
    """What others are told: ids and where it stands."""
    priority = URGENT if referral.urgency is Urgency.EMERGENCY else NORMAL
    data = {
        "referral_id": referral.id,
        "event": str(event),
        "state": str(referral.state),
        "direction": str(referral.direction),
        "from_organization_id": referral.from_organization_id,
        "to_organization_id": referral.to_organization_id,
    }
    return Event(EventKind.REFERRAL_CHANGED, data, priority=priority)


def _check_draft(draft: Draft) -> None:
    missing = [] if draft.reason.strip() else ["reason"]
    if not draft.to_organization_id and not draft.nearest:
        missing.append("to_organization_id")
    if draft.direction is Direction.DOWN:
        missing += [
            name
            for name, said in (("discharge_summary", draft.discharge_summary.strip()), ("plan", draft.plan))
            if not said
        ]
    if missing:
        raise missing_fields(*missing)
    _check_nearest(draft.nearest, draft.urgency, draft.direction)
    if draft.wanted_from and draft.wanted_until and draft.wanted_from > draft.wanted_until:
        raise missing_fields("wanted_until", problem="before_wanted_from")


def _check_nearest(nearest: bool, urgency: Urgency, direction: Direction) -> None:
    if nearest and (urgency is not Urgency.EMERGENCY or direction is not Direction.UP):
        raise missing_fields("nearest", problem="only_for_emergencies")


def _clinical(draft: Draft) -> Clinical:
    return Clinical(
        reason=draft.reason.strip(),
        diagnoses=draft.diagnoses,
        summary=draft.summary.strip(),
        attachments=tuple(dict.fromkeys(draft.attachments)),
        discharge_summary=draft.discharge_summary.strip(),
        plan=draft.plan,
    )


def _of_draft(
    referral_id: str, draft: Draft, person_id: str, by: str, to: str, practitioner_id: str, actor: Actor
) -> Referral:
    now = clock.now()
    return Referral(
        id=referral_id,
        direction=draft.direction,
        urgency=draft.urgency,
        state=ReferralState.REQUESTED,
        person_id=person_id,
        from_organization_id=by,
        to_organization_id=to,
        clinical=_clinical(draft),
        created_at=now,
        updated_at=now,
        to_department_id="" if draft.nearest else draft.to_department_id,
        from_practitioner_id=practitioner_id,
        from_phone=draft.phone.strip(),
        sent_by=f"{actor.kind}:{actor.id}",
        nearest=draft.nearest,
        wanted_from=draft.wanted_from,
        wanted_until=draft.wanted_until,
    )


def _blank(referral_id: str, old: Referral, now: datetime) -> Referral:
    """A new referral of the same person for the same reason."""
    return Referral(
        id=referral_id,
        direction=old.direction,
        urgency=old.urgency,
        state=ReferralState.REQUESTED,
        person_id=old.person_id,
        from_organization_id=old.from_organization_id,
        to_organization_id=old.to_organization_id,
        clinical=old.clinical,
        created_at=now,
        updated_at=now,
        from_practitioner_id=old.from_practitioner_id,
        from_phone=old.from_phone,
        sent_by=old.sent_by,
        wanted_from=old.wanted_from,
        wanted_until=old.wanted_until,
        follows=old.id,
    )


def _step(actor: Actor, part: Part, by: str, now: datetime) -> Step:
    return Step(
        ReferralEvent.SEND,
        ReferralState.REQUESTED,
        now,
        part,
        actor.kind,
        actor.id,
        by if part is Part.SENDER else "",
        facts=facts_key(NO_FACTS),
    )


def _same(known: Referral, draft: Draft, by: str, person_id: str) -> Referral:
    """What this very request made before; another request under its key is refused."""
    same_receiver = draft.nearest if known.nearest else known.to_organization_id == draft.to_organization_id
    wished = (draft.direction, draft.urgency, by, person_id)
    same_wish = wished == (known.direction, known.urgency, known.from_organization_id, known.person_id)
    # What was supplemented since has been added to what was sent.
    same_words = known.clinical.reason in ("", draft.reason.strip())
    if same_receiver and same_wish and same_words:
        return known
    raise AppError(ErrorCode.IDEMPOTENCY_KEY_REUSED)


def _distance_km(here: Organization | None, there: Organization) -> float:
    """As the crow flies; whoever has no place on the map comes last."""
    if here is None or None in (here.lat, here.lng, there.lat, there.lng):
        return math.inf
    a, b = math.radians(here.lat or 0), math.radians(there.lat or 0)
    east = math.radians((there.lng or 0) - (here.lng or 0)) * math.cos((a + b) / 2)
    return 6371 * math.hypot(b - a, east)
