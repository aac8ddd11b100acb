"""The console's Chinese: names and colours of roles, states, channels and kinds, for the templates."""

from __future__ import annotations

from admin.audit_words import ACTIONS as ACTIONS
from admin.board_words import DONE as BOARD_DONE
from admin.message_words import DELIVERY_ERRORS as DELIVERY_ERRORS
from admin.message_words import DELIVERY_STATES as DELIVERY_STATES
from admin.message_words import MESSAGE_CHANNELS as MESSAGE_CHANNELS
from admin.message_words import MESSAGE_GROUPS as MESSAGE_GROUPS
from admin.message_words import MESSAGE_KINDS as MESSAGE_KINDS
from admin.message_words import PRIORITIES as PRIORITIES
from admin.message_words import SMS_PROVIDERS as SMS_PROVIDERS
from admin.message_words import error_of as error_of
from admin.message_words import fact_of as fact_of
from admin.record_words import GROUNDS
from admin.referral_words import BASIS as REFERRAL_BASIS
from backend.healthcodes.steps import STEPS
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
    Role.HOSPITAL_OPERATOR: "管理本院排班、停诊、预约、消息和系统终端",
    Role.DOCTOR: "查看本院排班和预约",
    Role.FINANCE: "查看支付与退款，重试退款",
    Role.AUDITOR: "查看审计日志并校验其完整性",
}
STAFF_STATES: dict[str, tuple[str, str]] = {"active": ("在用", "good"), "disabled": ("已停用", "bad")}

# What a member reads about his own rights, in the order of the menu.
PERMISSIONS: dict[str, str] = {
    Permission.STAFF_DASHBOARD_READ: "查看概览与统计",
    Permission.STAFF_BOARD_READ: "查看城市看板与考核指标",
    Permission.STAFF_WALLS_MANAGE: "管理大屏链接",
    Permission.STAFF_TARGETS_COMMENT: "批注考核指标",
    Permission.STAFF_TARGETS_WRITE: "设定考核目标",
    Permission.STAFF_SCHEDULES_READ: "查看排班与号源",
    Permission.STAFF_SCHEDULES_STOP: "停诊",
    Permission.STAFF_APPOINTMENTS_READ: "查看预约",
    Permission.STAFF_APPOINTMENTS_CANCEL: "取消预约",
    Permission.STAFF_PERSONAL_DATA_UNMASK: "说明理由后查看完整的个人信息",
    Permission.STAFF_PAYMENTS_READ: "查看支付与退款",
    Permission.STAFF_PAYMENTS_REFUND: "重试退款",
    Permission.STAFF_CONVERSATIONS_ANSWER: "接听人工对话",
    Permission.STAFF_MESSAGES_READ: "查看消息",
    Permission.STAFF_MESSAGES_RESEND: "重发消息",
    Permission.STAFF_RECOGNITION_READ: "查看结果互认统计与清单",
    Permission.STAFF_RECOGNITION_WRITE: "维护结果互认清单",
    Permission.STAFF_MEDICATION_READ: "查看合理用药统计与规则",
    Permission.STAFF_MEDICATION_WRITE: "维护合理用药规则",
    Permission.STAFF_REFERRALS_READ: "查看转诊",
    Permission.STAFF_REFERRALS_WRITE: "发出、接收、办理转诊",
    Permission.STAFF_SURVEYS_READ: "查看随访问卷、计划与结果",
    Permission.STAFF_SURVEYS_WRITE: "编写问卷、管理随访计划",
    Permission.STAFF_TEMPLATES_WRITE: "新建、启用消息模板版本",
    Permission.STAFF_SURVEY_TICKETS_HANDLE: "处理随访工单、电话随访",
    Permission.STAFF_QUALITY_READ: "查看数据质量评分",
    Permission.STAFF_QUALITY_WRITE: "修改数据质量规则",
    Permission.STAFF_PATIENT_INDEX_MANAGE: "核对病案是否同一个人",
    Permission.STAFF_EXCHANGE_READ: "查看医院接口消息",
    Permission.STAFF_EXCHANGE_WRITE: "更正、重放接口消息，维护对码",
    Permission.STAFF_EXCHANGE_SENDERS_MANAGE: "登记和停用医院接口发送方",
    Permission.STAFF_DIRECTORY_READ: "查看机构、科室、医生",
    Permission.STAFF_DIRECTORY_WRITE: "修改机构、科室、医生",
    Permission.STAFF_CLIENTS_MANAGE: "管理医院系统与终端的凭证",
    Permission.STAFF_STAFF_MANAGE: "管理工作人员账号",
    Permission.STAFF_BIRTHS_READ: "查看出生一件事申请",
    Permission.STAFF_BIRTHS_HANDLE: "处理出生一件事申请",
    Permission.STAFF_AUDIT_READ: "查看审计日志",
    Permission.STAFF_RECORD_ACCESS_OPEN: "打开转诊患者的病历",
    Permission.STAFF_RECORD_ACCESS_READ: "查看病历授权与调阅记录",
    Permission.STAFF_RECORD_ACCESS_REVIEW: "复核紧急调阅、答复居民询问",
    Permission.STAFF_ACCOUNT_MANAGE: "管理自己的账号",
}

