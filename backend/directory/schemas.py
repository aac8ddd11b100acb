"""What the directory's endpoints read and write."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import AfterValidator, Field, StringConstraints
from pydantic_core import PydanticCustomError

from backend.directory.codes import KIND_NAMES, LEVEL_NAMES, HospitalLevel, OrganizationKind
from backend.directory.models import (
    Client,
    Department,
    Found,
    IssuedClient,
    Organization,
    Practitioner,
    TerminalKind,
)
from backend.http.schema import Answer, Instant, PageQuery, Query, Schema

# Control characters, and marks that turn the direction of what follows: nobody sees them, and they deceive.
UNSEEN = {"Cc", "Zl", "Zp"}
TURNING = {"LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI"}


def _is_seen(character: str) -> bool:
    return (
        unicodedata.category(character) not in UNSEEN and unicodedata.bidirectional(character) not in TURNING
    )


def _lines(text: str) -> str:
    """What residents read and messages carry: every character can be seen."""
    if not all(_is_seen(character) for character in text.replace("\n", "")):
        raise PydanticCustomError("unseen_character", "a character that cannot be seen")
    return text


def _line(text: str) -> str:
    if "\n" in text:
        raise PydanticCustomError("line_break", "more than one line")
    return _lines(text)


Line, Lines = AfterValidator(_line), AfterValidator(_lines)
Name = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=80), Line]
ShortText = Annotated[str, StringConstraints(strip_whitespace=True, max_length=200), Line]
# An external id travels in the path, so it holds nothing that a path would change: "." and ".." are none.
EXTERNAL_ID = re.compile(r"^[A-Za-z0-9_:~-][A-Za-z0-9._:~-]{0,63}$")
ExternalID = Annotated[str, StringConstraints(pattern=EXTERNAL_ID.pattern)]


class OrganizationsQuery(PageQuery):
    """Which institutions."""

    q: str = Field("", max_length=64, description="Name, pinyin or pinyin initials.")
    kind: OrganizationKind | None = None


class SearchQuery(Query):
    """What a resident typed."""

    q: str = Field(min_length=1, max_length=64, description="Name, pinyin or pinyin initials.")


class OrganizationOut(Answer):
    """An institution."""

    id: str
    name: str
    short_name: str
    level: HospitalLevel
    level_name: str
    kind: OrganizationKind
    kind_name: str
    address: str
    district: str
    phone: str
    lat: float | None
    lng: float | None


class CodingOut(Answer):
    """A code as its publisher gave it."""

    system: str
    code: str
    display: str


class OfferOut(Answer):
    """What a vaccination clinic offers."""

    services: list[CodingOut]
    products: list[CodingOut]
    doses: list[int]


class DepartmentOut(Answer):
    """A department of an institution."""

    id: str
    organization_id: str
    name: str
    code: str
    place: str
    offer: OfferOut | None


class PractitionerOut(Answer):
    """A practitioner."""

    id: str
    organization_id: str
    name: str
    title: str
    specialty: str
    intro: str
    department_ids: list[str]


class FoundDepartmentOut(DepartmentOut):
    """A department and whose it is: every hospital has a 儿科."""

    organization_name: str


class FoundPractitionerOut(PractitionerOut):
    """A practitioner and where they practise."""

    organization_name: str


class SearchOut(Answer):
    """Hits by kind, best first."""

    organizations: list[OrganizationOut]
    departments: list[FoundDepartmentOut]
    practitioners: list[FoundPractitionerOut]


class PublishDepartment(Schema):
    """A hospital's statement of a department."""

    name: Name
    code: str = Field(max_length=8, description="National clinical subject: 0304, 03.04 or 300.")
    place: ShortText = ""
    active: bool = True


class PublishPractitioner(Schema):
    """A hospital's statement of a practitioner."""

    name: Name
    title: Annotated[str, StringConstraints(strip_whitespace=True, max_length=40), Line] = ""
    specialty: ShortText = ""
    intro: Annotated[str, StringConstraints(strip_whitespace=True, max_length=2000), Lines] = ""
    department_external_ids: list[ExternalID] = Field(max_length=50)
    active: bool = True


