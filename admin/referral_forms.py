"""The forms of referrals: what they ask for, and how what was typed becomes what the service takes. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date, datetime
from typing import Annotated, Literal

from pydantic import Field

from admin.forms import Day, Form
from backend.clock import CITY_ZONE
from backend.errors import AppError, ErrorCode
from backend.referrals.follow_up import NotDone
from backend.referrals.machine import ReferralEvent
from backend.referrals.models import (
    Diagnosis,
    Direction,
    Draft,
    Facts,
    Outcome,
    PlanItem,
    RejectReason,
    TransportKind,
    Urgency,
    Who,
)
from backend.referrals.unidentified import SeenSex, Unidentified

NEAREST = "nearest"
# The choices of the accepting form that are no place of the pool.
BED = "bed"
# I21.9, I10.x00x002, E11.900 高血糖: a code in front of its words.
_CODED = re.compile(r"([A-Z]\d{2}(?:\.[0-9A-Za-z+x]{1,10})?)[\s:：,，、]+(\S.*)")
PLAN_ROWS = 6
ASKS_PLACE = frozenset({ReferralEvent.ACCEPT, ReferralEvent.REBOOK})


class SendForm(Form):
    """A referral to be sent. The emergency form has only the first half of it."""

    key: str = Field("", max_length=64, title="序号")
    health_code: str = Field("", max_length=2000, title="健康码")
    name: str = Field("", max_length=50, title="患者姓名")
    id_number: str = Field("", max_length=20, title="患者身份证号")
    patient_phone: str = Field("", max_length=20, title="患者电话")
    unidentified: str = Field("", max_length=3, title="不知道患者是谁")
    seen_sex: SeenSex = Field(SeenSex.UNKNOWN, title="性别")
    seen_age: Annotated[int, Field(ge=0, le=120)] | Literal[""] = Field("", title="大约年龄")
    found_at: str = Field("", max_length=200, title="发现地点")
    to: str = Field("", max_length=64, title="转往机构")
    department: str = Field("", max_length=64, title="转往科室")
    reason: str = Field("", max_length=500, title="转诊原因")
    phone: str = Field("", max_length=20, title="您的电话")
    sender: str = Field("", max_length=64, title="转出机构")
    practitioner: str = Field("", max_length=64, title="转出医生")
    urgency: Urgency = Field(Urgency.ROUTINE, title="紧急程度")
    diagnoses: str = Field("", max_length=2000, title="诊断")
    summary: str = Field("", max_length=5000, title="病情摘要")
    wanted_from: Day | Literal[""] = Field("", title="希望就诊日期（起）")
    wanted_until: Day | Literal[""] = Field("", title="希望就诊日期（止）")
    discharge_summary: str = Field("", max_length=10_000, title="出院小结")
    plan_what: list[str] = Field(default_factory=list, title="随访计划")
    plan_on: list[str] = Field(default_factory=list, title="随访日期")

    def draft(self, direction: Direction, urgency: Urgency | None = None) -> Draft:
        """What the service takes."""
        return Draft(
            who=self._who(),
            reason=self.reason,
            urgency=urgency or self.urgency,
            direction=direction,
            from_organization_id=self.sender,
            practitioner_id=self.practitioner,
            phone=self.phone,
            to_organization_id="" if self.to == NEAREST else self.to,
            nearest=self.to == NEAREST,
            to_department_id=self.department,
            diagnoses=diagnoses_of(self.diagnoses),
            summary=self.summary,
            wanted_from=self.wanted_from or None,
            wanted_until=self.wanted_until or None,
            discharge_summary=self.discharge_summary,
            plan=plan_of(self.plan_what, self.plan_on),
        )

    def _who(self) -> Who:
        """The code, if one was shown; what was typed besides is then not looked at."""
        if self.health_code:
            return Who(code=self.health_code)
        if self.unidentified == "yes" and not (self.name or self.id_number):
            age = self.seen_age if isinstance(self.seen_age, int) else None
            return Who(unidentified=Unidentified(self.found_at, self.seen_sex, age))
        return Who(name=self.name, id_number=self.id_number.upper(), phone=self.patient_phone)


class StepForm(Form):
    """What any event may bring along; each form shows only its own boxes."""

    text: str = Field("", max_length=2000, title="说明")
    reason: RejectReason | Literal[""] = Field("", title="原因")
    place: str = Field("", max_length=100, title="就诊安排")
    bed: str = Field("", max_length=100, title="床位或接诊地点")
    expected: str = Field("", max_length=20, title="预计时间")
    bring: str = Field("", max_length=200, title="请患者携带")
    transport: TransportKind | Literal[""] = Field("", title="转运方式")
    vehicle: str = Field("", max_length=50, title="车牌或车次")
    crew_phone: str = Field("", max_length=20, title="随车电话")
    diagnoses: str = Field("", max_length=2000, title="诊断")
    outcome: Outcome | Literal[""] = Field("", title="诊治结果")
    send_back: str = Field("", max_length=3, title="下转")
    discharge_summary: str = Field("", max_length=10_000, title="出院小结")
    plan_what: list[str] = Field(default_factory=list, title="随访计划")
    plan_on: list[str] = Field(default_factory=list, title="随访日期")
    to: str = Field("", max_length=64, title="转往机构")
    department: str = Field("", max_length=64, title="转往科室")
    health_code: str = Field("", max_length=2000, title="健康码")
    name: str = Field("", max_length=50, title="患者姓名")
    id_number: str = Field("", max_length=20, title="患者身份证号")
    item: Annotated[int, Field(ge=0, le=50)] | Literal[""] = Field("", title="随访项目")
    follow: NotDone | Literal["done", ""] = Field("", title="随访结果")
    done_on: Day | Literal[""] = Field("", title="完成日期")

    def facts(self, event: ReferralEvent) -> Facts:
        """What the service takes of it for this event."""
        schedule, _, number = ("", "", "") if self.place in ("", BED) else self.place.partition(":")
        # Who has to choose where, and has not, has said nothing by the hour that stood there.
        expected = "" if schedule or (event in ASKS_PLACE and not self.place) else self.expected
        back = self.send_back == "yes"
        return Facts(
            text=self.text,
            reason=self.reason or None,
            schedule_id=schedule,
            number=int(number) if number.isdecimal() else None,
            bed="" if schedule else self.bed,
            expected_at=instant_of(expected),
            bring=self.bring,
            transport=self.transport or None,
            vehicle=self.vehicle,
            crew_phone=self.crew_phone,
            diagnoses=diagnoses_of(self.diagnoses),
            outcome=self.outcome or None,
            send_back=back,
            discharge_summary=self.discharge_summary if back else "",
            plan=plan_of(self.plan_what, self.plan_on) if back else (),
            to_organization_id="" if self.to == NEAREST else self.to,
            to_department_id=self.department,
            nearest=self.to == NEAREST,
            who=self._who() if event is ReferralEvent.IDENTIFY else None,
            item=self.item or 0,
            done_on=self.done_on or None if self.follow == "done" else None,
            not_done=self.follow if isinstance(self.follow, NotDone) else None,
        )

    def _who(self) -> Who:
        if self.health_code:
            return Who(code=self.health_code)
        return Who(name=self.name, id_number=self.id_number.upper())


def diagnoses_of(text: str) -> tuple[Diagnosis, ...]:
    """One a line, with its code in front where the line begins with one."""
    found = []
    for line in filter(None, (line.strip() for line in text.splitlines())):
        coded = _CODED.fullmatch(line)
        found.append(Diagnosis(coded[2].strip(), coded[1]) if coded else Diagnosis(line))
    return tuple(found)


def plan_of(what: Sequence[str], on: Sequence[str]) -> tuple[PlanItem, ...]:
    """The rows that say something. Raises BAD_REQUEST for one that says half."""
    rows = [(said.strip(), day.strip()) for said, day in zip(what, on, strict=False)]
    return tuple(_plan_item(n, said, day) for n, (said, day) in enumerate(rows, 1) if said or day)


def _plan_item(number: int, what: str, day: str) -> PlanItem:
    if not what or not day:
        missing = "日期" if what else "内容"
        raise AppError(ErrorCode.BAD_REQUEST, "plan", text=f"随访计划第{number}行：请填写{missing}。")
    try:
        return PlanItem(what, date.fromisoformat(day))
    except ValueError:
        raise AppError(
            ErrorCode.BAD_REQUEST, "plan", text=f"随访计划第{number}行：不是有效的日期。"
        ) from None


def instant_of(text: str) -> datetime | None:
    """2026-11-22T10:30 on the city's clock; None when nothing was typed. Raises BAD_REQUEST."""
    if not text:
        return None
    try:
        return datetime.fromisoformat(text).replace(tzinfo=CITY_ZONE)
    except ValueError:
        raise AppError(ErrorCode.BAD_REQUEST, "expected", text="预计时间：不是有效的时间。") from None
