"""The console's Chinese for births: states of filings and steps, who has to move, why staff have to look."""

from __future__ import annotations

from backend.births.machine import FilingState, HandoverState, StepState
from backend.births.models import BirthState, ConcernKind, Filing, MaterialSource, MaterialState, OwnerKind

FILING_STATES: dict[str, tuple[str, str]] = {
    FilingState.DRAFT: ("草稿", ""),
    FilingState.SUBMITTED: ("已提交", "info"),
    FilingState.NEEDS_CORRECTION: ("待家长补正", "warn"),
    FilingState.IN_PROGRESS: ("办理中", "info"),
    FilingState.PARTLY_DONE: ("部分办结", "warn"),
    FilingState.COMPLETED: ("全部办结", "good"),
    FilingState.WITHDRAWING: ("撤回中", "warn"),
    FilingState.WITHDRAWN: ("已撤回", ""),
    FilingState.REJECTED: ("未予办理", "bad"),
    FilingState.EXPIRED: ("草稿过期", ""),
}
STEP_STATES: dict[str, tuple[str, str]] = {
    StepState.WAITING: ("等待前项", ""),
    StepState.READY: ("待发送", "info"),
    StepState.ASKED: ("已发送，待回应", "info"),
    StepState.ACCEPTED: ("部门已受理", "info"),
    StepState.NEEDS_CORRECTION: ("待家长补正", "warn"),
    StepState.REJECTED: ("部门未予办理", "bad"),
    StepState.DONE: ("已办结", "good"),
    StepState.CANCELLED: ("已停办", ""),
    StepState.NOT_WANTED: ("未申请", ""),
}
HANDOVER_STATES: dict[str, tuple[str, str]] = {
    HandoverState.AWAITED: ("待寄出或通知领取", "info"),
    HandoverState.POSTED: ("已寄出", "info"),
    HandoverState.READY: ("待领取", "info"),
    HandoverState.MISSING: ("没有收到", "bad"),
    HandoverState.RECEIVED: ("已签收", "good"),
}
BIRTH_STATES: dict[str, tuple[str, str]] = {
    BirthState.NOTED: ("有效", "good"),
    BirthState.DOUBTFUL: ("疑似重复", "warn"),
    BirthState.DUPLICATE: ("重复", ""),
    BirthState.VOID: ("已作废", ""),
}
OWNERS: dict[str, str] = {
    OwnerKind.PARENTS: "家长",
    OwnerKind.AGENCY: "部门",
    OwnerKind.DESK: "待接手",
    OwnerKind.STAFF: "工作人员",
}
CONCERNS: dict[str, tuple[str, str]] = {
    ConcernKind.OVERDUE: ("部门超期", "bad"),
    ConcernKind.UNREACHABLE: ("部门联系不上", "bad"),
    ConcernKind.CONTRADICTION: ("部门前后说法不一", "bad"),
    ConcernKind.NOT_CORRECTED: ("家长逾期未补正", "warn"),
    ConcernKind.CHILD_NOT_LINKED: ("孩子未能加入家长的就诊人", "warn"),
    ConcernKind.NOT_SENT: ("证件逾期未寄出", "warn"),
    ConcernKind.NOT_RECEIVED: ("证件未确认收到", "warn"),
    ConcernKind.MISSING: ("证件没有收到", "bad"),
}
# What to do about a concern, for whoever has taken it.
ADVICE: dict[str, str] = {
    ConcernKind.OVERDUE: "先“查询部门”；仍无进展的，电话催办并写下结果。",
    ConcernKind.UNREACHABLE: "系统会继续自动查询。请电话确认对方系统情况。",
    ConcernKind.CONTRADICTION: "请电话核实以哪一次为准，写下结果后“处理完毕”。",
    ConcernKind.NOT_CORRECTED: "请电话联系家长，需要时帮助其补正。",
    ConcernKind.CHILD_NOT_LINKED: "请核对身份证号；家长也可以在应用里自行添加孩子。",
    ConcernKind.NOT_SENT: "请催部门寄出或通知领取；已寄出的，在“证件交付”里登记单号。",
    ConcernKind.NOT_RECEIVED: "请电话问家长：收到了的登记签收，没收到的登记没有收到。",
    ConcernKind.MISSING: "请按单号查件或与窗口核对；找到、补寄或改为自取的，请登记交付，不用重新申请。",
}
MATERIAL_SOURCES: dict[str, str] = {
    MaterialSource.E_LICENCE: "电子证照",
    MaterialSource.UPLOAD: "家长拍照",
    MaterialSource.PRODUCED: "办理中生成",
    MaterialSource.RECORD: "医院记录",
}
MATERIAL_STATES: dict[str, tuple[str, str]] = {
    MaterialState.PRESENT: ("已有", "good"),
    MaterialState.WANTED: ("缺", "warn"),
}
SIDES = {"mother": "随母", "father": "随父"}
WAYS = {"pickup": "自取", "mail": "邮寄"}
SEXES = {"male": "男", "female": "女", "unknown": "未注明"}
# The lines of a filing's history.
EVENTS: dict[str, str] = {
    "amend": "修改草稿",
    "submit": "提交申请",
    "expire": "草稿过期",
    "begin": "开始办理",
    "want_correction": "要求补正",
    "resume": "补正完毕，继续办理",
    "finish": "办结",
    "finish_partly": "部分办结",
    "refuse": "未予办理",
    "withdraw": "撤回",
    "end_withdrawal": "撤回完毕",
    "reopen": "重新办理",
    "leave_out": "不在此办理",
    "want": "申请此项",
    "unlock": "可以开始",
    "ask": "发送部门",
    "lose": "未送达，准备重发",
    "accept": "部门受理",
    "reject": "部门未予办理",
    "correct": "补正后重新发送",
    "retry": "重新申请",
    "cancel": "停办",
    "restore": "恢复等待",
    "take": "接手",
    "note": "处理记录",
    "paper": "录入纸质结果",
    "settle": "处理完毕",
    "post": "证件寄出",
    "lay_out": "证件待领取",
    "remind": "请家长确认是否收到",
    "miss": "证件没有收到",
    "receive": "证件签收",
    "revoke": "作废电子凭证",
}
PERIODS = [("1", "近1个月"), ("3", "近3个月"), ("6", "近半年"), ("12", "近一年")]
SCOPES = [("staff", "需要处理"), ("mine", "我接手的"), ("all", "全部申请")]


def event_of(event: str) -> str:
    """A line of the history in words; what an agency said without effect is quoted as such."""
    if event.startswith("said_"):
        state = STEP_STATES.get(event.removeprefix("said_"))
        return f"部门来信“{state[0] if state else event}”，与此前不符"
    return EVENTS.get(event, event)


def current_steps(filing: Filing) -> list[str]:
    """The names of the steps that something is being done about now."""
    busy = (StepState.READY, StepState.ASKED, StepState.ACCEPTED, StepState.NEEDS_CORRECTION)
    return [step.name for step in filing.steps if step.state in busy]
