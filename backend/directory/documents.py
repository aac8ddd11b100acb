"""Between the directory's values and their documents: content, search keys, order."""

from __future__ import annotations

from dataclasses import asdict, fields
from typing import Any

from backend.db.client import Document
from backend.directory.codes import HospitalLevel, OrganizationKind, find_department_code
from backend.directory.models import Coding, Department, External, Offer, Organization, Practitioner
from backend.directory.pinyin import search_keys, sort_key

_LEVEL_ORDER = {level: position for position, level in enumerate(HospitalLevel)}
_TITLE_ORDER = ("主任", "副主任", "主治", "住院")


def organization_doc(organization: Organization) -> Document:
    """The content of an institution's document."""
    rank = _LEVEL_ORDER[organization.level]
    return _plain(organization) | {
        "search_keys": search_keys(organization.name, organization.short_name),
        "order": f"{rank:02d}{sort_key(organization.name)}",
    }


def department_doc(department: Department) -> Document:
    """The content of a department's document; it is also found by what residents call its subject."""
    known = find_department_code(department.code)
    names = (known.name, *known.aliases) if known else ()
    return _plain(department) | {
        "search_keys": search_keys(department.name, *names),
        "order": f"{department.code}{sort_key(department.name)}",
    }


def practitioner_doc(practitioner: Practitioner) -> Document:
    """The content of a practitioner's document: senior titles first."""
    rank = next(
        (place for place, title in enumerate(_TITLE_ORDER) if practitioner.title.startswith(title)),
        len(_TITLE_ORDER),
    )
    return _plain(practitioner) | {
        "department_ids": list(practitioner.department_ids),
        "search_keys": search_keys(practitioner.name, surname=True),
        "order": f"{rank}{sort_key(practitioner.name, surname=True)}",
    }


def organization_of(doc: Document) -> Organization:
    """An institution from its document."""
    codes = {"kind": OrganizationKind(doc["kind"]), "level": HospitalLevel(doc["level"])}
    return Organization(**_fields(doc, Organization) | codes)


def department_of(doc: Document) -> Department:
    """A department from its document."""
    offer = doc.get("offer")
    return Department(**_fields(doc, Department) | {"offer": _offer_of(offer) if offer else None})


def practitioner_of(doc: Document) -> Practitioner:
    """A practitioner from its document."""
    return Practitioner(**_fields(doc, Practitioner) | {"department_ids": tuple(doc["department_ids"])})


def _plain(value: Organization | Department | Practitioner) -> Document:
    content: dict[str, Any] = asdict(value)
    content["_id"] = content.pop("id")
    offer = content.get("offer")
    if offer:
        content["offer"] = {name: list(items) for name, items in offer.items()}
    return content


def _fields(
    doc: Document, kind: type[Organization] | type[Department] | type[Practitioner]
) -> dict[str, Any]:
    known = {field.name: doc[field.name] for field in fields(kind) if field.name in doc}
    return known | {"id": doc["_id"], "external": External(**doc["external"])}


def _offer_of(doc: Document) -> Offer:
    return Offer(
        services=tuple(Coding(**item) for item in doc["services"]),
        products=tuple(Coding(**item) for item in doc["products"]),
        doses=tuple(doc["doses"]),
    )
