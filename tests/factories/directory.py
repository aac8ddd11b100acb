"""Institutions, departments and practitioners for tests, with credentials where a test needs them."""

from dataclasses import replace
from typing import Any

from backend.directory import identity
from backend.directory.codes import HospitalLevel, OrganizationKind
from backend.directory.models import Department, External, Organization, Practitioner
from backend.directory.service import DirectoryService
from backend.permissions import Actor, Role


def an_organization(value: str = "h1", **overrides: Any) -> Organization:
    """A general hospital."""
    external = External("test", value)
    organization = Organization(
        id=identity.organization_id(external),
        external=external,
        name="健康城市第一人民医院",
        short_name="市一院",
        kind=OrganizationKind.GENERAL,
        level=HospitalLevel.L3_A,
        address="康宁路1号",
        district="康宁区",
        phone="0536-8000001",
        lat=36.7,
        lng=119.1,
    )
    return replace(organization, **overrides)


def a_department(organization: Organization, value: str = "d1", **overrides: Any) -> Department:
    """A department for heart diseases."""
    external = identity.of_hospital(value)
    department = Department(
        id=identity.department_id(organization.id, external),
        external=external,
        organization_id=organization.id,
        name="心血管内科",
        code="0304",
        place="门诊楼3层",
    )
    return replace(department, **overrides)


def a_practitioner(
    organization: Organization, *departments: Department, value: str = "p1", **overrides: Any
) -> Practitioner:
    """A chief physician of the departments."""
    external = identity.of_hospital(value)
    practitioner = Practitioner(
        id=identity.practitioner_id(organization.id, external),
        external=external,
        organization_id=organization.id,
        name="单丽华",
        title="主任医师",
        specialty="冠心病",
        department_ids=tuple(department.id for department in departments),
    )
    return replace(practitioner, **overrides)


async def make_hospital(
    directory: DirectoryService, value: str = "h1", **overrides: Any
) -> tuple[Organization, Department, Practitioner]:
    """A hospital with one department and one practitioner, saved."""
    organization = an_organization(value, **overrides)
    department = a_department(organization)
    practitioner = a_practitioner(organization, department)
    await directory.save_organizations([organization])
    await directory.save_departments([department])
    await directory.save_practitioners([practitioner])
    return organization, department, practitioner


def hospital_client(organization: Organization) -> Actor:
    """The actor of a hospital's own system."""
    return Actor(
        kind="client",
        id=f"client-of-{organization.external.value}",
        role=Role.HOSPITAL_CLIENT,
        organization_ids=frozenset({organization.id}),
    )