# What a page says after something was done; the address carries only the key.
DONE: dict[str, str] = {
    **BOARD_DONE,
    "cancelled": "预约已取消。已支付的费用将原路退回，系统会通知就诊人。",
    "stopped": "已停诊。系统正在通知已预约的就诊人，已支付的费用将原路退回。",
    "resent": "已安排重发，稍后刷新可看到发送结果。",
    "template-written": "新版本已保存，尚未启用。请核对预览，登记服务商的模板编号后再启用。",
    "template-chosen": "已启用。几秒钟后，新消息都按这一版发送；已生成的消息不变。",
    "template-ids": "模板编号已保存。",
    "refund-retried": "已重新提交退款，稍后刷新可看到结果。",
    "staff-disabled": "账号已停用，其登录已全部退出。",
    "staff-enabled": "账号已启用。",
    "client-deactivated": "已停用，其密钥和令牌已失效。",
    "password-changed": "密码已修改，其他设备上的登录已退出。",
    "difference-resolved": "已标为处理，处理结果记入审计日志。",
    "edition-made": "新版本已生成，从生效日期起使用；以前的版本都保留。",
    "talk-taken": "已接听，居民看到的回复都由您发出。",
    "talk-given-back": "已放回等候，其他同事可以接听。",
    "talk-closed": "对话已结束，已转回自助服务。",
    "referral-sent": "转诊已发出，对方会收到提醒。答复后会短信通知您留下的电话。",
    "referral-arrived": "已登记到达。",
    "saved": "已保存。",
    "rule-added": "已新增。约30秒后，全市送来的资料都按这条规则检查。",
    "rule-retired": "已撤销。约30秒后不再检查；以前的统计保留。",
    "signed-out": "您已安全退出。",
}

