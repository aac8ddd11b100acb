"""Whoever is in danger is told first what helps, whatever else is being talked of."""

from backend.conversations.models import Through
from tests.bots.dialogues.steps import claims_of
from tests.support.city import TestCity
from tests.support.talk import open_talk


async def test_a_life_in_danger_is_sent_to_120_before_any_department(city: TestCity):
    who = await city.resident()
    talk = await open_talk(city, who, through=Through.SMS)
    answer = await talk.says("我爸胸口疼得厉害出冷汗要挂什么科")
    assert answer.startswith("情况危急请马上拨打120")


async def test_who_does_not_want_to_live_is_not_offered_a_menu_and_what_was_open_stays(city: TestCity):
    who = await city.resident()
    await city.schedule()
    talk = await open_talk(city, who)
    await talk.says("明天市人民医院儿科").hears("请选择")
    answer = await talk.says("我不想活了").hears("12356", "人工")
    assert "1." not in answer
    await talk.says("1").hears("确认预约")
    assert await claims_of(city, who) == []


async def test_the_machine_says_it_also_while_a_person_of_ours_is_to_answer(city: TestCity):
    who = await city.resident()
    talk = await open_talk(city, who)
    await talk.says("人工").hears("转给工作人员")
    await talk.says("我爸叫不醒了").hears("120")
