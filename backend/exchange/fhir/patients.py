"""A Patient as the patient index wants it: the hospital's number and who it is; and a person as a Patient."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any

from backend import clock
from backend.patient_index.models import ChartNumber, Demographics
from backend.residents.id_numbers import IDNumberError, parse_id_number

# 居民身份证号, in the national list of object identifiers.
ID_NUMBER_SYSTEM = "urn:oid:2.16.156.10011.1.3"
# Kinds of identifiers (HL7 v2-0203): the hospital's own ones, and those that others give out.
_OWN = ("MR", "PI", "PT", "MRT", "AN")
_NOT_OWN = frozenset({"NI", "NNCHN", "SS", "DL", "PPN", "NH", "HC", "MB", "SN", "BC", "TAX", "CZ"})
_OID = "urn:oid:"


def chart_number(patient: dict[str, Any], organization_id: str) -> ChartNumber | None:
    """The hospital's own number of the patient; None when it gives none."""
    offered = [each for each in patient.get("identifier") or () if _is_own(each)]
    offered.sort(key=_rank)
    if not offered:
        return None
    return numbered(str(offered[0].get("system", "")), offered[0]["value"], organization_id)


def numbered(system: str, value: str, organization_id: str) -> ChartNumber:
    """The same number that the hospital's HL7 v2 messages carry: there the assigner is an OID or a name."""
    assigner = system.removeprefix(_OID).removeprefix(f"urn:healthycity:numbers:{organization_id}:")
    return ChartNumber(assigner, value[:200])


def _is_own(identifier: Any) -> bool:
    if not isinstance(identifier, dict) or not str(identifier.get("value") or "").strip():
        return False
    kinds = _kinds(identifier)
    foreign = identifier.get("system") == ID_NUMBER_SYSTEM or (kinds & _NOT_OWN and not kinds & set(_OWN))
    return not foreign and identifier.get("use") != "old"


def _kinds(identifier: dict[str, Any]) -> set[str]:
    kind = identifier.get("type") or {}
    return {str(coding.get("code")) for coding in kind.get("coding") or () if isinstance(coding, dict)}


def _rank(identifier: dict[str, Any]) -> tuple[int, int]:
    kinds = _kinds(identifier)
    own = next((n for n, kind in enumerate(_OWN) if kind in kinds), len(_OWN))
    return own, ("usual", "official", "secondary", "temp").index(identifier.get("use") or "official")


def demographics(patient: dict[str, Any]) -> Demographics:
    """Who the hospital says it is."""
    number = id_number(patient)
    sex = patient.get("gender")
    return Demographics(
        name=_name(patient.get("name") or ()),
        sex=sex if sex in ("male", "female", "other") else "unknown",
        birth_on=_day(patient.get("birthDate")) or _born(number),
        id_number=number,
        phone=_phone(patient.get("telecom") or ()),
        address=_address(patient.get("address") or ()),
    )


def id_number(patient: dict[str, Any]) -> str:
    """The person's ID number, if a valid one stands among the identifiers."""
    for each in patient.get("identifier") or ():
        if each.get("system") == ID_NUMBER_SYSTEM or _kinds(each) & {"NI", "NNCHN"}:
            try:
                return parse_id_number(str(each.get("value", "")), today=clock.today()).text
            except IDNumberError:
                continue
    return ""


def _born(number: str) -> date | None:
    return parse_id_number(number, today=clock.today()).birth_on if number else None


def _name(names: Sequence[dict[str, Any]]) -> str:
    order = ("official", "usual", "", "temp", "nickname", "anonymous", "maiden", "old")
    for name in sorted(names, key=lambda each: order.index(each.get("use", ""))):
        given = [part for part in name.get("given") or () if part]
        parts = [part for part in (name.get("family"), *given) if part]
        whole = name.get("text") or ("".join(parts) if not "".join(parts).isascii() else " ".join(parts))
        if whole:
            return str(whole)[:100]
    return ""


def _phone(telecoms: Sequence[dict[str, Any]]) -> str:
    phones = [each for each in telecoms if each.get("system") in ("phone", "sms") and each.get("value")]
    phones.sort(key=lambda each: each.get("use") != "mobile")
    return "".join(c for c in str(phones[0]["value"]) if c.isdigit() or c == "+")[:20] if phones else ""


def _address(addresses: Sequence[dict[str, Any]]) -> str:
    for each in addresses:
        parts = (each.get(name) for name in ("state", "city", "district"))
        whole = each.get("text") or "".join(filter(None, (*parts, *(each.get("line") or ()))))
        if whole:
            return str(whole)[:200]
    return ""


def _day(text: Any) -> date | None:
    try:
        return date.fromisoformat(text) if isinstance(text, str) else None
    except ValueError:
        return None


def golden(person_id: str, chart_ids: Sequence[str], patients: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """The person over all hospitals: what the newest of their Patients says, and a link to each of them."""
    newest = patients[0] if patients else {}
    numbers = [
        {"system": each["system"], "value": each["value"]}
        for each in newest.get("identifier") or ()
        if each.get("system") == ID_NUMBER_SYSTEM and each.get("value")
    ]
    said = {
        name: newest[name] for name in ("name", "gender", "birthDate", "deceasedBoolean") if name in newest
    }
    links = [{"other": {"reference": f"Patient/{id}"}, "type": "seealso"} for id in chart_ids]
    return (
        {"resourceType": "Patient", "id": person_id}
        | ({"identifier": numbers} if numbers else {})
        | said
        | ({"link": links} if links else {})
    )
