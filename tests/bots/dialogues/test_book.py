"""Booking by talking: in one sentence, step by step, and where things go otherwise than hoped."""

import asyncio
import re

from backend.conversations.models import Through
from bots.dialogues.book import NOT_BOOKED
from tests.bots.dialogues.steps import add_child, claims_of
from tests.support.city import TestCity
from tests.support.talk import APP, open_talk


async def test_one_sentence_and_a_number_and_a_yes_book(city: TestCity):
    who = await city.resident()
    await city.schedule(slots=3)
    talk = await open_talk(city, who)
    offer = talk.says("明天上午市人民医院儿科")
    await offer.hears("健康城市人民医院 儿科", "请选择", "1. 明天", "余3 免挂号费")
    await talk.says("1").hears("健康城市人民医院 儿科", "就诊人：", "1. 确认预约", "2. 不约了")
    await talk.says("是").hears("预约成功", "1号", "门诊楼二楼", "取消预约")
    (claim,) = await claims_of(city, who)
    assert (claim.state, claim.number, claim.channel) == ("booked", 1, "wechat")


async def test_step_by_step_by_number(city: TestCity):
    who = await city.resident()
    await city.schedule()
    talk = await open_talk(city, who, through=Through.SMS)
    hospitals = await talk.says("挂号").hears("您要去哪家医院", "1. ")
    number = re.search(r"(\d)\. 健康城市人民医院", hospitals)
    assert number is not None
    departments = await talk.says(number[1]).hears("您要挂哪个科室")
    number = re.search(r"(\d)\. 儿科", departments)
    assert number is not None
    await talk.says(number[1]).hears("请选择")
    await talk.says("1").hears("确认预约")
    await talk.says("1").hears("预约成功")
    (claim,) = await claims_of(city, who)
    assert claim.channel == "sms"


async def test_a_department_said_after_the_hospital_is_that_hospitals(city: TestCity):
    who = await city.resident()
    await city.schedule()
    talk = await open_talk(city, who)
    await talk.says("我要挂市人民医院的号").hears("您要挂哪个科室")
    await talk.says("儿科").hears("健康城市人民医院 儿科", "请选择")


async def test_back_asks_the_question_before_with_what_was_said(city: TestCity):
    who = await city.resident()
    await city.schedule()
    talk = await open_talk(city, who)
    listed = await talk.says("明天市人民医院儿科").hears("请选择")
    await talk.says("1").hears("确认预约")
    assert await talk.says("返回") == listed
    await talk.says("返回").hears("您要去哪家医院")


async def test_another_day_may_be_said_instead_of_a_number(city: TestCity):
    who = await city.resident()
    await city.schedule(days=1)
    await city.schedule(days=3, slots=7)
    talk = await open_talk(city, who)
    await talk.says("明天市人民医院儿科").hears("1. 明天").not_hears("2. ")
    await talk.says("大后天有号吗").hears("请选择", "余7").not_hears("明天")
    await talk.says("1").hears("确认预约")
    await talk.says("换成明天").hears("1. 明天")


async def test_the_hour_that_was_said_chooses_the_place(city: TestCity):
    who = await city.resident()
    await city.schedule(slots=30)
    talk = await open_talk(city, who)
    await talk.says("明天上午九点以后市人民医院儿科").hears("1. 明天", "09:00")
    await talk.says("1").hears("09:00")
    await talk.says("确认").hears("预约成功", "09:00", "12号")


async def test_the_time_may_be_chosen_by_number(city: TestCity):
    who = await city.resident()
    await city.schedule(slots=30)
    talk = await open_talk(city, who)
    await talk.says("明天市人民医院儿科")
    await talk.says("1").hears("1. 确认预约", "2. 不约了", "3. 选时间")
    await talk.says("3").hears("1. 08:05起 余5", "2. 08:30起 余6", "3. 09:00起")
    await talk.says("哦哦啊").hears("序号")
    await talk.says("返回").hears("1. 确认预约")
    await talk.says("选时间")
    await talk.says("3").hears("09:00", "1. 确认预约")
    await talk.says("1.确认预约").hears("预约成功", "09:00", "12号")


