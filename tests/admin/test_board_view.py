"""The board's periods, changes and numbers; no city is needed to show them."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from admin import board_period, board_view
from admin.board_period import Span
from backend.statistics.board_models import Board, BoardQuery, By, Definition, Formula, Line, Part, Value
from backend.statistics.models import Measure

TODAY = date(2026, 11, 22)
BOOKINGS = Definition(
    "bookings", "预约量", "预约", "人次", "预约成功的", "事件", "上线起", Formula.COUNT, Measure.BOOKED,
    parts="channel", better="more",
)  # fmt: skip
RATE = Definition(
    "rate", "到诊率", "预约", "%", "到的", "事件", "上线起", Formula.SHARE, Measure.ARRIVED, better="more"
)
MONEY = Definition("fen", "缴费", "缴费", "元", "付的", "事件", "上线起", Formula.MONEY, Measure.PAID)


def a_board(lines: list[Line], total: dict[str, Value], parts: tuple[Part, ...] = ()) -> Board:
    query = BoardQuery(date(2026, 11, 1), date(2026, 11, 2), By.DAY)
    at = datetime(2026, 11, 2, tzinfo=UTC)
    return Board(
        query, (BOOKINGS, RATE, MONEY), Line("", "合计", total), tuple(lines), {"bookings": parts}, at
    )


@pytest.mark.parametrize(
    ("span", "before"),
    [
        # Whole months are compared with whole months, however long each is.
        ((date(2026, 3, 1), date(2026, 3, 31)), (date(2026, 2, 1), date(2026, 2, 28))),
        ((date(2026, 1, 1), date(2026, 3, 31)), (date(2025, 10, 1), date(2025, 12, 31))),
        # Anything else with as many days.
        ((date(2026, 3, 1), date(2026, 3, 30)), (date(2026, 1, 30), date(2026, 2, 28))),
        ((TODAY, TODAY), (date(2026, 11, 21), date(2026, 11, 21))),
    ],
)
def test_a_period_is_compared_with_the_one_before(span: tuple[date, date], before: tuple[date, date]) -> None:
    found = board_period.before(Span(*span, By.DAY))
    assert (found.from_on, found.to_on) == before


def test_months_of_which_the_last_still_runs_are_compared_as_far_as_they_go() -> None:
    found = board_period.before(Span(date(2026, 1, 1), date(2026, 3, 30), By.MONTH))
    assert (found.from_on, found.to_on) == (date(2025, 10, 1), date(2025, 12, 30))
    found = board_period.before(Span(date(2026, 3, 1), date(2026, 3, 30), By.MONTH))
    assert found.to_on == date(2026, 2, 28)


def test_what_nobody_chose_is_the_last_month_of_days_or_year_of_months() -> None:
    assert board_period.chosen(None, None, None, TODAY) == Span(date(2026, 10, 24), TODAY, By.DAY)
    assert board_period.chosen(None, None, By.MONTH, TODAY) == Span(date(2025, 12, 1), TODAY, By.MONTH)
    assert board_period.chosen(date(2026, 11, 1), None, None, TODAY).days == 22
    march = board_period.chosen(date(2026, 1, 9), date(2026, 3, 9), By.MONTH, TODAY)
    assert (march.from_on, march.to_on) == (date(2026, 1, 1), date(2026, 3, 31))
    assert board_period.chosen(None, date(2026, 1, 31), None, TODAY).from_on == date(2026, 1, 2)
    assert all(span.days > 0 for _, span in board_period.usual(date(2026, 1, 1)))


@pytest.mark.parametrize(
    ("now", "then", "definition", "text", "tone"),
    [
        (110, 100, BOOKINGS, "+10.0%", "good"),
        (90, 100, BOOKINGS, "-10.0%", "bad"),
        (100, 100, BOOKINGS, "持平", ""),
        (7, 0, BOOKINGS, "上期为 0", "good"),
        (0, 0, BOOKINGS, "持平", ""),
        (88.9, 91.0, RATE, "-2.1 个百分点", "bad"),
        (110, 100, MONEY, "+10.0%", ""),
    ],
)
def test_a_change_is_told_in_words_and_judged_where_one_can(
    now: float, then: float, definition: Definition, text: str, tone: str
) -> None:
    found = board_view.change(Value(now), Value(then), definition)
    assert found == board_view.Change(text, tone)


def test_what_is_hidden_or_not_known_has_no_change_and_no_number() -> None:
    for value in (Value(hidden=True), Value()):
        assert board_view.change(value, Value(3), BOOKINGS) is None
        assert board_view.change(Value(3), value, BOOKINGS) is None
    assert board_view.shown(Value(hidden=True), BOOKINGS) == "不显示"
    assert board_view.shown(Value(), BOOKINGS) == "—"
    assert board_view.shown(Value(1234.5), MONEY) == "1,234.50"
    assert board_view.shown(Value(1234), BOOKINGS) == "1,234"
    assert board_view.shown(Value(88.94), RATE) == "88.9"


def test_a_hidden_number_is_in_no_chart_and_no_file() -> None:
    days = [
        Line("2026-11-01", "2026-11-01", {"bookings": Value(12), "rate": Value(50.0)}),
        Line("2026-11-02", "2026-11-02", {"bookings": Value(hidden=True), "rate": Value(hidden=True)}),
    ]
    parts = (Part("wechat", "微信小程序", Value(12)), Part("sms", "短信", Value(hidden=True)))
    board = a_board(days, {"bookings": Value(15), "rate": Value(40.0), "fen": Value(0.0)}, parts)
    [bookings, payments] = board_view.groups(board, board)
    assert [tile.text for tile in bookings.tiles] == ["15", "40"]
    counts, rates, of_channels = bookings.charts
    assert counts.series == [{"name": "预约量", "data": [12, None]}]
    assert (counts.kind, rates.kind, of_channels.kind) == ("bar", "line", "parts")
    assert counts.labels == ["11-01", "今天"]
    assert [chart.hidden for chart in bookings.charts] == [1, 1, 1]
    assert of_channels.series == [{"name": "预约量", "data": [12, None]}]
    assert payments.charts[0].is_empty
    sheets = board_view.sheets(board, board, None, "")
    assert [sheet.title for sheet in sheets] == ["合计", "按日", "构成", "指标说明"]
    assert sheets[1].rows[1] == ["2026-11-02", "不显示", "不显示", None]
    assert sheets[2].rows[1] == ["预约量", "短信", "不显示", "人次"]
    assert ["按日"] in board_view.as_rows(sheets)
