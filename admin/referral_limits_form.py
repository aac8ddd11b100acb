"""The city's time limits as a form: its boxes in their order, and how they are read back. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import orjson
from pydantic import Field, ValidationError

from admin.forms import Form
from admin.referral_words import URGENCIES
from backend.errors import AppError, ErrorCode
from backend.referrals.limits import TimeLimits, Wait
from backend.referrals.models import Level, Urgency

_DAY, _HOUR = 24 * 60, 60
_UNITS = {"天": _DAY, "小时": _HOUR, "分钟": 1, "分": 1, "": 1}
_TIME = re.compile(r"(\d{1,5}) *(天|小时|分钟|分|)")
MOST = 60 * _DAY
_WAITS = {"answer": "等接收机构答复", "supplement": "等转出机构补充资料", "finish": "到达后等登记诊治结果"}
_GIVEN_UP = {"answer": "作失效处理", "supplement": "作失效处理", "finish": "自动结束"}
_REACHES = {Level.DESK: "先提醒经办", Level.OPERATORS: "再过多久提醒负责人", Level.CITY: "再过多久上报市级"}
_MISSED = "过预计时间多久算未到"


@dataclass(frozen=True, slots=True)
class Box:
    """One time: where it stands in the table, what it is called, how long it is."""

    path: tuple[str | int, ...]
    title: str
    minutes: int
    by_working_hours: bool = False


@dataclass(frozen=True, slots=True)
class Group:
    """What is waited for, with its times."""

    title: str
    boxes: tuple[Box, ...]


class LimitsForm(Form):
    """All times in the order of `groups_of`; days one on a line."""

    number: int = Field(0, ge=0, title="版本")
    times: list[str] = Field(default_factory=list, title="时限")
    begin: str = Field("", max_length=5, pattern=r"^\d{2}:\d{2}$", title="上班时间")
    end: str = Field("", max_length=5, pattern=r"^\d{2}:\d{2}$", title="下班时间")
    holidays: str = Field("", max_length=6000, title="放假日期")
    workdays: str = Field("", max_length=6000, title="调休上班日期")

    def limits(self, before: TimeLimits) -> TimeLimits:
        """The table as it is to be. Raises BAD_REQUEST, with what is wrong in words."""
        boxes = [box for groups in groups_of(before).values() for group in groups for box in group.boxes]
        if len(self.times) != len(boxes):
            raise _refused("请打开最新的页面再填写。")
        table = orjson.loads(before.model_dump_json(by_alias=True))
        for box, said in zip(boxes, self.times, strict=True):
            at: Any = table["urgencies"]
            for step in box.path[:-1]:
                at = at[step]
            at[box.path[-1]] = _minutes(box, said)
        table["working_hours"] |= {
            "from": self.begin,
            "until": self.end,
            "holidays": _days("放假日期", self.holidays),
            "workdays": _days("调休上班日期", self.workdays),
        }
        try:
            return TimeLimits.model_validate_json(orjson.dumps(table))
        except ValidationError:
            raise _refused("上班、下班时间填写有误：上班须早于下班。") from None


def groups_of(limits: TimeLimits) -> dict[Urgency, list[Group]]:
    """Every time of the table, by urgency."""
    found: dict[Urgency, list[Group]] = {}
    for urgency in Urgency:
        of = limits.urgencies[urgency]
        waits = [_group(urgency, name, getattr(of, name)) for name in _WAITS]
        missed = Box((urgency, "arrive_after"), _title(urgency, _MISSED), of.arrive_after)
        found[urgency] = [*waits, Group("等患者到达", (missed,))]
    return found


def _group(urgency: Urgency, name: str, wait: Wait) -> Group:
    working = wait.counts == "working"
    boxes = [
        Box(
            (urgency, name, "steps", number, "after"), _title(urgency, _REACHES[step.to]), step.after, working
        )
        for number, step in enumerate(wait.steps)
    ]
    last = Box(
        (urgency, name, "lapse_after"),
        _title(urgency, f"再过多久{_GIVEN_UP[name]}"),
        wait.lapse_after,
        working,
    )
    return Group(_WAITS[name] + ("（按工作时间计）" if working else ""), (*boxes, last))


def _title(urgency: Urgency, what: str) -> str:
    return f"{URGENCIES[urgency][0]}：{what}"


def spoken(box: Box) -> str:
    """3天, 4小时, 30分钟. A day of working hours is not a day: there hours are said."""
    if box.minutes % _DAY == 0 and not box.by_working_hours:
        return f"{box.minutes // _DAY}天"
    return f"{box.minutes // _HOUR}小时" if box.minutes % _HOUR == 0 else f"{box.minutes}分钟"


def lines(days: Iterable[date]) -> str:
    """Days as the form has them."""
    return "\n".join(f"{day:%Y-%m-%d}" for day in sorted(days))


def _minutes(box: Box, said: str) -> int:
    found = _TIME.fullmatch(said.strip())
    if found is None:
        raise _refused(f"{box.title}：请写成“30分钟”“4小时”或“3天”。")
    if found[2] == "天" and box.by_working_hours:
        raise _refused(f"{box.title}：按工作时间计，请写小时或分钟。")
    minutes = int(found[1]) * _UNITS[found[2]]
    if not 1 <= minutes <= MOST:
        raise _refused(f"{box.title}：须在1分钟到60天之间。")
    return minutes


def _days(title: str, said: str) -> Sequence[str]:
    try:
        return [date.fromisoformat(day).isoformat() for day in said.split()]
    except ValueError:
        raise _refused(f"{title}：每行写一天，例如 2027-01-01。") from None


def _refused(text: str) -> AppError:
    return AppError(ErrorCode.BAD_REQUEST, "limits", text=text)
