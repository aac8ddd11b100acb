"""Carrying a message: once, whatever dies or doubts, and never lost."""

import asyncio
from datetime import timedelta

import pytest

from backend import clock
from backend.messages.models import DeliveryState, MessageChannel, MessageKind
from backend.worker.events import RetryLater
from notify.ports import (
    DeliveryReport,
    NotifyError,
    RejectedError,
    RejectReason,
    RetryableError,
    ThrottledError,
    UnknownResultError,
)
from tests.backend.messages.conftest import OPENID, PHONE, Post

WECHAT = MessageChannel.WECHAT


async def test_a_message_goes_out_by_wechat_and_when_nobody_reads_it_there_by_sms(post: Post):
    who = post.resident()
    await post.service.grant(who, [MessageKind.REFUND_SUCCEEDED])
    post.wechat.grant(OPENID, "template-refund_succeeded")
    message = await post.tell(who)
    await post.outbox.drain()
    assert await post.states(message) == {"sms": "due", "wechat": "sent"}
    await post.let_pass(message, timedelta(minutes=31))
    await post.outbox.drain()
    assert await post.states(message) == {"sms": "sent", "wechat": "sent"}
    assert post.sms.texts_to(PHONE) == ["您的预约挂号费15.00元已原路退回您的支付账户，以银行到账时间为准。"]
    assert post.wechat.sent[0].data["amount2"] == "15.00元"
    assert post.wechat.sent[0].page == "pages/appointments/detail/index?appointment_id=A1"


async def test_told_twice_with_one_key_a_person_is_told_once(post: Post):
    who = post.resident()
    await post.tell(who, key="event-1")
    await post.tell(who, key="event-1")
    await post.outbox.drain()
    assert len(post.sms.sent) == 1


async def test_one_event_tells_two_people_each_once(post: Post):
    for who in (post.resident(), post.resident(phone="13800000001")):
        await post.tell(who, key="event-1")
    await post.outbox.drain()
    assert len(post.sms.sent) == 2


async def test_a_job_that_runs_twice_sends_once(post: Post):
    message = await post.tell(post.resident())
    await post.due(message)
    await post.due(message)
    assert len(post.sms.sent) == 1


async def test_jobs_that_run_at_once_send_once(post: Post):
    message = await post.tell(post.resident())
    await asyncio.gather(*(post.due_quietly(message) for _ in range(8)))
    assert len(post.sms.sent) == 1


async def test_without_a_phone_the_sms_is_skipped(post: Post):
    message = await post.tell(post.resident(phone=None))
    await post.due(message)
    assert (await post.states(message))["sms"] == "skipped"


async def test_without_wechat_or_a_grant_the_wechat_message_is_skipped(post: Post):
    for who in (post.resident(openid=None), post.resident()):
        message = await post.tell(who)
        await post.due(message, WECHAT)
        assert (await post.states(message))["wechat"] == "skipped"
    assert post.wechat.sent == []


async def test_each_grant_is_good_for_one_message(post: Post):
    who = post.resident()
    post.wechat.grant(OPENID, "template-refund_succeeded", 5)
    await post.service.grant(who, [MessageKind.REFUND_SUCCEEDED, MessageKind.REFUND_SUCCEEDED])
    messages = [await post.tell(who) for _ in range(2)]
    for message in messages:
        await post.due(message, WECHAT)
    assert [(await post.states(m))["wechat"] for m in messages] == ["sent", "skipped"]


async def test_when_wechat_knows_of_no_grant_neither_do_we(post: Post):
    who = post.resident()
    for _ in range(3):
        await post.service.grant(who, [MessageKind.REFUND_SUCCEEDED])
    for _ in range(2):
        message = await post.tell(who)
        await post.due(message, WECHAT)
        assert (await post.states(message))["wechat"] == "skipped"
    left = await post.service._grants.left(who.id)
    assert left == {"refund_succeeded": 0}


async def test_a_kind_without_a_wechat_template_goes_by_sms_only(post: Post):
    who = post.resident()
    facts_of_a_visit = MessageKind.PATIENT_LINK_REQUESTED
    from backend.messages.models import Letter

    await post.service.tell(Letter("k", clock.now(), who.id, facts_of_a_visit, {"guardian": "李*"}))
    (message,), _ = await post.service.list_mine(who)
    assert [d.channel for d in message.deliveries] == [MessageChannel.SMS]


