"""Forms and expressions that would hold up what comes in are refused before anybody is held against them."""

import re

import pytest

from backend.exchange.quality.costs import LONGEST_VALUE, MOST_WAYS, expression_problem, ways


@pytest.mark.parametrize(
    "pattern",
    [
        r"[A-Z]\d{2}", r"\d{4}-\d{2}-\d{2}.*", r"[^]]+x", r"[]a]*", r"(\d{1,3}\.){3}\d{1,3}",
        r"(?P<a>a+)(?P=a)",
        r"(?i)abc|def", r"10|20|[1-9]", r"(a|b)?(c|d)?", r"a{", r"\(+", r"a*?b", r"(?!.*test).+", r"",
    ],
)  # fmt: skip
def test_a_form_that_is_soon_tried_is_taken(pattern: str) -> None:
    re.compile(pattern)
    assert ways(pattern) <= MOST_WAYS


@pytest.mark.parametrize(
    "pattern",
    [
        r"(a+)+", r"(a|b)*c", r"(a|a)*c", r"(a?){60}", r"a*a*a*a*b", r"((ab)*c)*", r"(a*?)*", r"(?=(a+)+)b",
        r"(?:a+)+", r"(a{0,99}){10}", r"a{0,30}" * 6, r"(\\.(0|[1-9]\d*))+", r"([a-z]+)*$", r"(.*)(.*)(.*)x",
    ],
)  # fmt: skip
def test_a_form_that_may_be_tried_without_end_is_not(pattern: str) -> None:
    re.compile(pattern)
    assert ways(pattern) > MOST_WAYS


def test_what_is_counted_is_what_a_long_value_costs() -> None:
    assert ways("a*") == LONGEST_VALUE + 1
    assert ways("a*b*") == (LONGEST_VALUE + 1) ** 2
    assert ways("(a|b|c)(d|e)") == 6


@pytest.mark.parametrize(
    "text",
    [
        "Patient.identifier.all(value.exists())", "period.start <= period.end", "a[0].b = 'x'",
        "name.where(use = 'official').exists()", "(1 = 1) and name.count() > 0",
        "iif(a.exists(), b.exists(), true)",
    ],
)  # fmt: skip
def test_an_expression_of_what_is_there_is_taken(text: str) -> None:
    assert expression_problem(text) is None


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "写法"), ("a b", "写法"), ("Patient.((", "写法"), ("name.all(value.exists()) )", "写法"),
        ("甲", "写法"),
        ("a #", "写法"), ("'", "写法"), ("name.foo()", "foo"), ("name.repeat(given)", "repeat"),
        ("name.given.matches('(a+)+$')", "matches"), ("%resource.descendants()", "descendants"),
        ("a.where(b.where(c.where(d = 1).exists()).exists())", "2层"),
    ],
)  # fmt: skip
def test_what_is_no_expression_or_goes_through_everything_is_not(text: str, why: str) -> None:
    problem = expression_problem(text)
    assert problem is not None
    assert why in problem
