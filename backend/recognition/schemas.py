"""What recognition's endpoints read and write."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

from pydantic import Field, StringConstraints, model_validator

from backend.errors import AppError, ErrorCode
from backend.http.schema import Answer, Instant, Schema
from backend.patient_index.models import ChartNumber
from backend.recognition.deciding import Said
from backend.recognition.finding import FoundResult, flag_of, name_of, reference_of, value_of
from backend.recognition.models import Check
from backend.recognition.rules import Judgement, Verdict, Why
from backend.recognition.service import Checked, Looked, Shown, Wanted
from backend.recognition.words import sentence
from backend.records.models import Purpose

Code = Annotated[str, StringConstraints(min_length=1, max_length=64, strip_whitespace=True)]
MOST_ITEMS = 50


class ChartNumberIn(Schema):
    """The hospital's own number of the patient; `assigner` as in its messages, if it gives several kinds."""

    value: str = Field(min_length=1, max_length=64)
    assigner: str = Field("", max_length=64)


class PatientIn(Schema):
    """Who: the hospital's number, or the ID number of the card that lies on the table. One of them."""

    chart_number: ChartNumberIn | None = None
    id_number: str = Field("", max_length=18)

    @model_validator(mode="after")
    def _one(self) -> PatientIn:
        if (self.chart_number is None) == (not self.id_number):
            raise ValueError("either chart_number or id_number")
        return self


class CheckIn(Schema):
    """A question at ordering time."""

    patient: PatientIn
    items: list[Code] = Field(min_length=1, max_length=MOST_ITEMS, description="Own, LOINC or listed codes.")
    practitioner: str = Field(min_length=1, max_length=64, description="The hospital's id of the doctor.")
    encounter: str = Field("", max_length=64)
    purpose: Purpose = Field(Purpose.TREAT, strict=False)
    reason: str = Field("", max_length=200, description="For break-glass.")


class MarkOut(Answer):
    """质量标识."""

    name: str
    valid_until: str


class ResultOut(Answer):
    """One result with what was said of it."""

    id: str
    type: str
    report: str | None = Field(description="Read it at `/fhir/R4/DiagnosticReport/{report}`.")
    images: list[str] = Field(description="Addresses of the imaging studies under `/fhir/R4`.")
    organization_id: str
    organization_name: str
    name: str
    value: str
    reference: str
    flag: str
    reported_on: str
    age_days: int
    mark: MarkOut | None
    verdict: Verdict
    why: list[Why]
    text: str = Field(description="For the doctor, in Chinese.")


class ItemOut(Answer):
    """One item asked for. `item` is null for a code that the lists do not have."""

    asked_as: str
    item: str | None
    name: str
    recommended: bool
    results: list[ResultOut]


class CheckOut(Answer):
    """调阅流水号 with the results, and the reasons a doctor may choose from."""

    check_id: str
    list_edition: int
    items: list[ItemOut]
    reasons: dict[str, str]


class DecisionIn(Schema):
    """Recognised, or why not. Without `result` the first one that was recommended."""

    item: Code
    accepted: bool
    result: str = Field("", max_length=64)
    reason: str = Field("", max_length=8)
    note: str = Field("", max_length=200)

    @model_validator(mode="after")
    def _reason(self) -> DecisionIn:
        if not self.accepted and not self.reason:
            raise ValueError("a reason is needed")
        return self


class DecisionsIn(Schema):
    """The answers of one check."""

    check_id: str = Field(max_length=64)
    practitioner: str = Field(min_length=1, max_length=64)
    decisions: list[DecisionIn] = Field(min_length=1, max_length=MOST_ITEMS)


class DecisionOut(Answer):
    """What stands now."""

    item: str
    accepted: bool
    result: str
    reason: str
    saved_fen: int
    decided_at: Instant


class DecisionsOut(Answer):
    """Every decision of the check, and the items that are still waiting for one."""

    check_id: str
    decisions: list[DecisionOut]
    open: list[str]


def wanted_of(body: CheckIn) -> Wanted:
    """The question."""
    number = body.patient.chart_number
    if len(set(body.items)) != len(body.items):
        raise AppError(ErrorCode.BAD_REQUEST, data={"fields": [{"field": "items", "problem": "repeated"}]})
    return Wanted(
        codes=tuple(body.items),
        practitioner=body.practitioner,
        number=ChartNumber(number.assigner, number.value) if number else None,
        id_number=body.patient.id_number,
        encounter=body.encounter,
        purpose=body.purpose,
        reason=body.reason,
    )


def said_of(body: DecisionsIn) -> list[Said]:
    """The answers."""
    return [Said(each.item, each.accepted, each.result, each.reason, each.note) for each in body.decisions]


def check_out(checked: Checked, reasons: Mapping[str, str], names: Mapping[str, str]) -> CheckOut:
    """The answer to a check."""
    return CheckOut(
        check_id=checked.check.id,
        list_edition=checked.check.edition,
        items=[_item_out(each, names) for each in checked.looked],
        reasons=dict(reasons),
    )


def decisions_out(check: Check) -> DecisionsOut:
    """What stands."""
    return DecisionsOut(
        check_id=check.id,
        decisions=[
            DecisionOut(
                item=each.item,
                accepted=each.accepted,
                result=each.resource_id,
                reason=each.reason,
                saved_fen=each.saved_fen,
                decided_at=each.at,
            )
            for each in check.decisions.values()
        ],
        open=[each.item for each in check.asked if check.owes(each.item)],
    )


def _item_out(looked: Looked, names: Mapping[str, str]) -> ItemOut:
    return ItemOut(
        asked_as=looked.asked_as,
        item=looked.item.code if looked.item else None,
        name=looked.item.name if looked.item else "",
        recommended=any(each.recommended for each in looked.shown),
        results=[_result_out(each, names) for each in looked.shown],
    )


def _result_out(shown: Shown, names: Mapping[str, str]) -> ResultOut:
    found, judgement = shown.found, shown.judgement
    body = found.resource.body
    organization_id = found.result.organization_id
    return ResultOut(
        id=found.resource.id,
        type=found.resource.type,
        report=found.report.id if found.report else None,
        images=[f"/fhir/R4/ImagingStudy/{id}" for id in found.image_ids],
        organization_id=organization_id,
        organization_name=names.get(organization_id, ""),
        name=name_of(body) or found.result.item.name,
        value=value_of(body),
        reference=reference_of(body),
        flag=flag_of(body),
        reported_on=found.result.on.isoformat(),
        age_days=judgement.age_days,
        mark=_mark_out(judgement),
        verdict=judgement.verdict,
        why=list(judgement.why),
        text=_text(found, judgement, names),
    )


def _mark_out(judgement: Judgement) -> MarkOut | None:
    mark = judgement.mark
    return MarkOut(name=mark.name, valid_until=mark.valid_until.isoformat()) if mark else None


def _text(found: FoundResult, judgement: Judgement, names: Mapping[str, str]) -> str:
    place = names.get(found.result.organization_id, "其他机构")
    return sentence(judgement, found.result.item, place)
