"""The console's Chinese about messages: kinds, ways, states, and why one did not go out."""

from __future__ import annotations

from backend.messages.wording import FACTS

MESSAGE_KINDS: dict[str, str] = {
    "login_code": "登录验证码",
    "appointment_booked": "预约成功",
    "appointment_cancelled": "预约取消",
    "schedule_stopped": "停诊通知",
    "refund_succeeded": "退款到账",
    "code_used": "健康码使用提醒",
    "phone_released": "手机号登录停用",
    "patient_link_requested": "就诊人授权请求",
    "patient_linked": "就诊人授权生效",
    "consent_code": "代办授权验证码",
    "record_code": "病历授权验证码",
    "record_consent_asked": "病历调阅申请",
    "record_consent_given": "病历授权生效",
    "record_contract": "签约登记",
    "record_glass_broken": "病历被紧急调阅",
    "record_corrected": "病历更正申请答复",
    "record_answered": "调阅询问答复",
    "consent_given": "代办授权告知",
    "patient_unlinked": "就诊人授权解除",
    "answer": "对话回复",
    "guidance_slip": "就诊指引",
    "visit_reminder": "就诊提醒",
    "queue_near": "即将就诊",
    "report_ready": "报告已出",
    "payment_succeeded": "支付成功",
    "birth_filing": "出生一件事",
    "referral": "转诊已接收",
    "referral_moved": "转诊时间调整",
    "referral_off": "转诊未办成",
    "referral_missed": "转诊未到诊",
    "referral_follow_up": "出院随访提醒",
    "referral_duty": "转诊值班提醒",
    "referral_answered": "转诊进展（转出医生）",
    "survey_card": "随访邀请（微信）",
    "survey_question": "随访问题（短信）",
    "survey_link": "随访邀请（短信链接）",
    "survey_heard": "随访反馈已收到",
}
MESSAGE_CHANNELS: dict[str, str] = {"sms": "短信", "wechat": "微信", "official_account": "公众号"}
SMS_PROVIDERS: dict[str, str] = {
    "cloud_mas": "云MAS",
    "aliyun_sms": "阿里云短信",
    "tencent_sms": "腾讯云短信",
    "wechat_subscribe": "微信订阅消息",
    "wechat_customer_service": "公众号客服消息",
    "wechat_template": "公众号模板消息",
}
PRIORITIES: dict[int, str] = {1: "紧急", 5: "普通", 9: "批量"}
MESSAGE_GROUPS: dict[str, str] = {"notices": "就诊通知", "reminders": "就诊提醒", "surveys": "回访"}
DELIVERY_STATES: dict[str, tuple[str, str]] = {
    "due": ("待发送", "info"),
    "sending": ("发送中", "info"),
    "sent": ("已提交", "good"),
    "delivered": ("已送达", "good"),
    "failed": ("失败", "bad"),
    "unknown": ("结果未知", "warn"),
    "skipped": ("未发送", ""),
}
DELIVERY_ERRORS: dict[str, str] = {
    "CUT_OFF": "发送中途断开",
    "GIVEN_UP": "多次重试未成",
    "NO_PHONE": "没有手机号",
    "NO_WECHAT": "没有绑定微信",
    "NOT_SUBSCRIBED": "居民没有订阅",
    "READ": "微信已读",
    "OPTED_OUT": "居民已退订",
    "DAILY_CAP": "该号码当日短信已达上限",
    "NOT_NOW": "微信不允许此时回复",
    "WRONG_FACTS": "参数有误，未发送：",
    "RejectedError": "服务商拒绝",
    "RetryableError": "服务商暂不可用",
    "UnknownResultError": "服务商没有回音",
}


def error_of(text: str) -> str:
    """A delivery's error in words, with the provider's own code behind it."""
    name, _, code = text.partition(" ")
    if name == "WRONG_FACTS":
        code = "、".join(fact_of(fact) for fact in code.split())
    return f"{DELIVERY_ERRORS.get(name, name)} {code}".strip()


def fact_of(name: str) -> str:
    """What a message's parameter is called."""
    return FACTS[name].label if name in FACTS else name
