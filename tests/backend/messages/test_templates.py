"""Words as data: versions written and chosen by staff, messages that keep theirs, facts that will not do."""

from __future__ import annotations

from dataclasses import replace

import pytest

from backend import clock
from backend.errors import AppError, ErrorCode
from backend.ids import new_id
from backend.messages.lines import SMSLine, SMSLines
from backend.messages.models import DeliveryState, Letter, Message, MessageChannel, MessageKind
from backend.messages.templates import Draft, Templates, problems
from backend.messages.texts import WORDINGS
from backend.permissions import Actor
from notify.ports import RetryableError
from tests.backend.messages.conftest import PHONE, REFUND, Post, staff
from tests.notify.memory import MemorySMS

REFUNDED = MessageKind.REFUND_SUCCEEDED
FIRST = WORDINGS[REFUNDED]
SHORTER = Draft(
    title="退款到账",
    lines=(("金额", "{amount}"),),
    sms="{item}{amount}已退回。",
    approved="{amount}已退回。",
    wechat=dict(FIRST.wechat),
    note="短一些",
)


async def told(post: Post, who: Actor, **facts: str) -> Message:
    letter = Letter(new_id(), clock.now(), who.id, REFUNDED, REFUND | facts, "A1", "hospital-1")
    await post.service.tell(letter)
    found = await post.service.find_told(letter)
    assert found is not None
    return found


async def test_a_version_is_written_chosen_and_rolled_back_and_messages_keep_theirs(post: Post):
    templates, operator, who = post.service.templates, staff(), post.resident(openid=None)
    made = await templates.write(operator, REFUNDED, SHORTER)
    assert (made.number, (await templates.current(REFUNDED)).number) == (2, 1)
    before = await told(post, who)
    await templates.choose(operator, REFUNDED, 2, "运营商要求")
    after = await told(post, who)
    await templates.choose(operator, REFUNDED, 1, "有错字")
    again = await told(post, who)
    assert [message.version for message in (before, after, again)] == [1, 2, 1]
    assert after.content.sms == "预约挂号费15.00元已退回。"
    assert after.content.body == "金额：15.00元"
    assert after.content.params == {"amount": "15.00元"}
    assert [one.number for one in await templates.list_versions(REFUNDED)] == [2, 1]
    actions = [doc["action"] async for doc in post.db.collection("audit").find().sort("_id", 1)]
    assert actions == ["messages.template_written", *["messages.template_chosen"] * 2]


async def test_another_process_sees_the_choice_a_moment_later(post: Post, monkeypatch: pytest.MonkeyPatch):
    templates = post.service.templates
    other = Templates(templates._store, templates._audit, lambda kind: {})
    assert (await other.current(REFUNDED)).number == 1
    await templates.write(staff(), REFUNDED, SHORTER)
    await templates.choose(staff(), REFUNDED, 2, "运营商要求")
    assert (await other.current(REFUNDED)).number == 1
    monkeypatch.setattr(other, "_read_at", float("-inf"))
    assert (await other.current(REFUNDED)).wording.sms == SHORTER.sms


@pytest.mark.parametrize(
    ("kind", "changes", "said"),
    [
        (REFUNDED, {"sms": "{item}由{doctor}退回"}, "没有参数{doctor}"),
        (REFUNDED, {"sms": "{item.__class__}"}, "多余的花括号"),
        (REFUNDED, {"sms": "{item!r}{"}, "多余的花括号"),
        (REFUNDED, {"sms": ""}, "请填写短信"),
        (REFUNDED, {"title": " "}, "请填写标题"),
        (REFUNDED, {"wechat": {"thing1": "{item}"}}, "微信字段须为"),
        (MessageKind.LOGIN_CODE, {"sms": "您好"}, "须有{code}"),
        (MessageKind.SURVEY_LINK, {"sms": "请点{link}"}, "回复R"),
        (MessageKind.ANSWER, {}, "不能修改"),
    ],
)
def test_a_wording_that_will_not_do_is_refused_with_the_reason(kind, changes, said):
    assert said in "；".join(problems(kind, replace(WORDINGS[kind], **changes)))


def test_every_wording_of_ours_may_be_written_again():
    for kind, wording in WORDINGS.items():
        assert kind is MessageKind.ANSWER or problems(kind, wording) == []


