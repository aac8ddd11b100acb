"""Relationships of care, built from what happens: who treats whom, and for how long."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Protocol

from backend import clock
from backend.errors import AppError, ErrorCode
from backend.records.care_rules import CARE_STEPS, STAY, relation, relation_id
from backend.records.care_store import CareStore
from backend.records.sharing_models import CareKind, CareRelation
from backend.records.sharing_ports import Visit, Visits
from backend.worker.events import Event

BOOKED = "booked"


@dataclass(frozen=True, slots=True)
class Encounter:
    """An encounter that a hospital has sent. `ended_at` None: it is still under way, as far as is known."""

    organization_id: str
    person_id: str
    began_at: datetime
    ended_at: datetime | None
    # Of the directory, where the hospital has named them by codes that it has published.
    department_id: str | None = None
    practitioner_id: str | None = None


class Encounters(Protocol):
    """Where encounters lie, and whose they are."""

    async def encounter(self, resource_id: str) -> Encounter | None:
        """When one of them was, at which hospital and whose; None when it is not there any more."""


class Care:
    """Begins and ends relationships. Every method may be told the same twice, and in any order."""

    def __init__(self, store: CareStore, visits: Visits, encounters: Encounters) -> None:
        self._store = store
        self._visits = visits
        self.encounters = encounters

    async def holding(self, person_id: str, organization_id: str) -> CareRelation | None:
        """Why an institution treats a person now; None when it does not."""
        return await self._store.find(person_id, organization_id, clock.now())

    async def begin(
        self,
        kind: CareKind,
        person_id: str,
        organization_id: str,
        source_id: str,
        *,
        begins_at: datetime,
        until: datetime,
    ) -> CareRelation:
        """A relationship from a referral or a contract, stated by the area that knows of it."""
        made = relation(kind, person_id, organization_id, source_id, begins_at=begins_at, until=until)
        await self._store.begin(made)
        return made

    async def end(self, kind: CareKind, person_id: str, organization_id: str, source_id: str) -> None:
        """The referral was withdrawn, the contract has ended: at once."""
        now = clock.now()
        ended = relation(kind, person_id, organization_id, source_id, begins_at=now, until=now)
        await self._store.end(ended, now)

    async def on_appointment_booked(self, event: Event) -> None:
        """APPOINTMENT_BOOKED: until some days after the visit."""
        visit = await self._visit(event)
        if visit is not None and visit.state == BOOKED:
            await self._store.begin(_of_visit(event, visit))

    async def on_appointment_ended(self, event: Event) -> None:
        """APPOINTMENT_CANCELLED, APPOINTMENT_STOPPED: whoever does not come is not treated."""
        visit = await self._visit(event)
        if visit is not None:
            await self._store.end(_of_visit(event, visit), event.at)

    async def on_code_used(self, event: Event) -> None:
        """CODE_USED: the person stands before them. A code that was shown twice proves nobody's presence."""
        if event.data["step"] not in CARE_STEPS or event.data.get("flagged") == "yes":
            return
        day = str(clock.civil_date(event.at))
        await self._store.begin(
            relation(
                CareKind.CHECK_IN,
                event.data["patient_id"],
                event.data["organization_id"],
                day,
                begins_at=event.at,
                until=event.at,
            )
        )

    async def on_encounter(self, event: Event) -> None:
        """ENCOUNTER_STARTED, ENCOUNTER_FINISHED: a hospital says that it treats or has treated the person."""
        found = await self.encounters.encounter(event.data["resource_id"])
        if found is None:
            return
        # What a hospital sends in of years ago is no reason to read today: its own days count. An end that
        # is yet to come is what somebody expects, and counts no longer than a stay nobody says more of.
        ends_at = min(found.ended_at or found.began_at + STAY, clock.now() + STAY)
        await self._store.extend(
            relation(
                CareKind.ENCOUNTER,
                found.person_id,
                found.organization_id,
                event.data["resource_id"],
                begins_at=found.began_at,
                until=ends_at,
            )
        )

    async def on_person_changed(self, event: Event) -> None:
        """PERSON_CHANGED: a chart is somebody else's; what comes of its visits goes along."""
        before, after = event.data["from"], event.data["to"]
        for found in await self._store.of_chart(before, event.data["chart_id"]):
            moved = relation_id(found.kind, after, found.organization_id, found.source_id)
            await self._store.extend(replace(found, id=moved, person_id=after))
            await self._store.end(found, event.at)

    async def forget(self, person_id: str) -> None:
        """RESIDENT_DELETED: whoever is gone is treated by nobody."""
        await self._store.end_all(person_id, clock.now())

    async def _visit(self, event: Event) -> Visit | None:
        try:
            return await self._visits.get(event.data["appointment_id"])
        except AppError as error:
            if error.code is not ErrorCode.NOT_FOUND:
                raise
            return None


def _of_visit(event: Event, visit: Visit) -> CareRelation:
    return relation(
        CareKind.APPOINTMENT,
        visit.patient_id,
        visit.organization_id,
        event.data["appointment_id"],
        begins_at=visit.created_at,
        until=visit.end_at,
    )
