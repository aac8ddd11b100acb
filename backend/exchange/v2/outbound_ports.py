"""What messages that go out need of the areas below, and of referrals, which stand beside the exchange."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol

from backend.directory.models import Department, Practitioner
from backend.exchange.v2.outbound_models import OrderStory, Referred
from backend.patient_index.models import Chart
from backend.residents.models import Identity
from backend.slotpool.claims_models import Claim
from backend.slotpool.schedules_models import Schedule


class Appointments(Protocol):
    """The slot pool, as far as messages tell of appointments."""

    async def get(self, claim_id: str) -> Claim: ...


class Timetable(Protocol):
    """Schedules."""

    async def get_cached(self, schedule_id: str) -> Schedule: ...


class Signs(Protocol):
    """The directory."""

    async def find_department(self, department_id: str) -> Department | None: ...
    async def find_practitioner(self, practitioner_id: str) -> Practitioner | None: ...


class People(Protocol):
    """Who a patient is, in clear."""

    async def identities(self, patient_ids: Iterable[str]) -> dict[str, Identity]: ...


class Charts(Protocol):
    """Which numbers a hospital has for somebody."""

    async def charts_of(self, person_id: str) -> list[Chart]: ...


class ReferralFacts(Protocol):
    """Referrals, as far as messages tell of them; filled in `bootstrap`: they stand beside us."""

    async def facts(self, referral_id: str) -> Referred | None:
        """A referral with its history, or None."""


class OrderFacts(Protocol):
    """Orders of the record, as far as messages tell of them."""

    async def story(self, organization_id: str, chart_id: str, resource_id: str) -> OrderStory | None:
        """An order with what is to be told of it, or None."""