class RegisterTerminal(Schema):
    """A terminal that will verify health codes under its own identity."""

    name: Name
    kind: Annotated[TerminalKind, Field(strict=False)]
    department: ExternalID | None = Field(None, description="External id of the department it stands in.")


class HospitalDepartmentOut(DepartmentOut):
    """A department with the hospital's own name for it."""

    external_id: str
    active: bool


class HospitalPractitionerOut(PractitionerOut):
    """A practitioner with the hospital's own name for them."""

    external_id: str
    active: bool


class TerminalOut(Answer):
    """A terminal, without its secret."""

    id: str
    name: str
    kind: TerminalKind
    department_id: str | None
    active: bool
    created_at: Instant


class IssuedTerminalOut(Answer):
    """A new terminal with the secret that is shown once."""

    id: str
    client_id: str
    client_secret: str


def organization_out(organization: Organization) -> OrganizationOut:
    """An institution as residents see it."""
    return OrganizationOut(
        id=organization.id,
        name=organization.name,
        short_name=organization.short_name,
        level=organization.level,
        level_name=LEVEL_NAMES[organization.level],
        kind=organization.kind,
        kind_name=KIND_NAMES[organization.kind],
        address=organization.address,
        district=organization.district,
        phone=organization.phone,
        lat=organization.lat,
        lng=organization.lng,
    )


def department_out(department: Department) -> DepartmentOut:
    """A department as residents see it."""
    return DepartmentOut(**_department_fields(department))


def hospital_department_out(department: Department) -> HospitalDepartmentOut:
    """A department as its hospital sees it."""
    return HospitalDepartmentOut(
        **_department_fields(department), external_id=department.external.value, active=department.active
    )


def practitioner_out(practitioner: Practitioner) -> PractitionerOut:
    """A practitioner as residents see them."""
    return PractitionerOut(**_practitioner_fields(practitioner))


def hospital_practitioner_out(practitioner: Practitioner) -> HospitalPractitionerOut:
    """A practitioner as their hospital sees them."""
    return HospitalPractitionerOut(
        **_practitioner_fields(practitioner),
        external_id=practitioner.external.value,
        active=practitioner.active,
    )


def search_out(found: Found, owners: Mapping[str, Organization]) -> SearchOut:
    """Hits as residents see them; `owners` are the institutions of departments and practitioners, by id."""

    def name_of(organization_id: str) -> str:
        owner = owners.get(organization_id)
        return owner.name if owner else ""

    return SearchOut(
        organizations=[organization_out(entry) for entry in found.organizations],
        departments=[
            FoundDepartmentOut(**_department_fields(entry), organization_name=name_of(entry.organization_id))
            for entry in found.departments
        ],
        practitioners=[
            FoundPractitionerOut(
                **_practitioner_fields(entry), organization_name=name_of(entry.organization_id)
            )
            for entry in found.practitioners
        ],
    )


def terminal_out(client: Client) -> TerminalOut:
    """A terminal as its hospital sees it."""
    return TerminalOut(
        id=client.id,
        name=client.name,
        kind=client.terminal_kind or TerminalKind.WINDOW,
        department_id=client.department_id,
        active=client.active,
        created_at=client.created_at,
    )


def issued_terminal_out(issued: IssuedClient) -> IssuedTerminalOut:
    """A terminal's credentials, once."""
    return IssuedTerminalOut(id=issued.client.id, client_id=issued.client.id, client_secret=issued.secret)


def _department_fields(department: Department) -> dict[str, Any]:
    offer = department.offer
    return {
        "id": department.id,
        "organization_id": department.organization_id,
        "name": department.name,
        "code": department.code,
        "place": department.place,
        "offer": OfferOut.model_validate(offer, from_attributes=True) if offer else None,
    }


def _practitioner_fields(practitioner: Practitioner) -> dict[str, Any]:
    return {
        "id": practitioner.id,
        "organization_id": practitioner.organization_id,
        "name": practitioner.name,
        "title": practitioner.title,
        "specialty": practitioner.specialty,
        "intro": practitioner.intro,
        "department_ids": list(practitioner.department_ids),
    }
