"""The words of every message. People read them in a hurry: what, who, where, when, what to do.

A body is a list of lines, each a label and a value; a line whose facts are empty is left out. The fields of
a WeChat template are those of the templates to be chosen at WeChat (`docs/going-live.md`).
"""

from __future__ import annotations

from backend.messages.models import MessageKind
from backend.messages.record_texts import RECORD_WORDINGS
from backend.messages.referral_texts import REFERRAL_WORDINGS
from backend.messages.wording import SMS, WECHAT, Wording

_VISIT: tuple[tuple[str, str], ...] = (
    ("就诊人", "{patient}"),
    ("就诊时间", "{when}"),
    ("就诊医院", "{organization}"),
    ("就诊科室", "{department}"),
    ("就诊医生", "{doctor}"),
    ("就诊序号", "{number}号"),
    ("登记类型", "{visit_kind}"),
)
_SURVEY: tuple[tuple[str, str], ...] = (
    ("医院", "{organization}"),
    ("内容", "{title}"),
    ("说明", "想了解您近期就诊的情况，约2分钟；请在{until}前填写，不会影响您今后就诊。"),
    ("填写", "{link}"),
)
_VISIT_PAGE = "pages/appointments/detail/index?appointment_id={appointment_id}"
_VISIT_WECHAT = {
    "thing1": "{organization}",
    "thing2": "{department}",
    "name3": "{patient}",
    "time4": "{time}",
}

