"""What booking needs of the areas below it, in one place; their services fit these by shape."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Protocol

from backend.billing.models import Order
from backend.billing.starting import StartedPayment
from backend.directory.models import Department, Organization, Practitioner
from backend.permissions import Actor
from backend.residents.models import Contact, Identity, Patient, PatientView
from backend.slotpool.schedules_models import Schedule
from payment.ports import PaymentMethod


class Schedules(Protocol):
    """The schedules' service."""

    async def get_cached(self, schedule_id: str) -> Schedule:
        """At most two seconds old. Raises SCHEDULE_NOT_FOUND."""

    async def get(self, schedule_id: str) -> Schedule:
        """As stored. Raises SCHEDULE_NOT_FOUND."""

    async def access(self, actor: Actor, external_id: str) -> Schedule:
        """A hospital's own schedule by the hospital's id. Raises SCHEDULE_NOT_FOUND."""


class Directory(Protocol):
    """The directory's service: cached look-ups."""

    async def get_organization(self, organization_id: str) -> Organization: ...
    async def get_department(self, department_id: str) -> Department: ...
    async def find_practitioner(self, practitioner_id: str) -> Practitioner | None: ...
    async def organizations_by_id(self, ids: Iterable[str]) -> dict[str, Organization]: ...
    async def departments_by_id(self, ids: Iterable[str]) -> dict[str, Department]: ...
    async def practitioners_by_id(self, ids: Iterable[str]) -> dict[str, Practitioner]: ...


class Patients(Protocol):
    """The residents' service."""

    async def access_patient(self, actor: Actor, patient_id: str) -> Patient:
        """The patient, if the actor acts for him. Raises NOT_FOUND, PATIENT_PENDING."""

    async def names(self, resident_ids: Iterable[str]) -> dict[str, str]:
        """Masked names by person."""

    async def contact(self, resident_id: str) -> Contact:
        """Phone and openids of a person."""

    async def get_identity(self, patient_id: str) -> Identity:
        """Who a patient is, in clear."""

    async def identities(self, patient_ids: Iterable[str]) -> dict[str, Identity]:
        """Several at once; people whose file is gone are left out."""

    async def find_or_create_file(self, name: str, id_number: str, phone: str | None = None) -> str:
        """The file of a person at a window, made when there is none; returns its id."""


class PatientList(Protocol):
    """Whom a resident acts for."""

    async def list_patients(self, actor: Actor) -> list[PatientView]:
        """Himself once verified, then the others; pending ones too, marked so."""


class Billing(Protocol):
    """The billing service."""

    async def open_order(
        self,
        *,
        appointment_id: str,
        resident_id: str,
        organization_id: str,
        amount_fen: int,
        description: str,
        expires_at: datetime,
    ) -> Order:
        """The appointment's order; asking twice gives the same."""

    async def start_payment(
        self, actor: Actor, order_id: str, method: PaymentMethod, payer_id: str | None
    ) -> StartedPayment:
        """Open the channel's cashier; asked again, the same payment."""

    async def order_of(self, appointment_id: str) -> Order | None: ...
    async def orders_of(self, appointment_ids: Sequence[str]) -> dict[str, Order]: ...

    async def refresh(self, actor: Actor, order_id: str) -> Order:
        """Ask the channel now and return the order as it is then."""

    async def settle_or_close(self, order_id: str) -> Order:
        """Bring an order to its end, paid or closed. Raises PAYMENT_UNKNOWN while nobody knows."""

    async def request_refund(self, order_id: str, reason: str) -> Order:
        """Give back whatever was paid; asking twice gives back once."""
