"""The table of rules: each one kept by one resource and broken by another, and what they cost."""

from __future__ import annotations

import sys
import time
from dataclasses import replace
from pathlib import Path

import orjson
import pytest

from backend.exchange.quality.engine import RuleSet, ready
from backend.exchange.quality.models import Kind, Rule, Severity
from backend.exchange.quality.paths import PathError, nothing, read_path
from backend.exchange.quality.reading import RuleError, changed, given_rules, read_rule
from tests.backend.exchange.quality.examples import Case, example, lifelong

FIXTURES = Path(__file__).parents[3] / "fixtures" / "fhir-r4"
RULES = given_rules()
# Well below what writing a resource takes.
MOST_US_PER_RESOURCE = 1500


def case_of(rule: Rule, *, kept: bool) -> Case:
    made = lifelong if rule.check == "dates_within_life" else example
    return made(rule, kept=kept)


def test_there_are_rules_of_every_kind_for_every_main_resource():
    assert len(RULES) >= 200
    assert {rule.kind for rule in RULES.values()} == set(Kind)
    types = {rule.type for rule in RULES.values()}
    assert types == {
        "Patient", "Encounter", "Condition", "AllergyIntolerance", "Procedure", "Immunization",
        "DiagnosticReport", "Observation", "ImagingStudy", "MedicationRequest", "DocumentReference",
        "ServiceRequest",
    }  # fmt: skip
    for rule in RULES.values():
        assert rule.title, rule.id
        assert rule.source, rule.id


@pytest.mark.parametrize("kept", [True, False])
def test_every_rule_is_kept_by_its_good_example_and_broken_by_its_bad_one(kept: bool):
    wrong = []
    for rule in RULES.values():
        case = case_of(rule, kept=kept)
        if ready(rule)(case.body, case.lookup) is not kept:
            wrong.append((rule.id, rule.title, case.body))
    assert not wrong, "\n".join(map(str, wrong))


def test_a_resource_without_what_a_rule_is_about_counts_neither_for_nor_against():
    for rule in RULES.values():
        if rule.kind is not Kind.PRESENCE and not rule.expression:
            assert ready(rule)({"resourceType": rule.type}, nothing) is None, rule.id


def test_a_dates_missing_day_is_taken_in_the_senders_favour():
    check = ready(next(rule for rule in RULES.values() if rule.title == "就诊结束早于开始"))
    for start, end, kept in (
        ("2026-03", "2026-03-01", True), ("2026-03-02", "2026-03-01", False), ("2026", "2025-12-30", False),
        ("2026-03-01T23:30:00+08:00", "2026-03-01", True),
        ("2026-03-01T00:30:00+08:00", "2026-02-28T18:00:00Z", True),
    ):  # fmt: skip
        assert check({"period": {"start": start, "end": end}}, nothing) is kept, (start, end)


def test_paths_go_through_lists_filters_alternatives_and_references():
    body = {
        "name": [{"family": "王"}, {"text": "王伟"}],
        "telecom": [{"system": "email", "value": "a@b.cn"}, {"system": "phone", "value": "1"}],
        "specimen": [{"reference": "Specimen/1"}, {"reference": "Specimen/2"}],
        "empty": "",
    }
    beside = {"Specimen/1": {"receivedTime": "2026"}}
    for path, found in (
        ("name.text|name.family", ["王伟", "王"]),
        ("telecom[system=phone].value", ["1"]),
        ("specimen->receivedTime", ["2026"]),
        ("empty|nothing.here", []),
    ):
        assert read_path(path)(body, beside.get) == found
    for text in ("", "a..b", "a[b]", "a b", "1a"):
        with pytest.raises(PathError):
            read_path(text)


def test_a_rule_can_be_changed_in_some_ways_and_only_to_something_that_is_a_rule():
    rule = next(rule for rule in RULES.values() if rule.kind is Kind.RANGE)
    wider = changed(rule, {"high": 999, "severity": "hint", "path": "hacked"}, 2)
    assert wider == replace(rule, high=999, severity=Severity.HINT, version=2)
    row = {"id": "X", "type": "Patient", "kind": "code", "title": "t", "severity": "error", "source": "s"}
    endless = {"pattern": f"a{{{10**30}}}"}
    for wrong in ({"pattern": "("}, endless, {"path": "a b"}, {"severity": "grave"}, {"colour": "red"}):
        with pytest.raises(RuleError):
            read_rule({**row, **wrong})
    with pytest.raises(RuleError):
        ready(read_rule({**row, "kind": "cross", "check": "none_such"}))


def test_a_rule_that_is_switched_off_says_nothing():
    rule = next(rule for rule in RULES.values() if rule.kind is Kind.PRESENCE and not rule.when)
    assert RuleSet([rule]).check({"resourceType": rule.type})
    assert not RuleSet([replace(rule, off=True)]).check({"resourceType": rule.type})


def test_together_the_rules_say_what_each_of_them_says_by_itself():
    """Those that can say nothing of a resource are not asked: no other is left out, and the order stays."""
    rules, types = RuleSet(RULES.values()), {rule.type for rule in RULES.values()}
    checks = [(rule.type, rule.id, ready(rule)) for rule in RULES.values()]
    bodies = [orjson.loads(path.read_bytes()) for type in types for path in (FIXTURES / type).glob("*.json")]
    for body in (*bodies, *({"resourceType": type} for type in types)):
        of_type = [(id, check) for type, id, check in checks if type == body["resourceType"]]
        alone = [(id, check(body, nothing)) for id, check in of_type]
        verdicts = [(each.rule_id, each.kept) for each in rules.check(body)]
        assert verdicts == [(id, kept) for id, kept in alone if kept is not None], body["resourceType"]
    for rule in RULES.values():
        for kept in (True, False):
            case = case_of(rule, kept=kept)
            (verdict,) = RuleSet([rule]).check(case.body, case.lookup)
            assert verdict.kept is kept, rule.id


def test_all_rules_together_cost_little_of_what_writing_takes(capsys: pytest.CaptureFixture[str]):
    rules = RuleSet(RULES.values())
    types = {rule.type for rule in RULES.values()}
    bodies = [
        orjson.loads(path.read_bytes()) for type in sorted(types) for path in (FIXTURES / type).glob("*.json")
    ]
    assert len(bodies) > 30
    for body in bodies:
        rules.check(body)
    started, verdicts = time.process_time(), 0
    for _ in range(5):
        verdicts += sum(len(rules.check(body)) for body in bodies)
    took = (time.process_time() - started) / 5 / len(bodies) * 1e6
    with capsys.disabled():
        sys.stdout.write(f"\n{len(RULES)} rules, {verdicts // 5} verdicts: {took:.0f} µs per resource\n")
    assert took < MOST_US_PER_RESOURCE
