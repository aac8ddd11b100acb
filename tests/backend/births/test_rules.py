"""The city's rules as tables: names, situations, materials, steps left out, working days."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from backend import clock
from backend.births.checking import Case, Findings, check
from backend.births.licences import Household
from backend.births.models import (
    Answers,
    Birth,
    BirthFacts,
    BirthState,
    Delivery,
    DeliveryWay,
    Parent,
    Side,
)
from backend.births.names import name_situations
from backend.births.rules import load_rules
from backend.births.schemas import AnswersIn, answers_of
from tests.factories.city import an_id_number

RULES = load_rules(None)
MOTHER = Parent("李小红", an_id_number(2, "19900101"), "13900000001", "mother")
FATHER = Parent("张大山", an_id_number(3, "19880101"), "", "father")
HERE, AWAY = Household(True, "健康城市", "中心派出所"), Household(False, "外地")
KNOWN = Findings(mother_identity=True, other_identity=True, married=True, household=HERE)
NOW = datetime(2026, 11, 20, 4, tzinfo=UTC)
BIRTH = Birth(
    "b", "o", "1", BirthState.NOTED, 0, BirthFacts(NOW - timedelta(days=3), "female", 3200), MOTHER, FATHER,
    NOW, NOW,
)  # fmt: skip
GOOD = Answers(child_name="张小宝", household_with=Side.FATHER)
LONE = replace(BIRTH, other=None)
ALONE = Answers("李小宝", single_parent=True)
MAIL = Delivery(DeliveryWay.MAIL, "李小红", "13900000001", "健康路1号2栋301")


def aged(days: int) -> Birth:
    return replace(BIRTH, facts=replace(BIRTH.facts, born_at=NOW - timedelta(days=days)))


def told(number: str) -> Answers:
    return replace(GOOD, other_name="张大山", other_id_number=number)


@pytest.mark.parametrize(
    ("name", "parents", "found"),
    [
        ("张小宝", ["李小红", "张大山"], []),
        ("李小宝", ["李小红", "张大山"], []),
        ("张李宝儿", ["李小红", "张大山"], []),
        ("欧阳小宝", ["李小红", "欧阳大山"], []),
        ("欧小宝", ["李小红", "欧阳大山"], ["name_surname"]),
        ("王小宝", ["李小红", "张大山"], ["name_surname"]),
        ("王小宝", ["李小红", ""], ["name_surname"]),
        ("张玥", ["李小红", "张大山"], ["name_rare"]),
        ("阿依古丽·买买提", ["买买提·艾力", "李小红"], []),
        ("阿依古丽", ["买买提·艾力", "李小红"], []),
        ("阿依古丽", ["买买提•艾力", "李小红"], []),
        ("李〇", ["李小红"], ["name_rare"]),
        ("", ["李小红"], ["name_missing"]),
        ("张", ["张大山"], ["name_length"]),
        ("张一二三四五六", ["张大山"], ["name_length"]),
        ("张Tom", ["张大山"], ["name_form"]),
        ("张 宝", ["张大山"], ["name_form"]),
        ("张·", ["张大山"], ["name_form"]),
        ("张3", ["张大山"], ["name_form"]),
        ("张宝★", ["张大山"], ["name_form"]),
    ],
)
def test_names(name: str, parents: list[str], found: list[str]):
    assert name_situations(name, parents, RULES.names) == found


CASES: list[tuple[str, Birth, Answers, Findings, dict[str, list[str]], bool, list[str], list[str]]] = [
    # What it is, birth, answers, findings, files; whether it can be filed, situations, steps left out.
    ("all known", BIRTH, GOOD, KNOWN, {}, True, [], ["maternity_claim"]),
    ("too old", aged(366), GOOD, KNOWN, {}, False, ["too_old"], ["maternity_claim"]),
    ("doubtful", replace(BIRTH, state=BirthState.DOUBTFUL), GOOD, KNOWN, {}, False, ["doubtful"],
     ["maternity_claim"]),
    ("taken back", replace(BIRTH, state=BirthState.VOID), GOOD, KNOWN, {}, False, ["not_fileable"],
     ["maternity_claim"]),
    ("out of town", BIRTH, GOOD, replace(KNOWN, household=AWAY), {}, True, ["out_of_town"],
     ["household", "insurance", "social_card", "maternity_claim"]),
    ("claim out of town", BIRTH, replace(GOOD, wanted=("maternity_claim",), bank_account="6222000000000000"),
     replace(KNOWN, household=AWAY), {}, True, ["out_of_town"],
     ["household", "insurance", "social_card", "maternity_claim"]),
    ("nobody named", LONE, GOOD, KNOWN, {}, False, ["other_missing"], ["maternity_claim"]),
    ("father said", LONE, told(FATHER.id_number), KNOWN, {}, True, [], ["maternity_claim"]),
    ("a father of another name", LONE, told(FATHER.id_number), replace(KNOWN, other_named=False), {}, False,
     ["other_name_wrong"], ["maternity_claim"]),
    ("a father whom the register knows", LONE, told(FATHER.id_number), replace(KNOWN, other_named=True), {},
     True, [], ["maternity_claim"]),
    ("another than is noted", BIRTH, told(an_id_number(5)), KNOWN, {}, False, ["other_not_noted"],
     ["maternity_claim"]),
    ("of another name than is noted", BIRTH, replace(told(FATHER.id_number), other_name="张小山"), KNOWN, {},
     False, ["other_not_noted"], ["maternity_claim"]),
    ("the one who is noted", BIRTH, told(FATHER.id_number), KNOWN, {}, True, [], ["maternity_claim"]),
    ("a woman said", LONE, told(an_id_number(4)), KNOWN, {}, False, ["other_number"], ["maternity_claim"]),
    ("alone without a statement", LONE,
     ALONE, KNOWN, {}, False, ["single_parent", "material_missing"],
     ["maternity_claim"]),
    ("alone", LONE, ALONE, replace(KNOWN, married=False, other_identity=False),
     {"single_statement": ["f"]}, True, ["single_parent"], ["maternity_claim"]),
    ("alone with a father's household", LONE, Answers("李小宝", Side.FATHER, single_parent=True), KNOWN, {},
     False, ["other_not_allowed"], ["maternity_claim"]),
    ("alone but named", BIRTH, ALONE, KNOWN, {}, False, ["single_but_named"],
     ["maternity_claim"]),
    ("unmarried without papers", BIRTH, replace(GOOD, household_with=Side.MOTHER),
     Findings(mother_identity=True, household=HERE), {}, False,
     ["unmarried", "material_missing", "material_missing"], ["maternity_claim"]),
    ("unmarried with papers", BIRTH, replace(GOOD, household_with=Side.MOTHER),
     Findings(mother_identity=True, household=HERE),
     {"parentage_statement": ["f"], "parents_identity": ["g"]}, True, ["unmarried"], ["maternity_claim"]),
    ("no household known", BIRTH, GOOD, replace(KNOWN, household=None), {}, False,
     ["household_unknown", "material_missing"], ["maternity_claim"]),
    ("library away", BIRTH, GOOD, Findings(away=True), {}, False,
     ["licences_away", "material_missing", "material_missing", "material_missing"], ["maternity_claim"]),
    ("library away, all brought", BIRTH, GOOD, Findings(away=True),
     {"marriage": ["a"], "household_book": ["b"], "parents_identity": ["c"]}, True, ["licences_away"],
     ["maternity_claim"]),
    ("by mail without an address", BIRTH, replace(GOOD, delivery=replace(MAIL, address="")), KNOWN, {}, False,
     ["delivery_incomplete"], ["maternity_claim"]),
    ("by mail", BIRTH, replace(GOOD, delivery=MAIL), KNOWN, {}, True, [], ["maternity_claim"]),
    ("claim without an account", BIRTH, replace(GOOD, wanted=("maternity_claim",)), KNOWN, {}, False,
     ["bank_account"], []),
    ("claim", BIRTH, replace(GOOD, wanted=("maternity_claim",), bank_account="6222000000000000"), KNOWN, {},
     True, [], []),
]  # fmt: skip


@pytest.mark.parametrize(
    ("birth", "answers", "findings", "files", "ok", "situations", "left_out"),
    [each[1:] for each in CASES],
    ids=[each[0] for each in CASES],
)
def test_every_case_is_sent_the_right_way_with_plain_reasons(
    birth, answers, findings, files, ok, situations, left_out
):
    found = check(RULES, Case(birth, answers, findings, files, clock.civil_date(NOW)))
    assert ([each.code for each in found.problems], found.ok) == (situations, ok)
    assert list(found.left_out) == left_out
    assert set(found.steps) | set(found.left_out) == set(RULES.by_code)
    for problem in found.problems:
        assert problem.text.endswith("。")
        assert problem.what_to_do.endswith("。")
        assert "{" not in problem.text


@pytest.mark.parametrize("dot", ["·", "•", "・", "‧", "．", " · "])
def test_every_keyboards_dot_is_the_one_of_names(dot: str):
    said = answers_of(AnswersIn(child_name=f" 阿依古丽{dot}买买提 ", other_name=f"买买提{dot}艾力"))
    assert (said.child_name, said.other_name) == ("阿依古丽·买买提", "买买提·艾力")


def test_the_ids_of_materials_brought_stand_beside_them():
    case = Case(BIRTH, GOOD, Findings(away=True), {"marriage": ["a", "b"]}, clock.civil_date(NOW))
    marriage = next(each for each in check(RULES, case).materials if each.kind == "marriage")
    assert (marriage.source, marriage.state, marriage.file_ids) == ("upload", "present", ("a", "b"))


@pytest.mark.parametrize(
    ("on", "days", "until"),
    [
        (date(2026, 11, 20), 1, date(2026, 11, 23)),  # a Friday
        (date(2026, 11, 23), 2, date(2026, 11, 25)),
        (date(2026, 9, 30), 1, date(2026, 10, 8)),  # a week of holidays
        (date(2026, 9, 30), 2, date(2026, 10, 9)),
        (date(2026, 9, 30), 3, date(2026, 10, 10)),  # a Saturday that is worked
        (date(2026, 9, 30), 4, date(2026, 10, 12)),
        (date(2026, 2, 13), 1, date(2026, 2, 14)),
        (date(2026, 2, 14), 1, date(2026, 2, 24)),
    ],
)
def test_clocks_run_in_working_days(on: date, days: int, until: date):
    began = clock.city_instant(on, 23, 30)
    due = RULES.calendar.after(began, days)
    assert due == clock.city_instant(until, 18)
    assert RULES.calendar.between(began, due) == days


def a_step(**changes: Any) -> dict[str, Any]:
    step = {"code": "a_a", "name": "", "agency": "mch", "needs": [], "working_days": 1, "sends": []}
    return step | changes


def altered(**changes: Any) -> dict[str, Any]:
    """Our rules with something else in them."""
    read: dict[str, Any] = json.loads(
        (Path(load_rules.__code__.co_filename).with_name("data") / "rules.json").read_text()
    )
    return read | changes


def test_another_city_has_its_own_rules_without_other_code(tmp_path: Path):
    path = tmp_path / "rules.json"
    steps = [
        {"code": "birth_certificate", "name": "", "agency": "mch", "needs": [], "working_days": 1,
         "sends": ["child.name"]},
        {"code": "household", "name": "户口登记", "agency": "civil", "needs": ["birth_certificate"],
         "working_days": 3, "yields_id_number": True, "sends": ["earlier.birth_certificate.certificate_no"]},
    ]  # fmt: skip
    situations = altered()["situations"]
    situations["out_of_town"] |= {"kind": "elsewhere", "steps": []}
    path.write_text(json.dumps(altered(child_age_days=180, steps=steps, situations=situations)))
    rules = load_rules(path)
    case = Case(aged(200), GOOD, replace(KNOWN, household=AWAY), {}, clock.civil_date(NOW))
    found = check(rules, case)
    assert [each.code for each in found.problems] == ["too_old", "out_of_town"]
    assert (found.ok, found.steps) == (False, ("birth_certificate", "household"))


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"steps": [a_step(needs=["b_b"])]}, "b_b"),
        ({"steps": [a_step(sends=["phone"])]}, "phone"),
        ({"steps": [a_step(sends=["earlier.a_a.number"])]}, "earlier.a_a.number"),
        ({"steps": [a_step(corrects=["other_name"])]}, "other_name"),
        # What an agency is told is said, and not guessed.
        ({"steps": [{key: value for key, value in a_step().items() if key != "sends"}]}, "sends"),
        ({"agencies": {}}, "birth_certificate"),
        # Five by way of the household and the card.
        ({"promised_working_days": 4}, "4 working days promised, 5 taken"),
        ({"promised_working_days": 0}, "promised_working_days"),
        ({"surplus": 1}, "surplus"),
        ({"situations": {}}, "name_rare"),
    ],
)
def test_rules_that_do_not_fit_together_are_refused_by_name(
    tmp_path: Path, change: dict[str, Any], said: str
):
    path = tmp_path / "rules.json"
    path.write_text(json.dumps(altered(**change)))
    with pytest.raises(ValidationError, match=said):
        load_rules(path)
