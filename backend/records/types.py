"""The types of resources that are kept: where each says when it was, how it stands, what it is about."""

from __future__ import annotations

from typing import NamedTuple

from backend.records.models import Kind, Sensitivity

_CLINICAL, _ADMINISTRATIVE, _PUBLIC = Sensitivity.CLINICAL, Sensitivity.ADMINISTRATIVE, Sensitivity.PUBLIC


class TypeRule(NamedTuple):
    """How one type is read. Paths are dotted; the first time that is there counts, codes of all paths do."""

    kind: Kind
    at: tuple[str, ...] = ()
    codes: tuple[str, ...] = ()
    status: str = "status"
    encounter: str = "encounter"
    sensitivity: int = _CLINICAL
    # Whether it stands in the timeline by itself.
    shown: bool = True


def _public(*codes: str, status: str = "status") -> TypeRule:
    return TypeRule(Kind.OTHER, codes=codes, status=status, sensitivity=_PUBLIC, shown=False)


def _administrative(*at: str, codes: tuple[str, ...] = (), kind: Kind = Kind.OTHER) -> TypeRule:
    return TypeRule(kind, at, codes, sensitivity=_ADMINISTRATIVE, shown=False)


def _clinical(
    kind: Kind,
    *at: str,
    codes: tuple[str, ...] = ("code",),
    status: str = "status",
    encounter: str = "encounter",
) -> TypeRule:
    return TypeRule(kind, at, codes, status, encounter)


def _aside(
    kind: Kind, *at: str, codes: tuple[str, ...] = ("code",), encounter: str = "encounter"
) -> TypeRule:
    return TypeRule(kind, at, codes, encounter=encounter, shown=False)


_EFFECTIVE = ("effectiveDateTime", "effectivePeriod", "effectiveInstant")
_OCCURRENCE = ("occurrenceDateTime", "occurrencePeriod")
_ONSET = ("onsetDateTime", "onsetPeriod")
_STANDING = "clinicalStatus.coding.code"
_MEDICINE = ("medicationCodeableConcept",)

