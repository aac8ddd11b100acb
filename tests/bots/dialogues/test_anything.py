"""No sentence breaks any step of any dialogue: the real engine and services, at every question there is."""

from __future__ import annotations

import inspect
import itertools
from dataclasses import dataclass, field
from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from backend import clock
from backend.conversations.models import Conversation, Run, RunState
from backend.conversations.service import Turn
from backend.permissions import Actor, Role
from backend.surveys.models import Trigger
from bots import words
from bots.bind import Bind
from bots.dialogue import Dialogue
from tests.bots.dialogues.steps import HERE, add_child
from tests.bots.understanding.sentences import others_sentences, sentences
from tests.factories.surveys import make_campaign
from tests.support.city import Caller, TestCity
from tests.support.talk import Talker, open_talk

FULL = f"候补{HERE}{clock.today() + timedelta(days=5):%m月%d日}"
# What leads to each question, by a resident with a child and appointments tomorrow and the day after.
WAYS: dict[tuple[str, str], tuple[str, ...]] = {
    ("book", "place"): ("挂号",),
    ("book", "session"): (f"大后天{HERE}",),
    ("book", "patient"): (f"大后天{HERE}", "1"),
    ("book", "confirm"): (f"大后天{HERE}", "1", "1"),
    ("book", "time"): (f"大后天{HERE}", "1", "1", "3"),
    ("cancel", "which"): ("取消预约",),
    ("cancel", "confirm"): ("取消预约", "1"),
    ("reschedule", "which"): ("改期",),
    ("reschedule", "session"): ("改期", "1"),
    ("reschedule", "confirm"): ("改期", "1", "1"),
    ("reschedule", "paid"): ("改到大后天", "1", "1", "是"),
    ("waitlist", "place"): ("候补",),
    ("waitlist", "day"): (f"候补{HERE}",),
    ("waitlist", "patient"): (FULL,),
    ("directions", "hospital"): ("儿科在哪里",),
    ("opening_hours", "place"): ("几点上班",),
    # Before the last word, the place that was full is given back.
    ("waitlist", "take"): (FULL, "2", "候补"),
    # Of a survey that was asked in a message.
    ("survey", "answer"): ("满意",),
    # By a stranger; `PHONE` is the number of an account left alone for years, `CODE` what it is sent.
    ("bind", "phone"): ("我的预约",),
    ("bind", "code"): ("我的预约", "PHONE"),
    ("bind", "identity"): ("我的预约", "PHONE", "CODE"),
}
RECORDED = [each.sentence for each in (*sentences(held_out=False), *others_sentences(held_out=False))]
ANSWERS = ["1", "2", "9", "是", "不是", "返回", "帮助", "取消", "改期", "已付款", "明天", "", " ", "\n"]
SAID = st.one_of(
    st.sampled_from(ANSWERS),
    st.sampled_from(RECORDED),
    st.text(max_size=80),
    st.tuples(st.sampled_from(RECORDED), st.text(max_size=10), st.sampled_from(RECORDED)).map("".join),
)


@dataclass
class Standing:
    """Somebody who can be put before any question, and a stranger before those that make him known."""

    city: TestCity
    known: Talker
    stranger: Talker
    runs: dict[tuple[str, str], Run]
    _lines: itertools.count[int] = field(default_factory=itertools.count)

    def talk(self, step: tuple[str, str]) -> Talker:
        """Who can come to this question."""
        return self.stranger if step[0] == Bind.name else self.known

    async def look(self, talk: Talker, change: Run | None) -> Run | None:
        """Where the talk on this line stands; put it elsewhere if asked."""
        seen: list[Run | None] = []

        async def think(conversation: Conversation) -> Turn:
            seen.append(conversation.run)
            return Turn((), change or conversation.run)

        service = self.city.city.services.conversations
        await service.take_turn(talk.through, talk.address, f"look{next(self._lines)}", think)
        return seen[-1]

    def fresh_line(self, talk: Talker) -> None:
        """Nobody has written from here."""
        talk.address = f"line-{next(self._lines)}"


@pytest.fixture
async def standing(city: TestCity) -> Standing:
    who = await city.resident()
    await add_child(city, who)
    for days in (1, 2):
        await city.schedule(days=days)
    await city.schedule(days=3, fee_fen=1_500)
    holder = await city.resident()
    full = await city.schedule(days=5, slots=1)
    mine = Actor("resident", holder.id, Role.RESIDENT, channel="h5", real_name=True)
    booked = await city.city.services.appointments.book(mine, full.id, None, holder.id, "full")
    known, stranger = await open_talk(city, who), await open_talk(city, entrance=Bind())
    found = Standing(city, known, stranger, {})
    for day in ("明天", "后天"):
        await known.hears_after(f"{day}{HERE}", "1", "1", "是")
    await ask_survey(city, who)
    for step, said in WAYS.items():
        talk = found.talk(step)
        found.fresh_line(talk)
        if step == ("waitlist", "take"):
            *said_before, last = said
            await talk.hears_after(*said_before)
            await city.city.services.appointments.cancel(mine, booked.claim.id, "")
            await city.work()
            said = (last,)
        for each in said:
            await talk.says(await spoken(city, each, holder.phone))
        run = await found.look(talk, None)
        assert run is not None
        assert (run.dialogue, run.step, run.state) == (*step, RunState.WAITING)
        found.runs[step] = run
    return found


async def ask_survey(city: TestCity, who: Caller) -> None:
    """Ask somebody by SMS how a visit was."""
    surveys, hospital = city.city.services.surveys, city.hospital.id
    operator = Actor("staff", "operator", Role.HOSPITAL_OPERATOR, frozenset({hospital}))
    await make_campaign(city.city.services, operator, hospital)
    ended_at = clock.now() - timedelta(minutes=5)
    await surveys.trigger(Trigger.VISIT, who.id, hospital, city.department.id, None, ended_at, "visit")
    await surveys.sweep()
    await city.work()


async def spoken(city: TestCity, said: str, phone: str) -> str:
    """The words, with what stands for the idle account's number and its newest code put in."""
    if said == "PHONE":
        long_ago = {"last_seen_at": clock.now().replace(year=2020)}
        await city.city.db.collection("residents").update_many({}, {"$set": long_ago})
        await city.city.db.collection("login_codes").delete_many({})
        return phone
    if said == "CODE":
        await city.work()
        texts = (await city.outside.get("sms", phone=phone))["items"]
        return "".join(c for c in texts[0]["content"] if c.isdigit())[:6]
    return said


async def test_every_step_of_every_dialogue_is_in_the_table(city: TestCity):
    steps = {
        (dialogue.name, name)
        for dialogue in city.city.services.bots.engine.dialogues
        for name, found in inspect.getmembers(type(dialogue), inspect.iscoroutinefunction)
        if not name.startswith("_") and not hasattr(Dialogue, name)
    }
    assert steps == set(WAYS)


@settings(max_examples=140, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(step=st.sampled_from(sorted(WAYS)), said=st.lists(SAID, min_size=1, max_size=3))
async def test_nothing_that_is_said_at_any_question_breaks_it(
    standing: Standing, step: tuple[str, str], said: list[str]
):
    """What a step does with it is its own affair; it must neither crash nor hang."""
    talk = standing.talk(step)
    standing.fresh_line(talk)
    await standing.look(talk, standing.runs[step])
    # What an earlier example has answered is open again.
    unanswered = {"$set": {"state": "answering", "ended_at": None}}
    await standing.city.city.db.collection("survey_runs").update_many({}, unanswered)
    for text in said:
        assert words.TROUBLE not in await talk.says(text)
