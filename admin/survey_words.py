"""The console's Chinese for surveys: states, ways, triggers and kinds of questions."""

from __future__ import annotations

from backend.surveys.cohorts import Cohort
from backend.surveys.models import (
    CampaignState,
    Cause,
    RunState,
    Skipped,
    Through,
    TicketState,
    Trigger,
    VersionState,
    Way,
)
from backend.surveys.questionnaire import Kind, Operator

TRIGGERS: dict[str, str] = {
    Trigger.VISIT: "门诊就诊结束",
    Trigger.EXAMINATION: "检查检验完成",
    Trigger.DISCHARGE: "出院",
    Trigger.REFERRAL: "转诊",
    Trigger.BIRTH: "分娩",
    Trigger.STAFF: "人工选择人员",
}
COHORTS: dict[str, str] = {Cohort.VISITS: "预约就诊", Cohort.STAYS: "出院"}
WAYS: dict[str, str] = {
    Way.CARD: "微信通知",
    Way.SMS: "短信（直接回复）",
    Way.LINK: "短信（网页链接）",
    Way.PHONE: "电话随访名单",
}
VERSION_STATES: dict[str, tuple[str, str]] = {
    VersionState.DRAFT: ("草稿", "warn"),
    VersionState.PUBLISHED: ("已发布", "good"),
    VersionState.RETIRED: ("已停用", ""),
}
CAMPAIGN_STATES: dict[str, tuple[str, str]] = {
    CampaignState.DRAFT: ("未启动", "warn"),
    CampaignState.RUNNING: ("进行中", "good"),
    CampaignState.PAUSED: ("已暂停", "warn"),
    CampaignState.ENDED: ("已结束", ""),
}
RUN_STATES: dict[str, str] = {
    RunState.PLANNED: "待发送",
    RunState.SENT: "已发送",
    RunState.ANSWERING: "填写中",
    RunState.COMPLETED: "已完成",
    RunState.EXPIRED: "超期未答",
    RunState.REFUSED: "不愿参加",
    RunState.SKIPPED: "未发送",
}
SKIPPED: dict[str, str] = {
    Skipped.ASKED_LATELY: "近期已随访",
    Skipped.QUOTA: "名额用完",
    Skipped.UNREACHABLE: "无联系方式",
    Skipped.WITHDRAWN: "预约已取消",
    Skipped.LATE: "超过时限",
}
THROUGH: dict[str, str] = {
    Through.CHAT: "公众号对话",
    Through.SMS: "短信",
    Through.PAGE: "网页",
    Through.PHONE: "电话",
}
TICKET_STATES: dict[str, tuple[str, str]] = {
    TicketState.OPEN: ("待接手", "bad"),
    TicketState.TAKEN: ("处理中", "warn"),
    TicketState.RESOLVED: ("已办结", "good"),
}
CAUSES: dict[str, str] = {
    Cause.SCORE: "评分低",
    Cause.RISK_WORD: "提到风险情况",
    Cause.ANSWER: "选择了需回访的选项",
}
KINDS: dict[str, str] = {
    Kind.CHOICE: "单选",
    Kind.MULTIPLE: "多选",
    Kind.SCALE: "打分",
    Kind.NUMBER: "数字",
    Kind.TEXT: "文字",
    Kind.DATE: "日期",
    Kind.SECTION: "分组标题",
    Kind.NOTE: "说明文字",
}
OPERATORS: dict[str, str] = {
    Operator.EQUAL: "等于",
    Operator.NOT_EQUAL: "不等于",
    Operator.GREATER: "大于",
    Operator.LESS: "小于",
    Operator.AT_LEAST: "不小于",
    Operator.AT_MOST: "不大于",
    Operator.EXISTS: "已回答（true/false）",
}
NOTES: dict[str, str] = {
    "surveys.take_ticket": "接手",
    "surveys.note_ticket": "记录",
    "surveys.resolve_ticket": "办结",
}
HIDDEN = "少于5人，不显示"
