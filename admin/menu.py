"""The console's menu: what there is, and which of it an actor sees."""

from __future__ import annotations

from typing import NamedTuple

from backend.permissions import Actor, Permission


class Entry(NamedTuple):
    """One entry: where it leads, what it is called, its icon, who sees it, where to ask what waits there."""

    path: str
    title: str
    icon: str
    permission: Permission
    counter: str = ""


ENTRIES = (
    Entry("/admin/dashboard", "概览", "layout-dashboard", Permission.STAFF_DASHBOARD_READ),
    Entry("/admin/board", "城市看板", "chart-bar", Permission.STAFF_BOARD_READ),
    Entry("/admin/schedules", "排班号源", "calendar-event", Permission.STAFF_SCHEDULES_READ),
    Entry("/admin/appointments", "预约", "clipboard-list", Permission.STAFF_APPOINTMENTS_READ),
    Entry("/admin/payments", "支付退款", "credit-card", Permission.STAFF_PAYMENTS_READ),
    Entry("/admin/messages", "消息", "message-2", Permission.STAFF_MESSAGES_READ),
    Entry(
        "/admin/inbox",
        "人工服务",
        "inbox",
        Permission.STAFF_CONVERSATIONS_ANSWER,
        "/admin/inbox/counts",
    ),
    Entry(
        "/admin/referrals",
        "转诊",
        "arrows-exchange",
        Permission.STAFF_REFERRALS_READ,
        "/admin/referrals/counts",
    ),
    Entry(
        "/admin/births",
        "出生一件事",
        "baby-carriage",
        Permission.STAFF_BIRTHS_READ,
        "/admin/births/counts",
    ),
    Entry("/admin/surveys", "随访", "stethoscope", Permission.STAFF_SURVEYS_READ),
    Entry("/admin/patient-index", "患者主索引", "user-circle", Permission.STAFF_PATIENT_INDEX_MANAGE),
    Entry(
        "/admin/record-access",
        "病历调阅",
        "eye",
        Permission.STAFF_RECORD_ACCESS_READ,
        "/admin/record-access/counts",
    ),
    Entry("/admin/exchange", "医院接口", "download", Permission.STAFF_EXCHANGE_READ),
    Entry("/admin/recognition", "结果互认", "circle-check", Permission.STAFF_RECOGNITION_READ),
    Entry("/admin/medication", "合理用药", "info-circle", Permission.STAFF_MEDICATION_READ),
    Entry("/admin/quality", "数据质量", "gauge", Permission.STAFF_QUALITY_READ),
    Entry("/admin/directory", "机构医生", "building-hospital", Permission.STAFF_DIRECTORY_READ),
    Entry("/admin/clients", "系统终端", "key", Permission.STAFF_CLIENTS_MANAGE),
    Entry("/admin/staff", "工作人员", "users-group", Permission.STAFF_STAFF_MANAGE),
    Entry("/admin/audit", "审计", "shield-check", Permission.STAFF_AUDIT_READ),
)
ACCOUNT = "/admin/account"


def entries_for(actor: Actor) -> list[Entry]:
    """What this actor may open."""
    return [entry for entry in ENTRIES if actor.may(entry.permission)]


def first_page(actor: Actor) -> str:
    """Where signing in leads: the first page that is open to this role."""
    mine = entries_for(actor)
    return mine[0].path if mine else ACCOUNT