WORDINGS: dict[MessageKind, Wording] = {
    MessageKind.LOGIN_CODE: Wording(
        title="验证码",
        lines=(),
        sms="您的验证码是{code}，{minutes}分钟内有效。工作人员不会向您索要验证码，请勿告诉他人。",
        approved="您的验证码是{code}，5分钟内有效。请勿告诉他人。",
        channels=(SMS,),
    ),
    MessageKind.CONSENT_CODE: Wording(
        title="代办授权验证码",
        lines=(),
        sms=(
            "{guardian}申请为您代办预约挂号和出示健康码。如您同意，请把验证码{code}告诉对方，{minutes}分钟内有效；"
            "不认识或不同意，请勿告诉任何人。"
        ),
        channels=(SMS,),
    ),
    MessageKind.APPOINTMENT_BOOKED: Wording(
        title="预约成功",
        lines=(
            *_VISIT,
            ("就诊地点", "{place}"),
            ("挂号费", "{fee}"),
            ("取号", "请提前30分钟到院，凭电子健康码或身份证在自助机或窗口取号。"),
            ("取消", "如不能按时就诊，请在{cancel_by}前取消，把号留给需要的人。"),
        ),
        sms=(
            "{patient}您好，您已预约{organization}{department}{doctor_sms}，{visit_kind}，"
            "就诊时间{when}，序号{number}{place_sms}。请提前30分钟凭电子健康码或身份证取号；"
            "不能来请在{cancel_by}前取消。"
        ),
        approved="{patient}您好，您已预约{organization}{department}，就诊时间{when}，序号{number}。",
        wechat={**_VISIT_WECHAT, "thing5": "序号{number}，请提前30分钟取号"},
        page=_VISIT_PAGE,
    ),
    MessageKind.APPOINTMENT_CANCELLED: Wording(
        title="预约已取消",
        lines=(*_VISIT, ("取消原因", "{reason}"), ("退费", "{refund}")),
        sms="{patient}您好，您在{organization}{department}{when}的预约（序号{number}）已取消。{refund}",
        approved="{patient}您好，您在{organization}{department}{when}的预约已取消。",
        wechat={**_VISIT_WECHAT, "thing5": "{reason_or}"},
        page=_VISIT_PAGE,
    ),
    MessageKind.SCHEDULE_STOPPED: Wording(
        title="停诊通知",
        lines=(
            *_VISIT,
            ("停诊原因", "{reason}"),
            ("退费", "{refund}"),
            ("改约", "给您带来不便，敬请谅解。您可以改约其他时间或其他医生。"),
        ),
        sms=(
            "{patient}您好，很抱歉，{organization}{department}{doctor_sms}{when}停诊，您的预约（序号{number}）"
            "已取消。{refund}您可以改约其他时间或其他医生。"
        ),
        approved="{patient}您好，很抱歉，{organization}{department}{when}停诊，您的预约已取消。",
        wechat={**_VISIT_WECHAT, "thing5": "{stop_or}"},
        page=_VISIT_PAGE,
    ),
    MessageKind.REFUND_SUCCEEDED: Wording(
        title="退款到账",
        lines=(
            ("退款项目", "{item}"),
            ("退款金额", "{amount}"),
            ("退款时间", "{when}"),
            ("退款方式", "已原路退回您的支付账户，以银行到账时间为准。"),
        ),
        sms="您的{item}{amount}已原路退回您的支付账户，以银行到账时间为准。",
        wechat={"thing1": "{item}", "amount2": "{amount}", "time3": "{time}", "thing4": "已原路退回支付账户"},
        page=_VISIT_PAGE,
    ),
    MessageKind.CODE_USED: Wording(
        title="健康码使用提醒",
        lines=(
            ("使用人", "{patient}"),
            ("使用机构", "{organization}"),
            ("使用环节", "{step}"),
            ("使用时间", "{when}"),
            ("提醒", "{warning}"),
        ),
        sms="",
        wechat={"thing1": "{organization}", "thing2": "{step}", "time3": "{time}", "thing4": "{warning_or}"},
        channels=(WECHAT,),
        page="pages/code/uses/index",
    ),
    MessageKind.PHONE_RELEASED: Wording(
        title="手机号登录已停用",
        lines=(
            ("停用时间", "{when}"),
            ("原因", "该号码长期未在本账号使用，现由新的使用人登录。"),
            ("影响", "您的预约、就诊人和健康码都还在，只是不能再用该号码登录和收短信。"),
            ("恢复", "请用微信登录后，在“设置”中绑定新手机号；没有绑定微信的，请带身份证到医院窗口办理。"),
        ),
        wechat={"thing1": "手机号登录已停用", "time2": "{time}", "thing3": "请用微信登录后绑定新手机号"},
        channels=(WECHAT,),
        page="pages/settings/phone/index",
    ),
    MessageKind.PATIENT_LINK_REQUESTED: Wording(
        title="就诊人申请",
        lines=(
            ("申请人", "{guardian}"),
            ("申请事项", "为您代办挂号、出示健康码"),
            ("说明", "如您认识并同意，请在“就诊人管理”中确认；不认识请忽略。"),
        ),
        sms=(
            "{guardian}申请为您代办预约挂号和出示健康码。"
            "如您认识并同意，请登录后在“就诊人管理”中确认；不认识请忽略。"
        ),
        channels=(SMS,),
        page="pages/patients/list/index",
    ),
    MessageKind.PATIENT_LINKED: Wording(
        title="就诊人添加成功",
        lines=(("就诊人", "{patient}"), ("说明", "现在可以为其预约挂号、出示健康码。")),
        channels=(),
        page="pages/patients/list/index",
    ),
    MessageKind.CONSENT_GIVEN: Wording(
        title="代办授权已生效",
        lines=(
            ("代办人", "{guardian}"),
            ("授权事项", "为您代办挂号、出示健康码"),
            ("取消", "用本手机号登录并实名后，在“就诊人管理”中随时可以取消，也可以带身份证到医院窗口取消。"),
        ),
        sms=(
            "您已用验证码同意{guardian}为您代办预约挂号和出示健康码。"
            "如要取消，请用本手机号登录并实名后在“就诊人管理”中取消，或带身份证到医院窗口办理。"
        ),
        channels=(SMS,),
        page="pages/patients/list/index",
    ),
    MessageKind.PATIENT_UNLINKED: Wording(
        title="代办关系已解除",
        lines=(
            ("就诊人", "{patient}"),
            ("代办人", "{guardian}"),
            ("说明", "代办人不能再为就诊人预约挂号、出示健康码。"),
        ),
        channels=(),
        page="pages/patients/list/index",
    ),
    # Words of a conversation come from the conversation.
    MessageKind.ANSWER: Wording(title="对话回复", lines=(), channels=(), redact=True),
    MessageKind.SURVEY_CARD: Wording(
        title="就诊回访",
        lines=_SURVEY,
        wechat={
            "thing1": "{title}",
            "thing2": "{organization}",
            "time3": "{time}",
            "thing4": "约2分钟，点击填写",
        },
        channels=(WECHAT,),
        page="pages/surveys/answer/index?token={token}",
    ),
    MessageKind.SURVEY_QUESTION: Wording(
        title="就诊回访",
        lines=_SURVEY,
        sms="{organization}回访：{question}\n请直接回复本短信；不方便打字可点{link} 不想参加回复R。",
        channels=(SMS,),
    ),
    MessageKind.SURVEY_LINK: Wording(
        title="就诊回访",
        lines=_SURVEY,
        sms="{organization}想了解您近期就诊的情况，约2分钟，请在{until}前点{link} 填写。不想参加回复R。",
        channels=(SMS,),
    ),
    MessageKind.SURVEY_HEARD: Wording(
        title="您的反馈已收到",
        lines=(
            ("医院", "{organization}"),
            (
                "说明",
                "您反映的情况已转给医院专人处理，会在{until}前与您联系。如有紧急不适，请立即就医或拨打120。",
            ),
        ),
        sms=(
            "您好，您在{organization}回访中反映的情况已转给医院专人处理，会在{until}前与您联系。"
            "如有紧急不适，请立即就医或拨打120。"
        ),
        wechat={"thing1": "{organization}", "thing2": "已转专人处理，会与您联系", "time3": "{time}"},
    ),
}

