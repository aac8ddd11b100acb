"""FHIR questionnaires in and out: the official examples lose nothing that is not reported."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.surveys.fhir import NoQuestionnaireError, from_fhir, to_fhir
from backend.surveys.questionnaire import Kind, Option, Question, Questionnaire, next_question
from tests.factories.surveys import ASKED

EXAMPLES = sorted((Path(__file__).parents[2] / "fixtures" / "fhir-r4-questionnaires").glob("*.json"))


def leaves(value: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """Every simple value with its path; what FHIR has as its default is no value."""
    if isinstance(value, dict):
        for name, each in value.items():
            if not (name in ("required", "repeats") and each is False):
                yield from leaves(each, f"{path}.{name}" if path else name)
    elif isinstance(value, list):
        for n, each in enumerate(value):
            yield from leaves(each, f"{path}[{n}]")
    else:
        yield path, value


def under(path: str, reported: list[str]) -> bool:
    return any(path == each or path.startswith((f"{each}.", f"{each}[")) for each in reported)


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.stem)
def test_an_official_example_loses_nothing_that_is_not_reported(example: Path):
    original = orjson.loads(example.read_bytes())
    found = from_fhir(original)
    reported = [problem.path for problem in found.problems]
    assert len(reported) == len(set(reported))
    written = dict(leaves(to_fhir(found.questionnaire)))
    before = dict(leaves(original))
    lost = [
        path for path, value in before.items() if written.get(path) != value and not under(path, reported)
    ]
    assert not lost, lost
    added = [path for path in written if path not in before and not under(path, reported)]
    assert not added, added
    assert all(problem.what for problem in found.problems)


def test_the_examples_are_all_there_and_most_of_them_is_taken_over():
    assert len(EXAMPLES) == 3
    shares = {}
    for example in EXAMPLES:
        original = orjson.loads(example.read_bytes())
        reported = [problem.path for problem in from_fhir(original).problems]
        paths = [path for path, _ in leaves(original)]
        shares[example.stem] = sum(not under(path, reported) for path in paths) / len(paths)
    assert shares["Questionnaire-3141"] > 0.9
    assert shares["Questionnaire-bb"] > 0.85


def test_a_question_of_an_example_is_asked_only_when_its_condition_holds():
    cancer = from_fhir(orjson.loads(EXAMPLES[0].read_bytes())).questionnaire
    first = next_question(cancer, {})
    assert first is not None
    assert first.id == "1.1"
    inside = next_question(cancer, {"1.1": "Y"})
    outside = next_question(cancer, {"1.1": "N"})
    assert inside is not None
    assert inside.id.startswith("1.1.1")
    assert outside is None or not outside.id.startswith("1.1.")


def test_what_is_ours_comes_back_as_it_was():
    scale = Question(
        "pain", Kind.SCALE, "多疼？", spoken="疼几分？", minimum=Decimal(0), maximum=Decimal(10),
        low_label="不疼", high_label="最疼", scored=True, reversed=True,
    )  # fmt: skip
    wound = Question(
        "wound", Kind.CHOICE, "伤口？", options=(Option("a", "好"), Option("b", "流脓", alarm=True))
    )
    ours = Questionnaire(ASKED.title, (*ASKED.questions, scale, wound), "开头", "谢谢", 60)
    exported = to_fhir(ours)
    back = from_fhir(exported)
    assert back.problems == ()
    assert to_fhir(back.questionnaire) == exported
    assert (back.questionnaire.thanks, back.questionnaire.alarm_below) == ("谢谢", 60)
    again = back.questionnaire.question("pain")
    assert again is not None
    assert (again.kind, again.reversed, again.spoken, again.low_label) == (
        Kind.SCALE,
        True,
        "疼几分？",
        "不疼",
    )
    overall = back.questionnaire.question("overall")
    assert overall is not None
    assert [option.score for option in overall.options] == [Decimal(5), Decimal(4), Decimal(1)]


@pytest.mark.parametrize("wrong", [None, [], "x", {}, {"resourceType": "Patient"}])
def test_what_is_no_questionnaire_is_refused(wrong: Any):
    with pytest.raises(NoQuestionnaireError):
        from_fhir(wrong)


NAMES = (
    "linkId", "text", "type", "item", "enableWhen", "question", "operator",
    "answerCoding", "code", "answerOption", "valueCoding", "extension", "url", "valueInteger",
    "repeats", "maxLength", "prefix", "answerBoolean", "system", "required",
)  # fmt: skip
JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-5, 5)
    | st.sampled_from(["choice", "=", "exists", "1", "group", ""]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(NAMES),
            inner,
            max_size=5,
        )
    ),
    max_leaves=25,
)


@given(st.lists(JSON, max_size=4))
def test_no_item_however_broken_stops_the_import(items: list[Any]):
    found = from_fhir({"resourceType": "Questionnaire", "status": "draft", "item": items})
    back = to_fhir(found.questionnaire)
    assert to_fhir(from_fhir(back).questionnaire) == back
