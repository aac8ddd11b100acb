"""Talking by text message: by the gateway's push to the engine, and back as messages that are paid for."""

from datetime import timedelta
from typing import Any

import pytest

from backend import clock
from backend.conversations.models import Through
from backend.conversations.service import MOST_BY_SMS_PER_HOUR
from backend.db.client import Database
from bots import cutting
from bots.dialogue import Dialogue, Next, Say, Talk
from bots.engine import Heard
from bots.understanding.values import Intent
from notify.sms.reading import BEIJING
from tests.support.city import MAS_SECRET, Surroundings, TestCity, open_test_city
from tests.support.polling import poll

LONG = "\n".join(f"{number}. 第{number}家医院的儿科门诊在门诊楼二楼，请从东门进。" for number in range(1, 13))


@pytest.fixture
async def town(surroundings: Surroundings, mongo_uri: str, db: Database):
    async with open_test_city(surroundings, mongo_uri, db) as opened:
        yield opened


async def texts_to(town: TestCity, phone: str) -> list[str]:
    """What came to a phone, newest first."""
    return [one["content"] for one in (await town.outside.get("sms", phone=phone))["items"]]


async def replies(town: TestCity) -> int:
    return int(await town.city.db.collection("message_replies").count_documents({}))


async def text(town: TestCity, phone: str, content: str) -> None:
    """Write to the city's number, and let the city work."""
    before = await replies(town)
    await town.outside.post("sms/reply", {"phone": phone, "content": content})

    async def arrived() -> Any:
        return await replies(town) > before

    await poll(arrived, 10)
    await town.work()


async def test_a_booking_by_text_message_is_answered_once_though_replies_come_twice(town: TestCity):
    resident = await town.resident()
    await town.schedule()
    await town.outside.post("switches", {"duplicate_reports": True})
    before = len(await texts_to(town, resident.phone))
    await text(town, resident.phone, "明天市人民医院儿科")
    await text(town, resident.phone, "1")
    await text(town, resident.phone, "是")
    booked = await town.call("GET", "/api/v1/appointments?state=upcoming", as_=resident)
    assert [one["state"] for one in booked["items"]] == ["booked"]
    newest = await texts_to(town, resident.phone)
    answers = [one for one in newest[: len(newest) - before] if "1." in one or "“是”" in one or "成功" in one]
    assert 3 <= len(answers) <= 4


async def test_words_to_stop_messages_get_no_dialogue(town: TestCity):
    phone = "13900005555"
    await text(town, phone, "帮助")
    count = len(await texts_to(town, phone))
    await text(town, phone, "TD")
    assert not await town.city.services.conversations.has_heard(Through.SMS, phone, "TD")
    assert all("您可以直接说" not in one for one in (await texts_to(town, phone))[: -count or None])


class Chatty(Dialogue):
    """Says more than fits."""

    name, title, intents, needs = "chatty", "话多", (Intent.BILLS,), None

    async def start(self, talk: Talk) -> Next:
        return Say(LONG)


async def test_a_long_answer_comes_in_parts_for_whoever_asks_for_more(town: TestCity):
    engine = town.city.services.bots.engine
    engine.add(Chatty())
    parts = []
    for number, said in enumerate(["我的账单", "M", "更多", "m"]):
        heard = Heard(Through.SMS, "13900006666", f"m{number}", said)
        parts.append("\n".join(await engine.hear(heard)))
    told = [part for part in parts if "家医院" in part]
    assert len(told) >= 2
    assert all(part.endswith("回复M看更多") for part in told[:-1])
    assert not told[-1].endswith("回复M看更多")
    assert all(cutting.segments(part) <= cutting.MOST_SEGMENTS for part in told)
    assert "\n".join(part.removesuffix(cutting.HINT) for part in told) == LONG


async def test_a_machine_at_the_other_end_is_left_alone(town: TestCity):
    engine = town.city.services.bots.engine
    numbers = iter(range(1000))

    async def hear(phone: str, said: str) -> str:
        return "\n".join(await engine.hear(Heard(Through.SMS, phone, f"m{next(numbers)}", said)))

    # The same sentence again and again.
    answers = [await hear("13900007771", "我正在开会，稍后回复您。") for _ in range(6)]
    assert [bool(answer) for answer in answers] == [True, True, True, False, False, False]
    assert await hear("13900007771", "帮助")
    # Our own words.
    told = await hear("13900007772", "帮助")
    assert told
    assert await hear("13900007772", told) == ""
    # Another text each time, slowly enough for a person, the whole hour long.
    conversations = town.city.db.collection("conversations")
    said = []
    for number in range(MOST_BY_SMS_PER_HOUR + 4):
        said.append(await hear("13900007773", f"自动回复第{number}号工单已收到"))
        await conversations.update_many({}, {"$set": {"minute_at": clock.now() - timedelta(minutes=2)}})
    assert sum(map(bool, said)) == MOST_BY_SMS_PER_HOUR + 1
    assert "太多" in said[MOST_BY_SMS_PER_HOUR]


async def test_an_answer_that_was_under_way_for_too_long_answers_no_newer_question(town: TestCity):
    resident = await town.resident()
    await town.schedule()
    engine = town.city.services.bots.engine
    asked = await engine.hear(Heard(Through.SMS, resident.phone, "m1", "明天市人民医院儿科"))
    late = clock.now() - timedelta(minutes=5)
    again = await engine.hear(Heard(Through.SMS, resident.phone, "m2", "1", said_at=late))
    assert again == asked
    # And three days later nobody knows what a 1 was meant for.
    conversations = town.city.db.collection("conversations")
    await conversations.update_many({}, {"$set": {"updated_at": clock.now() - timedelta(hours=73)}})
    forgotten = await engine.hear(Heard(Through.SMS, resident.phone, "m3", "1"))
    assert "您可以直接说" in forgotten[0]


async def test_a_reply_that_its_provider_kept_for_long_answers_no_newer_question(town: TestCity):
    resident = await town.resident()
    await town.schedule()
    engine = town.city.services.bots.engine
    await engine.hear(Heard(Through.SMS, resident.phone, "m1", "明天市人民医院儿科"))

    async def push(said: str, ago: timedelta) -> str:
        written = (clock.now() - ago).astimezone(BEIJING).strftime("%Y%m%d%H%M%S")
        body = {"mobile": resident.phone, "smsContent": said, "sendTime": written}
        answer = await town.http.post(f"{town.url}/callbacks/sms/mas/{MAS_SECRET}/reply", json=body)
        assert answer.status_code == 204
        await town.work()
        return (await texts_to(town, resident.phone))[0]

    assert "请选择" in await push("1", timedelta(minutes=5))
    # A provider's clock that is a little slow delays nothing.
    assert "确认预约" in await push("1", timedelta(minutes=1))
