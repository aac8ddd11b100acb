"""FHIR R4's words for what our questionnaires have: types, extensions, value sets."""

from __future__ import annotations

from backend.surveys.questionnaire import Kind, Option

_SDC = "http://hl7.org/fhir/uv/sdc/StructureDefinition/"
_STRUCTURE = "http://hl7.org/fhir/StructureDefinition/"
ORDINAL = f"{_STRUCTURE}ordinalValue"
MINIMUM, MAXIMUM = f"{_STRUCTURE}minValue", f"{_STRUCTURE}maxValue"
CONTROL = f"{_STRUCTURE}questionnaire-itemControl"
CONTROLS = "http://hl7.org/fhir/questionnaire-item-control"
OWN = "urn:healthycity:survey:"

# What each type of item becomes. Those in PARTLY lose something when they are answered.
KINDS: dict[str, Kind] = {
    "group": Kind.SECTION,
    "display": Kind.NOTE,
    "boolean": Kind.CHOICE,
    "choice": Kind.CHOICE,
    "open-choice": Kind.CHOICE,
    "decimal": Kind.NUMBER,
    "integer": Kind.NUMBER,
    "quantity": Kind.NUMBER,
    "date": Kind.DATE,
    "dateTime": Kind.DATE,
    "string": Kind.TEXT,
    "text": Kind.TEXT,
    "url": Kind.TEXT,
    "time": Kind.TEXT,
    "reference": Kind.TEXT,
    "attachment": Kind.TEXT,
}
PARTLY: dict[str, str] = {
    "open-choice": "只能选列出的选项，不能另填",
    "quantity": "只问数值，不问单位",
    "dateTime": "只问日期，不问时刻",
    "url": "按文字填写，不检查网址",
    "time": "按文字填写，不检查时刻",
    "reference": "按文字填写，不关联资源",
    "attachment": "不能上传附件，按文字填写",
}
FORMS: dict[Kind, str] = {
    Kind.CHOICE: "choice",
    Kind.MULTIPLE: "choice",
    Kind.SCALE: "integer",
    Kind.NUMBER: "decimal",
    Kind.TEXT: "text",
    Kind.DATE: "date",
    Kind.SECTION: "group",
    Kind.NOTE: "display",
}
YES_NO = (Option("true", "是"), Option("false", "否"))
_V2 = "http://terminology.hl7.org/CodeSystem/v2-0136"
_ABSENT = "http://terminology.hl7.org/CodeSystem/data-absent-reason"
VALUE_SETS: dict[str, tuple[Option, ...]] = {
    "http://hl7.org/fhir/ValueSet/yesnodontknow": (
        Option("Y", "是", system=_V2),
        Option("N", "否", system=_V2),
        Option("asked-unknown", "不清楚", system=_ABSENT),
    ),
}
# What is not taken over and changes what people are asked: said in words of its own.
CHANGING = {
    f"{_STRUCTURE}questionnaire-hidden": "原为隐藏的题目，这里会问出来，不需要请删除",
    f"{_SDC}sdc-questionnaire-calculatedExpression": "原由公式算出，这里会问出来，不需要请删除",
    "readOnly": "原为只读，这里会问出来，不需要请删除",
    "initial": "预填的答案未带入",
    "modifierExtension": "会改变含义的扩展，未带入，请核对这道题",
}
# What a questionnaire says of itself and we keep word for word.
ABOUT = (
    "id", "url", "version", "name", "status", "date", "publisher", "purpose", "copyright", "approvalDate",
    "lastReviewDate", "implicitRules", "language",
)  # fmt: skip
