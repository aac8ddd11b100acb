"""Our questionnaire as a FHIR R4 Questionnaire."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from backend.surveys import fhir_words as words
from backend.surveys.models import Version, VersionState
from backend.surveys.questionnaire import Code, Condition, Kind, Operator, Option, Question, Questionnaire

_STATUS = {VersionState.DRAFT: "draft", VersionState.PUBLISHED: "active", VersionState.RETIRED: "retired"}
_FORMS_OF_CONDITIONS = {Kind.NUMBER: "Decimal", Kind.SCALE: "Integer", Kind.DATE: "Date", Kind.TEXT: "String"}


def to_fhir(questionnaire: Questionnaire, version_of: Version | None = None) -> dict[str, Any]:
    """The resource. A stored version says its own number and state."""
    about = dict(questionnaire.about)
    subjects = about.pop("subjectType", "")
    extensions = _own(thanks=questionnaire.thanks, alarm_below=questionnaire.alarm_below)
    resource: dict[str, Any] = {"resourceType": "Questionnaire", **about}
    if version_of is not None:
        resource |= {"status": _STATUS[version_of.state], "version": str(version_of.number)}
    resource.setdefault("status", "draft")
    return resource | _filled(
        extension=extensions,
        title=questionnaire.title,
        subjectType=subjects.split(",") if subjects else [],
        description=questionnaire.intro,
        item=_items(questionnaire, None),
    )


def _items(questionnaire: Questionnaire, parent: str | None) -> list[dict[str, Any]]:
    return [
        _item(question, questionnaire) | _filled(item=_items(questionnaire, question.id))
        for question in questionnaire.questions
        if question.parent == parent
    ]


def _item(question: Question, questionnaire: Questionnaire) -> dict[str, Any]:
    own_options = question.form != "boolean" and not question.value_set
    return {"linkId": question.id} | _filled(
        extension=_extensions(question),
        code=[_filled(**_coding(code)) for code in question.codes],
        prefix=question.prefix,
        text=question.text,
        type=question.form or words.FORMS[question.kind],
        enableWhen=[_condition(each, questionnaire) for each in question.show_if],
        enableBehavior=_behaviour(question),
        required=question.required or None,
        repeats=(question.kind is Kind.MULTIPLE) or None,
        maxLength=question.longest,
        answerValueSet=question.value_set,
        answerOption=[_option(each) for each in question.options] if own_options else [],
    )


def _behaviour(question: Question) -> str:
    if question.show_if_any:
        return "any"
    # Only where there is a choice does FHIR ask for the word.
    return "all" if len(question.show_if) > 1 else ""


def _extensions(question: Question) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    for url, bound in ((words.MINIMUM, question.minimum), (words.MAXIMUM, question.maximum)):
        if bound is not None:
            whole = bound == bound.to_integral_value()
            found.append({"url": url, ("valueInteger" if whole else "valueDecimal"): _number(bound)})
    if question.kind is Kind.SCALE:
        slider = {"coding": [{"system": words.CONTROLS, "code": "slider"}]}
        found.append({"url": words.CONTROL, "valueCodeableConcept": slider})
    return found + _own(
        spoken=question.spoken,
        low_label=question.low_label,
        high_label=question.high_label,
        scored=question.scored or None,
        reversed=question.reversed or None,
    )


def _option(option: Option) -> dict[str, Any]:
    extensions = _own(alarm=option.alarm or None)
    if option.score is not None:
        extensions.insert(0, {"url": words.ORDINAL, "valueDecimal": _number(option.score)})
    if option.form == "integer":
        value: dict[str, Any] = {"valueInteger": int(option.value)}
    elif option.form:
        value = {f"value{option.form.title()}": option.value}
    else:
        coding = Code(option.value, option.system, option.text if option.named else "")
        value = {"valueCoding": _filled(**_coding(coding))}
    return _filled(extension=extensions) | value


def _condition(condition: Condition, questionnaire: Questionnaire) -> dict[str, Any]:
    form = condition.form or _form_of(condition, questionnaire)
    value: Any = condition.value
    if form == "Boolean":
        value = condition.value == "true"
    elif form == "Coding":
        value = _filled(system=condition.system, code=condition.value)
    elif form in ("Decimal", "Integer"):
        value = _number(Decimal(condition.value))
    return {"question": condition.question_id, "operator": str(condition.operator), f"answer{form}": value}


def _form_of(condition: Condition, questionnaire: Questionnaire) -> str:
    question = questionnaire.question(condition.question_id)
    if condition.operator is Operator.EXISTS or (question is not None and question.form == "boolean"):
        return "Boolean"
    return _FORMS_OF_CONDITIONS.get(question.kind, "Coding") if question else "String"


def _coding(code: Code) -> dict[str, str]:
    return {"system": code.system, "version": code.version, "code": code.code, "display": code.display}


def _own(**values: str | int | bool | None) -> list[dict[str, Any]]:
    """Extensions of ours for what FHIR has no place for."""
    found = []
    for name, value in values.items():
        if value is None or value == "":
            continue
        form = "Boolean" if isinstance(value, bool) else "Integer" if isinstance(value, int) else "String"
        found.append({"url": words.OWN + name, f"value{form}": value})
    return found


def _number(value: Decimal) -> int | float:
    return int(value) if value == value.to_integral_value() else float(value)


def _filled(**values: Any) -> dict[str, Any]:
    """Without what is empty: FHIR knows no empty lists and texts."""
    return {name: value for name, value in values.items() if value not in (None, "", [], {})}
