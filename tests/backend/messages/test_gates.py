"""What stands before a text message: WeChat first, the hour, how much a phone has had; asking in doubt."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from backend import clock
from backend.messages import gates as gates_module
from backend.messages.gates import Hours
from backend.messages.models import Letter, MessageChannel, MessageKind
from backend.messages.policies import POLICIES, Priority, segments
from backend.security.limits import Bucket
from backend.worker.events import RetryLater
from notify.ports import DeliveryReport, RetryableError, Trace, TraceState, UnknownResultError
from tests.backend.messages.conftest import OPENID, PHONE, Post

REFUNDED = MessageKind.REFUND_SUCCEEDED
SURVEY = {"organization": "市人民医院", "title": "回访", "link": "https://jk.example.org/s/1", "until": "3日"}


def beijing(hour: int, minute: int = 0) -> datetime:
    return datetime(2026, 11, 22, hour, minute, tzinfo=clock.CITY_ZONE).astimezone(UTC)


@pytest.mark.parametrize(
    ("at", "until"),
    [
        (beijing(8, 59), beijing(9)),
        (beijing(9), None),
        (beijing(20, 59), None),
        (beijing(21), beijing(9) + timedelta(days=1)),
        (beijing(0), beijing(9)),
    ],
)
def test_quiet_hours_end_at_nine_in_the_city(at: datetime, until: datetime | None):
    assert Hours().quiet_until(at) == until
    assert Hours(0, 24).quiet_until(at) is None


def test_every_kind_has_its_rules_and_only_what_can_wait_keeps_quiet_hours():
    assert set(POLICIES) == set(MessageKind)
    waiting = {kind for kind, policy in POLICIES.items() if policy.quiet}
    surveys = {kind for kind, policy in POLICIES.items() if policy.group == "surveys"}
    assert waiting == {*surveys, MessageKind.REFERRAL_FOLLOW_UP}
    # What is urgent does not ask how many there were, and has no number that nobody reads.
    urgent = [policy.priority is Priority.URGENT for policy in POLICIES.values()]
    assert urgent == [policy.per_day is None for policy in POLICIES.values()]


@pytest.mark.parametrize(("length", "count"), [(0, 1), (64, 1), (65, 2), (128, 2), (129, 3)])
def test_a_text_is_counted_with_its_signature_in_pieces_of_70_or_67(length: int, count: int):
    assert segments("字" * length, "健康城市") == count


def test_a_sign_outside_the_plane_of_common_signs_counts_twice():
    assert segments("😀" * 32, "健康城市") == 1
    assert segments("😀" * 33, "健康城市") == 2


async def test_what_was_read_in_wechat_is_not_sent_by_sms(post: Post):
    who = post.resident()
    await post.service.grant(who, [REFUNDED])
    post.wechat.grant(OPENID, f"template-{REFUNDED}")
    message = await post.tell(who)
    await post.outbox.drain()
    await post.service.mark_read(who, message.id)
    await post.let_pass(message, timedelta(minutes=1))
    await post.outbox.drain()
    assert await post.states(message) == {"sms": "skipped", "wechat": "sent"}
    assert post.sms.sent == []


async def test_a_survey_waits_for_the_morning_and_is_not_lost(post: Post, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(post.service._delivering._gates, "_hours", Hours(23, 24))
    if Hours(23, 24).quiet_until(clock.now()) is None:
        monkeypatch.setattr(post.service._delivering._gates, "_hours", Hours(0, 1))
    who = post.resident()
    letter = Letter("run-1", clock.now(), who.id, MessageKind.SURVEY_LINK, dict(SURVEY))
    await post.service.tell(letter)
    (message, *_), _ = await post.service.list_mine(who)
    with pytest.raises(RetryLater) as later:
        await post.due(message)
    assert 0 < later.value.after_s <= 24 * 3600
    monkeypatch.setattr(post.service._delivering._gates, "_hours", Hours(0, 24))
    await post.due(message)
    assert len(post.sms.sent) == 1


async def test_a_phone_gets_so_many_at_once_and_so_many_a_day(post: Post, monkeypatch: pytest.MonkeyPatch):
    messages = [await post.tell(post.resident()) for _ in range(6)]
    for message in messages[:5]:
        await post.due(message)
    with pytest.raises(RetryLater):
        await post.due(messages[5])
    monkeypatch.setattr(gates_module, "PER_NUMBER", Bucket(1000, 1))
    cap = POLICIES[REFUNDED].per_day or 0
    for _ in range(cap - 5):
        await post.due(await post.tell(post.resident()))
    await post.due(messages[5])
    assert (await post.states(messages[5]))["sms"] == "skipped"
    assert len(post.sms.texts_to(PHONE)) == cap


async def test_each_sms_is_kept_with_its_count_and_our_number_of_it(post: Post):
    message = await post.tell(post.resident())
    await post.due(message)
    found = await post.service._messages.find_by_id(message.id)
    sms = found.delivery(MessageChannel.SMS) if found else None
    assert sms is not None
    assert (sms.segments, sms.reference, sms.provider) == (1, f"{message.id}001", post.sms.name)


@pytest.mark.parametrize(
    ("state", "kept"), [("delivered", "delivered"), ("waiting", "sent"), ("failed", "failed")]
)
async def test_in_doubt_the_provider_is_asked_by_our_number_and_nothing_is_sent_again(
    post: Post, state: str, kept: str
):
    message = await post.tell(post.resident())
    post.sms.faults.queue = [UnknownResultError("LOST")]
    await post.due_quietly(message)
    post.sms.traces[f"{message.id}001"] = Trace(TraceState(state))
    await post.make_old(message, 600)
    await post.due_quietly(message)
    assert (await post.states(message))["sms"] == kept
    assert post.sms.sent == []


async def test_who_follows_the_account_is_told_there_when_the_mini_program_may_not_write(post: Post):
    post.notifier.followers.add("o-follower")
    message = await post.tell(post.resident(oa="o-follower"))
    await post.due(message, MessageChannel.WECHAT)
    assert (await post.states(message))["wechat"] == "sent"
    (notice,) = post.notifier.sent
    assert notice.template_id == "account-template"
    with pytest.raises(RetryLater):  # it may be read there first
        await post.due(message)
    assert post.sms.sent == []


async def test_who_has_left_the_account_is_told_by_sms(post: Post):
    message = await post.tell(post.resident(oa="o-gone"))
    await post.due(message, MessageChannel.WECHAT)
    await post.due(message)
    assert await post.states(message) == {"sms": "sent", "wechat": "skipped"}


async def test_a_template_message_in_doubt_is_repeated_under_the_number_of_its_first_try(post: Post):
    post.notifier.followers.add("o-follower")
    message = await post.tell(post.resident(oa="o-follower"))
    post.notifier.faults.queue = [RetryableError("AWAY"), "after"]
    for _ in range(2):
        await post.due_quietly(message, MessageChannel.WECHAT)
    await post.make_old(message, 300, "wechat")
    await post.due_quietly(message, MessageChannel.WECHAT)
    assert (await post.states(message))["wechat"] == "sent"
    assert [notice.reference for notice in post.notifier.sent] == [f"{message.id}002"]


async def test_a_template_message_in_doubt_for_longer_than_wechat_remembers_gives_way_to_the_sms(post: Post):
    post.notifier.followers.add("o-follower")
    message = await post.tell(post.resident(oa="o-follower"))
    post.notifier.faults.queue = ["after"]
    await post.due_quietly(message, MessageChannel.WECHAT)
    await post.make_old(message, 600, "wechat")
    for channel in (MessageChannel.WECHAT, MessageChannel.SMS):
        await post.due_quietly(message, channel)
    assert await post.states(message) == {"sms": "sent", "wechat": "unknown"}
    assert len(post.notifier.sent) == 1


@pytest.mark.parametrize("early", [False, True])
async def test_a_template_message_that_did_not_arrive_lets_the_sms_go_at_once_and_once(
    post: Post, early: bool
):
    post.notifier.followers.add("o-follower")
    message = await post.tell(post.resident(oa="o-follower"))
    said = DeliveryReport("N1", "o-follower", False, "failed:user block")
    if early:  # than we could write down what WeChat calls the message
        await post.service.notices.take(said)
    await post.outbox.drain()
    assert len(post.sms.sent) == int(early)
    await post.service.notices.take(said)
    await post.outbox.drain()
    assert await post.states(message) == {"sms": "sent", "wechat": "failed"}
    await post.let_pass(message, timedelta(hours=1))
    await post.outbox.drain()
    assert len(post.sms.sent) == 1


async def test_a_template_message_that_has_arrived_stays_so_whatever_is_said_later(post: Post):
    post.notifier.followers.add("o-follower")
    message = await post.tell(post.resident(oa="o-follower"))
    await post.outbox.drain()
    for delivered in (True, False):
        await post.service.notices.take(DeliveryReport("N1", "o-follower", delivered, "failed"))
    await post.service.notices.take(DeliveryReport("N9", "o-follower", False, "failed"))
    await post.outbox.drain()
    assert await post.states(message) == {"sms": "due", "wechat": "delivered"}
    assert post.sms.sent == []


async def test_who_said_that_he_left_is_not_written_to_by_the_account(post: Post):
    who = post.resident(oa="o-follower")
    post.notifier.followers.add("o-follower")
    post.people.contacts[who.id] = replace(post.people.contacts[who.id], oa_left=True)
    message = await post.tell(who)
    await post.outbox.drain()
    assert await post.states(message) == {"sms": "sent", "wechat": "skipped"}
    assert post.notifier.sent == []
