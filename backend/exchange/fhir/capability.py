"""The CapabilityStatement: what this face really does, told from the tables it does it by."""

from __future__ import annotations

from typing import Any

from backend.exchange.fhir.definitions import served_types
from backend.exchange.fhir.http import FHIR_JSON, JSON_PATCH
from backend.exchange.fhir.parameters import OF_PERSON, includes_of, parameters_of
from backend.exchange.fhir.referrals import TYPES as REFERRAL_TYPES
from backend.exchange.fhir.reverse import reverses_of
from backend.exchange.fhir.searching import is_of_organization

# When what is told here was last changed.
_DATE = "2026-11-22"
_INTERACTIONS = (
    "read", "vread", "update", "patch", "delete", "history-instance", "create", "search-type",
)  # fmt: skip
_SECURITY = (
    "OAuth 2.0 client credentials (/oauth2/token). A hospital reads what it has sent itself; what others "
    "have sent only with X-Practitioner and X-Purpose: on consent, a care relationship, law or "
    "break-glass (X-Reason)."
)

_REFERRALS = (
    "Referrals are a ServiceRequest of category urn:healthycity:service-category|referral and a Task of that "
    "code with the same id, seen by the two institutions. Search with that category or code; send both in "
    "one transaction; update the Task to move the referral. They have no history interaction. What is to be "
    "done after discharge is a CarePlan with the same id."
)


def capability_statement(base: str, version: str, name: str) -> dict[str, Any]:
    """What a client may rely on."""
    return {
        "resourceType": "CapabilityStatement",
        "status": "active",
        "date": _DATE,
        "publisher": name,
        "kind": "instance",
        "software": {"name": "Healthy City", "version": version},
        "implementation": {"description": f"{name} FHIR R4", "url": base},
        "fhirVersion": "4.0.1",
        "format": [FHIR_JSON, "json"],
        "patchFormat": [JSON_PATCH],
        "rest": [
            {
                "mode": "server",
                "security": {
                    "service": [
                        {
                            "coding": [
                                {
                                    "system": "http://terminology.hl7.org/CodeSystem/restful-security-service",
                                    "code": "OAuth",
                                }
                            ]
                        }
                    ],
                    "description": _SECURITY,
                },
                "resource": [_resource(kind) for kind in served_types()],
                "interaction": [{"code": "transaction"}, {"code": "batch"}],
            }
        ],
    }


def _resource(kind: str) -> dict[str, Any]:
    names = {name: parameter.kind for name, parameter in parameters_of(kind).items()}
    if not is_of_organization(kind) and kind != "Patient":
        names |= dict.fromkeys(OF_PERSON, "reference")
    if kind == "Patient":
        names["link"] = "reference"
    told: dict[str, Any] = {
        "type": kind,
        # A Patient stands for a chart, and is not deleted.
        "interaction": [{"code": code} for code in _INTERACTIONS if (kind, code) != ("Patient", "delete")],
        "versioning": "versioned-update",
        "readHistory": True,
        "updateCreate": False,
        "conditionalCreate": True,
        "conditionalRead": "not-match",
        "conditionalUpdate": True,
        "conditionalDelete": "not-supported" if kind == "Patient" else "single",
        "referencePolicy": ["literal", "logical", "enforced", "local"],
        "searchParam": [{"name": name, "type": kind_} for name, kind_ in sorted(names.items())],
    }
    if kind in REFERRAL_TYPES:
        told["documentation"] = _REFERRALS
    if reverses_of(kind):
        told["searchRevInclude"] = sorted(reverses_of(kind))
    if kind != "Patient":
        told["searchInclude"] = [f"{kind}:{name}" for name in sorted(includes_of(kind))]
    if kind == "Patient":
        told["operation"] = [
            {
                "name": "everything",
                "definition": "http://hl7.org/fhir/OperationDefinition/Patient-everything",
            }
        ]
    return told