TYPES: dict[str, TypeRule] = {
    # Who a chart is about, and who stands beside him
    "Patient": _administrative(),
    "RelatedPerson": _administrative("period", codes=("relationship",)),
    # Visits
    "Encounter": _clinical(
        Kind.VISIT, "period", codes=("class", "type", "serviceType", "reasonCode"), encounter="partOf"
    ),
    "EpisodeOfCare": _aside(Kind.VISIT, "period", codes=("type",)),
    "Appointment": _administrative("start", "requestedPeriod", codes=("serviceType",), kind=Kind.VISIT),
    "AppointmentResponse": _administrative("start", kind=Kind.VISIT),
    # What somebody has
    "Condition": _clinical(Kind.DIAGNOSIS, "recordedDate", *_ONSET, "abatementDateTime", status=_STANDING),
    "ClinicalImpression": _clinical(Kind.DIAGNOSIS, *_EFFECTIVE, "date"),
    "FamilyMemberHistory": _aside(Kind.DIAGNOSIS, "date", codes=("condition.code", "relationship")),
    "AdverseEvent": _clinical(
        Kind.DIAGNOSIS, "date", "detected", "recordedDate", codes=("event",), status="actuality"
    ),
    "AllergyIntolerance": _clinical(
        Kind.ALLERGY, "recordedDate", *_ONSET, "lastOccurrence",
        codes=("code", "reaction.substance"), status=_STANDING,
    ),
    # What was done
    "Procedure": _clinical(Kind.PROCEDURE, "performedDateTime", "performedPeriod"),
    "Immunization": _clinical(Kind.VACCINATION, "occurrenceDateTime", "recorded", codes=("vaccineCode",)),
    "ImmunizationRecommendation": _aside(
        Kind.VACCINATION, "date", codes=("recommendation.vaccineCode",)
    ),
    # What was found; Observation and DiagnosticReport say in their category of which kind they are
    "Observation": _clinical(
        Kind.MEASUREMENT, *_EFFECTIVE, "issued", codes=("code", "component.code")
    ),
    "DiagnosticReport": _clinical(Kind.LAB, *_EFFECTIVE, "issued"),
    "Specimen": _aside(
        Kind.LAB, "collection.collectedDateTime", "collection.collectedPeriod", "receivedTime",
        codes=("type",),
    ),
    "MolecularSequence": _aside(Kind.LAB, codes=()),
    "ImagingStudy": _aside(Kind.IMAGING, "started", codes=("procedureCode", "modality", "series.modality")),
    "Media": _aside(Kind.IMAGING, "createdDateTime", "createdPeriod", "issued", codes=("type", "view")),
    # Medicines
    "MedicationRequest": _clinical(Kind.MEDICINE, "authoredOn", codes=_MEDICINE),
    "MedicationDispense": _clinical(
        Kind.MEDICINE, "whenHandedOver", "whenPrepared", codes=_MEDICINE, encounter="context"
    ),
    "MedicationAdministration": _aside(Kind.MEDICINE, *_EFFECTIVE, codes=_MEDICINE, encounter="context"),
    "MedicationStatement": _clinical(
        Kind.MEDICINE, *_EFFECTIVE, "dateAsserted", codes=_MEDICINE, encounter="context"
    ),
    # Papers
    "DocumentReference": _clinical(
        Kind.DOCUMENT, "context.period", "date", codes=("type",), encounter="context.encounter"
    ),
    "Composition": _clinical(Kind.DOCUMENT, "date", codes=("type",)),
    "CarePlan": _clinical(Kind.DOCUMENT, "period", "created", codes=("category",)),
    "QuestionnaireResponse": _clinical(Kind.DOCUMENT, "authored", codes=()),
    "RiskAssessment": _clinical(Kind.DOCUMENT, *_OCCURRENCE),
    "Binary": _aside(Kind.DOCUMENT, codes=()),
    "DocumentManifest": _aside(Kind.DOCUMENT, "created", codes=("type",)),
    # What was ordered
    "ServiceRequest": _clinical(Kind.ORDER, *_OCCURRENCE, "authoredOn"),
    "NutritionOrder": _clinical(Kind.ORDER, "dateTime", codes=("oralDiet.type",)),
    "DeviceRequest": _clinical(Kind.ORDER, *_OCCURRENCE, "authoredOn", codes=("codeCodeableConcept",)),
    "VisionPrescription": _clinical(Kind.ORDER, "dateWritten", "created", codes=()),
    "Task": _aside(Kind.ORDER, "executionPeriod", "authoredOn"),
    "CommunicationRequest": _aside(Kind.ORDER, *_OCCURRENCE, "authoredOn", codes=("category",)),
    # What stands beside care
    "Communication": _aside(Kind.OTHER, "sent", "received", codes=("category",)),
    "CareTeam": _aside(Kind.OTHER, "period", codes=("category",)),
    "Goal": _aside(Kind.OTHER, "startDate", "statusDate", codes=("description",)),
    "Flag": _aside(Kind.OTHER, "period"),
    "List": _aside(Kind.OTHER, "date"),
    "DetectedIssue": _aside(Kind.OTHER, "identifiedDateTime", "identifiedPeriod"),
    "DeviceUseStatement": _aside(Kind.OTHER, "recordedOn", codes=()),
    "BodyStructure": _aside(Kind.OTHER, codes=("location", "morphology")),
    "Provenance": _aside(Kind.OTHER, "occurredDateTime", "occurredPeriod", "recorded", codes=("activity",)),
    "Consent": _administrative("dateTime", codes=("category",)),
    # Money
    "Claim": _administrative("billablePeriod", "created", codes=("type",)),
    "ClaimResponse": _administrative("created", codes=("type",)),
    "ExplanationOfBenefit": _administrative("billablePeriod", "created", codes=("type",)),
    "Account": _administrative("servicePeriod", codes=("type",)),
    "Invoice": _administrative("date", codes=("type",)),
    "ChargeItem": _administrative(*_OCCURRENCE, "enteredDate", codes=("code",)),
    "Coverage": _administrative("period", codes=("type",)),
    "PaymentNotice": _administrative("paymentDate", "created"),
    # What an organization says of itself
    "Organization": _public("type", status="active"),
    "Location": _public("type"),
    "HealthcareService": _public("type", "specialty", status="active"),
    "Practitioner": _public(status="active"),
    "PractitionerRole": _public("code", "specialty", status="active"),
    "Schedule": _public("serviceType", status="active"),
    "Slot": _public("serviceType"),
    "Medication": _public("code"),
    "Substance": _public("code"),
    "Device": _public("type"),
    "Endpoint": _public("connectionType"),
    "Questionnaire": _public("code"),
    "PlanDefinition": _public("type"),
    "ActivityDefinition": _public("code"),
}  # fmt: skip

# Codes of a report's category: something was looked at, or measured in a laboratory (HL7 v2-0074, LOINC).
LOOKED_AT = frozenset({
    "RAD", "RX", "CT", "CUS", "OUS", "RUS", "VUS", "VR", "XRC", "NMR", "NMS", "MRI", "US", "EC", "EN", "PF",
    "CTH", "IMG", "RT", "AU", "imaging", "LP29684-5", "18748-4",
})  # fmt: skip
MEASURED = frozenset({
    "LAB", "HM", "CH", "MB", "MCB", "BLB", "SP", "CP", "PAT", "CG", "CY", "HLA", "IMM", "MYC", "PAR", "SR",
    "TX", "VIR", "GE", "BG", "PHR", "laboratory", "LP29693-6", "LP7839-6", "11502-2",
})  # fmt: skip
