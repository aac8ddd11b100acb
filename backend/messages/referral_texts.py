"""The words of messages about referrals: to the patient, and to whoever has to answer or has sent."""

from __future__ import annotations

from backend.messages.models import MessageKind
from backend.messages.wording import SMS, Wording

_JOURNEY: tuple[tuple[str, str], ...] = (
    ("就诊人", "{patient}"),
    ("转出机构", "{organization}"),
    ("转往", "{to}"),
)

REFERRAL_WORDINGS: dict[MessageKind, Wording] = {
    MessageKind.REFERRAL: Wording(
        title="转诊已接收",
        lines=(*_JOURNEY, ("时间", "{when}"), ("地点", "{place}"), ("请携带", "{bring}")),
        sms="{patient}您好，您已由{organization}转诊至{to}，就诊时间{when}{place_sms}。请携带{bring}。",
        wechat={
            "thing1": "{organization}",
            "thing2": "{to}",
            "name3": "{patient}",
            "time4": "{time}",
            "thing5": "请点开查看地点和要带的资料",
        },
        page="pages/referrals/list/index",
    ),
    MessageKind.REFERRAL_MOVED: Wording(
        title="转诊时间已调整",
        lines=(*_JOURNEY, ("新的时间", "{when}"), ("地点", "{place}"), ("请携带", "{bring}")),
        sms="{patient}您好，您转诊至{to}的时间已调整为{when}{place_sms}，原来的时间不再保留。请携带{bring}。",
        channels=(SMS,),
    ),
    MessageKind.REFERRAL_OFF: Wording(
        title="转诊未办成",
        lines=(
            *_JOURNEY,
            ("结果", "{state}"),
            ("接下来", "请与转出机构的医生联系，由医生为您改转其他医院。"),
        ),
        sms="{patient}您好，您由{organization}转诊至{to}：{state}。请与转出机构的医生联系，由医生为您改转其他医院。",
        channels=(SMS,),
    ),
    MessageKind.REFERRAL_MISSED: Wording(
        title="转诊未到诊",
        lines=(
            *_JOURNEY,
            ("结果", "未等到您就诊，此次安排不再保留"),
            ("接下来", "如仍需就诊，请与转出机构的医生联系；如已到达，请到接收机构登记。"),
        ),
        sms="{patient}您好，您由{organization}转诊至{to}，医院未等到您，此次安排不再保留。"
        "如仍需就诊，请与转出机构的医生联系。",
        wechat={
            "thing1": "{organization}",
            "thing2": "{to}",
            "name3": "{patient}",
            "thing4": "未等到您就诊，此次安排不再保留",
        },
        page="pages/referrals/list/index",
    ),
    # What is to be done stands in the app alone.
    MessageKind.REFERRAL_FOLLOW_UP: Wording(
        title="随访提醒",
        lines=(
            ("就诊人", "{patient}"),
            ("随访日期", "{day}"),
            ("随访项目", "{number}项"),
            ("随访机构", "{to}"),
            ("联系电话", "{phone}"),
            ("说明", "请按时随访。要做什么，请点开转诊查看随访计划；已经做过的不用再做。"),
        ),
        sms="{patient}您好，您出院后的随访计划有{number}项安排在{day}，请按时到{to}{phone_sms}随访。"
        "要做什么可登录后在“转诊”中查看，已经做过的不用再做。不需提醒回复T。",
        approved="{patient}您好，您出院后的随访计划有{number}项安排在{day}，请按时到{to}随访。",
        wechat={
            "thing1": "{to}",
            "name2": "{patient}",
            "date3": "{date}",
            "thing4": "有{number}项随访，请点开查看",
        },
        page="pages/referrals/list/index",
    ),
    # To a desk's phone: nothing of the patient.
    MessageKind.REFERRAL_DUTY: Wording(
        title="转诊待办理",
        lines=(("转诊", "{item}"), ("转出机构", "{organization}"), ("办理", "{state}")),
        sms="{item}：{organization}转往{to}，{state}。请登录工作台办理。",
        channels=(SMS,),
    ),
    MessageKind.REFERRAL_ANSWERED: Wording(
        title="转诊进展",
        lines=(("转诊", "{item}"), ("转往", "{to}"), ("进展", "{state}")),
        sms="您发出的{item}（转往{to}）：{state}。详情请登录工作台查看。",
        channels=(SMS,),
    ),
}
