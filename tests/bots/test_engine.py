"""Dialogues as conversations: said, answered; kept in a real database from message to message."""

import asyncio
import itertools
import logging
from datetime import UTC, datetime, timedelta
from typing import cast

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from backend import clock
from backend.conversations.models import RESUMABLE_BY_SMS, Conversation, Through
from backend.conversations.service import (
    MOST_ALARMS,
    MOST_PER_MINUTE,
    MOST_REPEATS,
    TOO_FAST,
    ConversationService,
)
from backend.db.client import Database
from backend.errors import AppError, ErrorCode
from backend.logs import JSONFormatter
from backend.permissions import Actor, Role
from backend.security.fields import BlindIndex, FieldCipher
from backend.security.keys import Keyring
from bots import words
from bots.dialogue import Ask, Dialogue, Next, NotUnderstood, Option, Say, Talk
from bots.engine import Engine, Heard
from bots.ports import Services
from bots.understanding.danger import Danger
from bots.understanding.reading import Reader
from bots.understanding.values import Intent, Understanding
from bots.understanding.vocabulary import Vocabulary

KEYRING = Keyring.generate()
CIPHER, BLIND = FieldCipher(KEYRING), BlindIndex(KEYRING)
READER = Reader(Vocabulary())
WORDS = ["挂号", "1", "返回", "退出", "人工", "是"]
STANDING = ("dialogue", "step", "state")
FRUIT = (Option("apple-id", "苹果"), Option("pear-id", "梨"))


class Shop(Dialogue):
    """Buys fruit: two questions, one purchase."""

    name, title, intents = "shop", "买水果", (Intent.BOOK,)

    def __init__(self) -> None:
        self.bought: dict[str, str] = {}
        self.tries = 0

    async def start(self, talk: Talk) -> Next:
        return Ask("要什么？", "fruit", FRUIT)

    async def fruit(self, talk: Talk) -> Next:
        if not talk.chosen:
            return NotUnderstood()
        talk.data["fruit"] = talk.chosen
        return Ask(f"买 {talk.chosen}，对吗？", "confirm")

    async def confirm(self, talk: Talk) -> Next:
        if talk.understood.intent is Intent.NO:
            raise AppError(ErrorCode.SOLD_OUT)
        if talk.understood.intent is not Intent.YES:
            return NotUnderstood("请回复“是”或“不是”。")
        self.tries += 1
        self.bought[talk.key] = talk.data["fruit"]
        return Say("买好了。")


class Bills(Dialogue):
    name, title, intents = "bills", "查账单", (Intent.BILLS,)

    async def start(self, talk: Talk) -> Next:
        return Say("没有账单。")


class Chat:
    """Somebody who talks with the engine."""

    def __init__(self, db: Database) -> None:
        self.db = db
        self.shop = Shop()
        self.for_staff: list[str] = []
        self.engine = Engine(
            ConversationService(db, cipher=CIPHER, blind=BLIND),
            [self.shop, Bills()],
            services=cast(Services, None),
            read=self.read,
            who=self.who,
            staff=self,
        )
        self._ids = itertools.count()

    async def read(self, sentence: str) -> Understanding:
        return READER.read(sentence, datetime.now(UTC))

    async def who(self, heard: Heard) -> Actor:
        return Actor("resident", f"r-{heard.address[-4:]}", Role.RESIDENT, channel="bot", real_name=True)

    async def called(self, conversation: Conversation, text: str) -> None:
        self.for_staff.append(text)

    async def left(self, conversation: Conversation) -> None:
        self.for_staff.append("left")

    async def say(self, text: str, *, address: str = "13800000001", message_id: str = "") -> str:
        heard = Heard(Through.SMS, address, message_id or f"m{next(self._ids)}", text)
        return "\n".join(await self.engine.hear(heard))

    async def talk(self, *said: str) -> str:
        return [await self.say(text) for text in said][-1]


@pytest.fixture
def chat(db: Database) -> Chat:
    return Chat(db)


async def test_a_dialogue_goes_from_question_to_question_to_its_end(chat: Chat):
    assert await chat.say("挂号") == "要什么？\n1. 苹果\n2. 梨"
    assert await chat.say("2") == "买 pear-id，对吗？"
    assert await chat.say("是") == "买好了。"
    assert list(chat.shop.bought.values()) == ["pear-id"]


async def test_back_asks_the_question_before_again(chat: Chat):
    assert (await chat.talk("挂号", "2", "返回")).startswith("要什么？")
    assert await chat.talk("1", "是") == "买好了。"
    assert list(chat.shop.bought.values()) == ["apple-id"]


