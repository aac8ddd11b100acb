"""Sign-in codes, the resident's list, grants, and what staff may do."""

import pytest

from backend.errors import AppError, ErrorCode
from backend.messages.models import DeliveryState, MessageChannel, MessageKind
from backend.worker.events import Event, EventKind
from notify.ports import NotifyError, RejectedError, RejectReason, Reply, RetryableError, UnknownResultError
from tests.backend.messages.conftest import PHONE, Post, staff

SMS = MessageChannel.SMS


async def _code_state(post: Post) -> str:
    doc = await post.db.collection("messages").find_one({"kind": "login_code"})
    assert doc is not None
    return str(doc["deliveries"]["sms"]["state"])


async def test_a_code_is_sent_at_once_and_recorded_without_itself(post: Post):
    await post.service.send_code(PHONE, "482913")
    assert "482913" in post.sms.texts_to(PHONE)[0]
    assert await _code_state(post) == "sent"


async def test_a_code_survives_one_hiccup_of_the_provider(post: Post):
    post.sms.faults.queue = [RetryableError("UNREACHABLE")]
    await post.service.send_code(PHONE, "482913")
    assert len(post.sms.sent) == 1


@pytest.mark.parametrize(
    ("faults", "code"),
    [
        ([RetryableError("AWAY"), RetryableError("AWAY")], ErrorCode.UNAVAILABLE),
        ([RejectedError("IllegalMac", reason=RejectReason.MISCONFIGURED)], ErrorCode.UNAVAILABLE),
        ([RejectedError("InvalidMobile", reason=RejectReason.BAD_RECIPIENT)], ErrorCode.PHONE_INVALID),
    ],
)
async def test_a_code_that_did_not_go_out_says_so(post: Post, faults: list[NotifyError], code: ErrorCode):
    post.sms.faults.queue = list(faults)
    with pytest.raises(AppError) as refused:
        await post.service.send_code(PHONE, "482913")
    assert refused.value.code is code
    assert await _code_state(post) == "failed"


async def test_a_code_that_may_have_gone_out_is_not_sent_twice(post: Post):
    post.sms.faults.queue = [UnknownResultError("LOST")]
    await post.service.send_code(PHONE, "482913")
    assert await _code_state(post) == "unknown"
    assert post.sms.sent == []


async def test_codes_are_in_nobodys_list(post: Post):
    who = post.resident()
    await post.service.send_code(PHONE, "482913")
    assert await post.service.list_mine(who) == ([], None)


async def test_the_list_is_newest_first_page_by_page_and_ones_own(post: Post):
    who, other = post.resident(), post.resident()
    mine = [(await post.tell(who)).id for _ in range(5)]
    await post.tell(other)
    first, cursor = await post.service.list_mine(who, limit=3)
    rest, end = await post.service.list_mine(who, cursor=cursor, limit=3)
    assert [m.id for m in (*first, *rest)] == sorted(mine, reverse=True)
    assert end is None


async def test_reading_keeps_the_first_time_and_anothers_message_does_not_exist(post: Post):
    who, other = post.resident(), post.resident()
    message = await post.tell(who)
    await post.service.mark_read(who, message.id)
    read_at = (await post.service.list_mine(who))[0][0].read_at
    await post.service.mark_read(who, message.id)
    assert (await post.service.list_mine(who))[0][0].read_at == read_at is not None
    with pytest.raises(AppError) as refused:
        await post.service.mark_read(other, message.id)
    assert refused.value.code is ErrorCode.NOT_FOUND


async def test_grants_are_counted_up_to_a_limit_and_only_for_known_templates(post: Post):
    who = post.resident()
    for _ in range(25):
        await post.service.grant(who, [MessageKind.CODE_USED, MessageKind.PATIENT_LINKED])
    assert await post.service._grants.left(who.id) == {"code_used": 20}


async def test_a_wrong_callback_secret_does_not_exist(post: Post):
    receiving = post.service.receiving
    for call in (receiving.pushed_reports, receiving.pushed_replies):
        with pytest.raises(AppError) as refused:
            await call("mas", "guess", b"{}", "127.0.0.1")
        assert refused.value.code is ErrorCode.NOT_FOUND


async def test_a_reply_is_kept_once_and_sealed(post: Post):
    reply = Reply(PHONE, "请问几点上班", "08")
    for _ in range(2):
        post.sms.replies = [reply]
        await post.service.fetch_receipts()
    (doc,) = [doc async for doc in post.db.collection("message_replies").find()]
    assert "几点" not in repr(doc)
    assert PHONE not in repr(doc)


async def test_staff_see_messages_within_their_scope(post: Post):
    message = await post.tell(post.resident())
    listed, _ = await post.service.list_messages(staff("hospital-1"))
    assert [m.id for m in listed] == [message.id]
    assert await post.service.list_messages(staff("hospital-2")) == ([], None)
    assert (await post.service.list_messages(staff(), state=DeliveryState.FAILED))[0] == []
    assert len((await post.service.list_messages(staff(), kind=MessageKind.REFUND_SUCCEEDED))[0]) == 1


async def test_staff_may_try_a_failed_message_once_more_and_it_is_on_record(post: Post):
    message = await post.tell(post.resident())
    post.sms.faults.queue = [RejectedError("NO")]
    await post.outbox.drain()
    await post.service.resend(staff("hospital-1"), message.id, SMS, "手机号已更正")
    await post.outbox.drain()
    assert (await post.states(message))["sms"] == "sent"
    assert await post.db.collection("audit").count_documents({"action": "messages.resent"}) == 1


async def test_a_message_that_went_out_is_not_sent_again(post: Post):
    message = await post.tell(post.resident())
    await post.outbox.drain()
    with pytest.raises(AppError) as refused:
        await post.service.resend(staff(), message.id, SMS, "再发一次")
    assert refused.value.code is ErrorCode.MESSAGE_NOT_RESENDABLE


async def test_resending_needs_permission_reason_and_scope(post: Post):
    message = await post.tell(post.resident())
    post.sms.faults.queue = [RejectedError("NO")]
    await post.outbox.drain()
    attempts = [
        (post.resident(), "原因", ErrorCode.FORBIDDEN),
        (staff(), " ", ErrorCode.REASON_REQUIRED),
        (staff("hospital-2"), "原因", ErrorCode.NOT_FOUND),
    ]
    for actor, reason, code in attempts:
        with pytest.raises(AppError) as refused:
            await post.service.resend(actor, message.id, SMS, reason)
        assert refused.value.code is code


async def test_what_a_person_was_told_goes_with_the_account(post: Post):
    who = post.resident()
    await post.tell(who)
    await post.service.grant(who, [MessageKind.CODE_USED])
    event = Event(EventKind.RESIDENT_DELETED, {"resident_id": who.id})
    await post.service.on_resident_deleted(event)
    assert await post.service.list_mine(who) == ([], None)
    assert await post.service._grants.left(who.id) == {}
