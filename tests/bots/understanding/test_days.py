"""Days as they are said in Chinese, seen from a given today."""

from datetime import date

import pytest

from bots.understanding.days import find_days
from bots.understanding.normalising import normalise

THURSDAY = date(2026, 11, 19)
SUNDAY = date(2026, 11, 22)


def said(text: str, today: date = THURSDAY, *, looking_back: bool = False) -> str:
    """The one day or range in the text; nothing is empty, an impossible day is a word."""
    found = find_days(normalise(text), today, looking_back=looking_back)
    if not found:
        return ""
    (day,) = found
    if day.span is None:
        return "no such day"
    first, last = str(day.span.first), str(day.span.last)
    return first if first == last else f"{first}..{last}"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("今天", "2026-11-19"), ("明天", "2026-11-20"), ("后天", "2026-11-21"), ("大后天", "2026-11-22"),
        ("明儿", "2026-11-20"), ("后儿个", "2026-11-21"), ("听日", "2026-11-20"), ("明早", "2026-11-20"),
        ("今晚", "2026-11-19"), ("昨天", "2026-11-18"), ("前天", "2026-11-17"), ("大前天", "2026-11-16"),
        ("三天后", "2026-11-22"), ("过3天", "2026-11-22"),
        ("一周后", "2026-11-26"), ("两个星期以后", "2026-12-03"),
        ("一个月后", "2026-12-19"), ("半个月后", "2026-12-04"), ("过两天", "2026-11-20..2026-11-22"),
    ],
)  # fmt: skip
def test_days_counted_from_today(text: str, expected: str):
    assert said(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("周三", "2026-11-25"), ("星期三", "2026-11-25"), ("礼拜三", "2026-11-25"), ("週三", "2026-11-25"),
        ("周五", "2026-11-20"), ("礼拜天", "2026-11-22"), ("周日", "2026-11-22"), ("星期7", "2026-11-22"),
        ("这周五", "2026-11-20"), ("本周日", "2026-11-22"),
        ("下周一", "2026-11-23"), ("下个礼拜天", "2026-11-29"),
        ("下下周二", "2026-12-01"), ("上周三", "2026-11-11"), ("这周三", "2026-11-18"),
        ("周末", "2026-11-21..2026-11-22"), ("下周末", "2026-11-28..2026-11-29"),
        ("周六日", "2026-11-21..2026-11-22"), ("下周一二三", "2026-11-23..2026-11-25"),
        ("周三三点", "2026-11-25"),
        ("周二三点", "2026-11-24"), ("下周", "2026-11-23..2026-11-29"), ("这周", "2026-11-19..2026-11-22"),
        ("帮我看一下周三的", "2026-11-25"), ("早上周三", "2026-11-25"), ("晚上周五", "2026-11-20"),
    ],
)  # fmt: skip
def test_days_of_the_week(text: str, expected: str):
    assert said(text) == expected


def test_next_week_begins_on_monday_also_when_today_is_sunday():
    assert said("下周一", SUNDAY) == "2026-11-23"
    assert said("周一", SUNDAY) == "2026-11-23"
    assert said("周末", SUNDAY) == "2026-11-22"


def test_the_weekday_that_is_today_may_also_be_next_weeks():
    (found,) = find_days("周四", THURSDAY)
    assert found.span is not None
    assert (found.span.first, found.span.other) == (THURSDAY, date(2026, 11, 26))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("11月25日", "2026-11-25"), ("11月25", "2026-11-25"),
        ("11.25", "2026-11-25"), ("11/25", "2026-11-25"),
        ("11-25", "2026-11-25"), ("十一月二十五", "2026-11-25"), ("十一月廿五号", "2026-11-25"),
        ("2026年11月25日", "2026-11-25"), ("2026-11-25", "2026-11-25"), ("20261125", "2026-11-25"),
        ("二零二六年十一月二十五日", "2026-11-25"), ("25号", "2026-11-25"),
        ("二十八九号", "2026-11-28..2026-11-29"),
        ("二十五号", "2026-11-25"),
        ("这个月30号", "2026-11-30"), ("下个月5号", "2026-12-05"), ("月底", "2026-11-26..2026-11-30"),
        ("下月初", "2026-12-01..2026-12-05"), ("１１月２５日", "2026-11-25"), ("元旦", "2027-01-01"),
        ("国庆", "2027-10-01"), ("下个月", "2026-12-01..2026-12-31"), ("12月份", "2026-12-01..2026-12-31"),
        ("这个月", "2026-11-19..2026-11-30"), ("3个月", ""),
    ],
)  # fmt: skip
def test_days_of_the_calendar(text: str, expected: str):
    assert said(text) == expected


@pytest.mark.parametrize(
    "text", ["38.5度", "3楼", "2号楼", "第3个", "好几天了", "13.5", "五一路", "挂号", "3.5元"]
)
def test_numbers_that_are_no_days(text: str):
    assert said(text) == ""


def test_months_and_years_roll_over():
    assert said("明天", date(2026, 11, 30)) == "2026-12-01"
    assert said("后天", date(2026, 12, 30)) == "2027-01-01"
    assert said("后天", date(2028, 2, 27)) == "2028-02-29"
    assert said("5号", date(2026, 12, 28)) == "2027-01-05"
    assert said("1月3号", date(2026, 12, 28)) == "2027-01-03"
    assert said("一个月后", date(2026, 1, 31)) == "2026-02-28"
    assert said("三天后", date(2026, 12, 31)) == "2027-01-03"


def test_a_date_long_gone_is_not_taken_for_next_years():
    assert said("11月1日") == "2026-11-01"


def test_looking_back_takes_the_day_that_has_passed():
    assert said("25号", looking_back=True) == "2026-10-25"
    assert said("12月30号", date(2027, 1, 5), looking_back=True) == "2026-12-30"
    assert said("周三", looking_back=True) == "2026-11-18"


@pytest.mark.parametrize("text", ["11月31日", "2月30号", "2027年2月29日", "31号", "2.30", "45号", "13月1日"])
def test_a_day_that_does_not_exist_is_said_to_be_none(text: str):
    assert said(text) == "no such day"


def test_the_31st_is_a_day_where_the_month_has_one():
    assert said("31号", date(2026, 12, 1)) == "2026-12-31"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("初八", "2026-12-16"), ("农历十五", "2026-11-23"), ("阴历十月二十", "2026-11-28"),
        ("腊月初八", "2027-01-15"), ("正月初八", "2027-02-13"), ("腊八", "2027-01-15"),
        ("除夕", "2027-02-05"), ("春节", "2027-02-06"), ("元宵节", "2027-02-20"), ("端午", "2027-06-09"),
        ("冬至", "2026-12-22"), ("清明节", "2027-04-05"), ("中秋", "2027-09-15"),
        ("孩子上初二", ""), ("月初", "2026-12-01..2026-12-05"),
    ],
)  # fmt: skip
def test_days_of_the_farmers_calendar(text: str, expected: str):
    assert said(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("元旦后第一个工作日", "2027-01-04"), ("国庆后第一个工作日", "2027-10-08"),
        ("国庆节放假后第一天上班", "2027-10-08"), ("春节后第一个工作日", "2027-02-15"),
        ("下个工作日", "2026-11-20"),
    ],
)  # fmt: skip
def test_the_first_day_worked_after_a_feast(text: str, expected: str):
    assert said(text) == expected


def test_the_farmers_calendar_ends_where_its_table_ends():
    assert said("正月初一", date(2049, 12, 31)) == "no such day"
    assert said("正月初一", date(2020, 1, 1)) == "no such day"
    assert said("除夕", date(2027, 2, 5)) == "2027-02-05"
