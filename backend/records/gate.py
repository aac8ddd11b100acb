"""Who may read what: the only place where a basis is made."""

from __future__ import annotations

from typing import Protocol

from backend.errors import AppError, ErrorCode, not_found
from backend.permissions import Actor, Permission
from backend.records.grounds import Grounds
from backend.records.models import Basis, BasisKind, Purpose, Sensitivity
from backend.records.ports import Charts
from backend.records.sharing_models import Asked
from backend.records.speaking import check_speaks_for
from backend.residents.models import Patient, Relation


class Residents(Protocol):
    """What the gate asks the residents' area."""

    async def access_patient(self, actor: Actor, patient_id: str) -> Patient:
        """The patient, if the actor may act for him; anyone else's looks like none."""


class Gate:
    """Finds the basis on which somebody may read, or refuses."""

    def __init__(self, charts: Charts, residents: Residents, grounds: Grounds) -> None:
        self._charts = charts
        self._residents = residents
        self._grounds = grounds

    async def own(self, actor: Actor, patient_id: str) -> Basis:
        """A resident's own record, or his child's. Raises NOT_FOUND, PATIENT_PENDING, FORBIDDEN.

        Nothing is shown to who books for another adult, nor to somebody known by no more than the number that
        a text message came from.
        """
        if actor.kind != "resident" or not actor.may(Permission.RESIDENT_RECORDS_READ):
            raise not_found(f"the record of {patient_id}")
        patient = await self._residents.access_patient(actor, patient_id)
        check_speaks_for(patient)
        himself = patient.relation is Relation.SELF
        return Basis(
            BasisKind.OWN if himself else BasisKind.GUARDIAN,
            patient_id,
            tuple(chart.id for chart in await self._charts.charts_of(patient_id)),
            Purpose.PATIENT_REQUEST,
            actor,
            reference="" if himself else str(patient.relation),
            max_sensitivity=Sensitivity.SPECIAL,
        )

    async def origin(self, actor: Actor, chart_id: str | None = None, *, practitioner: str = "") -> Basis:
        """What the asking hospital has sent itself: all of it, or of one of its charts."""
        organization_id = organization_of(actor)
        person_id, chart_ids = "", ()  # type: tuple[str, tuple[str, ...]]
        if chart_id is not None:
            chart = await self._charts.chart(chart_id)
            if chart is None or chart.organization_id != organization_id:
                raise not_found(f"chart {chart_id} of this organization")
            person_id, chart_ids = chart.person_id, (chart_id,)
        return Basis(
            BasisKind.ORIGIN,
            person_id,
            chart_ids,
            Purpose.TREAT,
            actor,
            organization_id=organization_id,
            max_sensitivity=Sensitivity.SPECIAL,
            practitioner=practitioner,
        )

    async def quality(self, actor: Actor, organization_id: str) -> Basis:
        """What a hospital has sent, for staff who write the rules it is held against; they see figures only.

        Raises NOT_FOUND for a hospital outside their scope.
        """
        return _sent(actor, organization_id, "quality rules")

    async def messages(self, actor: Actor, organization_id: str) -> Basis:
        """What a hospital's messages have become, for staff who look after them; they see no names.

        Raises NOT_FOUND for a hospital outside their scope.
        """
        return _sent(actor, organization_id, "masked messages")

    async def care(self, actor: Actor, person_id: str, asked: Asked) -> Basis:
        """Another hospital's data, for somebody who treats: by consent, care, law or broken glass, in order.

        Raises NOT_FOUND where the hospital knows of no such person, RECORD_ACCESS_DENIED with the ways there
        are, PRACTITIONER_UNKNOWN, and REASON_REQUIRED for a glass that is broken without a reason.
        """
        organization_id = organization_of(actor)
        charts = await self._charts.charts_of(person_id)
        has_chart = any(chart.organization_id == organization_id for chart in charts)
        ground = await self._grounds.find(actor, organization_id, person_id, asked, has_chart=has_chart)
        return Basis(
            ground.kind,
            person_id,
            tuple(chart.id for chart in charts),
            asked.purpose,
            actor,
            organization_id=organization_id,
            reference=ground.reference,
            kinds=ground.kinds,
            since=ground.since,
            until=ground.until,
            max_sensitivity=ground.max_sensitivity,
            practitioner=asked.practitioner.strip(),
            encounter=asked.encounter.strip(),
        )


def organization_of(actor: Actor) -> str:
    """The one organization a hospital's system speaks for. Raises FORBIDDEN for anybody else."""
    if (
        actor.kind not in ("client", "terminal")
        or actor.organization_ids is None
        or len(actor.organization_ids) != 1
    ):
        raise AppError(ErrorCode.FORBIDDEN, "no organization of its own")
    return next(iter(actor.organization_ids))


def _sent(actor: Actor, organization_id: str, reference: str) -> Basis:
    """What a hospital has sent, as far as an ordinary basis goes, for staff within their scope."""
    if actor.kind not in ("staff", "system") or not actor.covers(organization_id):
        raise not_found(f"organization {organization_id}")
    return Basis(
        BasisKind.ORIGIN,
        "",
        (),
        Purpose.TREAT,
        actor,
        organization_id=organization_id,
        reference=reference,
    )
