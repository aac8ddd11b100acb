"""Pure rules of the figures and of reading free answers: nothing grave is overheard."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.surveys.counting import escaped, unescaped, week_of
from backend.surveys.results import _lines, month_before
from backend.surveys.results_models import Level, Place, Row
from backend.surveys.screening import risks, topics


@pytest.mark.parametrize(
    ("said", "kinds"),
    [
        ("回家以后胸痛，喘不上气", ["急症"]), ("伤口化脓了还发烧", ["伤口", "加重"]), ("不想活了", ["自伤"]),
        ("我没有想死，就是累", ["自伤"]), ("没有发烧，也没有胸痛", []), ("没有再发烧", []),
        ("不发烧了，但伤口流脓", ["伤口"]), ("我要投诉", ["投诉"]), ("医生很好，谢谢", []), ("", []),
    ],
)  # fmt: skip
def test_risk_words_are_heard_unless_they_are_denied(said: str, kinds: list[str]):
    assert risks(said) == kinds


def test_topics_are_counted_once_however_often_they_are_named():
    assert topics(["排队排队，等候太久", "排队", "做ct要等很久"]) == ["排队等候", "检查检验"]


@given(st.text(max_size=20))
def test_a_name_is_the_same_after_it_stood_in_a_field(name: str):
    kept = escaped(name)
    assert not set(kept) & set(".$|")
    if not set(name) & set("．＄｜"):
        assert unescaped(kept) == name


def test_months_and_weeks_are_those_of_the_calendar():
    assert [month_before(date(2026, 1, 31), n) for n in (0, 1, 12, 13)] == [
        "2026-01", "2025-12", "2025-01", "2024-12",
    ]  # fmt: skip
    assert (week_of(date(2026, 1, 1)), week_of(date(2027, 1, 1))) == ("2026-W01", "2026-W53")


def test_two_hospitals_with_few_answers_are_not_told_by_the_sum_of_the_three():
    counts = {"A": 1, "B": 1, "C": 40}
    rows = [
        Row(Place("Q", Level.ORGANIZATION, place, "", "", "2026-10"), {"completed": count, "scored": count})
        for place, count in counts.items()
    ]
    # Each is at least one: from the whole and the third they would be known.
    assert all(line.figures.hidden for line in _lines(rows, lambda row: row.place.organization_id))
