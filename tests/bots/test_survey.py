"""Answers to surveys as people text them: to a question that came in a message, without any talk open."""

import itertools
from collections.abc import AsyncIterator

import pytest

from backend.conversations.models import Through
from backend.db.client import Database
from backend.permissions import Role
from backend.surveys.models import Run, RunState
from backend.surveys.questionnaire import Value
from bots.engine import Heard
from tests.backend.surveys.conftest import Ward, staff, ward
from tests.support.city import Surroundings, open_test_city
from tests.support.polling import poll

__all__ = ["ward"]
_NUMBERS = itertools.count()


async def text(ward: Ward, phone: str, said: str) -> str:
    heard = Heard(Through.SMS, phone, f"m{next(_NUMBERS)}", said)
    return "\n".join(await ward.city.city.services.bots.engine.hear(heard))


async def test_a_person_without_an_account_answers_by_text_message(ward: Ward):
    await ward.campaign()
    run = await ward.asked()
    phone = "13700000701"
    # The number alone says which question a bare 2 answers; on any other it says nothing.
    assert "您可以直接说" in await text(ward, "13700009999", "2")
    assert "还有什么想说的" in await text(ward, phone, "2")
    # Words that would begin something else are this question's answer.
    assert await text(ward, phone, "我排到几号了都没人说，等太久") == "谢谢您。"
    [after] = await ward.runs()
    assert (after.id, after.state) == (run.id, RunState.COMPLETED)
    assert after.answers == {"overall": "4", "words": "我排到几号了都没人说，等太久"}
    assert "您可以直接说" in await text(ward, phone, "2")


async def test_what_is_no_answer_is_asked_again_and_what_is_wanted_meanwhile_is_done(ward: Ward):
    await ward.campaign()
    await ward.asked()
    phone = "13700000701"
    asked = await text(ward, phone, "8")
    assert "1. 非常满意" in asked
    assert "近期没有号" in await text(ward, phone, "我要预约明天市人民医院儿科")
    assert "还有什么想说的" in await text(ward, phone, "满意")
    assert "退出" in await text(ward, phone, "退出")
    [run] = await ward.runs()
    assert run.answers == {"overall": "4"}


@pytest.mark.parametrize("said", ["我不想活了", "不满意，回家以后胸痛没人管"])
async def test_words_of_danger_reach_the_hospital_whatever_was_asked(ward: Ward, said: str):
    await ward.campaign()
    await ward.asked()
    answer = await text(ward, "13700000701", said)
    assert ("请回复1到3" in answer) is (said == "我不想活了")
    await ward.city.work()
    [ticket], _ = await ward.service.tickets.list_tickets(ward.operator)
    [run] = await ward.runs()
    assert (ticket.id, run.remarks) == (run.id, (said,))
    # Again while the talk is about the survey: it is neither an answer nor the beginning of anything else.
    await text(ward, "13700000701", "不满意")
    answer = await text(ward, "13700000701", "我不想活了，给我挂个号")
    assert "12356" in answer
    assert "预约" not in answer
    [run] = await ward.runs()
    assert run.remarks[0] == "我不想活了，给我挂个号"


async def test_an_answer_is_to_what_was_asked_on_its_line_though_the_page_has_gone_on(ward: Ward):
    await ward.campaign()
    run = await ward.asked()
    phone = "13700000701"
    assert "哪里做得不好" in await text(ward, phone, "3")
    url = f"{ward.city.url}/s/{ward.service.links.token(run.id)}"
    form = {"question": "why", "answer": "talk", "key": "k1", "action": "answer"}
    await ward.city.http.post(url, data=form)
    # The message asked for the reasons; the page has come to the last question meanwhile.
    assert "还有什么想说的" in await text(ward, phone, "1")
    [after] = await ward.runs()
    assert after.answers == {"overall": "1", "why": ("wait",)}
    # Going back asks once more and skips nothing.
    assert "哪里做得不好" in await text(ward, phone, "返回")
    [same] = await ward.runs()
    assert same.answers == after.answers
    # On the page the reasons are no longer asked for: what answers them here answers nothing else.
    form = {"question": "overall", "answer": "5", "key": "k2", "action": "answer"}
    await ward.city.http.post(url, data=form)
    assert "还有什么想说的" in await text(ward, phone, "2")
    [last] = await ward.runs()
    assert last.answers == {"overall": "5"}


