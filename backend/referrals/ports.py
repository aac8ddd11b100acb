"""What referrals need of the areas below, narrower than their services; and what others may need of them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date, datetime
from typing import Any, Protocol

from backend.directory.models import Department, Organization, Practitioner
from backend.patient_index.models import Chart, ChartNumber, Demographics, Origin
from backend.permissions import Actor
from backend.records.sharing_models import CareKind
from backend.referrals.figures_models import ReferralFigures
from backend.referrals.limits import TimeLimits
from backend.referrals.machine import ReferralEvent
from backend.referrals.models import NO_FACTS, Draft, Facts, Found, FreePlaces, Place, Referral, ReferralQuery
from backend.residents.models import Identity, Patient


class Places(Protocol):
    """The slot pool as the green channel sees it."""

    def appointment_id(self, key: str) -> str:
        """The id that the place taken under `key` has, also before it is taken."""

    async def free(
        self, organization_id: str, department_id: str, from_on: date, days: int
    ) -> list[FreePlaces]:
        """Sessions with places that a referral may have; any department when none is named."""

    async def take(
        self, key: str, organization_id: str, schedule_id: str, number: int | None, person_id: str
    ) -> Place:
        """Book a place; the same key gets the same. Raises as booking does, NOT_FOUND for another's."""

    async def give_back(self, appointment_id: str) -> bool:
        """End the booking if there is one; False when there never was. Safe to repeat."""


class Limits(Protocol):
    """How long each part may take."""

    async def now(self) -> TimeLimits: ...


class CareBook(Protocol):
    """Relationships of care."""

    async def begin(
        self,
        kind: CareKind,
        person_id: str,
        organization_id: str,
        source_id: str,
        *,
        begins_at: datetime,
        until: datetime,
    ) -> object: ...
    async def end(self, kind: CareKind, person_id: str, organization_id: str, source_id: str) -> None: ...


class People(Protocol):
    """The residents' service."""

    async def access_patient(self, actor: Actor, patient_id: str) -> Patient: ...
    async def find_or_create_file(self, name: str, id_number: str, phone: str | None = None) -> str: ...
    async def names(self, resident_ids: Iterable[str]) -> dict[str, str]: ...


class Listed(Protocol):
    """One line of a resident's list of patients."""

    @property
    def id(self) -> str: ...
    @property
    def state(self) -> str: ...


class Household(Protocol):
    """Whom a resident acts for."""

    async def list_patients(self, actor: Actor) -> Sequence[Listed]: ...


class Charts(Protocol):
    """Whose charts are whose."""

    async def person_of(self, chart_id: str) -> str: ...


class ChartBook(Protocol):
    """The patient index, for whoever writes into a chart."""

    async def charts_of(self, person_id: str) -> list[Chart]: ...
    async def chart_for(
        self, organization_id: str, number: ChartNumber, who: Demographics | None, source: Origin
    ) -> Chart: ...


class Identities(Protocol):
    """Who somebody is."""

    async def identities(self, patient_ids: Iterable[str]) -> dict[str, Identity]: ...


class Codes(Protocol):
    """Who shows a health code."""

    async def person_of(self, actor: Actor, code: str) -> str:
        """Raises one of the CODE_* errors."""


class Directory(Protocol):
    """The directory's service."""

    async def find_organization(self, organization_id: str) -> Organization | None: ...
    async def find_department(self, department_id: str) -> Department | None: ...
    async def find_practitioner(self, practitioner_id: str) -> Practitioner | None: ...
    async def organizations_by_id(self, ids: Iterable[str]) -> dict[str, Organization]: ...


class AskAbout(Protocol):
    """How surveys hear of a referral that is complete; told twice, they ask once."""

    async def __call__(
        self,
        person_id: str,
        organization_id: str,
        department_id: str | None,
        practitioner_id: str | None,
        at: datetime,
        referral_id: str,
    ) -> None: ...


class Audit(Protocol):
    """The audit's service."""

    async def record(
        self,
        actor: Actor,
        action: str,
        object: str,
        basis: str,
        organization_id: str | None = None,
        data: dict[str, Any] | None = None,
    ) -> None: ...


class Referrals(Protocol):
    """What faces, console and app call: `city.services.referrals`."""

    async def send(self, actor: Actor, draft: Draft, key: str) -> Referral:
        """Send one. The same actor and key get the same referral; another wish under the key is refused."""

    async def act(
        self, actor: Actor, referral_id: str, event: ReferralEvent, facts: Facts = NO_FACTS
    ) -> Referral:
        """Every event but `send`. Repeated with the same facts on its target state it changes nothing.

        `redirect` answers with the new referral. Raises NOT_FOUND for whom it is none of his business,
        FORBIDDEN for the wrong side, REFERRAL_STATE where the event cannot happen any more or yet.
        """

    async def get(self, actor: Actor, referral_id: str) -> Referral:
        """One referral; being read by staff, a client or the city is audited."""

    async def places(
        self, actor: Actor, organization_id: str, department_id: str, from_on: date, days: int
    ) -> list[FreePlaces]:
        """What the green channel has free, at the actor's own institution or one he may send to."""

    async def figures(self, actor: Actor, months: Sequence[str]) -> ReferralFigures:
        """Counts and rates of the actor's institutions, by month (`2026-11`)."""

    async def list(self, actor: Actor, query: ReferralQuery) -> Found:
        """Of the actor's institutions; a resident's: of those he acts for."""
