"""Who may read what: the only place where a basis is made."""

from __future__ import annotations

from typing import Protocol

from backend.errors import AppError, ErrorCode, not_found
from backend.permissions import Actor
from backend.records.models import Basis, BasisKind, Purpose, Sensitivity
from backend.records.ports import Charts
from backend.residents.models import Patient, Relation


class Residents(Protocol):
    """What the gate asks the residents' area."""

    async def access_patient(self, actor: Actor, patient_id: str) -> Patient:
        """The patient, if the actor may act for him; anyone else's looks like none."""


class Gate:
    """Finds the basis on which somebody may read, or refuses."""

    def __init__(self, charts: Charts, residents: Residents) -> None:
        self._charts = charts
        self._residents = residents

    async def own(self, actor: Actor, patient_id: str) -> Basis:
        """A resident's own record, or that of somebody he acts for. Raises NOT_FOUND, PATIENT_PENDING.

        What needs more than an ordinary basis is shown to the person, and to a child's guardian.
        """
        if actor.kind != "resident":
            raise not_found(f"the record of {patient_id}")
        patient = await self._residents.access_patient(actor, patient_id)
        himself = patient.relation is Relation.SELF
        everything = himself or patient.relation is Relation.CHILD
        return Basis(
            BasisKind.OWN if himself else BasisKind.GUARDIAN,
            patient_id,
            tuple(chart.id for chart in await self._charts.charts_of(patient_id)),
            Purpose.PATIENT_REQUEST,
            actor,
            reference="" if himself else str(patient.relation),
            max_sensitivity=Sensitivity.SPECIAL if everything else Sensitivity.CLINICAL,
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


def organization_of(actor: Actor) -> str:
    """The one organization a hospital's system speaks for. Raises FORBIDDEN for anybody else."""
    if (
        actor.kind not in ("client", "terminal")
        or actor.organization_ids is None
        or len(actor.organization_ids) != 1
    ):
        raise AppError(ErrorCode.FORBIDDEN, "no organization of its own")
    return next(iter(actor.organization_ids))