@pytest.mark.parametrize("error", [RetryableError("UNREACHABLE"), ThrottledError("45009")])
async def test_a_provider_that_is_away_is_asked_again_later(post: Post, error: NotifyError):
    message = await post.tell(post.resident())
    post.sms.faults.queue = [error]
    with pytest.raises(RetryLater):
        await post.due(message)
    assert (await post.states(message))["sms"] == "due"
    await post.due(message)
    assert (await post.states(message))["sms"] == "sent"


async def test_the_pauses_grow(post: Post):
    message = await post.tell(post.resident())
    pauses = []
    for _ in range(12):
        post.sms.faults.queue = [RetryableError("UNREACHABLE")]
        with pytest.raises(RetryLater) as later:
            await post.due(message)
        pauses.append(later.value.after_s)
    assert pauses == sorted(pauses)
    assert pauses[-1] == 900


async def test_the_last_tries_of_a_way_are_kept_with_what_became_of_them(post: Post):
    who = post.resident()
    message = await post.tell(who)
    for _ in range(6):
        post.sms.faults.queue = [RetryableError("UNREACHABLE")]
        with pytest.raises(RetryLater):
            await post.due(message)
    await post.due(message)
    (kept,), _ = await post.service.list_mine(who)
    delivery = kept.delivery(MessageChannel.SMS)
    assert delivery is not None
    assert [each.number for each in delivery.tries] == [3, 4, 5, 6, 7]
    assert [each.state for each in delivery.tries] == [*["due"] * 4, "sent"]
    assert [each.error for each in delivery.tries] == [*["RetryableError UNREACHABLE"] * 4, ""]


async def test_a_wechat_that_is_away_costs_no_grant(post: Post):
    who = post.resident()
    await post.service.grant(who, [MessageKind.REFUND_SUCCEEDED])
    post.wechat.grant(OPENID, "template-refund_succeeded")
    message = await post.tell(who)
    post.wechat.faults.queue = [RetryableError("-1")]
    with pytest.raises(RetryLater):
        await post.due(message, WECHAT)
    await post.due(message, WECHAT)
    assert (await post.states(message))["wechat"] == "sent"


async def test_our_own_wrong_setting_delays_messages_and_loses_none(post: Post):
    message = await post.tell(post.resident())
    post.sms.faults.queue = [RejectedError("IllegalMac", reason=RejectReason.MISCONFIGURED)]
    with pytest.raises(RetryLater):
        await post.due(message)
    await post.due(message)
    assert (await post.states(message))["sms"] == "sent"


@pytest.mark.parametrize("reason", [RejectReason.BAD_RECIPIENT, RejectReason.BAD_CONTENT, RejectReason.OTHER])
async def test_a_refused_message_has_failed(post: Post, reason: RejectReason):
    message = await post.tell(post.resident())
    post.sms.faults.queue = [RejectedError("NO", reason=reason)]
    await post.due(message)
    await post.due(message)
    assert (await post.states(message))["sms"] == "failed"
    assert post.sms.sent == []


async def test_an_unknown_sms_waits_for_its_report_and_is_not_repeated_when_it_comes(post: Post):
    message = await post.tell(post.resident())
    post.sms.faults.queue = ["after"]
    with pytest.raises(RetryLater):
        await post.due(message)
    assert (await post.states(message))["sms"] == "unknown"
    post.sms.reports = [DeliveryReport("S-unheard-of", PHONE, delivered=True, code="DELIVRD", at=clock.now())]
    assert await post.service.fetch_receipts() == 1
    await post.make_old(message, 0)
    await post.due_quietly(message)
    await post.make_old(message, 130)
    await post.due_quietly(message)
    assert (await post.states(message))["sms"] == "delivered"
    assert len(post.sms.sent) == 1


async def test_an_unknown_sms_without_a_report_is_repeated_once_and_no_more(post: Post):
    message = await post.tell(post.resident())
    post.sms.faults.queue = [UnknownResultError("LOST"), UnknownResultError("LOST")]
    with pytest.raises(RetryLater):
        await post.due(message)
    with pytest.raises(RetryLater):
        await post.due(message)  # still waiting for a report
    await post.make_old(message, 130)
    with pytest.raises(RetryLater):
        await post.due(message)  # repeated, and lost again
    await post.make_old(message, 130)
    await post.due(message)
    await post.due(message)
    assert (await post.states(message))["sms"] == "unknown"
    assert post.sms.faults.queue == []


