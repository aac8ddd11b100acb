"""Cohorts: who was there in some days, by booked visits or by stays; a page at a time, never all at once."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from datetime import date, timedelta
from enum import StrEnum
from typing import Any, Protocol

from backend import clock
from backend.db.client import Document
from backend.directory.models import Department
from backend.records.care import Encounters
from backend.slotpool.claims_models import Claim
from backend.surveys.models import Campaign, Happened, Trigger
from backend.surveys.stay_store import StayStore

# A big hospital's quarter is no list to hold.
PAGE = 1000


class Cohort(StrEnum):
    """Whom staff choose from."""

    VISITS = "visits"
    STAYS = "stays"


class Booked(Protocol):
    """What cohorts need of the slot pool."""

    async def of_pools(
        self, pool_keys: Sequence[str], rules: dict[str, Any], *, cursor: str | None, limit: int
    ) -> tuple[list[Claim], str | None]:
        """A page of the appointments of departments' days."""


class Departments(Protocol):
    """What cohorts need of the directory."""

    async def list_departments(self, organization_id: str) -> list[Department]:
        """The departments of an institution."""


class Cohorts:
    """Finds people for a campaign of staff."""

    def __init__(
        self, claims: Booked, departments: Departments, encounters: Encounters, stays: StayStore
    ) -> None:
        self._claims = claims
        self._departments = departments
        self._encounters = encounters
        self._stays = stays

    async def note_stay(self, encounter_id: str, happened: Happened) -> None:
        """A stay has ended, that staff may ask about later."""
        await self._stays.note(encounter_id, happened.organization_id, happened.at)

    def people(
        self, campaign: Campaign, cohort: Cohort, first: date, last: date
    ) -> AsyncIterator[list[Happened]]:
        """Pages of those who were at the campaign's hospital in these days, and are not there any more."""
        organization_id = campaign.organization_id or ""
        if cohort is Cohort.STAYS:
            return self._of_stays(campaign, organization_id, first, last)
        return self._of_visits(campaign, organization_id, first, last)

    async def _of_visits(
        self, campaign: Campaign, organization_id: str, first: date, last: date
    ) -> AsyncIterator[list[Happened]]:
        now = clock.now()
        departments = list(campaign.department_ids) or [
            each.id for each in await self._departments.list_departments(organization_id)
        ]
        days = [first + timedelta(days=n) for n in range((last - first).days + 1)]
        pools = [f"{department}:{on}" for department in departments for on in days]
        cursor: str | None = None
        while pools:
            page, cursor = await self._claims.of_pools(pools, {"state": "booked"}, cursor=cursor, limit=PAGE)
            yield [
                visit(claim, Trigger.STAFF)
                for claim in page
                if claim.end_at < now and claim.organization_id == organization_id
            ]
            if cursor is None:
                break

    async def _of_stays(
        self, campaign: Campaign, organization_id: str, first: date, last: date
    ) -> AsyncIterator[list[Happened]]:
        since, until = clock.city_instant(first, 0), clock.city_instant(last + timedelta(days=1), 0)
        until = min(until, clock.now())
        after: Document | None = None
        while page := await self._stays.ended(organization_id, since, until, after, PAGE):
            found = [await self._stay(doc["_id"]) for doc in page]
            yield [
                stay for stay in found if stay and campaign.covers(stay.organization_id, stay.department_id)
            ]
            after = page[-1]

    async def _stay(self, encounter_id: str) -> Happened | None:
        """As it is known now: a stay may have been corrected since, or taken to another person's chart."""
        encounter = await self._encounters.encounter(encounter_id)
        if encounter is None or encounter.ended_at is None:
            return None
        return Happened(
            Trigger.STAFF,
            f"encounter:{encounter_id}",
            encounter.person_id,
            encounter.organization_id,
            encounter.department_id,
            encounter.practitioner_id,
            encounter.ended_at,
        )


def visit(claim: Claim, trigger: Trigger = Trigger.VISIT) -> Happened:
    """An appointment as what somebody may be asked about."""
    return Happened(
        trigger,
        claim.id,
        claim.patient_id,
        claim.organization_id,
        claim.department_id,
        claim.practitioner_id,
        claim.end_at,
    )
