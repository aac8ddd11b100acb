"""Finds days in a sentence: 明天, 下周三, 25号, 十一月二十五, 11.25, 三天后, 周末, 月底."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import pairwise

from bots.understanding.civil_days import (
    NoSuchDayError,
    Span,
    add_months,
    day_of_month,
    in_month,
    make_date,
    month_and_day,
    one,
    part_of_month,
    shifted,
    week,
    weekday,
    weekend,
    whole_month,
)
from bots.understanding.feasts import FEASTS, Feast, working_day_after
from bots.understanding.lunar import lunar_day
from bots.understanding.numerals import NUMBER, number_of


@dataclass(frozen=True, slots=True)
class DayFound:
    """One stretch of text that names days; `span` is None when there is no such day."""

    start: int
    end: int
    text: str
    span: Span | None


@dataclass(frozen=True, slots=True)
class _Today:
    on: date
    looking_back: bool


_Reader = Callable[["re.Match[str]", _Today], Span | None]

_WORDS = {
    "大前天": -3, "前天": -2, "昨天": -1, "昨日": -1, "昨儿": -1, "昨晚": -1, "昨": -1,
    "今天": 0, "今日": 0, "今儿": 0, "今朝": 0, "今个": 0, "当天": 0, "今": 0,
    "翌日": 1, "赶明儿": 1, "赶明": 1, "明天": 1, "明日": 1, "明儿": 1, "明朝": 1, "明个": 1, "听日": 1,
    "明": 1,
    "大后天": 3, "大后日": 3, "大后儿": 3, "后天": 2, "后日": 2, "后儿": 2, "后朝": 2, "后个": 2, "后": 2,
}  # fmt: skip
_HALF = r"(?=[早晚]|上午|下午|中午|夜里|一早|上昼|下昼)"
_LONG_WORDS = "|".join(sorted((word for word in _WORDS if len(word) > 1), key=len, reverse=True))
_WEEKDAYS = {**{char: place for place, char in enumerate("一二三四五六日")}, "天": 6, "末": 7}
_WEEKDAYS |= {str(number): number - 1 for number in range(1, 8)}
_WEEK = r"(?:周|星期|礼拜)"
# 看一下周三 is not 下周三, 早上周三 is not 上周三.
_WHICH = r"(?P<which>(?<!一)下下个?|(?<![一以])下个?|(?<![早晚以马])上个?|这个?|本)"
_WEEKS = {"下下": 2, "下": 1, "上": -1, "这": 0, "本": 0}
_MONTHS = {"下": 1, "上": -1, "这": 0, "本": 0, "当": 0}
_AFTER = r"(?:以后|之后|过后|后)"
_FREE = r"(?:放假|假期|长假|节)?"
_FIRST_WORKED = rf"{_AFTER}的?(?:第一|头一|首)个?(?:工作日|上班|天上班|天)"
_LUNAR_SAYS = "农历|阴历|旧历|老历"
_LUNAR_MONTHS = {"正": 1, "冬": 11, "腊": 12}


def find_days(text: str, today: date, *, looking_back: bool = False) -> list[DayFound]:
    """All days named, in order. `looking_back`: a day without a year or month is one that has passed."""
    seen = _Today(today, looking_back)
    found: list[DayFound] = []
    for pattern, hints, reader in _RULES:
        if not any(hint in text for hint in hints):
            continue
        for match in pattern.finditer(text):
            span = _read(reader, match, seen)
            if span is not _NOT_A_DAY:
                found.append(DayFound(match.start(), match.end(), match[0], span))
                text = text[: match.start()] + "\x00" * len(match[0]) + text[match.end() :]
    return sorted(found, key=lambda day: day.start)


_NOT_A_DAY = Span(date.min, date.min)


def _read(reader: _Reader, match: re.Match[str], seen: _Today) -> Span | None:
    try:
        return reader(match, seen)
    except NoSuchDayError:
        return None
    except OverflowError:
        return _NOT_A_DAY


def _number(text: str) -> int:
    number = number_of(text)
    if number is None:
        raise NoSuchDayError
    return number


def _full_date(match: re.Match[str], _: _Today) -> Span:
    return one(make_date(_number(match["y"]), _number(match["m"]), _number(match["d"])))


def _digits_date(match: re.Match[str], _: _Today) -> Span | None:
    year, month, day = int(match[0][:4]), int(match[0][4:6]), int(match[0][6:])
    return one(make_date(year, month, day)) if 1 <= month <= 12 else _NOT_A_DAY


def _named_year(match: re.Match[str], today: _Today) -> Span:
    year = today.on.year + {"明": 1, "今": 0, "去": -1}[match["y"]]
    return one(make_date(year, _number(match["m"]), _number(match["d"])))


def _month_day(match: re.Match[str], today: _Today) -> Span:
    month, day = _number(match["m"]), _number(match["d"])
    return month_and_day(today.on, month, day, looking_back=today.looking_back)


def _short_date(match: re.Match[str], today: _Today) -> Span | None:
    """11.25 is a date, 38.5 is a fever."""
    return _month_day(match, today) if 1 <= int(match["m"]) <= 12 else _NOT_A_DAY


def _that_month(match: re.Match[str], today: _Today) -> Span:
    return in_month(today.on, _MONTHS[match["which"][0]], _number(match["d"]))


def _month_part(match: re.Match[str], today: _Today) -> Span:
    months = _MONTHS[match["which"][0]] if match["which"] else 0
    part = match["part"].replace("末", "底")
    if not match["which"] and part == "初" and today.on.day > 5:
        months = 1
    return part_of_month(today.on, months, part)


def _weekday(match: re.Match[str], today: _Today) -> Span:
    which = match["which"]
    weeks = None if which is None else _WEEKS[which.rstrip("个")]
    day = _WEEKDAYS[match["day"]]
    if day == 7:
        return weekend(today.on, weeks or 0)
    if weeks is None and today.looking_back:
        return one(today.on - timedelta(days=(today.on.weekday() - day) % 7))
    return weekday(today.on, day, weeks)


def _weekdays(match: re.Match[str], today: _Today) -> Span | None:
    """周六日, 周一二三: days one after the other; 周三三点 is something else."""
    days = [_WEEKDAYS[char] for char in match["days"]]
    if any(later - earlier != 1 for earlier, later in pairwise(days)):
        return _NOT_A_DAY
    weeks = None if match["which"] is None else _WEEKS[match["which"].rstrip("个")]
    first = weekday(today.on, days[0], weeks).first
    return Span(first, first + timedelta(days=len(days) - 1))


def _month(match: re.Match[str], today: _Today) -> Span:
    if match["which"]:
        return whole_month(today.on, _MONTHS[match["which"]])
    month = _number(match["m"])
    make_date(today.on.year, month, 1)
    return whole_month(today.on, (month - today.on.month) % 12)


def _whole_week(match: re.Match[str], today: _Today) -> Span:
    return week(today.on, _WEEKS[match["which"].rstrip("个")])


def _word(match: re.Match[str], today: _Today) -> Span:
    return shifted(today.on, _WORDS[match[0]])


def _days_later(match: re.Match[str], today: _Today) -> Span:
    return shifted(today.on, _number(match["n"]))


def _weeks_later(match: re.Match[str], today: _Today) -> Span:
    return shifted(today.on, 7 * _number(match["n"]))


def _months_later(match: re.Match[str], today: _Today) -> Span:
    return one(add_months(today.on, _number(match["n"])))


def _vague(first: int, last: int) -> _Reader:
    return lambda _, today: Span(today.on + timedelta(days=first), today.on + timedelta(days=last))


def _bare_day(match: re.Match[str], today: _Today) -> Span:
    day = _number(match["d"])
    if not 1 <= day <= 31:
        raise NoSuchDayError
    return day_of_month(today.on, day, looking_back=today.looking_back)


def _two_days(match: re.Match[str], today: _Today) -> Span | None:
    """二十八九号 is the 28th and the 29th."""
    first, last = (_number((match["tens"] or "") + match[name]) for name in ("first", "last"))
    if last - first != 1:
        return _NOT_A_DAY
    begins = day_of_month(today.on, first, looking_back=today.looking_back).first
    return Span(begins, make_date(begins.year, begins.month, last))


def _feast(feast: Feast) -> _Reader:
    return lambda _, today: one(feast.on(today.on, today.looking_back))


def _after_feast(feast: Feast) -> _Reader:
    """国庆后第一个工作日."""

    def read(_: re.Match[str], today: _Today) -> Span:
        begins = feast.on(today.on, today.looking_back)
        return one(working_day_after(begins + timedelta(days=feast.free_days - 1)))

    return read


def _next_working_day(_: re.Match[str], today: _Today) -> Span:
    return one(working_day_after(today.on))


def _lunar(match: re.Match[str], today: _Today) -> Span:
    """初八, 腊月二十, 农历十月十五: by the farmers' calendar."""
    month = _LUNAR_MONTHS.get(match["m"] or "") or (_number(match["m"]) if match["m"] else None)
    return one(
        lunar_day(today.on, _number(match["d"].removeprefix("初")), month, looking_back=today.looking_back)
    )


