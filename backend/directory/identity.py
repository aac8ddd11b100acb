"""Ids made from what the publisher calls a thing, so that publishing twice finds the same object."""

from __future__ import annotations

from datetime import UTC, datetime

from backend.directory.models import External
from backend.ids import derived_id

# These ids stand for lasting things, not for an instant: their time part is zero.
_NO_TIME = datetime(1970, 1, 1, tzinfo=UTC)
HOSPITAL_SYSTEM = "hospital"


def organization_id(external: External) -> str:
    """The id of an institution published under `external`."""
    return derived_id(_NO_TIME, "organization", external.system, external.value)


def member_id(kind: str, organization_id: str, external: External) -> str:
    """The id of an institution's department, practitioner or schedule."""
    return derived_id(_NO_TIME, kind, organization_id, external.system, external.value)


def department_id(organization_id: str, external: External) -> str:
    """The id of a department."""
    return member_id("department", organization_id, external)


def practitioner_id(organization_id: str, external: External) -> str:
    """The id of a practitioner."""
    return member_id("practitioner", organization_id, external)


def of_hospital(value: str) -> External:
    """What a hospital's own system calls something."""
    return External(HOSPITAL_SYSTEM, value)
