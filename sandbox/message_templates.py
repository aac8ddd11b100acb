"""The message templates the city has applied for: WeChat's typed keywords, and MAS texts."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Template:
    """A template as the public platform shows it: a title and typed keywords."""

    title: str
    fields: dict[str, str]


SUBSCRIBE_TEMPLATES: dict[str, Template] = {
    "appointment_booked": Template(
        "预约挂号成功通知",
        {
            "thing1": "就诊医院",
            "thing2": "就诊科室",
            "name3": "就诊人",
            "time4": "就诊时间",
            "thing5": "温馨提示",
        },
    ),
    "appointment_cancelled": Template(
        "预约取消通知",
        {
            "thing1": "就诊医院",
            "thing2": "就诊科室",
            "name3": "就诊人",
            "time4": "就诊时间",
            "thing5": "取消原因",
        },
    ),
    "schedule_stopped": Template(
        "医生停诊通知",
        {
            "thing1": "就诊医院",
            "thing2": "就诊科室",
            "name3": "就诊人",
            "time4": "就诊时间",
            "thing5": "停诊说明",
        },
    ),
    "refund_succeeded": Template(
        "退款到账通知",
        {"thing1": "退款项目", "amount2": "退款金额", "time3": "退款时间", "thing4": "温馨提示"},
    ),
    "code_used": Template(
        "健康码使用提醒",
        {"thing1": "使用机构", "thing2": "使用环节", "time3": "使用时间", "thing4": "温馨提示"},
    ),
    "survey_card": Template(
        "就诊回访通知",
        {"thing1": "回访内容", "thing2": "回访医院", "time3": "截止时间", "thing4": "温馨提示"},
    ),
    "survey_heard": Template(
        "意见处理通知", {"thing1": "处理医院", "thing2": "处理说明", "time3": "联系时间"}
    ),
    "visit_reminder": Template(
        "就诊提醒通知",
        {
            "thing1": "就诊医院",
            "thing2": "就诊科室",
            "name3": "就诊人",
            "time4": "就诊时间",
            "thing5": "温馨提示",
        },
    ),
    "report_ready": Template(
        "检查报告出具通知",
        {"thing1": "检查医院", "name2": "就诊人", "time3": "出具时间", "thing4": "温馨提示"},
    ),
    "birth_filing": Template(
        "办理进度通知", {"thing1": "办理事项", "thing2": "办理结果", "time3": "办理时间"}
    ),
    "referral": Template(
        "转诊接收通知",
        {
            "thing1": "转出机构",
            "thing2": "转往机构",
            "name3": "就诊人",
            "time4": "就诊时间",
            "thing5": "温馨提示",
        },
    ),
    "referral_missed": Template(
        "转诊未到诊通知",
        {"thing1": "转出机构", "thing2": "转往机构", "name3": "就诊人", "thing4": "温馨提示"},
    ),
    "referral_follow_up": Template(
        "随访提醒通知",
        {"thing1": "随访机构", "name2": "就诊人", "date3": "随访日期", "thing4": "温馨提示"},
    ),
    "record_consent_asked": Template(
        "授权申请通知",
        {"thing1": "申请机构", "name2": "患者", "time3": "申请时间", "thing4": "温馨提示"},
    ),
    "record_answered": Template(
        "询问答复通知",
        {"thing1": "答复机构", "name2": "患者", "time3": "答复时间", "thing4": "温馨提示"},
    ),
    "phone_released": Template(
        "账号变更提醒", {"thing1": "变更内容", "time2": "变更时间", "thing3": "温馨提示"}
    ),
}
# The official account's template messages (类目模板) carry the same keywords.
OA_TEMPLATES = SUBSCRIBE_TEMPLATES

# Cloud MAS templates; `{0}` stands for the first parameter.
SMS_TEMPLATES: dict[str, str] = {
    "login_code": "您的验证码是{0}，{1}分钟内有效。工作人员不会向您索要验证码，请勿告诉他人。",
    "appointment_booked": "{0}，您已预约{1}{2}，就诊时间{3}，序号{4}。",
    "appointment_cancelled": "{0}，您在{1}{2}{3}的预约已取消。",
    "schedule_stopped": "{0}，很抱歉，{1}{2}{3}停诊，您的预约已取消，费用将原路退回。",
    "visit_reminder": "{0}您好，请记得{1}的就诊。",
}

_TIME = re.compile(
    r"^(\d{4}[年/-]\d{1,2}[月/-]\d{1,2}日?(\s*\d{1,2}:\d{2}(:\d{2})?)?|\d{1,2}:\d{2}(:\d{2})?)"
    r"(\s*[~～-]\s*((\d{4}[年/-]\d{1,2}[月/-]\d{1,2}日?\s*)?\d{1,2}:\d{2}(:\d{2})?|\d{4}[年/-]\d{1,2}[月/-]\d{1,2}日?))?$"
)
_AMOUNT = re.compile(r"^[¥￥$€£]?\d{1,10}(\.\d{1,2})?元?$")
_CHINESE_NAME = re.compile(r"^[\u4e00-\u9fff·*＊]{1,10}$")
_LETTER_NAME = re.compile(r"^[^\u4e00-\u9fff\d]{1,20}$")

# Keyword types and their limits as published; a date with minutes is accepted for both `time` and `date`.
_RULES: dict[str, Callable[[str], bool]] = {
    "thing": lambda v: len(v) <= 20,
    "number": lambda v: bool(re.fullmatch(r"-?\d+(\.\d+)?", v)) and len(v) <= 32,
    "letter": lambda v: bool(re.fullmatch(r"[A-Za-z]{1,32}", v)),
    "symbol": lambda v: len(v) <= 5,
    "character_string": lambda v: bool(re.fullmatch(r"[\x20-\x7e]{1,32}", v)),
    "time": lambda v: bool(_TIME.match(v)),
    "date": lambda v: bool(_TIME.match(v)),
    "amount": lambda v: bool(_AMOUNT.match(v)),
    "phone_number": lambda v: bool(re.fullmatch(r"[\d+\-() ]{1,17}", v)),
    "car_number": lambda v: len(v) <= 8,
    "name": lambda v: bool(_CHINESE_NAME.match(v) or _LETTER_NAME.match(v)),
    "phrase": lambda v: bool(re.fullmatch(r"[\u4e00-\u9fff]{1,5}", v)),
}


def is_field_valid(field: str, value: str) -> bool:
    """Whether `value` fits the keyword's type, told by the letters of its name (`thing1` is a thing)."""
    return _RULES[re.sub(r"\d+$", "", field)](value)
