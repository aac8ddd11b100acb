"""What a conversation says and hears: pushed once, sealed, and every SMS reply announced once."""

import asyncio
from dataclasses import replace
from datetime import timedelta
from typing import Any

from backend import clock
from backend.db.client import Document
from backend.messages.models import Answer
from backend.worker.events import Event, EventKind
from notify.ports import Reply, RetryableError, UnknownResultError
from tests.backend.messages.conftest import PHONE, Post

OA = "o-follower"


def said(**changes: Any) -> Answer:
    return replace(Answer("turn-1", "sms", PHONE, "请选择医院：1 市人民医院"), **changes)


async def stored(post: Post) -> list[Document]:
    return await post.db.collection("messages").find({"kind": "answer"}).to_list(None)


async def test_an_answer_goes_by_sms_once_for_its_key(post: Post):
    await asyncio.gather(*(post.service.answer(said()) for _ in range(4)))
    await post.outbox.drain()
    await post.service.answer(said())
    await post.service.answer(said(key="turn-2", text="好的"))
    await post.outbox.drain()
    assert post.sms.texts_to(PHONE) == ["请选择医院：1 市人民医院", "好的"]


async def test_an_answer_goes_to_the_official_account_when_that_may_speak(post: Post):
    post.official.open[OA] = 1
    await post.service.answer(said(through="official_account", address=OA))
    await post.service.answer(said(key="turn-2", through="official_account", address=OA))
    await post.outbox.drain()
    assert [message.openid for message in post.official.sent] == [OA]
    states = [doc["deliveries"]["official_account"]["state"] for doc in await stored(post)]
    assert sorted(states) == ["sent", "skipped"]


async def test_neither_address_nor_words_lie_in_clear(post: Post):
    await post.service.answer(said())
    await post.service.answer(said(through="official_account", address=OA))
    for doc in await stored(post):
        assert PHONE not in str(doc)
        assert OA not in str(doc)
        assert "市人民医院" not in str(doc)


async def test_an_answer_whose_fate_is_unknown_is_never_said_again(post: Post):
    for number, through in enumerate(("sms", "official_account")):
        post.official.open[OA] = 5
        for end in (post.sms, post.official):
            end.faults.queue = [UnknownResultError("LOST")]
        address = PHONE if through == "sms" else OA
        await post.service.answer(said(key=f"turn-{number}", through=through, address=address))
        await post.outbox.drain()
        hour_ago = clock.now() - timedelta(hours=1)
        await post.db.collection("messages").update_many(
            {}, {"$set": {f"deliveries.{through}.started_at": hour_ago}}
        )
        await post.db.collection("outbox").update_many({"state": "due"}, {"$set": {"due_at": hour_ago}})
        post.sms.faults.queue, post.official.faults.queue = [], []
        await post.outbox.drain()
    assert post.sms.sent == []
    assert post.official.sent == []


async def test_an_answer_the_provider_did_not_take_is_said_later(post: Post):
    post.sms.faults.queue = [RetryableError("AWAY")]
    await post.service.answer(said())
    await post.outbox.drain()
    assert post.sms.sent == []
    await post.db.collection("outbox").update_many({}, {"$set": {"due_at": clock.now()}})
    await post.outbox.drain()
    assert len(post.sms.sent) == 1


async def test_answers_are_in_nobodys_list_and_go_with_the_account(post: Post):
    who = post.resident()
    await post.service.answer(said(resident_id=who.id))
    await post.service.answer(said(key="turn-2"))
    assert (await post.service.list_mine(who))[0] == []
    await post.service.on_resident_deleted(Event(EventKind.RESIDENT_DELETED, {"resident_id": who.id}))
    assert len(await stored(post)) == 1


async def test_each_reply_is_announced_once_and_opened_for_who_asks(post: Post):
    heard: list[str] = []

    async def hear(event: Event) -> None:
        heard.append(event.data["reply_id"])

    post.outbox._bus.subscribe(EventKind.SMS_REPLY_RECEIVED, "tests.hear", hear)
    post.sms.replies = [Reply(PHONE, "1", "07", clock.now())] * 2
    await post.service.fetch_receipts()
    post.sms.replies = [Reply(PHONE, "1", "07", None)] * 2
    await post.service.fetch_receipts()
    await post.outbox.drain()
    assert len(heard) == len(set(heard)) == 2
    found = await post.service.find_reply(heard[0])
    assert found is not None
    assert (found.phone, found.text, found.extension) == (PHONE, "1", "07")
    assert PHONE not in repr(found)
    assert await post.service.find_reply("0" * 32) is None
