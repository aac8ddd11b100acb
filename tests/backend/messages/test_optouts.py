"""Who wants no more texts is left alone at once and for good, told so once, and may change his mind."""

from __future__ import annotations

import pytest

from backend import clock
from backend.errors import AppError, ErrorCode
from backend.messages.models import Message, MessageKind
from backend.messages.optouts import is_stop_word
from backend.messages.policies import POLICIES, Group
from notify.ports import Reply
from tests.backend.messages.conftest import PHONE, Post

STOPPED = "已为您停发就诊通知短信"


async def reply(post: Post, text: str) -> None:
    post.sms.replies = [Reply(PHONE, text, "", clock.now())]
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