CHANNELS: dict[str, str] = {
    "wechat": "微信小程序",
    "h5": "网页",
    "sms": "短信",
    "bot": "公众号对话",
    "kiosk": "自助机",
    "window": "窗口",
    "referral": "转诊",
    "hospital": "医院",
}
THROUGH: dict[str, str] = {"wechat": "公众号", "sms": "短信", "terminal": "终端"}
TALK_STATES: dict[str, tuple[str, str]] = {
    "waiting": ("等候接听", "warn"),
    "taken": ("接听中", "info"),
    "closed": ("已结束", ""),
}
PERIODS: dict[str, str] = {"am": "上午", "pm": "下午", "evening": "晚间", "night": "夜间", "day": "全天"}
KINDS: dict[str, str] = {"general": "普通", "expert": "专家", "special": "特需", "vaccination": "预防接种"}
SCHEDULE_STATES: dict[str, tuple[str, str]] = {
    "open": ("开诊", "good"),
    "closed": ("停止放号", "warn"),
    "stopped": ("已停诊", "bad"),
}
APPOINTMENT_STATES: dict[str, tuple[str, str]] = {
    "held": ("锁号中", "warn"),
    "booked": ("已预约", "good"),
    "cancelled": ("已取消", ""),
    "released": ("已放弃", ""),
    "expired": ("锁号到期", ""),
    "stopped": ("停诊取消", "bad"),
}
ORDER_STATES: dict[str, tuple[str, str]] = {
    "created": ("待支付", "warn"),
    "paying": ("支付中", "warn"),
    "paid": ("已支付", "good"),
    "closed": ("已关闭", ""),
    "refunding": ("退款中", "info"),
    "refunded": ("已退款", ""),
    "refund_failed": ("退款失败", "bad"),
}
ATTEMPT_STATES: dict[str, tuple[str, str]] = {
    "open": ("结果未知", "warn"),
    "paid": ("已到账", "good"),
    "closed": ("已关闭", ""),
    "disputed": ("账目有异", "bad"),
}
REFUND_STATES: dict[str, tuple[str, str]] = {
    "due": ("待提交", "warn"),
    "asked": ("已提交，待确认", "warn"),
    "processing": ("渠道处理中", "info"),
    "succeeded": ("已到账", "good"),
    "failed": ("失败", "bad"),
    "replaced": ("已换号重退", ""),
}
REFUND_CAUSES: dict[str, str] = {"cancelled": "取消退款", "late": "关单后到账", "excess": "重复支付"}
PAYMENT_METHODS: dict[str, str] = {
    "wechat_mini": "微信小程序支付",
    "wechat_jsapi": "微信公众号支付",
    "wechat_native": "微信扫码支付",
}
DIFFERENCES: dict[str, str] = {
    "payment_mismatch": "支付金额或商户不一致",
    "payment_unexpected": "渠道有支付，我方没有",
    "refund_mismatch": "退款金额不一致",
    "refund_unexpected": "渠道有退款，我方没有",
    "refund_twice": "同一笔退了两次",
    "refund_failed": "退款被渠道拒绝",
    "notice_unexpected": "收到不属于任何订单的通知",
    "order_inconsistent": "订单自身前后矛盾",
    "payment_differs": "渠道查询到的支付与我方不同",
    "refund_differs": "渠道查询到的退款与我方不同",
    "refund_overdue": "退款超过三天仍未到账",
}
# What the payment channel says of a number, when it is asked.
CHANNEL_STATES: dict[str, str] = {
    "absent": "没有这笔",
    "unpaid": "未支付",
    "paying": "支付中",
    "paid": "已支付",
    "closed": "已关闭",
    "failed": "支付失败",
    "processing": "处理中",
    "succeeded": "已到账",
    "abnormal": "退款异常",
}
FACTS: dict[str, str] = {
    "amount_fen": "金额",
    "paid_fen": "实收",
    "refund_fen": "退款",
    "merchant_id": "商户号",
    "app_id": "应用",
    "channel_trade_id": "渠道单号",
    "currency": "币种",
    "state": "状态",
    "number": "单号",
    "reason": "原因",
}
CLIENT_KINDS: dict[str, str] = {"hospital": "医院系统", "terminal": "终端"}
TERMINAL_KINDS: dict[str, str] = {"window": "窗口", "kiosk": "自助机", "pharmacy": "药房", "lab": "检验"}
CLIENT_STATES: dict[str, tuple[str, str]] = {"active": ("在用", "good"), "disabled": ("已停用", "bad")}
ENDED_BY: dict[str, str] = {
    "resident": "居民本人",
    "staff": "工作人员",
    "hospital": "医院",
    "client": "医院系统",
    "system": "系统",
}
ACTOR_KINDS: dict[str, str] = {
    "resident": "居民",
    "staff": "工作人员",
    "client": "医院系统",
    "terminal": "终端",
    "system": "系统",
    "anonymous": "未登录者",
}
# Standing reasons that the services write; a person's own words show as they are.
BASES: dict[str, str] = {
    "own account": "本人账号",
    "failed sign-ins": "连续登录失败",
    "staff:staff:manage": "账号管理",
    "look-up at the desk": "窗口查询",
    "registration": "首次登记",
    "bookkeeping": "财务对账",
    "regular check": "例行校验",
    "correction by hand": "人工更正",
    "population register": "人口库核验",
    "own request": "本人申请",
    "care relationship: appointment": "就诊关系：预约",
    "care relationship: appointment or referral": "就诊关系：预约或转诊",
    "contract": "家庭医生签约",
    "mapping": "维护对码",
    "own chart": "本院病历",
    "own duty": "职责范围",
    "phone and ID number": "手机号和身份证号核对",
    "retention period": "保存期满",
    "review": "病案核对",
    "the number has a new holder": "手机号已换人使用",
    "wrong ID number": "身份证号不符",
    REFERRAL_BASIS: "就诊关系：转诊",
    "own institution": "本机构",
    "own pool": "本院号源",
    "launch": "打开调阅窗口",
    "question": "居民询问",
    "supervision": "监督检查",
    "none": "没有依据",
    "requested": "等待答复",
    "app": "本人在手机上办理",
    "sms_code": "短信验证码",
    "justified": "理由成立",
    "unjustified": "理由不成立",
    "asked for a person": "居民要求人工服务",
}
_CARE_STEP = "care step "
# Why somebody may act for a patient: how they are related, and who says so.
RELATIONS: dict[str, str] = {"child": "子女", "parent": "父母", "spouse": "配偶", "other": "其他"}
LINK_BASES: dict[str, str] = {
    "register": "人口库确认",
    "small_child": "未满14周岁，监护人声明",
    "accepted": "本人同意",
    "none": "等待本人同意",
}
FINDINGS: dict[str, str] = {
    "changed": "内容被改动",
    "removed": "记录缺失",
    "inserted": "不是本系统写入",
    "reordered": "位置被调换",
    "broken_chain": "与前一条接不上",
    "end_unknown": "末尾标记缺失或不可信",
}


SEXES: dict[str, str] = {"male": "男", "female": "女"}


def first_words(table: dict[str, tuple[str, str]]) -> list[tuple[str, str]]:
    """States and their words, for a list to choose from."""
    return [(key, word) for key, (word, _) in table.items()]


def of(table: dict[str, str], key: str | None) -> str:
    """A word, or the key itself for one that has none yet."""
    return table.get(key or "", key or "—")


def basis_of(text: str) -> str:
    """Why something was done: a standing reason, a step of care, a relation, or a person's own words."""
    if text.startswith(_CARE_STEP):
        step = STEPS.get(text.removeprefix(_CARE_STEP))
        return f"诊疗环节：{step.name}" if step else text
    ground, _, reference = text.partition(":")
    if ground in GROUNDS:
        return f"{GROUNDS[ground]} {reference}".strip()
    relation, _, why = text.partition(": ")
    if relation in RELATIONS and why in LINK_BASES:
        return f"{RELATIONS[relation]}（{LINK_BASES[why]}）"
    return of(BASES, text)


def state_of(table: dict[str, tuple[str, str]], key: str) -> tuple[str, str]:
    """A state's word and colour, or the key itself without colour."""
    return table.get(str(key), (str(key), ""))
