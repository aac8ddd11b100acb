"""Referrals' service: send, act, read, count. Every method is safe to repeat."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import replace
from datetime import date

from backend import clock
from backend.errors import AppError, ErrorCode, not_found
from backend.permissions import Actor, Permission
from backend.referrals.acting import Acting
from backend.referrals.deciding import check_rule, may_follow, missing_fields
from backend.referrals.desks import CITY, Desk
from backend.referrals.figures import figures, span
from backend.referrals.figures_models import ReferralFigures
from backend.referrals.following import Following
from backend.referrals.limits_book import LimitsBook
from backend.referrals.machine import PLACED, Part, ReferralEvent, ReferralState, possible
from backend.referrals.models import (
    NO_FACTS,
    Counters,
    Draft,
    Facts,
    Found,
    FreePlaces,
    Referral,
    ReferralQuery,
)
from backend.referrals.parts import may_act, may_read, parts_of, shown_to
from backend.referrals.plan_fields import due_by_today
from backend.referrals.ports import Audit, Directory, Household, People, Places
from backend.referrals.reminding import Reminding
from backend.referrals.sending import Sending
from backend.referrals.store import AT_CITY, OVERDUE, UNFINISHED, ReferralStore, sides, write_cursor
from backend.referrals.summaries import Summaries
from backend.referrals.telling import ReferralTeller

_BASIS = "care relationship: referral"
_ACTIVE = "active"
_MOST_MONTHS = 36


class ReferralService:
    """What faces, console and app call; `following`, `summaries` and `teller` are told events.

    `following` and `reminding` are told the hour.
    """

    def __init__(
        self,
        store: ReferralStore,
        *,
        sending: Sending,
        acting: Acting,
        following: Following,
        reminding: Reminding,
        summaries: Summaries,
        teller: ReferralTeller,
        limits: LimitsBook,
        places: Places,
        people: People,
        household: Household,
        directory: Directory,
        audit: Audit,
        nudge: Callable[[], None],
    ) -> None:
        self._store = store
        self._sending = sending
        self._acting = acting
        self.following = following
        self.reminding = reminding
        self.summaries = summaries
        self.teller = teller
        self.limits = limits
        self._places = places
        self._people = people
        self._household = household
        self._directory = directory
        self._audit = audit
        self._nudge = nudge

    async def send(self, actor: Actor, draft: Draft, key: str) -> Referral:
        """Send one. The same actor and key get the same referral; another wish under the key is refused."""
        if actor.kind not in ("staff", "client") or not may_act(actor):
            raise AppError(ErrorCode.FORBIDDEN, "sends nobody")
        referral, new = await self._sending.send(actor, draft, key)
        # In an emergency the receiver reads at once: not when a worker comes to it.
        await self.following.settle(referral)
        self._nudge()
        if new:
            await self._record(actor, "referrals.send", referral, referral.from_organization_id)
        return referral

    async def act(
        self,
        actor: Actor,
        referral_id: str,
        event: ReferralEvent,
        facts: Facts = NO_FACTS,
        *,
        turn: int | None = None,
    ) -> Referral:
        """Every event but `send`; as `ports.Referrals` says. With a `turn` only over that turn of it."""
        referral, parts = await self._access(actor, referral_id)
        if not may_act(actor):
            raise AppError(ErrorCode.FORBIDDEN, "may only read")
        if event is ReferralEvent.IDENTIFY:
            if not referral.person_id or not parts & {Part.SENDER, Part.RECEIVER}:
                check_rule(referral, event, parts)
            facts = await self._sending.identified(actor, referral, facts)
        after, changed = await self._acting.act(actor, referral, event, facts, parts, turn)
        if event is ReferralEvent.REDIRECT and not changed:
            after = await self._acting.reload(after.followed_by)
        # What ends the right to read, or frees a place, does so before the answer leaves.
        await self.following.settle(after)
        if event is ReferralEvent.ARRIVE and (elsewhere := await self._sending.last_of(referral)) is not None:
            await self.following.settle(elsewhere)
        self._nudge()
        if changed:
            await self._record(actor, f"referrals.{event}", after, _only(actor, after))
        return await shown_to(actor, after, await parts_of(actor, after, self._people), self._people)

    async def get(self, actor: Actor, referral_id: str) -> Referral:
        """One referral; that staff, a client or the city has read it is on record."""
        referral, parts = await self._access(actor, referral_id)
        if actor.kind in ("staff", "client"):
            await self._record(actor, "referrals.read", referral, _only(actor, referral))
        return await shown_to(actor, referral, parts, self._people)

    async def expected(self, actor: Actor, code: str, at: str = "") -> Referral:
        """The referral on which whoever shows this health code is expected at the actor's institution.

        A code says where somebody stands, and opens his record there: whoever acts for several institutions
        says `at` which. Raises one of the CODE_* errors, and REFERRAL_STATE for whom nobody expects there.
        """
        if actor.kind not in ("staff", "client") or not may_act(actor):
            raise AppError(ErrorCode.FORBIDDEN, "expects nobody")
        here = actor.organization_ids or frozenset()
        if at:
            here &= {at}
        if len(here) != 1:
            text = "您的账号管理多家机构，请打开这位患者的转诊登记到达。"
            raise AppError(ErrorCode.FORBIDDEN, "not at one institution", text=text)
        actor = replace(actor, organization_ids=here)
        person_id = await self._sending.person_of_code(actor, code)
        for states in (PLACED, {ReferralState.ARRIVED}, {ReferralState.NOT_ARRIVED}):
            for each in await self._store.of_person(person_id):
                if each.state in states and Part.RECEIVER in await self.parts(actor, each):
                    return each
        raise AppError(
            ErrorCode.REFERRAL_STATE, "nobody expected", text="没有这位患者的待到达转诊，请到列表中核对。"
        )

    def possible(self, parts: frozenset[Part], referral: Referral) -> Sequence[ReferralEvent]:
        """What these may do now: the buttons of a page."""
        return [event for event in possible(referral.state, parts) if may_follow(referral, event)]

    def check(self, parts: frozenset[Part], referral: Referral, event: ReferralEvent) -> None:
        """Raise as `act` would: REFERRAL_STATE where it cannot be now, FORBIDDEN where it is not theirs."""
        check_rule(referral, event, parts)

    async def parts(self, actor: Actor, referral: Referral) -> frozenset[Part]:
        """As what somebody meets a referral; nobody acts who may only read."""
        return await parts_of(actor, referral, self._people) if may_act(actor) else frozenset()

    async def places(
        self, actor: Actor, organization_id: str, department_id: str, from_on: date, days: int
    ) -> Sequence[FreePlaces]:
        """What the green channel has free: for the receiver to give, and for the sender to see before."""
        if not (actor.kind in ("staff", "client") and may_read(actor)):
            raise AppError(ErrorCode.FORBIDDEN, "no place of theirs")
        if await self._directory.find_organization(organization_id) is None:
            raise not_found(f"organization {organization_id}")
        return await self._places.free(organization_id, department_id, from_on, days)

    async def figures(self, actor: Actor, months: Sequence[str]) -> ReferralFigures:
        """Counts and rates of the actor's institutions, by month (`2026-11`)."""
        if actor.kind not in ("staff", "client", "system") or not may_read(actor):
            raise AppError(ErrorCode.FORBIDDEN, "no figures of theirs")
        if not 1 <= len(months) <= _MOST_MONTHS:
            raise AppError(ErrorCode.BAD_REQUEST, data={"fields": [{"field": "months"}]})
        since, until = span(months)
        found = await self._store.months(since, until, actor.organization_ids)
        return ReferralFigures(figures(found, set(months), actor.organization_ids, clock.now()))

    async def counters(self, actor: Actor) -> Counters:
        """What waits for somebody's institutions, for the menu of the console."""
        if not may_read(actor):
            return Counters()
        to, by = sides(actor.organization_ids) if actor.organization_ids is not None else ({}, {})
        ended = [ReferralState.REJECTED, ReferralState.LAPSED, ReferralState.NOT_ARRIVED]
        lost = {"state": {"$in": [str(state) for state in ended]}, "followed": False}
        return Counters(
            to_answer=await self._store.count({"state": str(ReferralState.REQUESTED)}, to),
            to_supplement=await self._store.count({"state": str(ReferralState.RETURNED)}, by),
            to_redirect=await self._store.count(lost, by),
            to_rebook=await self._store.count({"place_wanted": True}, to),
            to_finish=await self._store.count(UNFINISHED, to),
            to_follow=await self._store.count(due_by_today(), to),
            overdue=await self._store.count(OVERDUE, to),
            at_city=await self._store.count(AT_CITY) if actor.organization_ids is None else 0,
        )

    async def desk(self, actor: Actor, organization_id: str) -> Desk:
        """Who answers at an institution; an empty one where nobody has said."""
        self._check_desk(actor, organization_id, Permission.STAFF_REFERRALS_READ)
        return await self._store.find_desk(organization_id) or Desk(organization_id)

    async def set_desk(self, actor: Actor, desk: Desk) -> Desk:
        """State who answers at an institution, and whether it takes emergencies; or whom the city calls.

        Raises BAD_REQUEST for one that takes emergencies and has nobody to be called.
        """
        self._check_desk(actor, desk.organization_id, Permission.STAFF_REFERRALS_WRITE)
        of_city = desk.organization_id == CITY
        desk = replace(desk, takes_emergencies=desk.takes_emergencies and not of_city)
        if desk.takes_emergencies and not desk.rings:
            raise missing_fields("duty_phone")
        await self._store.save_desk(desk)
        await self._audit.record(
            actor,
            "referrals.desk",
            f"organization/{desk.organization_id}",
            "own institution",
            None if of_city else desk.organization_id,
            {"takes_emergencies": desk.takes_emergencies},
        )
        return desk

    async def unrung(self, actor: Actor, organization_ids: Collection[str]) -> frozenset[str]:
        """Those of these institutions where a referral makes no telephone ring: whoever sends has to call."""
        if actor.kind == "resident" or not may_read(actor):
            raise AppError(ErrorCode.FORBIDDEN, "sends nobody")
        desks = await self._store.desks_of(organization_ids)
        return frozenset(organization_ids) - {desk.organization_id for desk in desks if desk.rings}

    # -- who and what ----------------------------------------------------------------------------------

    def _check_desk(self, actor: Actor, organization_id: str, permission: Permission) -> None:
        may = may_act(actor) if permission is Permission.STAFF_REFERRALS_WRITE else may_read(actor)
        if actor.kind == "resident" or not may:
            raise AppError(ErrorCode.FORBIDDEN, "no desk of theirs")
        if not actor.covers(organization_id):
            raise not_found(f"organization {organization_id}")

    async def _access(self, actor: Actor, referral_id: str) -> tuple[Referral, frozenset[Part]]:
        referral = await self._store.find(referral_id)
        parts = await parts_of(actor, referral, self._people) if referral else frozenset[Part]()
        if referral is None or not parts:
            raise not_found(f"referral {referral_id}")
        return referral, parts

    async def _scope(self, actor: Actor) -> tuple[frozenset[str] | None, frozenset[str] | None]:
        """Institutions and people to whom a list is limited; None where it is not."""
        if actor.kind == "resident":
            if not actor.may(Permission.RESIDENT_REFERRALS_READ):
                return frozenset(), frozenset()
            listed = await self._household.list_patients(actor)
            return None, frozenset(each.id for each in listed if each.state == _ACTIVE)
        if not may_read(actor):
            return frozenset(), None
        return actor.organization_ids, None

    async def _record(
        self, actor: Actor, action: str, referral: Referral, organization_id: str | None
    ) -> None:
        data = {
            "state": str(referral.state),
            "urgency": str(referral.urgency),
            "patients": [referral.person_id] if referral.person_id else [],
        }
        await self._audit.record(actor, action, f"referral/{referral.id}", _BASIS, organization_id, data)

    async def list(self, actor: Actor, query: ReferralQuery) -> Found:
        """Of the actor's institutions, in the order asked for; a resident's: of those he acts for."""
        within, people = await self._scope(actor)
        if query.organization_id is not None and within is not None and query.organization_id not in within:
            raise not_found(f"organization {query.organization_id}")
        found = await self._store.page(query, within, people)
        items = [
            await shown_to(actor, each, await parts_of(actor, each, self._people), self._people)
            for each in found[: query.limit]
        ]
        if items and actor.kind in ("staff", "client"):
            await self._audit.record(
                actor,
                "referrals.list",
                "referrals",
                _BASIS,
                query.organization_id or (min(within) if within else None),
                {"patients": sorted({each.person_id for each in items} - {""})},
            )
        more = len(found) > query.limit
        # Of the whole referral: what somebody is not shown may be what it is found by.
        return Found(items, write_cursor(found[query.limit - 1], query) if more else None)


def _only(actor: Actor, referral: Referral) -> str | None:
    """In whose stream it is written down: the side that acts."""
    for side in (referral.to_organization_id, referral.from_organization_id):
        if actor.organization_ids is not None and side in actor.organization_ids:
            return side
    return None
