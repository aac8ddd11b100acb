"""What one kind of message says in every form, as data; the words themselves stand in `texts.py`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from backend.messages.models import MessageChannel, MessageKind

SMS, WECHAT = MessageChannel.SMS, MessageChannel.WECHAT
BOTH = (SMS, WECHAT)


@dataclass(frozen=True, slots=True)
class Wording:
    """One kind of message in every form."""

    title: str
    lines: tuple[tuple[str, str], ...]
    sms: str = ""
    # The wording applied for at providers that want every template approved; empty: the same.
    approved: str = ""
    wechat: dict[str, str] = field(default_factory=dict)
    channels: tuple[MessageChannel, ...] = BOTH
    page: str = ""
    # The words are forgotten as soon as they have gone out; what is left says that they did.
    redact: bool = False


@dataclass(frozen=True, slots=True)
class TemplateVersion:
    """A wording with its number, and what the providers call it that have approved it."""

    kind: MessageKind
    number: int
    wording: Wording
    template_ids: Mapping[str, str]
    note: str = ""
    made_by: str = ""
    made_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Fact:
    """What stands in for a slot: what it is called, its type (a pattern), and an example to preview with."""

    label: str
    form: str
    sample: str


_WORDS, _ANY = r"[^\x00-\x1f]{1,200}", r"[^\x00-\x09\x0b-\x1f]{0,500}"
_DAY = r"\d{4}年\d{1,2}月\d{1,2}日"
_VISIT_TIME = _DAY + r"（周[一二三四五六日]）(上午|下午|晚间|夜间)?\d\d:\d\d(-\d\d:\d\d)?"

FACTS: dict[str, Fact] = {
    "code": Fact("验证码", r"[0-9]{4,6}", "482913"),
    "minutes": Fact("有效分钟", r"[0-9]{1,3}", "5"),
    "patient": Fact("就诊人", r"[^\x00-\x1f]{1,30}", "张*"),
    "guardian": Fact("代办人", r"[^\x00-\x1f]{1,30}", "李*"),
    "organization": Fact("医院", _WORDS, "市人民医院"),
    "department": Fact("科室", _WORDS, "心血管内科"),
    "doctor": Fact("医生", _ANY, "王医生 主任医师"),
    "doctor_sms": Fact("医生（短信）", _ANY, "王医生主任医师"),
    "visit_kind": Fact("登记类型", _WORDS, "专家门诊"),
    "when": Fact("时间", _VISIT_TIME, "2026年1月5日（周一）上午09:30-09:40"),
    "time": Fact("时间（微信）", _DAY + r" \d\d:\d\d", "2026年1月5日 09:30"),
    "day": Fact("日期", _DAY + r"（周[一二三四五六日]）", "2026年1月5日（周一）"),
    "date": Fact("日期（微信）", _DAY, "2026年1月5日"),
    "phone": Fact("电话", _ANY, "0536-8210000"),
    "phone_sms": Fact("电话（短信）", _ANY, "（电话0536-8210000）"),
    "number": Fact("序号", r"[0-9]{1,5}", "12"),
    "place": Fact("地点", _ANY, "门诊楼3层B区"),
    "place_sms": Fact("地点（短信）", _ANY, "，地点门诊楼3层B区"),
    "fee": Fact("费用", r"([0-9]+\.[0-9]{2}元)?", "15.00元"),
    "amount": Fact("金额", r"[0-9]+\.[0-9]{2}元", "15.00元"),
    "item": Fact("项目", _WORDS, "预约挂号费"),
    "cancel_by": Fact("最晚取消", r"\d{1,2}月\d{1,2}日\d\d:\d\d", "1月5日07:00"),
    "reason": Fact("原因", _ANY, "临时有事"),
    "reason_or": Fact("原因", _ANY, "本人取消"),
    "stop_or": Fact("停诊说明", _ANY, "医生临时停诊，敬请谅解"),
    "refund": Fact("退费", _ANY, "挂号费15.00元将原路退回。"),
    "appointment_id": Fact("预约编号", r"[0-9A-Z]{0,26}", "01KAAAAAAAAAAAAAAAAAAAAAAA"),
    "step": Fact("使用环节", _WORDS, "挂号"),
    "warning": Fact("提醒", _ANY, ""),
    "warning_or": Fact("提醒", _ANY, "如非本人使用请及时停用"),
    "title": Fact("标题", _WORDS, "门诊就诊满意度调查"),
    "question": Fact("问题", _ANY, "您对医生的解释满意吗？1满意 2一般 3不满意"),
    "until": Fact("截止", _ANY, "1月12日"),
    "link": Fact("链接", r"https?://\S{3,200}", "https://jk.example.org/s/abc"),
    "token": Fact("回访编号", r"[0-9A-Za-z]{20,64}", "01KAAAAAAAAAAAAAAAAAAAAAAA0123456789abcdef"),
    "bring": Fact("请携带", _ANY, "身份证、医保卡和以往病历"),
    "ahead": Fact("前面人数", r"[0-9]{1,3}", "3"),
    "exam": Fact("检查项目", _WORDS, "血常规"),
    "state": Fact("办理结果", _WORDS, "已受理"),
    "to": Fact("转往医院", _WORDS, "市中心医院"),
}
