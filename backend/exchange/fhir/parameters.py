"""What each type can be searched by: the table that searching follows and the CapabilityStatement tells."""

from __future__ import annotations

from typing import NamedTuple


class Parameter(NamedTuple):
    """A search parameter: its kind in FHIR's words, and where in the body its values stand."""

    name: str
    kind: str
    path: str


# Of every type.
COMMON = (
    Parameter("_id", "token", "id"),
    Parameter("_lastUpdated", "date", "meta.lastUpdated"),
    Parameter("identifier", "token", "identifier"),
)
# Of every type that is about a person.
OF_PERSON = ("patient", "subject")

_TYPES: dict[str, str] = {
    "Account": "token:status token:type date:period=servicePeriod",
    "AllergyIntolerance": (
        "token:code token:category token:clinical-status=clinicalStatus token:verification-"
        "status=verificationStatus token:criticality token:type date:date=recordedDate"
    ),
    "Appointment": "token:status date:date=start reference:location=participant.actor",
    "CarePlan": "token:status token:category token:intent date:date=period reference:encounter",
    "ChargeItem": "token:code date:occurrence=occurrence[x] reference:context",
    "Claim": "token:status token:use date:created reference:provider reference:insurer",
    "Composition": "token:status token:type token:category date:date reference:encounter reference:author",
    "Condition": (
        "token:code token:category token:clinical-status=clinicalStatus token:verification-"
        "status=verificationStatus token:severity date:recorded-date=recordedDate date:onset-"
        "date=onset[x] reference:encounter"
    ),
    "Coverage": "token:status token:type reference:payor",
    "DiagnosticReport": (
        "token:code token:category token:status date:date=effective[x] date:issued "
        "reference:encounter reference:result reference:based-on=basedOn reference:specimen "
        "reference:performer"
    ),
    "DocumentReference": (
        "token:status token:type token:category date:date date:period=context.period "
        "reference:encounter=context.encounter reference:author token:facility=context.facilityType"
    ),
    "Encounter": (
        "token:status token:class token:type date:date=period reference:service-"
        "provider=serviceProvider reference:participant=participant.individual reference:part-"
        "of=partOf"
    ),
    "EpisodeOfCare": "token:status token:type date:date=period",
    "Flag": "token:code date:date=period reference:encounter",
    "ImagingStudy": "token:status token:modality date:started reference:encounter reference:basedon=basedOn",
    "Immunization": "token:status token:vaccine-code=vaccineCode date:date=occurrence[x] reference:location",
    "Invoice": "token:status token:type date:date",
    "Location": "token:status token:type reference:organization=managingOrganization",
    "Media": "token:status token:type token:modality date:created=created[x] reference:encounter",
    "Medication": "token:code token:status",
    "MedicationAdministration": (
        "token:code=medicationCodeableConcept token:status date:effective-time=effective[x] "
        "reference:context reference:request"
    ),
    "MedicationDispense": (
        "token:code=medicationCodeableConcept token:status date:whenhandedover=whenHandedOver "
        "reference:context reference:prescription=authorizingPrescription"
    ),
    "MedicationRequest": (
        "token:code=medicationCodeableConcept token:status token:intent token:category "
        "date:authoredon=authoredOn reference:encounter reference:requester "
        "reference:medication=medicationReference"
    ),
    "MedicationStatement": (
        "token:code=medicationCodeableConcept token:status date:effective=effective[x] reference:context"
    ),
    "Observation": (
        "token:code token:category token:status date:date=effective[x] reference:encounter "
        "token:combo-code=code,component.code reference:performer reference:based-on=basedOn "
        "reference:specimen reference:has-member=hasMember"
    ),
    "Organization": "token:active token:type reference:partof=partOf",
    "Patient": "token:active token:gender",
    "Practitioner": "token:active",
    "PractitionerRole": (
        "token:active token:role=code token:specialty reference:practitioner reference:organization "
        "reference:location"
    ),
    "Procedure": (
        "token:code token:category token:status date:date=performed[x] reference:encounter "
        "reference:based-on=basedOn reference:performer=performer.actor"
    ),
    "Provenance": "date:recorded reference:target reference:agent=agent.who",
    "ServiceRequest": (
        "token:code token:category token:status token:intent date:authored=authoredOn "
        "date:occurrence=occurrence[x] reference:encounter reference:requester reference:performer "
        "reference:specimen"
    ),
    "Specimen": "token:status token:type date:collected=collection.collected[x] reference:parent",
    "Task": (
        "token:code token:status date:authored-on=authoredOn reference:encounter reference:owner "
        "reference:requester reference:focus"
    ),
}


def _read(line: str) -> tuple[Parameter, ...]:
    found = []
    for word in line.split():
        kind, _, rest = word.partition(":")
        name, _, path = rest.partition("=")
        found.append(Parameter(name, kind, path or name))
    return tuple(found)


_READ = {kind: _read(line) for kind, line in _TYPES.items()}


def parameters_of(kind: str) -> dict[str, Parameter]:
    """By name, what a type can be searched by, besides the person it is about."""
    return {each.name: each for each in (*COMMON, *_READ.get(kind, ()))}


def includes_of(kind: str) -> dict[str, str]:
    """What `_include` may name of a type, and where the references stand."""
    named = {each.name: each.path for each in parameters_of(kind).values() if each.kind == "reference"}
    return named | {"patient": "patient,subject,beneficiary,for", "subject": "subject"}
