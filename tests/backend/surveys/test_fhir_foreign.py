"""A questionnaire as form builders make them: what can be asked is, what cannot is reported."""

from __future__ import annotations

from typing import Any

import pytest

from backend.surveys.fhir import from_fhir, to_fhir
from backend.surveys.questionnaire import Kind, Value, next_question

_STRUCTURE = "http://hl7.org/fhir/StructureDefinition/"
_SDC = "http://hl7.org/fhir/uv/sdc/StructureDefinition/"
_SLIDER = {
    "coding": [
        {"system": "http://hl7.org/fhir/questionnaire-item-control", "code": "slider", "display": "Slider"}
    ]
}


def made(*items: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {
        "resourceType": "Questionnaire",
        "status": "active",
        "title": "外来问卷",
        "item": list(items),
        **more,
    }


def item(link: str, form: str, **more: Any) -> dict[str, Any]:
    return {"linkId": link, "type": form, "text": link, **more}


def reported(resource: dict[str, Any]) -> dict[str, str]:
    return {problem.path: problem.what for problem in from_fhir(resource).problems}


@pytest.mark.parametrize(
    "value_set",
    [
        {
            "compose": {
                "include": [{"system": "u", "concept": [{"code": "a", "display": "甲"}, {"code": "b"}]}]
            }
        },
        {
            "expansion": {
                "contains": [{"system": "u", "code": "a", "display": "甲"}, {"system": "u", "code": "b"}]
            }
        },
    ],
)
def test_options_that_the_resource_brings_along_are_asked(value_set: dict[str, Any]):
    contained = [{"resourceType": "ValueSet", "id": "vs", "status": "active", **value_set}]
    resource = made(item("q", "choice", answerValueSet="#vs", repeats=True), contained=contained)
    found = from_fhir(resource)
    (question,) = found.questionnaire.questions
    assert (question.kind, [option.text for option in question.options]) == (Kind.MULTIPLE, ["甲", "b"])
    assert set(reported(resource)) == {"contained", "item[0].answerValueSet"}
    (written,) = to_fhir(found.questionnaire)["item"]
    assert [each["valueCoding"]["code"] for each in written["answerOption"]] == ["a", "b"]
    assert "answerValueSet" not in written


@pytest.mark.parametrize(
    "compose",
    [
        {"include": [{"system": "u", "filter": [{"property": "p", "op": "=", "value": "v"}]}]},
        {"include": [{"system": "u", "concept": [{"code": "a"}]}], "exclude": [{"system": "u"}]},
        {"include": "nonsense"},
        [],
    ],
)
def test_a_list_that_only_a_terminology_server_can_make_out_is_reported(compose: Any):
    contained = [{"resourceType": "ValueSet", "id": "vs", "compose": compose}]
    resource = made(item("q", "choice", answerValueSet="#vs", repeats=True), contained=contained)
    (question,) = from_fhir(resource).questionnaire.questions
    assert question.kind is Kind.TEXT
    assert {"contained", "item[0].answerValueSet", "item[0].repeats"} <= set(reported(resource))


def test_what_would_be_asked_though_the_original_would_not_is_said_plainly():
    calculated = {
        "url": f"{_SDC}sdc-questionnaire-calculatedExpression",
        "valueExpression": {"expression": "1+1"},
    }
    hidden = {"url": f"{_STRUCTURE}questionnaire-hidden", "valueBoolean": True}
    resource = made(
        item("q", "integer", extension=[calculated, hidden], readOnly=True, initial=[{"valueInteger": 1}])
    )
    found = reported(resource)
    assert all("会问出来" in found[f"item[0].{at}"] for at in ("extension[0]", "extension[1]", "readOnly"))
    assert "预填" in found["item[0].initial"]


def test_a_slider_is_one_also_with_a_name():
    bounds = [{"url": f"{_STRUCTURE}{name}Value", "valueInteger": n} for name, n in (("min", 0), ("max", 10))]
    control = {"url": f"{_STRUCTURE}questionnaire-itemControl", "valueCodeableConcept": _SLIDER}
    resource = made(item("q", "integer", extension=[control, *bounds]))
    (question,) = from_fhir(resource).questionnaire.questions
    assert question.kind is Kind.SCALE
    assert reported(resource) == {"item[0].extension": "按滑块使用，写法有改动"}


def test_nested_conditions_of_any_and_all_decide_what_is_asked():
    resource = made(
        item("smokes", "boolean"),
        item(
            "group", "group",
            enableWhen=[{"question": "smokes", "operator": "=", "answerBoolean": True}],
            item=[
                item("many", "integer"),
                item(
                    "why", "string", enableBehavior="any",
                    enableWhen=[
                        {"question": "many", "operator": ">", "answerInteger": 20},
                        {"question": "many", "operator": "=", "answerInteger": 1},
                    ],
                ),
            ],
        ),
        item(
            "last", "string",
            enableWhen=[{"question": "many", "operator": "exists", "answerBoolean": False}],
        ),
    )  # fmt: skip
    found = from_fhir(resource)
    assert found.problems == ()
    assert to_fhir(found.questionnaire)["item"] == resource["item"]
    answered: list[dict[str, Value]] = [
        {"smokes": "false"}, {"smokes": "true"}, {"smokes": "true", "many": 5},
        {"smokes": "true", "many": 30},
    ]  # fmt: skip
    asked = [next_question(found.questionnaire, answers) for answers in answered]
    assert [each.id if each else "" for each in asked] == ["last", "many", "", "why"]


def test_a_yes_is_no_length():
    (question,) = from_fhir(made(item("q", "string", maxLength=True))).questionnaire.questions
    assert question.longest is None
