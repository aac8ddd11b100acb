"""The area's words for codes that people read in messages, documents and pages."""

from __future__ import annotations

from backend.referrals.follow_up import NotDone
from backend.referrals.machine import ReferralState
from backend.referrals.models import Direction, Outcome, RejectReason, TransportKind, Urgency
from backend.referrals.unidentified import SeenSex, Unidentified

DIRECTIONS: dict[Direction, str] = {Direction.UP: "上转", Direction.DOWN: "下转"}
URGENCIES: dict[Urgency, str] = {
    Urgency.ROUTINE: "普通转诊",
    Urgency.URGENT: "加急转诊",
    Urgency.EMERGENCY: "急救转诊",
}
STATES: dict[ReferralState, str] = {
    ReferralState.REQUESTED: "待接收",
    ReferralState.RETURNED: "退回补充",
    ReferralState.ACCEPTED: "已接收",
    ReferralState.IN_TRANSIT: "转运中",
    ReferralState.ARRIVED: "已到达",
    ReferralState.TREATING: "诊治中",
    ReferralState.COMPLETED: "已完成",
    ReferralState.REJECTED: "已拒绝",
    ReferralState.WITHDRAWN: "已撤回",
    ReferralState.LAPSED: "已失效",
    ReferralState.NOT_ARRIVED: "未到",
}
REJECT_REASONS: dict[RejectReason, str] = {
    RejectReason.NO_BED: "暂无床位或号源",
    RejectReason.NO_CAPABILITY: "不具备诊疗条件",
    RejectReason.NOT_INDICATED: "不符合转诊指征",
    RejectReason.INCOMPLETE: "资料不全",
    RejectReason.DUPLICATE: "重复转诊",
    RejectReason.OTHER: "其他原因",
}
OUTCOMES: dict[Outcome, str] = {
    Outcome.RECOVERED: "治愈",
    Outcome.IMPROVED: "好转",
    Outcome.UNCHANGED: "未愈",
    Outcome.TRANSFERRED: "转往他院",
    Outcome.DIED: "死亡",
    Outcome.OTHER: "其他",
}
SEEN_SEXES: dict[SeenSex, str] = {
    SeenSex.MALE: "男",
    SeenSex.FEMALE: "女",
    SeenSex.UNKNOWN: "性别不清",
}
NOT_DONE: dict[NotDone, str] = {
    NotDone.NOT_REACHED: "联系不上患者",
    NotDone.DECLINED: "患者不愿意",
    NotDone.ELSEWHERE: "患者在其他机构随访",
    NotDone.NOT_NEEDED: "病情变化，不再需要",
    NotDone.DIED: "患者已死亡",
    NotDone.OTHER: "其他原因",
}
# Why the system withdraws what went on from a referral that was missed.
CAME_AFTER_ALL = "患者已到达原接收机构"
TRANSPORTS: dict[TransportKind, str] = {
    TransportKind.AMBULANCE: "救护车",
    TransportKind.OWN: "自行前往",
    TransportKind.ESCORTED: "专人护送",
}


def seen(unidentified: Unidentified) -> str:
    """身份待查（男，约50岁）: how somebody is called of whom nobody knows who he is."""
    age = f"约{unidentified.age}岁" if unidentified.age is not None else "年龄不清"
    return f"身份待查（{SEEN_SEXES[unidentified.sex]}，{age}）"