async def test_back_at_the_first_question_asks_it_again(chat: Chat):
    assert (await chat.talk("挂号", "返回")).startswith("要什么？")
    assert (await chat.talk("返回", "返回")).startswith("要什么？")


async def test_help_leaves_the_dialogue_where_it_is(chat: Chat):
    assert "买水果" in await chat.talk("挂号", "帮助")
    assert await chat.say("1") == "买 apple-id，对吗？"


async def test_quit_ends_it(chat: Chat):
    assert await chat.talk("挂号", "退出") == words.GOODBYE
    assert "买水果" in await chat.say("1")


async def test_something_else_said_clearly_begins_something_else(chat: Chat):
    assert await chat.talk("挂号", "我的账单") == "没有账单。"


async def test_who_is_not_understood_three_times_is_offered_a_person(chat: Chat):
    answers = [await chat.say(text) for text in ("挂号", "嗯嗯嗯嗯", "啦啦啦", "哦哦哦哦")]
    assert answers[1:] == [words.AGAIN, words.AGAIN, words.OFFER_STAFF]


async def test_with_a_person_the_machine_is_silent_until_one_quits(chat: Chat):
    assert await chat.talk("挂号", "人工") == words.STAFF_CALLED
    assert await chat.say("我想问问1") == ""
    assert chat.for_staff == ["人工", "我想问问1"]
    assert await chat.say("退出") == words.GOODBYE
    assert await chat.say("我的账单") == "没有账单。"


async def test_a_message_that_comes_twice_is_answered_the_same_and_done_once(chat: Chat):
    await chat.talk("挂号", "1")
    first = await chat.say("是", message_id="x")
    assert await chat.say("是", message_id="x") == first == "买好了。"
    assert chat.shop.tries == 1


async def test_an_old_message_that_comes_late_once_more_is_not_answered(chat: Chat):
    await chat.say("挂号", message_id="a")
    await chat.say("1", message_id="b")
    assert await chat.say("挂号", message_id="a") == ""
    assert await chat.say("是") == "买好了。"


async def test_the_same_message_at_once_buys_once(chat: Chat):
    await chat.talk("挂号", "1")
    answers = await asyncio.gather(*(chat.say("是", message_id="x") for _ in range(6)))
    assert set(answers) == {"买好了。"}
    # Several may have thought at the same time, each with the same key.
    assert len(chat.shop.bought) == 1


async def test_messages_at_once_are_taken_one_after_the_other(chat: Chat):
    answers = await asyncio.gather(*(chat.say("我的账单") for _ in range(5)))
    assert set(answers) == {"没有账单。"}
    doc = await chat.db.collection("conversations").find_one({})
    assert doc is not None
    assert doc["turn"] == 5


async def test_two_people_do_not_meet(chat: Chat):
    await chat.say("挂号", address="13800000001")
    assert "买水果" in await chat.say("1", address="13800000002")
    assert await chat.say("1", address="13800000001") == "买 apple-id，对吗？"


async def test_a_dialogue_goes_on_after_days_and_expires_in_the_end(
    chat: Chat, monkeypatch: pytest.MonkeyPatch
):
    begun = clock.now()
    await chat.say("挂号")
    monkeypatch.setattr(clock, "now", lambda: begun + RESUMABLE_BY_SMS - timedelta(minutes=1))
    assert await chat.say("1") == "买 apple-id，对吗？"
    monkeypatch.setattr(clock, "now", lambda: begun + 2 * RESUMABLE_BY_SMS + timedelta(minutes=1))
    assert "买水果" in await chat.say("是")


async def stands(chat: Chat) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """What the database says of the dialogue, and of the one before it."""
    doc = await chat.db.collection("conversations").find_one({})
    assert doc is not None
    run, previous = doc["run"] or {}, doc["previous"] or {}
    return tuple(str(run.get(name, "")) for name in STANDING), tuple(
        str(previous.get(name, "")) for name in STANDING
    )