WORDINGS |= {
    MessageKind.GUIDANCE_SLIP: Wording(
        title="就诊指引",
        lines=(*_VISIT, ("就诊地点", "{place}"), ("请携带", "{bring}")),
        sms=(
            "{patient}您好，{organization}就诊指引：{department}{doctor_sms}，{visit_kind}，序号{number}，"
            "{when}{place_sms}。请携带{bring}，到诊区报到候诊。"
        ),
        approved="{patient}您好，您已报到{organization}{department}，序号{number}，请到{place}候诊。",
        channels=(SMS,),
        page=_VISIT_PAGE,
    ),
    MessageKind.VISIT_REMINDER: Wording(
        title="就诊提醒",
        lines=(*_VISIT, ("就诊地点", "{place}"), ("请携带", "{bring}")),
        sms=(
            "{patient}您好，提醒您{when}到{organization}{department}{doctor_sms}就诊，序号{number}{place_sms}。"
            "请携带{bring}；不能来请在{cancel_by}前取消。不需提醒回复T。"
        ),
        approved="{patient}您好，请记得{when}的就诊。",
        wechat={**_VISIT_WECHAT, "thing5": "序号{number}，请带好证件和病历"},
        page=_VISIT_PAGE,
    ),
    MessageKind.QUEUE_NEAR: Wording(
        title="即将就诊",
        lines=(("就诊人", "{patient}"), ("科室", "{department}"), ("前面还有", "{ahead}人")),
        sms="{patient}您好，{organization}{department}您前面还有{ahead}人，请到{place}候诊。",
        channels=(SMS,),
    ),
    MessageKind.REPORT_READY: Wording(
        title="报告已出",
        lines=(("就诊人", "{patient}"), ("医院", "{organization}"), ("报告", "请登录后查看。")),
        # By SMS only that there is one, never of what.
        sms="{patient}您好，您在{organization}的检查报告已出，请登录“{item}”查看或到医院自助机打印。",
        wechat={
            "thing1": "{organization}",
            "name2": "{patient}",
            "time3": "{time}",
            "thing4": "请点开查看，或到医院自助机打印",
        },
        page="pages/reports/list/index",
    ),
    # The booking that it pays for is told by SMS anyway: this one is for the list.
    MessageKind.PAYMENT_SUCCEEDED: Wording(
        title="支付成功",
        lines=(("项目", "{item}"), ("金额", "{amount}"), ("支付时间", "{when}")),
        sms="您的{item}{amount}已支付成功。",
        channels=(),
        page=_VISIT_PAGE,
    ),
    MessageKind.BIRTH_FILING: Wording(
        title="出生一件事",
        lines=(("事项", "{item}"), ("办理结果", "{state}")),
        sms="您办理的{item}：{state}。详情请登录查看。",
        wechat={"thing1": "{item}", "thing2": "{state}", "time3": "{time}"},
        page="pages/births/list/index",
    ),
}

WORDINGS |= RECORD_WORDINGS | REFERRAL_WORDINGS