async def test_a_full_session_is_not_offered_and_the_nearest_is(city: TestCity):
    first, who = await city.resident(), await city.resident()
    await city.schedule(days=1, slots=1)
    await city.schedule(days=2, slots=2)
    other = await open_talk(city, first)
    for said in ("明天市人民医院儿科", "1", "1"):
        await other.says(said)
    talk = await open_talk(city, who)
    await talk.says("明天市人民医院儿科").hears("您说的时间没有号了", "1. 后天", "余2").not_hears("明天")


async def test_nothing_free_at_all_is_said(city: TestCity):
    talk = await open_talk(city, await city.resident())
    await talk.says("市人民医院儿科").hears("近期没有号了")


async def test_what_somebody_else_takes_meanwhile_is_offered_no_more(city: TestCity):
    first, second = await city.resident(), await city.resident()
    await city.schedule(days=1, slots=1)
    await city.schedule(days=2)
    one, two = await open_talk(city, first), await open_talk(city, second)
    for talk in (one, two):
        await talk.says("明天市人民医院儿科")
        await talk.says("1").hears("确认预约")
    await one.says("是").hears("预约成功")
    await two.says("是").hears("号已约满", "1. 后天")
    await two.says("1")
    await two.says("是").hears("预约成功", "后天")


async def test_for_whom_is_asked_where_there_are_several(city: TestCity):
    who = await city.resident()
    await city.schedule()
    child = await add_child(city, who)
    talk = await open_talk(city, who)
    await talk.says("明天市人民医院儿科")
    asked = await talk.says("1").hears("为谁预约", "1. ", "2. ")
    assert who.name not in asked
    await talk.says("哦").hears("序号")
    await talk.says("2").hears("就诊人：")
    await talk.says("返回").hears("为谁预约")
    await talk.says("2")
    await talk.says("是").hears("预约成功")
    claims, _ = await city.city.services.claims.of_patients([child], upcoming=None, cursor=None, limit=5)
    assert [claim.patient_id for claim in claims] == [child]


async def test_for_whom_may_be_said_by_what_he_is_to_the_resident(city: TestCity):
    who = await city.resident()
    await city.schedule()
    talk = await open_talk(city, who)
    await talk.says("明天市人民医院儿科")
    await add_child(city, who)
    await talk.says("1").hears("为谁预约", "1. ", "2. ")
    await talk.says("不是给孩子挂").hears("序号")
    own = await talk.says("给我自己挂").hears("就诊人：")
    await talk.says("返回").hears("为谁预约")
    childs = await talk.says("给孩子挂").hears("就诊人：", "确认预约")
    assert childs != own
    # With another one on file he is asked for: only the children stand to choose from.
    await talk.says("返回").hears("为谁预约")
    second = await add_child(city, who)
    await talk.says("给娃挂").hears("为谁预约", "1. ", "2. ").not_hears("3. ")
    await talk.says("2").hears("就诊人：")
    await talk.says("是").hears("预约成功")
    claims, _ = await city.city.services.claims.of_patients([second], upcoming=None, cursor=None, limit=5)
    assert [claim.patient_id for claim in claims] == [second]


async def test_a_no_books_nothing_and_so_does_cancel(city: TestCity):
    who = await city.resident()
    await city.schedule()
    talk = await open_talk(city, who)
    for no in ("不要", "2", "取消", "不约了"):
        await talk.says("明天市人民医院儿科")
        await talk.says("1").hears("确认预约")
        assert await talk.says(no) == NOT_BOOKED
    assert await claims_of(city, who) == await claims_of(city, who, "held") == []


async def test_a_repeated_message_books_once(city: TestCity):
    who = await city.resident()
    await city.schedule()
    talk = await open_talk(city, who)
    await talk.says("明天市人民医院儿科")
    await talk.says("1")
    answers = await asyncio.gather(*(talk.says("是", message_id="same").answer() for _ in range(4)))
    assert len(set(answers)) == 1
    assert "预约成功" in answers[0]
    assert len(await claims_of(city, who)) == 1


