"""How long an institution treats somebody: what a relationship of care comes from and its period, as data."""

from __future__ import annotations

from datetime import datetime, timedelta

from backend import clock
from backend.ids import named_id
from backend.records.sharing_models import CareKind, CareRelation

# So long after what it comes from the institution may go on reading: results come in, calls are made.
AFTER: dict[CareKind, timedelta] = {
    CareKind.APPOINTMENT: timedelta(days=7),
    CareKind.CHECK_IN: timedelta(days=7),
    CareKind.ENCOUNTER: timedelta(days=30),
    CareKind.REFERRAL: timedelta(days=30),
    CareKind.CONTRACT: timedelta(0),
}
# How long somebody may lie in a hospital before it says anything new about the stay.
STAY = timedelta(days=60)
# Steps at which a code is shown to somebody who treats (healthcodes/steps.py); paying is not being treated.
CARE_STEPS = frozenset({"10101", "10102", "10103", "10104", "10106", "10107"})


def relation_id(kind: CareKind, person_id: str, organization_id: str, source_id: str) -> str:
    """The same for the same cause, however often it is told."""
    return named_id("care", kind, person_id, organization_id, source_id)


def relation(
    kind: CareKind,
    person_id: str,
    organization_id: str,
    source_id: str,
    *,
    begins_at: datetime,
    until: datetime,
) -> CareRelation:
    """A relationship from `begins_at` until the end of the day of `until` and the days after it."""
    last_day = clock.civil_date(until + AFTER[kind]) + timedelta(days=1)
    return CareRelation(
        id=relation_id(kind, person_id, organization_id, source_id),
        person_id=person_id,
        organization_id=organization_id,
        kind=kind,
        source_id=source_id,
        begins_at=begins_at,
        ends_at=clock.city_instant(last_day, 0),
    )
