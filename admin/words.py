"""The console's Chinese: names and colours of roles, states, channels and kinds, for the templates."""

from __future__ import annotations

from backend.permissions import Permission, Role

ROLES: dict[str, str] = {
    Role.CITY_OPERATOR: "市级运营",
    Role.HOSPITAL_OPERATOR: "医院运营",
    Role.DOCTOR: "医生",
    Role.FINANCE: "财务",
    Role.AUDITOR: "审计",
}
ROLE_NOTES: dict[str, str] = {
    Role.CITY_OPERATOR: "管理全市号源、预约、退款和工作人员账号",
    Role.HOSPITAL_OPERATOR: "管理本院排班、停诊、预约和消息",
    Role.DOCTOR: "查看本院排班和预约",
    Role.FINANCE: "查看支付与退款，重试退款",
    Role.AUDITOR: "查看审计日志并校验其完整性",
}
STAFF_STATES: dict[str, tuple[str, str]] = {"active": ("在用", "good"), "disabled": ("已停用", "bad")}

# What a member reads about his own rights, in the order of the menu.
PERMISSIONS: dict[str, str] = {
    Permission.STAFF_DASHBOARD_READ: "查看概览与统计",
    Permission.STAFF_SCHEDULES_READ: "查看排班与号源",
    Permission.STAFF_SCHEDULES_STOP: "停诊",
    Permission.STAFF_APPOINTMENTS_READ: "查看预约",
    Permission.STAFF_APPOINTMENTS_CANCEL: "取消预约",
    Permission.STAFF_PERSONAL_DATA_UNMASK: "说明理由后查看完整的个人信息",
    Permission.STAFF_PAYMENTS_READ: "查看支付与退款",
    Permission.STAFF_PAYMENTS_REFUND: "重试退款",
    Permission.STAFF_MESSAGES_READ: "查看消息",
    Permission.STAFF_MESSAGES_RESEND: "重发消息",
    Permission.STAFF_DIRECTORY_READ: "查看机构、科室、医生",
    Permission.STAFF_DIRECTORY_WRITE: "修改机构、科室、医生",
    Permission.STAFF_STAFF_MANAGE: "管理工作人员账号",
    Permission.STAFF_AUDIT_READ: "查看审计日志",
    Permission.STAFF_ACCOUNT_MANAGE: "管理自己的账号",
}

# What a page says after something was done; the address carries only the key.
DONE: dict[str, str] = {
    "cancelled": "预约已取消。已支付的费用将原路退回，系统会通知就诊人。",
    "stopped": "已停诊。系统正在通知已预约的就诊人，已支付的费用将原路退回。",
    "resent": "已安排重发，稍后刷新可看到发送结果。",
    "refund-retried": "已重新提交退款，稍后刷新可看到结果。",
    "staff-disabled": "账号已停用，其登录已全部退出。",
    "staff-enabled": "账号已启用。",
    "password-changed": "密码已修改，其他设备上的登录已退出。",
    "saved": "已保存。",
    "signed-out": "您已安全退出。",
}
