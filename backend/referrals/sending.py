"""Sending: from a draft to a referral, whoever is nearest, and the one that goes on from another."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from backend import clock
from backend.errors import AppError, ErrorCode
from backend.ids import named_id
from backend.permissions import Actor
from backend.referrals.deciding import missing_fields, successor_id
from backend.referrals.drafts import (
    blank,
    check_draft,
    check_levels,
    check_nearest,
    check_same,
    distance_km,
    of_draft,
    sent_step,
)
from backend.referrals.machine import UNDER_WAY, Part, ReferralEvent, ReferralState
from backend.referrals.models import (
    Direction,
    Draft,
    Facts,
    Level,
    Referral,
    Step,
    Urgency,
    Who,
)
from backend.referrals.ports import Charts, Codes, Directory, Limits, People
from backend.referrals.store import New, ReferralStore
from backend.worker.events import NORMAL, URGENT, Event, EventKind

# So far back a chain of redirections is looked at: farther than there are institutions to be sent to.
_CHAIN = 500
_TRIES = 4


class Sending:
    """Makes referrals. Every method gives the same for the same request."""

    def __init__(
        self,
        store: ReferralStore,
        limits: Limits,
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
            return check_same(known, draft, by, known.person_id), False
        check_draft(draft)
        person_id = await self._person(actor, by, draft.who)
        if known is not None:
            return check_same(known, draft, by, person_id), False
        to = await self._receiver(draft.to_organization_id, draft.to_department_id, by, nearest=draft.nearest)
        await self._check_levels(draft.direction, draft.urgency, by, to)
        await self.check_attachments(person_id, draft.attachments)
        await self._check_not_open(referral_id, person_id, by, to, draft)
        made = of_draft(
            referral_id, draft, person_id, by, to, await self._practitioner(actor, draft, by), actor
        )
        return await self._keep(await self._new(made, sent_step(actor, Part.SENDER, by, clock.now())))

    async def redirect(self, old: Referral, actor: Actor, part: Part, facts: Facts) -> New:
        """The referral that is to go on from one that was rejected, has lapsed, or was missed."""
        if not old.person_id and not old.is_unidentified:
            raise AppError(ErrorCode.REFERRAL_STATE, "nobody is left to be sent")
        check_nearest(facts.nearest, old.urgency, old.direction)
        tried = await self._tried(old)
        to = await self._receiver(
            facts.to_organization_id,
            facts.to_department_id,
            old.from_organization_id,
            nearest=facts.nearest,
            without=tried,
        )
        await self._check_levels(old.direction, old.urgency, old.from_organization_id, to)
        made = replace(
            blank(successor_id(old.id), old, clock.now()),
            to_organization_id=to,
            to_department_id=facts.to_department_id,
            nearest=facts.nearest,
        )
        return await self._new(made, sent_step(actor, part, old.from_organization_id, clock.now()))

    async def last_of(self, old: Referral) -> Referral | None:
        """The last that has gone on from one, where its patient is looked for; None where nothing has."""
        at = old
        for _ in range(_CHAIN):
            # What goes home from a completed one is another matter.
            goes_on = at.followed_by if at.state is not ReferralState.COMPLETED else ""
            after = await self._store.find(goes_on) if goes_on not in ("", old.id) else None
            if after is None:
                break
            at = after
        return at if at is not old else None

    async def send_back(self, done: Referral) -> Referral | None:
        """The referral down that a completed one has opened; None where it has opened none."""
        if done.back is None:
            return None
        # What was said of the patient, or of his plan, since then is somebody else's.
        last = next(step for step in reversed(done.history) if step.event is ReferralEvent.COMPLETE)
        made = replace(
            blank(done.followed_by, done, clock.now()),
            direction=Direction.DOWN,
            urgency=Urgency.ROUTINE,
            from_organization_id=done.to_organization_id,
            to_organization_id=done.from_organization_id,
            from_practitioner_id="",
            from_phone="",
            sent_by=f"{last.actor_kind}:{last.actor_id}",
            clinical=done.back,
            follow_ups=(),
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
        return (await self._keep(replace(await self._new(made, step), alone=False)))[0]

    async def identified(self, actor: Actor, referral: Referral, facts: Facts) -> Facts:
        """Who it is, found or with a file made: what the event is known by when it comes again.

        Raises as `Referrals.act` says, and as a code or an ID number does that nobody has.
        """
        sides = (referral.to_organization_id, referral.from_organization_id)
        at = next((each for each in sides if actor.covers(each)), "")
        if facts.who is None:
            raise missing_fields("patient")
        return replace(facts, who=Who(person_id=await self._person(actor, at, facts.who)))

    async def person_of_code(self, actor: Actor, code: str) -> str:
        """Who shows a health code. Raises one of the CODE_* errors."""
        return await self._codes.person_of(actor, code)

    # -- one by one ------------------------------------------------------------------------------------

    async def _new(self, made: Referral, step: Step) -> New:
        now, limits = made.created_at, await self._limits.now()
        made = replace(
            made,
            accept_by=limits.answer_by(made.state, made.urgency, now),
            due_at=limits.next_due(made.state, made.urgency, Level.SENT, now),
            care_turn=int(made.gives_access),
            history=(step,),
        )
        # Two of whom nobody knows who they are are two.
        return New(made, changed(made, ReferralEvent.SEND), alone=bool(made.person_id))

    async def _keep(self, new: New) -> tuple[Referral, bool]:
        for _ in range(_TRIES):
            if await self._store.write_all((), new):
                return new.referral, True
            known = await self._store.find(new.referral.id)
            if known is not None:
                return known, False
        raise AppError(ErrorCode.CONFLICT, "others were faster every time")

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

    async def _person(self, actor: Actor, by: str, who: Who) -> str:
        if who.unidentified is not None:
            return ""
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

    async def _check_levels(self, direction: Direction, urgency: Urgency, by: str, to: str) -> None:
        places = await self._directory.organizations_by_id([by, to])
        if by in places and to in places:
            check_levels(direction, urgency, places[by].level, places[to].level)

    async def _nearest(self, by: str, without: set[str]) -> str:
        known = await self._store.emergency_desks()
        # Where nobody is called, nobody would know that somebody comes.
        desks = [desk for desk in known if desk.rings and desk.organization_id not in without]
        places = await self._directory.organizations_by_id([by, *(desk.organization_id for desk in desks)])
        here = places.pop(by, None)
        takers = [place for place in places.values() if place.active]
        if not takers:
            raise AppError(ErrorCode.REFERRAL_NO_RECEIVER)
        return min(takers, key=lambda place: (distance_km(here, place), place.id)).id

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
            if whose != person_id or not person_id:
                raise missing_fields("attachments", problem="unknown")

    async def _check_not_open(self, referral_id: str, person_id: str, by: str, to: str, draft: Draft) -> None:
        if not person_id:
            return
        need = draft.urgency is Urgency.EMERGENCY
        for other in await self._store.of_person(person_id, open_only=True):
            same_way = (other.from_organization_id, other.to_organization_id, other.direction)
            if other.state not in UNDER_WAY:
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