async def test_what_was_left_alone_has_expired_in_the_database_too_and_what_was_left_is_interrupted(
    chat: Chat, monkeypatch: pytest.MonkeyPatch
):
    conversations = ConversationService(chat.db, cipher=CIPHER, blind=BLIND)
    await chat.talk("挂号", "1")
    assert await stands(chat) == (("shop", "confirm", "waiting"), ("", "", ""))
    # Another wish takes its place.
    await chat.say("我的账单")
    assert await stands(chat) == (("bills", "start", "completed"), ("shop", "confirm", "interrupted"))
    await chat.say("挂号")
    assert await stands(chat) == (("shop", "fruit", "waiting"), ("bills", "start", "completed"))
    await chat.say("退出")
    assert (await stands(chat))[0] == ("shop", "fruit", "interrupted")
    await chat.say("挂号")
    assert await conversations.expire() == 0
    later = clock.now() + RESUMABLE_BY_SMS + timedelta(minutes=1)
    monkeypatch.setattr(clock, "now", lambda: later)
    assert await conversations.expire() == 1
    assert await conversations.expire() == 0
    assert (await stands(chat))[0] == ("shop", "fruit", "expired")
    assert "买水果" in await chat.say("1")
    assert (await stands(chat))[1] == ("shop", "fruit", "expired")


async def test_what_a_service_refuses_is_said_and_ends_the_dialogue(chat: Chat):
    answer = await chat.talk("挂号", "1", "不是")
    assert answer == AppError(ErrorCode.SOLD_OUT).text
    assert "买水果" in await chat.say("是")


async def test_a_step_that_a_release_has_dropped_begins_the_dialogue_anew(chat: Chat):
    await chat.talk("挂号", "1")
    await chat.db.collection("conversations").update_one({}, {"$set": {"run.step": "gone"}})
    assert (await chat.say("是")).startswith("要什么？")


async def test_a_flood_is_answered_once_and_then_no_more(chat: Chat):
    answers = [await chat.say("我的账单") for _ in range(MOST_PER_MINUTE + 3)]
    assert answers[MOST_PER_MINUTE - 1 :] == ["没有账单。", TOO_FAST, "", ""]


async def test_words_of_danger_are_heard_in_a_flood_too_and_not_without_end(chat: Chat):
    for number in range(MOST_PER_MINUTE):
        await chat.say(f"第{number}件事")
    answers = [await chat.say(f"我爸叫不醒了{number}") for number in range(MOST_ALARMS + 1)]
    assert [answer.startswith(words.DANGER[Danger.LIFE]) for answer in answers] == [True] * MOST_ALARMS + [
        False
    ]
    assert await chat.say("我的账单") == ""


async def test_neither_number_nor_words_are_in_clear_in_the_database(chat: Chat):
    await chat.talk("挂号", "1")
    doc = await chat.db.collection("conversations").find_one({})
    assert "13800000001" not in str(doc)
    assert "apple-id" not in str(doc)


class Clumsy(Dialogue):
    """Crashes on what it is told, and says it aloud in doing so."""

    name, title, intents = "clumsy", "查账单", (Intent.BILLS,)

    async def start(self, talk: Talk) -> Next:
        return Ask("哪里不舒服？", "crash")

    async def crash(self, talk: Talk) -> Next:
        try:
            talk.data[talk.said].encode()
        except KeyError as error:
            raise RuntimeError(f"no answer: {talk.said}") from error
        return Say("好的。")


async def test_what_was_said_when_a_step_crashed_is_in_no_log_record(
    chat: Chat, caplog: pytest.LogCaptureFixture
):
    secret = "我在第三人民医院查出了梅毒"
    chat.engine.add(Clumsy())
    caplog.set_level(logging.DEBUG)
    await chat.say("我的账单")
    assert await chat.say(secret) == words.TROUBLE
    # The same question is still open.
    assert await chat.say(secret + "啊") == words.TROUBLE
    [crash, _] = [record for record in caplog.records if record.getMessage() == "dialogue_crashed"]
    assert vars(crash)["at"].startswith("test_engine.py:")
    plain, kept = logging.Formatter(), JSONFormatter("test")
    for record in caplog.records:
        whole = f"{vars(record)!r}{record.exc_info!r}{plain.format(record)}{kept.format(record)}"
        assert "梅毒" not in whole
        assert ascii("梅毒")[1:-1] not in whole


_PEOPLE = itertools.count()


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(said=st.lists(st.text(max_size=60) | st.sampled_from(WORDS), max_size=6))
async def test_nothing_that_is_said_breaks_a_dialogue(chat: Chat, said: list[str]):
    # Somebody new each time: the flood of all examples together would be met with silence.
    address = f"138{next(_PEOPLE):08d}"
    answer = ""
    for text in said:
        is_machine, heard_by_staff = (
            text.strip() == answer or said.count(text) > MOST_REPEATS,
            len(chat.for_staff),
        )
        answer = await chat.say(text, address=address)
        assert words.TROUBLE not in answer
        assert answer or is_machine or len(chat.for_staff) > heard_by_staff
