"""Pure rules of the figures and of reading free answers: nothing grave is overheard."""

from __future__ import annotations

from datetime import date
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.surveys.closing import shown
from backend.surveys.counting import escaped, unescaped, week_of
from backend.surveys.results import _figures, _months, _places, _told_beside_the_others, month_before
from backend.surveys.results_models import Figures, Level, Place, Row
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


def _row(
    completed: int, *, month: str = "2026-10", place: str = "A", points: int = 0, scored: int = -1
) -> Row:
    scored = completed if scored < 0 else scored
    totals = {"completed": completed, "scored": scored, "points": points or scored * 100}
    return Row(Place("Q", Level.ORGANIZATION, place, "", "", month), totals)


def _by_hospital(*rows: Row, first: str = "2026-01") -> dict[str, Figures]:
    return {line.id: line.figures for line in _places(rows, lambda row: row.place.organization_id, first)}


def test_two_hospitals_with_few_answers_are_not_told_by_the_sum_of_the_three():
    # Each is at least one: from the whole and the third they would be known.
    lines = _by_hospital(_row(1, place="A"), _row(1, place="B"), _row(40, place="C"))
    assert all(figures.hidden for figures in lines.values())


def test_few_scores_are_not_told_by_the_sum_where_enough_have_answered():
    lines = _by_hospital(_row(10, place="A"), _row(10, place="B", scored=3))
    assert [figures.percent for figures in lines.values()] == [None, None]


MONTHS = [
    _row(10, month="2026-08", points=900),
    _row(3, month="2026-09", points=30),
    _row(8, month="2026-10"),
]


def test_no_two_periods_differ_by_fewer_than_five_people():
    found = {first: _figures(MONTHS, first).percent for first in ("2026-08", "2026-09", "2026-10")}
    # September has three: they are shown with October or not at all.
    together = round((30 + 800) / 11)
    assert found == {"2026-08": round((900 + 30 + 800) / 21), "2026-09": together, "2026-10": together}


def test_a_month_with_few_is_told_with_the_next_and_by_no_other_line():
    lines = {line.id: line.figures for line in _months(MONTHS, "2026-08", ())}
    assert [lines[month].percent for month in ("2026-08", "2026-09", "2026-10")] == [90, None, 75]
    assert lines["2026-09"].hidden


@given(st.lists(st.integers(0, 12), min_size=1, max_size=24))
def test_whatever_period_is_taken_away_from_another_five_people_or_nobody_are_left(counts: list[int]):
    rows = [_row(count, month=f"{2025 + at // 12}-{at % 12 + 1:02d}") for at, count in enumerate(counts)]
    seen = [
        sum(
            row.totals["completed"]
            for row in shown(rows, row.place.month, lambda each: each.totals["completed"])
        )
        for row in rows
    ]
    assert all(longer - shorter == 0 or longer - shorter >= 5 for longer, shorter in pairwise([*seen, 0]))


def test_one_hospitals_month_is_not_shown_where_all_less_it_is_the_few_of_another():
    rows = [_row(10, place="B"), _row(3, place="A"), _row(9, place="B", month="2026-09")]
    assert _told_beside_the_others(rows, "B") == {"2026-10"}
    assert _told_beside_the_others(rows, "") == frozenset()
