"""Which department and doctor of the directory an encounter names: by their codes, never by guess."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any, Protocol

from backend.directory.identity import department_id, of_hospital, practitioner_id
from backend.directory.models import Department, Practitioner
from backend.records.times import read_instant

# Who answers for the visit, the first that is known; whoever referred or was asked for advice does not.
_ANSWERABLE = ("ATND", "PPRF", "", "ADM")
# Where somebody was or is; not where he is to go.
_HERE = frozenset({"active", "", "completed"})


class Directory(Protocol):
    """What of the directory's service is needed here."""

    async def departments_by_id(self, ids: Iterable[str]) -> dict[str, Department]: ...
    async def practitioners_by_id(self, ids: Iterable[str]) -> dict[str, Practitioner]: ...


class Places:
    """Finds them among an institution's own."""

    def __init__(self, directory: Directory) -> None:
        self._directory = directory

    async def of(self, organization_id: str, body: dict[str, Any]) -> tuple[str | None, str | None]:
        """The department and the practitioner of an Encounter."""
        doctor = await self._doctor(organization_id, body)
        department = await self._department(organization_id, body)
        if department is None and doctor is not None and len(doctor.department_ids) == 1:
            # Whoever belongs to one department alone has seen the person there.
            department = doctor.department_ids[0]
        return department, doctor.id if doctor else None

    async def _department(self, organization_id: str, body: dict[str, Any]) -> str | None:
        named = _last_place(body)
        ids = [department_id(organization_id, of_hospital(code)) for code in _codes(named)] + _tails(named)
        known = await self._directory.departments_by_id(ids)
        own = (id for id in ids if id in known and known[id].organization_id == organization_id)
        return next(own, None)

    async def _doctor(self, organization_id: str, body: dict[str, Any]) -> Practitioner | None:
        ids: list[str] = []
        for person in _answerable(body):
            ids += [practitioner_id(organization_id, of_hospital(code)) for code in _codes(person)]
            ids += _tails(person)
        known = await self._directory.practitioners_by_id(ids)
        return next(
            (known[i] for i in ids if i in known and known[i].organization_id == organization_id), None
        )


def _answerable(body: dict[str, Any]) -> list[dict[str, Any]]:
    """The people who took part and answer for it, those most who attended."""
    found: list[tuple[int, dict[str, Any]]] = []
    for part in _dicts(body.get("participant")):
        kinds = [
            str(coding.get("code", ""))
            for kind in _dicts(part.get("type"))
            for coding in _dicts(kind.get("coding"))
        ] or [""]
        ranks = [_ANSWERABLE.index(kind) for kind in kinds if kind in _ANSWERABLE]
        if ranks and isinstance(part.get("individual"), dict):
            found.append((min(ranks), part["individual"]))
    return [person for _, person in sorted(found, key=lambda one: one[0])]


def _last_place(body: dict[str, Any]) -> dict[str, Any]:
    """Where the person was last: what is still so before what was, and of several the latest."""
    places = [
        one
        for one in _dicts(body.get("location"))
        if one.get("status", "") in _HERE and isinstance(one.get("location"), dict)
    ]
    # Of those alike the first: a v2 message names the present one before those from before.
    best = max(places, key=lambda one: (one.get("status", "") != "completed", _began(one)), default=None)
    named: dict[str, Any] = best["location"] if best else {}
    return named


def _began(place: dict[str, Any]) -> float:
    period = place.get("period")
    at: datetime | None = read_instant(period.get("start")) if isinstance(period, dict) else None
    return at.timestamp() if at else 0.0


def _codes(reference: dict[str, Any]) -> list[str]:
    """What the hospital calls what is referred to."""
    identifier = reference.get("identifier")
    value = identifier.get("value") if isinstance(identifier, dict) else None
    return [value] if isinstance(value, str) and value else []


def _tails(reference: dict[str, Any]) -> list[str]:
    """The id that a reference ends in, which may be the directory's own."""
    text = reference.get("reference")
    return [text.rsplit("/", 1)[-1]] if isinstance(text, str) and "/" in text else []


def _dicts(value: Any) -> list[dict[str, Any]]:
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []
