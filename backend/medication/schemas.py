"""What medication's endpoints read and write."""

from __future__ import annotations

from pydantic import Field, model_validator

from backend.http.schema import Answer, Instant, Schema
from backend.medication.judging import Alert, Kind, Severity
from backend.medication.models import Action, MedicationCheck
from backend.medication.service import Checked, Prescribed, Said, Wanted
from backend.patient_index.models import ChartNumber
from backend.records.models import Purpose

MOST_MEDICINES = 30


class ChartNumberOf(Schema):
    """The hospital's own number of the patient; `assigner` as in its messages, if it gives several kinds."""

    value: str = Field(min_length=1, max_length=64)
    assigner: str = Field("", max_length=64)


class PatientOf(Schema):
    """Who: the hospital's number, or the ID number of the card that lies on the table. One of them."""

    chart_number: ChartNumberOf | None = None
    id_number: str = Field("", max_length=18)

    @model_validator(mode="after")
    def _one(self) -> PatientOf:
        if (self.chart_number is None) == (not self.id_number):
            raise ValueError("either chart_number or id_number")
        return self


class CodingIn(Schema):
    """A code; the hospital's own needs no system."""

    code: str = Field(min_length=1, max_length=64)
    system: str = Field("", max_length=200)


class MedicineIn(Schema):
    """One medicine of the prescription. The name is what the label says."""

    name: str = Field(min_length=1, max_length=100)
    codes: list[CodingIn] = Field(default_factory=list, max_length=10)
    route: str = Field("", max_length=40)


class MedicationCheckIn(Schema):
    """A question before prescribing."""

    patient: PatientOf
    medicines: list[MedicineIn] = Field(min_length=1, max_length=MOST_MEDICINES)
    practitioner: str = Field(min_length=1, max_length=64, description="The hospital's id of the doctor.")
    encounter: str = Field("", max_length=64)
    purpose: Purpose = Field(Purpose.TREAT, strict=False)
    reason: str = Field("", max_length=200, description="For break-glass.")
    examinations: list[str] = Field(
        default_factory=list, max_length=50, description="Codes of examinations ordered along with it."
    )


class AlertOut(Answer):
    """One thing to think of."""

    id: str
    kind: Kind
    severity: Severity
    medicine: str
    other: str
    organization_name: str
    days_left: int | None
    text: str
    rule: str
    source: str
    needs_reason: bool


class MedicationCheckOut(Answer):
    """The alerts, the gravest first. What is in `not_understood` has not been checked."""

    check_id: str
    rules_edition: int
    alerts: list[AlertOut]
    not_understood: list[str]
    reasons: dict[str, str]


class AnswerIn(Schema):
    """Changed because of it, or prescribed all the same."""

    alert: str = Field(max_length=64)
    action: Action = Field(strict=False)
    reason: str = Field("", max_length=8)
    text: str = Field("", max_length=200)


class AnswersIn(Schema):
    """The answers of one check."""

    check_id: str = Field(max_length=64)
    practitioner: str = Field(min_length=1, max_length=64)
    answers: list[AnswerIn] = Field(min_length=1, max_length=200)


class AnsweredOut(Answer):
    """What stands now."""

    alert: str
    action: Action
    reason: str
    answered_at: Instant


class AnswersOut(Answer):
    """Every answer of the check, and the alerts that still need one."""

    check_id: str
    answers: list[AnsweredOut]
    open: list[str]


def wanted_of(body: MedicationCheckIn) -> Wanted:
    """The question."""
    number = body.patient.chart_number
    return Wanted(
        medicines=tuple(
            Prescribed(each.name, tuple((code.system, code.code) for code in each.codes), each.route)
            for each in body.medicines
        ),
        practitioner=body.practitioner,
        number=ChartNumber(number.assigner, number.value) if number else None,
        id_number=body.patient.id_number,
        encounter=body.encounter,
        purpose=body.purpose,
        reason=body.reason,
        examinations=tuple(body.examinations),
    )


def said_of(body: AnswersIn) -> list[Said]:
    """The answers."""
    return [Said(each.alert, each.action, each.reason, each.text) for each in body.answers]


def check_out(checked: Checked, names: dict[str, str]) -> MedicationCheckOut:
    """The answer to a check."""
    return MedicationCheckOut(
        check_id=checked.check.id,
        rules_edition=checked.check.edition,
        alerts=[_alert_out(each, names) for each in checked.check.alerts],
        not_understood=list(checked.not_understood),
        reasons=checked.reasons,
    )


def answers_out(check: MedicationCheck) -> AnswersOut:
    """What stands."""
    return AnswersOut(
        check_id=check.id,
        answers=[
            AnsweredOut(alert=each.alert_id, action=each.action, reason=each.reason, answered_at=each.at)
            for each in check.answers.values()
        ],
        open=check.open,
    )


def _alert_out(alert: Alert, names: dict[str, str]) -> AlertOut:
    return AlertOut(
        id=alert.id,
        kind=alert.kind,
        severity=alert.severity,
        medicine=alert.medicine,
        other=alert.other,
        organization_name=names.get(alert.organization_id, ""),
        days_left=alert.days_left,
        text=alert.text,
        rule=alert.rule,
        source=alert.source,
        needs_reason=alert.needs_reason,
    )
