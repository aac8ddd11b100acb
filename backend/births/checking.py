"""The pre-check: from a birth, the parents' answers and what the licence library knows to reasons. Pure.

Code finds the situations; what follows from one, and in which words, is the city's data.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date

from backend import clock
from backend.births.licences import Household
from backend.births.models import (
    Answers,
    Birth,
    BirthState,
    DeliveryWay,
    Material,
    MaterialSource,
    MaterialState,
    Parent,
    Precheck,
    ProblemKind,
    Side,
)
from backend.births.names import name_situations
from backend.births.rules import MaterialRule, Rules
from backend.residents.id_numbers import IDNumberError, Sex, parse_id_number

_PHONE = re.compile(r"1[3-9][0-9]{9}")
_STOPPING = frozenset({ProblemKind.FIX, ProblemKind.ELSEWHERE})


@dataclass(frozen=True, slots=True)
class Findings:
    """What the licence library knows. `away`: it did not answer, and nothing is known."""

    mother_identity: bool = False
    other_identity: bool = False
    married: bool = False
    household: Household | None = None
    away: bool = False
    # Whether the population register has the other parent's name under his number; None: not asked.
    other_named: bool | None = None


@dataclass(frozen=True, slots=True)
class Case:
    """Everything a check looks at."""

    birth: Birth
    answers: Answers
    findings: Findings
    # Uploaded files by kind of material.
    files: Mapping[str, Sequence[str]]
    today: date


def check(rules: Rules, case: Case) -> Precheck:
    """What is in the way of filing, what is needed, and which steps there will be."""
    situations = situations_of(rules, case)
    problems = [replace(rules.situations[name].problem(name), code=name) for name in situations]
    materials = _materials(rules, case, situations)
    problems += [
        rules.situations["material_missing"].problem("material_missing", name=material.name)
        for material in materials
        if material.state is MaterialState.WANTED
    ]
    steps = steps_wanted(rules, case.answers, situations)
    return Precheck(
        ok=not any(problem.kind in _STOPPING for problem in problems),
        problems=tuple(problems),
        materials=tuple(materials),
        steps=tuple(steps),
        left_out=tuple(rule.code for rule in rules.steps if rule.code not in steps),
        promised_days=rules.promised_working_days,
    )


def situations_of(rules: Rules, case: Case) -> list[str]:
    """The situations a filing is in, by name, in the order in which they are told."""
    birth, answers = case.birth, case.answers
    found = []
    if birth.state is BirthState.DOUBTFUL:
        found.append("doubtful")
    elif birth.state is not BirthState.NOTED:
        found.append("not_fileable")
    if (case.today - clock.civil_date(birth.facts.born_at)).days > rules.child_age_days:
        found.append("too_old")
    parents = [birth.mother.name, other_name(birth, answers)]
    of_parents = _of_parents(case)
    names = name_situations(answers.child_name.strip(), parents, rules.names)
    # Whose surname it is, is asked once both parents are known.
    found += [name for name in names if name != "name_surname" or "other_missing" not in of_parents]
    found += of_parents + _of_household(case) + _of_the_rest(rules, case)
    if case.findings.away:
        found.append("licences_away")
    return found


def steps_wanted(rules: Rules, answers: Answers, situations: Sequence[str]) -> list[str]:
    """The steps of a filing: no optional ones that are not wanted, none that the city sends elsewhere."""
    out = {code for name in situations for code in rules.situations[name].steps}
    wanted: list[str] = []
    for rule in rules.steps:
        asked_for = not rule.optional or rule.code in answers.wanted
        if asked_for and rule.code not in out and set(rule.needs) <= set(wanted):
            wanted.append(rule.code)
    return wanted


def other_name(birth: Birth, answers: Answers) -> str:
    """The other parent's name, as the hospital or else the parents say."""
    if answers.single_parent:
        return ""
    return birth.other.name if birth.other else answers.other_name.strip()


def other_number(birth: Birth, answers: Answers) -> str:
    """The other parent's ID number, "" where there is none."""
    if answers.single_parent:
        return ""
    return birth.other.id_number if birth.other else answers.other_id_number.strip().upper()


def _of_parents(case: Case) -> list[str]:
    birth, answers = case.birth, case.answers
    said = bool(answers.other_name.strip() or answers.other_id_number.strip())
    if answers.single_parent and birth.other is not None:
        # Whom the hospital has written down is not left out by a tick.
        return ["single_but_named"]
    if answers.single_parent:
        wrong = said or answers.household_with is Side.FATHER
        return ["other_not_allowed"] if wrong else ["single_parent"]
    number = other_number(birth, answers)
    if not other_name(birth, answers) or not number:
        return ["other_missing"]
    if birth.other is None and not _is_grown_man(number, birth, case.today):
        return ["other_number"]
    if birth.other is None and case.findings.other_named is False:
        return ["other_name_wrong"]
    if birth.other is not None and said and not _is_noted(birth.other, answers):
        return ["other_not_noted"]
    return [] if case.findings.married or case.findings.away else ["unmarried"]


def _is_noted(noted: Parent, answers: Answers) -> bool:
    """Whether the parents speak of whom the hospital has written down, as far as they say who he is."""
    name, number = answers.other_name.strip(), answers.other_id_number.strip().upper()
    return name in ("", noted.name) and number in ("", noted.id_number)


def _is_grown_man(number: str, birth: Birth, today: date) -> bool:
    try:
        read = parse_id_number(number, today=today)
    except IDNumberError:
        return False
    return read.sex is Sex.MALE and read.text != birth.mother.id_number


def _of_household(case: Case) -> list[str]:
    if case.findings.away:
        return []
    household = case.findings.household
    if household is None:
        return ["household_unknown"]
    return [] if household.in_city else ["out_of_town"]


def _of_the_rest(rules: Rules, case: Case) -> list[str]:
    answers, delivery, limits = case.answers, case.answers.delivery, rules.page.limits
    found = []
    if delivery.way is DeliveryWay.MAIL and not (
        delivery.receiver.strip()
        and _PHONE.fullmatch(delivery.phone)
        and _fits(delivery.address.strip(), limits.address_least, limits.address)
    ):
        found.append("delivery_incomplete")
    account = answers.bank_account
    digits = account.isascii() and account.isdecimal()
    paid = set(rules.account_steps) & set(answers.wanted)
    if paid and not (digits and _fits(account, limits.account_least, limits.account)):
        found.append("bank_account")
    return found


def _fits(text: str, least: int, most: int) -> bool:
    return least <= len(text) <= most


def _materials(rules: Rules, case: Case, situations: Sequence[str]) -> list[Material]:
    now = set(situations)
    wanted = [
        rule
        for rule in rules.materials
        if (not rule.only_if or rule.only_if in now) and not now & set(rule.not_if)
    ]
    return [_material(rule, case) for rule in wanted]


def _material(rule: MaterialRule, case: Case) -> Material:
    files = tuple(case.files.get(rule.kind, ()))
    found = rule.source is MaterialSource.PRODUCED or _is_known(rule.kind, case)
    source = rule.source
    if not found and files:
        source = MaterialSource.UPLOAD
    state = MaterialState.PRESENT if found or files else MaterialState.WANTED
    return Material(rule.kind, rule.name, source, state, rule.may_upload and not found, files)


def _is_known(kind: str, case: Case) -> bool:
    """Whether the licence library has it, so that nobody need bring it."""
    findings, answers = case.findings, case.answers
    if kind == "parents_identity":
        alone = answers.single_parent
        return findings.mother_identity and (alone or findings.other_identity)
    if kind == "household_book":
        return findings.household is not None
    return kind == "marriage" and findings.married