# Tried in this order; what one rule has read is no longer there for the next. The hints spare the pattern
# where none of its characters occurs.
_RULES: tuple[tuple[re.Pattern[str], str, _Reader], ...] = tuple(
    (re.compile(pattern), hints, reader)
    for pattern, hints, reader in (
        *((rf"(?:{feast.words}){_FREE}{_FIRST_WORKED}", "工班", _after_feast(feast)) for feast in FEASTS),
        (r"(?<!第)下(?:一)?个?工作日", "工", _next_working_day),
        (rf"(?:{_LUNAR_SAYS})(?:(?P<m>[正冬腊]|{NUMBER})月)?(?P<d>初?{NUMBER})[日号]?", "农阴旧老", _lunar),
        (rf"(?P<m>[正冬腊])月(?P<d>初?{NUMBER})[日号]?", "月", _lunar),
        (rf"(?P<m>{NUMBER})月(?P<d>初[一二三四五六七八九十])", "初", _lunar),
        (
            r"(?P<m>)(?<![上读年当月])(?P<d>初(?:[四五六七八九十]|[一二三](?!中|的?学|[年班])))(?!中|诊)",
            "初",
            _lunar,
        ),
        *((feast.words, feast.words, _feast(feast)) for feast in FEASTS),
        (
            rf"(?P<y>\d{{4}}|二[零〇][二三][零〇一二三四五六七八九])年(?P<m>{NUMBER})月(?P<d>{NUMBER})[日号]?",
            "年",
            _full_date,
        ),
        (r"(?<!\d)(?P<y>20\d\d)[-/.](?P<m>\d{1,2})[-/.](?P<d>\d{1,2})(?!\d)", "-/.", _full_date),
        (r"(?<!\d)20\d{6}(?!\d)", "2", _digits_date),
        (rf"(?P<y>[明今去])年(?P<m>{NUMBER})月(?P<d>{NUMBER})[日号]?", "年", _named_year),
        (rf"(?P<which>下|上|这|本|当)个?月份?的?(?P<d>{NUMBER})[日号]", "月", _that_month),
        (rf"(?P<m>{NUMBER})月份?(?P<d>{NUMBER})[日号]?", "月", _month_day),
        (r"(?P<which>下|上|这|本|当)?个?月(?P<part>[底末初中])(?!药|医)", "月", _month_part),
        (r"(?<![\d.])(?P<m>\d{1,2})[./-](?P<d>\d{1,2})(?![\d.点度元块分%-])", "./-", _short_date),
        (rf"{_WHICH}?{_WEEK}(?P<days>[一二三四五六日天]{{2,}}+)(?![\d十点时刻])", "周期拜", _weekdays),
        (rf"{_WHICH}?{_WEEK}(?P<day>[一二三四五六日天末1-7])(?!次|个|遍)", "周期拜", _weekday),
        (rf"{_WHICH}{_WEEK}", "周期拜", _whole_week),
        (rf"(?P<n>{NUMBER})(?:天|日){_AFTER}", "天日", _days_later),
        (r"过(?P<n>[一三四五六七八九十\d]{1,2})天", "过", _days_later),
        (rf"(?P<n>{NUMBER})个?{_WEEK}{_AFTER}", "周期拜", _weeks_later),
        (rf"过(?P<n>{NUMBER})个?{_WEEK}", "过", _weeks_later),
        (rf"(?P<n>{NUMBER})个月{_AFTER}", "月", _months_later),
        (rf"半个?月{_AFTER}", "半", _vague(15, 15)),
        (
            rf"(?P<which>下|上|这|本|当)个?月份?(?!{NUMBER}|经)|(?<!\d)(?P<m>{NUMBER})月份?(?!{NUMBER}|经)",
            "月",
            _month,
        ),
        (r"过两天|过几天|隔两天", "过隔", _vague(1, 3)),
        (r"今明(?:两|2)?天|这两天", "两今", _vague(0, 1)),
        (r"明后(?:两|2)?天", "后", _vague(1, 2)),
        (r"[这近]几天", "几", _vague(0, 3)),
        (_LONG_WORDS, "天日儿朝个赶", _word),
        (rf"[昨今明后]{_HALF}", "昨今明后", _word),
        (
            r"(?P<tens>二?十|廿|三十)?(?P<first>[一二三四五六七八])(?P<last>[二三四五六七八九])[日号]",
            "日号",
            _two_days,
        ),
        (rf"(?<![第\d])(?P<d>{NUMBER})[日号](?!楼|线|院|诊|门|窗|床|厅|桌|路|机)", "日号", _bare_day),
    )
)