async def test_a_second_appointment_on_the_day_is_refused_with_a_way_on(city: TestCity):
    who = await city.resident()
    await city.schedule()
    talk = await open_talk(city, who)
    for said in ("明天市人民医院儿科", "1", "是", "明天市人民医院儿科", "1"):
        await talk.says(said)
    await talk.says("是").hears("已有预约", "我的预约", "改期")


async def test_what_is_in_doubt_is_asked(city: TestCity):
    await city.schedule()
    talk = await open_talk(city, await city.resident())
    await talk.says("儿科").hears("您要挂的是哪一个", "1. 健康城市", "2. 健康城市")
    await talk.says("退出")
    await talk.says("市人名医院儿科").hears("您说的是不是这个", "1. 健康城市人民医院 儿科")
    await talk.says("是的").hears("健康城市人民医院 儿科", "请选择")
    await talk.says("退出")
    await talk.says("市人民医院陈主任").hears("您要挂的是哪一个", "陈")


async def test_what_cannot_be_is_explained_before_the_next_question(city: TestCity):
    await city.schedule()
    talk = await open_talk(city, await city.resident())
    await talk.says("2月30号市人民医院儿科").hears("没有您说的这一天", "请选择", "1. 明天")
    await talk.says("昨天").hears("您说的时间已经过了", "1. 明天")
    await talk.says("退出")
    await talk.says("明天中医院骨科").hears("这家医院没有您说的科室")


async def test_a_doctor_that_was_named_is_kept_to(city: TestCity):
    doctors = await city.city.services.directory.list_practitioners(city.department.id)
    named = next(each for each in doctors if each.name == "陈静怡")
    await city.schedule(slots=2, practitioner_id=named.id, kind="expert")
    await city.schedule(slots=9)
    talk = await open_talk(city, await city.resident())
    await talk.says("明天陈静怡医生").hears("1. 明天", "陈静怡 主任医师 余2").not_hears("余9")


async def test_whom_nobody_knows_is_told_how_to_become_known(city: TestCity):
    await city.schedule()
    talk = await open_talk(city)
    await talk.says("明天市人民医院儿科").hears("登录")


async def test_a_session_with_a_fee_is_kept_until_it_is_paid(city: TestCity):
    who = await city.resident()
    await city.schedule(fee_fen=1_550)
    talk = await open_talk(city, who)
    await talk.says("明天市人民医院儿科").hears("挂号费15.50元")
    await talk.says("1")
    said = await talk.says("是").hears(
        "已留号", "15.50元", f"{APP}/#/pages/booking/pay/index?appointment_id="
    )
    (claim,) = await claims_of(city, who, "held")
    assert said.endswith(claim.id)


async def test_other_words_begin_again_and_do_not_break_it(city: TestCity):
    await city.schedule()
    talk = await open_talk(city, await city.resident())
    await talk.says("明天市人民医院儿科")
    await talk.says("今天天气真好").hears("序号")
    await talk.says("市中医院针灸科").hears("健康城市中医院 针灸科近期没有号了")


async def test_by_sms_a_list_is_short_and_says_that_there_is_more(city: TestCity):
    who = await city.resident()
    for days in range(1, 7):
        await city.schedule(days=days)
    talk = await open_talk(city, who, through=Through.SMS)
    await talk.says("市人民医院儿科").hears("还有更多", "5. ").not_hears("6. ")
    await talk.says("6").hears("序号")
    await (await open_talk(city, who)).says("市人民医院儿科").hears("6. ").not_hears("还有更多")


async def test_a_hospital_of_another_place_is_said_to_be_none_of_ours(city: TestCity):
    who = await city.resident()
    await city.schedule()
    talk = await open_talk(city, who)
    for said in ("省人民医院皮肤科明天", "第三人民医院儿科", "北京人民医院"):
        await talk.says(said).hears("不在本市的预约平台上", "1. ")
        await talk.says("退出")