async def test_anothers_report_is_not_taken_for_ones_own(post: Post):
    who = post.resident()
    told = await post.tell(who)
    await post.due(told)
    provider_id = "S1"
    doubtful = await post.tell(who)
    post.sms.faults.queue = [UnknownResultError("LOST")]
    await post.due_quietly(doubtful)
    post.sms.reports = [DeliveryReport(provider_id, PHONE, delivered=True, at=clock.now())]
    await post.service.fetch_receipts()
    await post.make_old(doubtful, 130)
    await post.due(doubtful)
    assert (await post.states(told))["sms"] == "delivered"
    assert (await post.states(doubtful))["sms"] == "sent"


async def test_a_process_that_dies_while_sending_leaves_a_doubt_and_not_a_silence(post: Post):
    message = await post.tell(post.resident())
    await post.db.collection("messages").update_one(
        {"_id": message.id},
        {"$set": {"deliveries.sms.state": "sending", "deliveries.sms.attempt": 1}},
    )
    await post.make_old(message, 10)
    with pytest.raises(RetryLater):
        await post.due(message)  # perhaps it is still at it
    await post.make_old(message, 100)
    with pytest.raises(RetryLater):
        await post.due(message)  # a report may still come
    await post.make_old(message, 130)
    await post.due(message)
    assert (await post.states(message))["sms"] == "sent"


async def test_yesterdays_news_is_given_up(post: Post):
    message = await post.tell(post.resident())
    old = clock.now() - timedelta(hours=25)
    await post.db.collection("messages").update_one({"_id": message.id}, {"$set": {"created_at": old}})
    await post.due(message)
    assert (await post.states(message))["sms"] == "failed"
    assert post.sms.sent == []


async def test_a_report_makes_a_sent_message_delivered(post: Post):
    message = await post.tell(post.resident())
    await post.due(message)
    post.sms.reports = [DeliveryReport("S1", PHONE, delivered=True, code="DELIVRD", at=clock.now())] * 2
    await post.service.fetch_receipts()
    assert (await post.states(message))["sms"] == "delivered"


async def test_a_report_about_another_phone_changes_nothing(post: Post):
    message = await post.tell(post.resident())
    await post.due(message)
    post.sms.reports = [DeliveryReport("S1", "13800000000", delivered=True)]
    await post.service.fetch_receipts()
    assert (await post.states(message))["sms"] == "sent"


async def test_delivered_is_the_last_word(post: Post):
    message = await post.tell(post.resident())
    await post.due(message)
    delivered = DeliveryReport("S1", PHONE, delivered=True, at=clock.now())
    failed = DeliveryReport("S1", PHONE, delivered=False, code="DB:0140", at=clock.now())
    for report in (failed, delivered, failed):
        post.sms.reports = [report]
        await post.service.fetch_receipts()
    assert (await post.states(message))["sms"] == "delivered"


async def test_a_report_that_comes_before_the_answer_is_not_lost(post: Post):
    message = await post.tell(post.resident())
    post.sms.reports = [DeliveryReport("S1", PHONE, delivered=False, code="MK:0001", at=clock.now())]
    await post.service.fetch_receipts()
    await post.due(message)
    (found,), _ = await post.service.list_mine(_actor(post, message.recipient_id))
    delivery = found.delivery(MessageChannel.SMS)
    assert delivery is not None
    assert (delivery.state, delivery.last_error) == (DeliveryState.FAILED, "MK:0001")


async def test_a_provider_that_is_away_has_no_reports(post: Post, monkeypatch: pytest.MonkeyPatch):
    async def away():
        raise RetryableError("UNREACHABLE")

    monkeypatch.setattr(post.sms, "fetch_reports", away)
    assert await post.service.fetch_receipts() == 0


async def test_neither_phone_nor_words_are_in_the_database_in_clear(post: Post):
    await post.tell(post.resident())
    await post.outbox.drain()
    await post.service.send_code("13900009999", "482913")
    dump = repr([doc async for doc in post.db.collection("messages").find()])
    for secret in (PHONE, "13900009999", "482913", "挂号费", "15.00元", OPENID):
        assert secret not in dump


def _actor(post: Post, resident_id: str):
    from backend.permissions import Actor, Role

    return Actor(kind="resident", id=resident_id, role=Role.RESIDENT)
