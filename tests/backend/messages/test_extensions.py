"""Numbers behind the sender's own, and what a reply to one of them is about."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from backend import clock
from backend.ids import new_id
from backend.messages.extensions import TALK, extension_of, own_part
from backend.messages.models import Answer, Letter, MessageKind
from notify.ports import Reply
from tests.backend.messages.conftest import PHONE, REFUND, Post


def test_a_matter_has_always_the_same_three_digits_and_the_talk_its_own():
    numbers = {extension_of(f"survey:{n}") for n in range(500)}
    assert all(len(number) == 3 and number.isdigit() and number != extension_of(TALK) for number in numbers)
    assert len(numbers) > 350
    assert extension_of("survey:1") == extension_of("survey:1")
    assert extension_of("") == ""


@pytest.mark.parametrize(
    ("told", "ours"), [("106581234345", "345"), ("345", "345"), ("", ""), ("+1234", ""), ("１２３", "")]
)
def test_of_a_whole_number_ours_is_the_end(told: str, ours: str):
    assert own_part(told) == ours


async def heard(post: Post, extension: str) -> str:
    """What a reply to a number is about."""
    await post.service._receipts.add_reply(Reply(PHONE, f"好{extension}", extension, clock.now()))
    doc = await post.db.collection("message_replies").find_one(sort=[("received_at", -1)])
    assert doc is not None
    reply = await post.service.find_reply(doc["_id"])
    assert reply is not None
    return reply.topic


async def test_a_reply_is_about_what_came_from_the_number_for_three_days(post: Post):
    who = post.resident(openid=None)
    lines = post.service.lines
    lines._lines = {name: replace(line, extends=True) for name, line in lines._lines.items()}
    letter = Letter(
        new_id(), clock.now(), who.id, MessageKind.REFUND_SUCCEEDED, dict(REFUND), topic="survey:R1"
    )
    await post.service.tell(letter)
    await post.service.answer(Answer("turn-1", "sms", PHONE, "您好"))
    await post.outbox.drain()
    assert {sms.extension for sms in post.sms.sent} == {extension_of("survey:R1"), extension_of(TALK)}
    assert await heard(post, f"10658{extension_of('survey:R1')}") == "survey:R1"
    assert await heard(post, extension_of(TALK)) == TALK
    assert await heard(post, "") == ""
    assert await heard(post, "999") == ""
    long_ago = clock.now() - timedelta(hours=73)
    await post.db.collection("messages").update_many({}, {"$set": {"deliveries.sms.started_at": long_ago}})
    assert await heard(post, extension_of("survey:R1")) == ""


async def test_where_the_contract_does_not_allow_it_no_number_is_lengthened(post: Post):
    await post.service.answer(Answer("turn-1", "sms", PHONE, "您好"))
    await post.outbox.drain()
    assert [sms.extension for sms in post.sms.sent] == [""]
