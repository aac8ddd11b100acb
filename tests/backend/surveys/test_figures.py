"""Pure rules of the figures and of reading free answers: nobody is recognised, nothing grave is overheard."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.surveys.counting import escaped, unescaped, week_of
from backend.surveys.results import month_before, suppressed
from backend.surveys.results_models import FEWEST
from backend.surveys.screening import risks, topics


@given(st.lists(st.integers(0, 30), max_size=8))
def test_no_count_below_the_bound_is_shown_or_can_be_reckoned_from_the_sum(counts: list[int]):
    hidden = suppressed(counts)
    assert all(hide for count, hide in zip(counts, hidden, strict=True) if 0 < count < FEWEST)
    assert not any(hide for count, hide in zip(counts, hidden, strict=True) if count == 0)
    # One hidden part alone would be the sum less the others; only when there is no other part is it alone.
    if sum(hidden) == 1:
        assert sum(count > 0 for count in counts) == 1


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
