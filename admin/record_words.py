"""The console's Chinese for consents, readings, broken glass and questions."""

from __future__ import annotations

from backend.records.models import BasisKind
from backend.records.sharing_models import ConsentState, Verdict
from backend.records.unusual import Mark

MARKS: dict[str, tuple[str, str]] = {
    Mark.EMERGENCY: ("紧急调阅", "bad"),
    Mark.NIGHT: ("夜间", "warn"),
    Mark.MANY: ("一日多人", "warn"),
    Mark.FAMILY: ("同姓", "info"),
}
GROUNDS: dict[str, str] = {
    BasisKind.OWN: "本人",
    BasisKind.GUARDIAN: "代办人",
    BasisKind.ORIGIN: "本院资料",
    BasisKind.CONSENT: "患者授权",
    BasisKind.CARE: "诊疗关系",
    BasisKind.LAW: "法定职责",
    BasisKind.BREAK_GLASS: "紧急调阅",
}
CONSENT_STATES: dict[str, tuple[str, str]] = {
    ConsentState.REQUESTED: ("等待答复", "warn"),
    ConsentState.GRANTED: ("已授权", "good"),
    ConsentState.DENIED: ("已拒绝", "bad"),
    ConsentState.REVOKED: ("已撤回", ""),
    ConsentState.EXPIRED: ("已到期", ""),
}
VERDICTS: dict[str, tuple[str, str]] = {
    Verdict.JUSTIFIED: ("理由成立", "good"),
    Verdict.UNJUSTIFIED: ("理由不成立", "bad"),
}
CORRECTION_FIELDS: dict[str, str] = {
    "name": "姓名",
    "sex": "性别",
    "birth_on": "出生日期",
    "phone": "手机号",
    "address": "地址",
    "other": "其他",
}
CORRECTION_STATES: dict[str, tuple[str, str]] = {
    "asked": ("等待答复", "warn"),
    "done": ("已更正", "good"),
    "refused": ("不予更正", "bad"),
}
