"""The console's Chinese for referrals: states, events, who did it, and when a clock has run out."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from backend.referrals import deciding, machine, words
from backend.referrals.follow_up import Follow
from backend.referrals.machine import Part, ReferralEvent, ReferralState
from backend.referrals.models import Level, Referral, Side, Urgency

_TONES = {
    ReferralState.REQUESTED: "warn",
    ReferralState.RETURNED: "warn",
    ReferralState.ACCEPTED: "good",
    ReferralState.IN_TRANSIT: "info",
    ReferralState.ARRIVED: "info",
    ReferralState.TREATING: "info",
    ReferralState.REJECTED: "bad",
    ReferralState.LAPSED: "bad",
    ReferralState.NOT_ARRIVED: "bad",
}
STATES: dict[str, tuple[str, str]] = {
    state: (word, _TONES.get(state, "")) for state, word in words.STATES.items()
}
DIRECTIONS: dict[str, str] = {str(code): word for code, word in words.DIRECTIONS.items()}
TRANSPORTS: dict[str, str] = {str(code): word for code, word in words.TRANSPORTS.items()}
OUTCOMES: dict[str, str] = {str(code): word for code, word in words.OUTCOMES.items()}
SEEN_SEXES: dict[str, str] = {str(code): word for code, word in words.SEEN_SEXES.items()}
REASONS: dict[str, str] = {str(code): word for code, word in words.REJECT_REASONS.items()}
NOT_DONE: dict[str, str] = {str(code): word for code, word in words.NOT_DONE.items()}
DONE_OR_NOT: dict[str, str] = {"done": "已完成", **NOT_DONE}
# Which plans a desk looks at.
FOLLOWS: dict[str, str] = {
    Follow.OPEN: "全部待随访",
    Follow.OVERDUE: "已逾期",
    Follow.DUE: "七天内",
    Follow.CLOSED: "已登记",
}
# What a button says, and what the history says of it afterwards.
EVENTS: dict[str, tuple[str, str]] = {
    ReferralEvent.SEND: ("发出转诊", "发出转诊"),
    ReferralEvent.ASK_MORE: ("退回补充资料", "要求补充资料"),
    ReferralEvent.SUPPLEMENT: ("补充资料", "补充了资料"),
    ReferralEvent.ACCEPT: ("接收", "接收"),
    ReferralEvent.REJECT: ("不能接收", "不能接收"),
    ReferralEvent.WISH: ("希望改时间", "患者希望改时间"),
    ReferralEvent.REBOOK: ("改安排", "改了安排"),
    ReferralEvent.DEPART: ("登记转运", "已出发"),
    ReferralEvent.ARRIVE: ("登记到达", "已到达"),
    ReferralEvent.BEGIN_TREATMENT: ("开始诊治", "开始诊治"),
    ReferralEvent.COMPLETE: ("完成诊治", "诊治完成"),
    ReferralEvent.WITHDRAW: ("撤回", "撤回转诊"),
    ReferralEvent.ESCALATE: ("升级提醒", "超时未办，已升级提醒"),
    ReferralEvent.LAPSE: ("作失效处理", "无人答复，转诊失效"),
    ReferralEvent.MISS: ("登记未到", "患者未到"),
    ReferralEvent.REDIRECT: ("改转其他机构", "改转其他机构"),
    ReferralEvent.IDENTIFY: ("登记患者身份", "登记了患者身份"),
    ReferralEvent.FOLLOW_UP: ("登记随访", "登记了随访"),
    ReferralEvent.CLOSE: ("到期结束", "一直没有登记诊治结果，转诊自动结束"),
}
# What one is led to first; the rest stands beside it, quieter.
FIRST = frozenset(
    {
        ReferralEvent.ACCEPT, ReferralEvent.SUPPLEMENT, ReferralEvent.DEPART, ReferralEvent.ARRIVE,
        ReferralEvent.BEGIN_TREATMENT, ReferralEvent.COMPLETE, ReferralEvent.REDIRECT,
    }
)  # fmt: skip
GRAVE = frozenset({ReferralEvent.REJECT, ReferralEvent.WITHDRAW, ReferralEvent.MISS, ReferralEvent.LAPSE})
URGENCIES: dict[str, tuple[str, str]] = {
    Urgency.EMERGENCY: ("急救", "bad"),
    Urgency.URGENT: ("加急", "warn"),
    Urgency.ROUTINE: ("普通", ""),
}
LEVELS: dict[str, str] = {
    Level.SENT: "已发出",
    Level.DESK: "已提醒转诊值班",
    Level.OPERATORS: "已提醒机构管理员",
    Level.CITY: "已上报市级平台",
}
PARTS: dict[str, str] = {
    Part.SENDER: "转出机构",
    Part.RECEIVER: "接收机构",
    Part.RESIDENT: "患者",
    Part.CITY: "市级平台",
    Part.SYSTEM: "系统",
}


def patient_of(referral: Referral, people: Mapping[str, str]) -> str:
    """His masked name; how he looks while nobody knows it; or that there is nobody any more."""
    if referral.is_unidentified and referral.unidentified is not None:
        return words.seen(referral.unidentified)
    return people.get(referral.person_id, "（已注销）")


# What pages ask of a referral besides.
THERE, deadline = machine.THERE, deciding.deadline


def is_late(referral: Referral, now: datetime) -> bool:
    """Whether somebody should have done something by now."""
    by = deadline(referral)
    return by is not None and now > by


def left(until: datetime, now: datetime) -> str:
    """还有25分钟, or 超时2小时5分."""
    minutes = round(abs((until - now).total_seconds()) / 60)
    days, hours = minutes // 1440, minutes % 1440 // 60
    if days:
        said = f"{days}天{hours}小时" if hours else f"{days}天"
    elif hours:
        said = f"{hours}小时{minutes % 60}分" if minutes % 60 else f"{hours}小时"
    else:
        said = f"{minutes}分钟"
    return f"超时{said}" if now > until else f"还有{said}"


# How a box is called whose content the service misses, or takes exception to.
FIELDS: dict[str, str] = {
    "text": "说明",
    "reason": "原因",
    "transport": "转运方式",
    "outcome": "诊治结果",
    "to_organization_id": "转往机构",
    "schedule_id": "就诊安排",
    "expected_at": "预计时间",
    "discharge_summary": "出院小结",
    "item": "随访项目",
    "done_on": "随访结果（完成日期不能晚于今天；未完成请选原因）",
    "send_back": "下转（患者死亡的不下转）",
    "plan": "随访计划",
    "who": "患者姓名和身份证号（或健康码）",
    "patient": "患者姓名和身份证号（或健康码）；身份待查只用于急救上转",
    "found_at": "发现地点",
    "name": "患者姓名",
    "id_number": "患者身份证号",
    "code": "健康码",
    "from_organization_id": "转出机构",
    "to_department_id": "转往科室",
    "practitioner_id": "转出医生",
    "wanted_until": "希望就诊日期",
    "nearest": "转往机构（只有急救可自动选择）",
    "attachments": "附件",
    "direction": "转往机构（上转不能转往级别更低的机构，下转不能转往级别更高的机构）",
    "duty_phone": "值班电话（接收急救转诊必填）",
}
SIDES: dict[str, str] = {Side.IN: "转入", Side.OUT: "转出"}
# What the audit log calls what is done here, and why it was.
ACTIONS: dict[str, str] = {
    **{f"referrals.{event}": f"转诊：{said}" for event, (_, said) in EVENTS.items()},
    "referrals.read": "查看转诊",
    "referrals.list": "查看转诊列表",
    "referrals.desk": "设置转诊值班",
    "referrals.limits": "修改转诊时限",
    "referrals.exported": "导出转诊统计",
}
BASIS = "care relationship: referral"
