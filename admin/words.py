"""The console's Chinese: names and colours of roles, states, channels and kinds, for the templates."""

from __future__ import annotations

from admin.board_words import ACTIONS as BOARD_ACTIONS
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
    Permission.STAFF_AUDIT_READ: "查看审计日志",
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
    "saved": "已保存。",
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
# What the audit list says for the actions it knows; others show as they are.
ACTIONS: dict[str, str] = {
    **BOARD_ACTIONS,
    "staff.sign_in": "登录管理台",
    "staff.sign_out": "退出管理台",
    "staff.lock": "连续登录失败，账号锁定",
    "staff.add": "开通工作人员账号",
    "staff.disable": "停用工作人员账号",
    "staff.enable": "启用工作人员账号",
    "staff.reset_password": "重置密码",
    "staff.reset_totp": "重置动态口令",
    "staff.change_password": "修改自己的密码",
    "residents.search": "按号码查找居民",
    "appointments.cancel": "取消预约",
    "appointments.sell": "医院售号",
    "schedules.publish": "发布排班",
    "schedules.stop": "停诊",
    "exchange.reveal": "查看接口消息原文",
    "exchange.correct": "更正接口消息",
    "exchange.replay": "重放接口消息",
    "exchange.set_aside": "搁置接口消息",
    "exchange.allow": "登记接口发送方",
    "exchange.block": "停用接口发送方",
    "exchange.tables": "修改对码表",
    "exchange.tell": "向医院发送接口消息",
    "exchange.send_again": "重发给医院的接口消息",
    "exchange.target": "设置医院接收地址",
    "exchange.target_pause": "暂停向医院发送",
    "quality.change_rule": "修改数据质量规则",
    "patient_index.search": "按号码查找病案",
    "patient_index.read": "查看患者的全部病案",
    "patient_index.compare": "核对两份病案",
    "patient_index.decide": "认定病案是否同一个人",
    "patient_index.link": "把病案认定为同一个人",
    "patient_index.unlink": "把病案认定为另一个人",
    "patient_index.unmerge": "撤销医院的病案合并",
    "resident.reveal": "查看完整个人信息",
    "resident.verify": "居民实名认证",
    "resident.verify_refused": "居民实名认证未通过",
    "resident.delete": "居民注销账号",
    "resident.forget": "档案到期清除",
    "resident.restore_phone": "窗口核验后恢复手机号登录",
    "resident.change_phone": "居民更换手机号",
    "resident.identity_shown": "久未使用的账号核对身份登录",
    "resident.identity_refused": "久未使用的账号核对身份未通过",
    "resident.phone_released": "手机号有新的使用人，停用登录",
    "patient.add": "添加就诊人",
    "patient.accept": "同意他人代办",
    "patient.ask_consent": "短信征求代办同意",
    "patient.accept_by_code": "凭短信验证码同意代办",
    "patient.refuse": "解除他人代办",
    "patient.remove": "移除就诊人",
    "health_code.verify": "核验健康码",
    "health_code.replay": "健康码重复使用",
    "health_code.print": "打印静态健康码",
    "health_code.revoke": "停用静态健康码",
    "bookings.read": "医院读取预约名单",
    "billing.refund_retried": "重试退款",
    "billing.difference_resolved": "处理账目差异",
    "billing.exported": "导出订单表格",
    "billing.channel_asked": "向渠道核对订单",
    "client.register": "登记系统或终端",
    "client.new_secret": "换发系统或终端的密钥",
    "client.deactivate": "停用系统或终端",
    "client.origins": "登记工作站地址",
    "audit.verify": "校验审计日志",
    "directory.edit": "修改机构信息",
    "messages.resent": "重发消息",
    "messages.template_written": "新建消息模板版本",
    "messages.template_chosen": "启用消息模板版本",
    "messages.template_ids_set": "登记消息模板编号",
    "conversations.read": "查看人工对话",
    "conversations.take": "接听人工对话",
    "conversations.answer": "回复居民",
    "conversations.give_back": "放回人工对话",
    "conversations.close": "结束人工对话",
    "surveys.create": "新建问卷",
    "surveys.save": "修改问卷",
    "surveys.publish": "发布问卷",
    "surveys.create_campaign": "新建随访计划",
    "surveys.campaign_running": "启动随访计划",
    "surveys.campaign_paused": "暂停随访计划",
    "surveys.campaign_ended": "结束随访计划",
    "surveys.invite": "选择随访人员",
    "surveys.open_run": "电话随访",
    "surveys.read_ticket": "查看随访工单",
    "surveys.take_ticket": "接手随访工单",
    "surveys.note_ticket": "记录随访处理",
    "surveys.resolve_ticket": "办结随访工单",
    "surveys.exported": "导出随访结果",
    "recognition.decided": "登记互认决定",
    "recognition.exported": "导出互认统计",
    "medication.answered": "答复用药提示",
    "medication.exported": "导出合理用药统计",
    "rulebooks.edition_made": "生成清单或规则新版本",
    "resident.bind_chat": "绑定公众号对话",
    "consent.ask": "申请病历授权",
    "consent.send_code": "发送病历授权验证码",
    "consent.grant": "同意病历授权",
    "consent.grant_by_code": "凭短信验证码同意病历授权",
    "consent.deny": "拒绝病历授权",
    "consent.revoke": "撤回病历授权",
    "records.read": "调阅病历",
    "records.launch": "打开病历调阅窗口",
    "records.denied": "调阅病历被拒绝",
    "records.break_glass": "紧急调阅病历",
    "records.review_glass": "复核紧急调阅",
    "records.ask_reading": "居民询问病历调阅",
    "records.answer_reading": "答复病历调阅询问",
    "records.supervise": "查看病历调阅记录",
    "records.measure": "记录本人测量",
    "records.ask_correction": "申请更正病历",
    "records.answer_correction": "答复病历更正申请",
    "records.export": "生成健康档案下载",
    "records.fetch_export": "下载健康档案",
    "reports.share": "分享报告",
    "reports.unshare": "停止分享报告",
    "reports.open_link": "打开分享的报告",
    "appointments.miss": "记为未到诊",
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