async def test_only_the_citys_own_staff_changes_words_and_only_for_a_reason(post: Post):
    templates = post.service.templates
    for act in (
        templates.write(staff("hospital-1"), REFUNDED, SHORTER),
        templates.choose(staff("hospital-1"), REFUNDED, 1, "x"),
        templates.set_ids(staff("hospital-1"), REFUNDED, 2, {}),
    ):
        with pytest.raises(AppError) as refused:
            await act
        assert refused.value.code is ErrorCode.FORBIDDEN
    with pytest.raises(AppError) as refused:
        await templates.choose(staff(), REFUNDED, 1, " ")
    assert refused.value.code is ErrorCode.REASON_REQUIRED
    for number in (1, 7):
        with pytest.raises(AppError) as refused:
            await templates.set_ids(staff(), REFUNDED, number, {"aliyun_sms": "SMS_1"})
        assert refused.value.code is ErrorCode.NOT_FOUND


async def test_a_provider_carries_a_version_when_it_has_approved_that_one(post: Post):
    templates, other = post.service.templates, MemorySMS()
    ours = post.service.lines.all()[0]
    cloud = SMSLine("aliyun_sms", "aliyun", other, "s", by_template=other, templates={REFUNDED: "一{amount}"})
    post.service._delivering._lines = lines = SMSLines(
        [ours, cloud], post.service.tallies, post.service._delivering._gates._limits
    )
    templates._first_ids = lines.first_ids
    who = post.resident(openid=None)
    await templates.write(staff(), REFUNDED, SHORTER)
    await templates.choose(staff(), REFUNDED, 2, "短一些")
    await told(post, who)
    post.sms.faults.queue = [RetryableError("AWAY")]
    await post.outbox.drain()
    assert (other.sent, post.sms.sent) == ([], [])
    await templates.set_ids(staff(), REFUNDED, 2, {"aliyun_sms": "二{amount}", "tencent_sms": ""})
    await told(post, who)
    post.sms.faults.queue = [RetryableError("AWAY")]
    await post.outbox.drain()
    assert other.texts_to(PHONE) == ["二15.00元"]


async def test_a_fact_of_the_wrong_type_is_refused_where_the_message_is_made_and_nothing_is_lost(post: Post):
    who, good = post.resident(openid=None), post.resident(openid=None, phone="13800000001")
    at = clock.now()
    bad = Letter("event-1", at, who.id, REFUNDED, REFUND | {"amount": "十五元"}, "A1", "hospital-1")
    fine = Letter("event-1", at, good.id, REFUNDED, dict(REFUND), "A1", "hospital-1")
    await post.service.tell(bad, fine)
    await post.outbox.drain()
    assert post.sms.texts_to(PHONE) == []
    assert len(post.sms.sent) == 1
    kept = await post.service.find_told(bad)
    assert kept is not None
    assert kept.refused == ("amount",)
    assert kept.content.sms == ""
    sms = kept.delivery(MessageChannel.SMS)
    assert sms is not None
    assert (sms.state, sms.last_error) == (DeliveryState.FAILED, "WRONG_FACTS amount")
    assert await post.service.list_mine(who) == ([], None)
    failed, _ = await post.service.list_messages(staff(), state=DeliveryState.FAILED)
    assert [message.id for message in failed] == [kept.id]
    raw = await post.db.collection("messages").find_one({"_id": kept.id})
    assert "十五元" not in str(raw)
    # Told again with what is right, it goes out, and only once.
    mended = Letter("event-1", at, who.id, REFUNDED, dict(REFUND), "A1", "hospital-1")
    for _ in range(2):
        await post.service.tell(mended)
        await post.outbox.drain()
    assert len(post.sms.texts_to(PHONE)) == 1


async def test_a_refused_message_is_sent_again_by_staff_once_the_template_can_be_written(post: Post):
    who, templates = post.resident(openid=None), post.service.templates
    message = await told(post, who, item="")
    assert message.refused == ("item",)
    with pytest.raises(AppError) as refused:
        await post.service.resend(staff(), message.id, MessageChannel.SMS, "已改正")
    assert refused.value.code is ErrorCode.MESSAGE_NOT_RESENDABLE
    shorter = replace(SHORTER, sms="{amount}已退回。", wechat={**SHORTER.wechat, "thing1": "挂号费"})
    await templates.write(staff(), REFUNDED, shorter)
    await templates.choose(staff(), REFUNDED, 2, "不写项目")
    await post.service.resend(staff(), message.id, MessageChannel.SMS, "已改正")
    await post.outbox.drain()
    assert post.sms.texts_to(PHONE) == ["15.00元已退回。"]
    (listed,), _ = await post.service.list_mine(who)
    assert listed.version == 2


async def test_a_code_that_cannot_be_written_is_not_sent_and_says_so(post: Post):
    with pytest.raises(AppError) as refused:
        await post.service.send_code(PHONE, "secret")
    assert refused.value.code is ErrorCode.UNAVAILABLE
    assert "secret" not in str(refused.value)
    assert post.sms.sent == []