async def test_who_has_begun_on_the_page_is_asked_before_a_number_is_taken_for_an_answer(ward: Ward):
    await ward.campaign()
    run = await ward.asked()
    url = f"{ward.city.url}/s/{ward.service.links.token(run.id)}"
    form = {"question": "overall", "answer": "1", "key": "k1", "action": "answer"}
    await ward.city.http.post(url, data=form)
    assert "哪里做得不好" in await text(ward, "13700000701", "2")
    [after] = await ward.runs()
    assert after.answers == {"overall": "1"}
    form = {"question": "overall", "answer": "5", "key": "k2", "action": "answer"}
    await ward.city.http.post(url, data=form)
    # The reasons are no longer asked for; words of danger are heard whatever they were to answer.
    await text(ward, "13700000701", "回家以后胸痛没人管")
    [after] = await ward.runs()
    assert (after.answers, after.remarks) == ({"overall": "5"}, ("回家以后胸痛没人管",))


@pytest.fixture
async def lengthened(db: Database, mongo_uri: str, surroundings: Surroundings) -> AsyncIterator[Ward]:
    """A city whose provider lets it lengthen the number that messages come from."""
    async with open_test_city(surroundings, mongo_uri, db, sms_extended="cloud_mas") as city:
        operator = staff(Role.HOSPITAL_OPERATOR, city.hospital.id)
        yield Ward(city, operator, staff(Role.CITY_OPERATOR), operator)


async def reply(ward: Ward, phone: str, content: str, extension: str) -> None:
    """Write to one of the city's numbers, and let the city work."""
    replies = ward.db.collection("message_replies")
    before = await replies.count_documents({})
    await ward.city.outside.post("sms/reply", {"phone": phone, "content": content, "add_serial": extension})

    async def arrived() -> bool:
        return await replies.count_documents({}) > before

    await poll(arrived)
    await ward.city.work()


async def test_on_a_phone_of_two_people_each_question_is_answered_by_the_number_it_came_from(
    lengthened: Ward,
):
    ward, phone = lengthened, "13700000888"
    await ward.campaign()
    people = [await ward.person(phone), await ward.person(phone)]
    for person in people:
        await ward.visit(person)
    await ward.pass_by()
    sent = (await ward.city.outside.get("sms", phone=phone))["items"]
    asked = {sms["add_serial"] for sms in sent if "回访" in sms["content"]}
    assert len(asked) == 2
    docs = await ward.db.collection("messages").find({"topic": {"$regex": "^survey:"}}).to_list(None)
    extension = {doc["topic"]: doc["deliveries"]["sms"]["extension"] for doc in docs}
    assert set(extension.values()) == asked
    first, second = await ward.runs()

    async def answers(run: Run) -> dict[str, Value]:
        return {one.id: one.answers for one in await ward.runs()}[run.id]

    # In whichever order, and though another question of the talk is open meanwhile.
    await reply(ward, phone, "2", extension[f"survey:{second.id}"])
    assert (await answers(first), await answers(second)) == ({}, {"overall": "4"})
    await reply(ward, phone, "1", extension[f"survey:{first.id}"])
    assert (await answers(first), await answers(second)) == ({"overall": "5"}, {"overall": "4"})
    # What the talk asked next is answered on its own number; and without any, by what is open.
    talk = (await ward.city.outside.get("sms", phone=phone))["items"][0]
    assert talk["add_serial"] == "100"
    await reply(ward, phone, "很好", "100")
    assert (await answers(first))["words"] == "很好"
    await reply(ward, phone, "都好", "")
    assert (await answers(second))["words"] == "都好"
