"""The words people read, and what WeChat and the SMS gateway allow of them."""

import re
import string
from pathlib import Path

import pytest

from backend.messages.models import MessageChannel, MessageKind
from backend.messages.policies import POLICIES
from backend.messages.rendering import facts_of, render, samples, slots_of, wrong_facts
from backend.messages.texts import WORDINGS
from backend.messages.wording import BOTH, FACTS
from sandbox.message_templates import SUBSCRIBE_TEMPLATES, is_field_valid

VISIT = {
    "patient": "张*",
    "visit_kind": "专家门诊",
    "organization": "健康城市第一人民医院",
    "department": "心血管内科",
    "doctor": "李四 主任医师",
    "doctor_sms": "李四主任医师",
    "when": "2026年1月5日（周一）上午09:30-09:40",
    "time": "2026年1月5日 09:30",
    "number": "12",
    "day": "2026年12月31日（周四）",
    "date": "2026年12月31日",
    "phone": "0536-8210000",
    "phone_sms": "（电话0536-8210000）",
    "place": "门诊楼3层B区",
    "place_sms": "，地点门诊楼3层B区",
    "fee": "15.00元",
    "cancel_by": "1月5日07:00",
    "reason": "",
    "reason_or": "本人取消",
    "stop_or": "医生临时停诊，敬请谅解",
    "refund": "挂号费15.00元将原路退回。",
    "appointment_id": "01KAAA",
    "bring": "身份证",
}


def test_a_booking_says_what_who_where_when_and_what_to_do():
    content = render(WORDINGS[MessageKind.APPOINTMENT_BOOKED], VISIT)
    assert content.title == "预约成功"
    assert content.body.splitlines() == [
        "就诊人：张*",
        "就诊时间：2026年1月5日（周一）上午09:30-09:40",
        "就诊医院：健康城市第一人民医院",
        "就诊科室：心血管内科",
        "就诊医生：李四 主任医师",
        "就诊序号：12号",
        "登记类型：专家门诊",
        "就诊地点：门诊楼3层B区",
        "挂号费：15.00元",
        "取号：请提前30分钟到院，凭电子健康码或身份证在自助机或窗口取号。",
        "取消：如不能按时就诊，请在1月5日07:00前取消，把号留给需要的人。",
    ]
    assert content.page == "pages/appointments/detail/index?appointment_id=01KAAA"


def test_a_line_without_its_facts_is_left_out():
    facts = VISIT | {"doctor": "", "doctor_sms": "", "place": "", "place_sms": "", "fee": ""}
    content = render(WORDINGS[MessageKind.APPOINTMENT_BOOKED], facts)
    for label in ("就诊医生", "就诊地点", "挂号费"):
        assert label not in content.body
    assert "，，" not in content.sms


def test_the_sms_of_a_booking_reads_as_one_sentence_after_another():
    assert render(WORDINGS[MessageKind.APPOINTMENT_BOOKED], VISIT).sms == (
        "张*您好，您已预约健康城市第一人民医院心血管内科李四主任医师，专家门诊，"
        "就诊时间2026年1月5日（周一）上午09:30-09:40，序号12，地点门诊楼3层B区。"
        "请提前30分钟凭电子健康码或身份证取号；不能来请在1月5日07:00前取消。"
    )


def test_a_fact_that_was_forgotten_is_a_mistake_and_not_an_empty_word():
    facts = {name: value for name, value in VISIT.items() if name != "number"}
    with pytest.raises(KeyError):
        render(WORDINGS[MessageKind.APPOINTMENT_BOOKED], facts)


@pytest.mark.parametrize("kind", [k for k in MessageKind if WORDINGS[k].wechat])
def test_wechats_fields_keep_within_wechats_lengths(kind: MessageKind):
    names = {name for text in WORDINGS[kind].wechat.values() for name in _names(text)}
    content = render(
        WORDINGS[kind],
        dict.fromkeys(
            [
                *VISIT,
                *names,
                "warning",
                "guardian",
                "step",
                "item",
                "amount",
                "title",
                "until",
                "link",
                "token",
                "question",
            ],
            "长" * 60,
        ),
    )
    limits = {"thing": 20, "name": 10}
    for name, text in content.wechat.items():
        limit = limits.get(name.rstrip("0123456789"))
        assert limit is None or len(text) <= limit


@pytest.mark.parametrize(
    "kind", [kind for kind, policy in POLICIES.items() if policy.wechat_first and WORDINGS[kind].channels]
)
def test_what_is_to_go_by_wechat_first_can(kind: MessageKind):
    wording = WORDINGS[kind]
    assert set(wording.channels) == set(BOTH)
    # That somebody was heard is all there is to see.
    assert wording.page or kind is MessageKind.SURVEY_HEARD
    # As the templates are applied for, and within what WeChat takes of each keyword.
    assert set(SUBSCRIBE_TEMPLATES[kind].fields) == set(wording.wechat)
    filled = render(wording, samples()).wechat
    assert [name for name, value in filled.items() if not is_field_valid(name, value)] == []
    assert f"`{kind}`" in Path("docs/going-live.md").read_text()


def test_a_login_code_warns_against_telling_it():
    content = render(WORDINGS[MessageKind.LOGIN_CODE], {"code": "123456", "minutes": "5"})
    assert "123456" in content.sms
    assert "请勿告诉他人" in content.sms


@pytest.mark.parametrize("kind", list(MessageKind))
def test_every_kind_has_its_words(kind: MessageKind):
    wording = WORDINGS[kind]
    assert wording.title
    assert wording.sms or "sms" not in wording.channels
    assert wording.wechat or "wechat" not in wording.channels


def _names(text: str) -> list[str]:
    return [name for _, name, _, _ in string.Formatter().parse(text) if name]


def test_the_app_asks_at_some_moment_for_every_kind_that_goes_by_wechat():
    asking = Path("miniprogram/src/utils/subscribe.ts").read_text()
    moments = re.findall(r"^  \w+: \[(.+)\],$", asking, re.M)
    asked = {kind for moment in moments for kind in re.findall(r"'(\w+)'", moment)}
    assert asked == {kind for kind, wording in WORDINGS.items() if MessageChannel.WECHAT in wording.channels}


@pytest.mark.parametrize("kind", MessageKind)
def test_every_kind_can_be_previewed_and_its_facts_have_types(kind: MessageKind):
    assert set(facts_of(WORDINGS[kind])) <= set(FACTS)
    assert wrong_facts(WORDINGS[kind], samples()) == []
    content = render(WORDINGS[kind], samples())
    assert content.title
    assert "{" not in content.sms + content.body


def test_a_fact_that_is_not_of_its_type_is_named():
    odd = samples() | {"number": "十二", "link": "javascript:alert(1)"}
    assert wrong_facts(WORDINGS[MessageKind.APPOINTMENT_BOOKED], odd) == ["number"]
    assert wrong_facts(WORDINGS[MessageKind.SURVEY_LINK], odd) == ["link"]
    del odd["link"]
    assert wrong_facts(WORDINGS[MessageKind.SURVEY_LINK], odd) == ["link"]


def test_the_slots_of_an_approved_template_stand_in_order_and_are_neither_empty_nor_long():
    facts = samples() | {"organization": "医" * 60, "when": ""}
    slots = slots_of(WORDINGS[MessageKind.APPOINTMENT_BOOKED], facts)
    assert list(slots) == ["patient", "organization", "department", "when", "number"]
    assert len(slots["organization"]) == 35
    assert slots["when"] == "-"
