"""Who wants no more texts is left alone at once and for good, told so once, and may change his mind."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from backend import clock
from backend.errors import AppError, ErrorCode
from backend.ids import new_id
from backend.messages.extensions import extension_of
from backend.messages.gates import Hours
from backend.messages.models import Letter, Message, MessageKind
from backend.messages.optouts import groups_meant, is_stop_word
from backend.messages.policies import POLICIES, Group
from notify.ports import Reply
from tests.backend.messages.conftest import PHONE, Post

STOPPED = "已为您停发就诊通知短信"


async def reply(post: Post, text: str, extension: str = "") -> None:
    post.sms.replies = [Reply(PHONE, text, extension, clock.now())]
    await post.service.fetch_receipts()
    await post.outbox.drain()


async def told(post: Post) -> tuple[Message, str]:
    """Somebody is told of a refund; the message and where its SMS stands."""
    message = await post.tell(post.resident())
    await post.outbox.drain()
    return message, (await post.states(message))["sms"]


@pytest.mark.parametrize(
    "text", ["T", "t", "TD", "td ", "ｔｄ", "R", "Ｒ", "N", " 退订", "退 订", "拒收。", "Td!"]
)
def test_words_to_stop_in_every_width_and_case(text: str):
    assert is_stop_word(text)


@pytest.mark.parametrize("text", ["", "退订吗", "不要退订", "TT", "1", "NO", "取消", "RT", "T1"])
def test_other_words_stop_nothing(text: str):
    assert not is_stop_word(text)


async def test_a_word_to_stop_is_obeyed_at_once_confirmed_once_and_not_forgotten(post: Post):
    assert (await told(post))[1] == "sent"
    await reply(post, "ｔｄ")
    await reply(post, "退订")
    assert (await told(post))[1] == "skipped"
    texts = post.sms.texts_to(PHONE)
    assert sum(text.startswith(STOPPED) for text in texts) == 1
    assert len(texts) == 2


async def test_codes_come_whatever_was_stopped(post: Post):
    await reply(post, "T")
    await post.service.send_code(PHONE, "482913")
    assert "482913" in post.sms.texts_to(PHONE)[-1]
    nobody_stops = {kind for kind, policy in POLICIES.items() if policy.group is None}
    assert {MessageKind.LOGIN_CODE, MessageKind.CONSENT_CODE, MessageKind.ANSWER} <= nobody_stops


async def test_a_word_to_stop_that_answers_nothing_stops_everything_that_can_be(post: Post):
    who = post.resident()
    await reply(post, "T")
    assert {one.group for one in await post.service.list_optouts(who)} == set(Group)


async def test_a_word_to_stop_is_about_the_latest_message(post: Post):
    await told(post)
    await reply(post, "T")
    assert [one.group for one in await post.service.list_optouts(post.resident())] == [Group.NOTICES]


async def test_the_resident_sees_stops_and_allows_in_the_app(post: Post):
    who = post.resident()
    await reply(post, "T")
    await post.service.allow(who, "notices")
    assert (await told(post))[1] == "sent"
    await post.service.stop(who, "notices")
    assert (await told(post))[1] == "skipped"
    by = {one.group: one.by for one in await post.service.list_optouts(who)}
    assert by == {Group.NOTICES: "resident", Group.REMINDERS: "sms", Group.SURVEYS: "sms"}
    for call in (post.service.allow(who, "codes"), post.service.stop(who, "codes")):
        with pytest.raises(AppError) as refused:
            await call
        assert refused.value.code is ErrorCode.NOT_FOUND
    nobody = post.resident(phone=None)
    await post.service.stop(nobody, "notices")
    assert await post.service.list_optouts(nobody) == []


async def test_the_phone_that_was_stopped_lies_nowhere_in_clear(post: Post):
    await reply(post, "T")
    async for doc in post.db.collection("message_optouts").find():
        assert PHONE not in repr(doc)


async def test_the_latest_message_is_what_left_last_however_it_is_dated(post: Post):
    who = post.resident()
    await told(post)
    # Of long ago, and told only now.
    at, facts = clock.now() - timedelta(days=9), {"patient": "张*", "organization": "市人民医院"}
    facts |= {"department": "儿科", "place": "诊区", "ahead": "3"}
    await post.service.tell(Letter("near", at, who.id, MessageKind.QUEUE_NEAR, facts))
    await post.outbox.drain()
    await reply(post, "拒收")
    assert [one.group for one in await post.service.list_optouts(who)] == [Group.REMINDERS]


async def test_a_word_to_stop_is_about_what_came_from_the_number_it_was_written_to(
    post: Post, monkeypatch: pytest.MonkeyPatch
):
    who, lines = post.resident(), post.service.lines
    lines._lines = {name: replace(line, extends=True) for name, line in lines._lines.items()}
    monkeypatch.setattr(post.service._delivering._gates, "_hours", Hours(0, 24))
    facts = {"organization": "市人民医院", "title": "回访", "question": "您满意吗？", "until": "1月5日"}
    facts |= {"link": "https://jk.example.org/s/1"}
    asked = Letter(new_id(), clock.now(), who.id, MessageKind.SURVEY_QUESTION, facts, topic="survey:R1")
    await post.service.tell(asked)
    await post.outbox.drain()
    await told(post)
    await reply(post, "退订", f"10658{extension_of('survey:R1')}")
    assert [one.group for one in await post.service.list_optouts(who)] == [Group.SURVEYS]
    # A number that nothing came from names nothing.
    await reply(post, "退订", "999")
    assert {one.group for one in await post.service.list_optouts(who)} == {Group.SURVEYS, Group.NOTICES}


def test_a_word_that_a_message_offered_lately_is_about_that_message():
    now = clock.now()
    booked, reminded, asked = (
        (MessageKind.APPOINTMENT_BOOKED, now),
        (MessageKind.VISIT_REMINDER, now - timedelta(hours=1)),
        (MessageKind.SURVEY_LINK, now - timedelta(hours=2)),
    )
    sent = [(MessageKind.ANSWER, now), booked, reminded, asked]
    assert groups_meant("ｔ", sent, now) == [Group.REMINDERS]
    assert groups_meant("R", sent, now) == [Group.SURVEYS]
    assert groups_meant("退订", sent, now) == [Group.NOTICES]
    assert groups_meant("T", sent, now + timedelta(hours=72)) == [Group.NOTICES]
    assert groups_meant("T", sent[:1], now) == list(Group)
