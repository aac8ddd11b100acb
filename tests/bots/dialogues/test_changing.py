"""My appointments, cancelling them and moving them, as conversations."""

import pytest

from backend.conversations.models import Through
from bots.dialogues.cancel import KEPT
from bots.dialogues.my_appointments import NOTHING
from tests.bots.dialogues.steps import HERE, add_child, book, claims_of, open_soon, pay
from tests.support.city import TestCity
from tests.support.talk import APP, open_talk


async def test_my_appointments_are_read_out_soonest_first(city: TestCity):
    who = await city.resident()
    await city.schedule(days=1)
    await city.schedule(days=2)
    talk = await open_talk(city, who, through=Through.SMS)
    assert await talk.says("我的预约") == NOTHING
    await book(talk, "后天", "明天")
    said = await talk.says("我都约了啥").hears(
        "明天", "健康城市人民医院 儿科", "1号", "后天", "取消预约", "改期"
    )
    assert who.name not in said
    await talk.says("我后天的预约是几点").hears("后天").not_hears("明天")
    await talk.says("明天的还在吗").hears("您的预约", "明天").not_hears("后天", "请选择")
    await talk.says("我的号还在吗").hears("您的预约", "明天", "后天")


async def test_the_only_appointment_is_cancelled_after_a_yes(city: TestCity):
    who = await city.resident()
    await city.schedule()
    talk = await open_talk(city, who)
    assert await talk.says("取消预约") == NOTHING
    await book(talk, "明天")
    await talk.says("我去不了了").hears("要取消的预约", "明天", "1. 确认取消", "2. 不取消")
    for kept in ("2", "不取消了", "2.不取消"):
        assert await talk.says(kept) == KEPT
        await talk.says("退号").hears("要取消的预约")
    await talk.says("确认取消").hears("已取消", "明天").not_hears("退回")
    assert await claims_of(city, who) == []
    assert await talk.says("取消") == NOTHING


async def test_which_of_several_is_asked_unless_it_was_said(city: TestCity):
    who = await city.resident()
    for days in (1, 2, 3):
        await city.schedule(days=days)
    talk = await open_talk(city, who)
    await book(talk, "明天", "后天", "大后天")
    await talk.says("取消明天的号").hears("要取消的预约", "明天")
    await talk.says("取消后天的号").hears("要取消的预约", "后天").not_hears("明天", "已取消")
    await talk.says("是").hears("已取消", "后天")
    await talk.says("取消预约").hears("您要取消哪一个", "1. 明天", "2. ")
    await talk.says("啊哦").hears("序号")
    await talk.says("明天的号").hears("要取消的预约", "明天")
    await talk.says("返回").hears("您要取消哪一个")
    await talk.says("2").hears("要取消的预约")
    await talk.says("1").hears("已取消")
    (left,) = await claims_of(city, who)
    assert left.on.isoformat() in str(left.pool_key)
    await talk.says("取消第一个").hears("要取消的预约", "明天")


async def test_the_place_in_the_list_is_that_of_the_list_that_was_shown(city: TestCity):
    who = await city.resident()
    await add_child(city, who)
    for days in (1, 2):
        await city.schedule(days=days)
    talk = await open_talk(city, who)
    for day, patient in (("明天", "1"), ("后天", "1"), ("后天", "2")):
        await talk.hears_after(f"{day}{HERE}", "1", patient, "是")
    await talk.says("取消后天的号").hears("1. 后天", "2. 后天").not_hears("明天")
    await talk.says("取消第一个").hears("要取消的预约", "后天")


async def test_a_repeated_yes_cancels_once_and_hears_the_same(city: TestCity):
    who = await city.resident()
    await city.schedule()
    talk = await open_talk(city, who)
    await book(talk, "明天")
    await talk.says("取消预约")
    first = await talk.says("是", message_id="same").hears("已取消")
    assert await talk.says("是", message_id="same") == first


async def test_what_was_paid_is_said_to_come_back(city: TestCity):
    who = await city.resident()
    await city.schedule(fee_fen=1_500)
    talk = await open_talk(city, who)
    await talk.hears_after(f"明天{HERE}", "1", "是")
    (held,) = await claims_of(city, who, "held")
    await talk.says("我要缴费").hears("待付15元", f"{APP}/#/pages/booking/pay/index?appointment_id={held.id}")
    await pay(city, who, held.id)
    await talk.says("我的账单").hears("没有要付的挂号费", "15元：已付", "药费")
    await talk.says("取消预约")
    await talk.says("是").hears("已取消", "已付的15元会原路退回")


async def test_too_late_is_said_with_whom_to_call(city: TestCity):
    who = await city.resident()
    talk = await open_talk(city, who)
    await open_soon(city)
    await talk.hears_after(f"今天{HERE}", "1", "是")
    await talk.says("取消预约").hears("离就诊时间太近")
    await talk.says("改到明天").hears("没有可以改期的预约")


async def test_moving_takes_the_new_place_and_gives_the_old_one_back(city: TestCity):
    who = await city.resident()
    await city.schedule(days=1)
    await city.schedule(days=3)
    talk = await open_talk(city, who, through=Through.SMS)
    await talk.says("改期").hears("没有未就诊的预约")
    await book(talk, "明天")
    await talk.says("改到大后天").hears("原预约：明天", "请选择新的时间", "1. ").not_hears("1. 明天")
    await talk.says("1").hears("原预约：明天", "改到：", "1. 确认改期")
    await talk.says("是").hears("改好了", "预约成功")
    (claim,) = await claims_of(city, who)
    assert claim.on == (await city.city.services.schedules.get(claim.schedule_id)).on
    assert len(await claims_of(city, who, "cancelled")) == 1


async def test_a_new_place_that_is_gone_leaves_the_old_one(city: TestCity):
    first, who = await city.resident(), await city.resident()
    await city.schedule(days=1)
    await city.schedule(days=3, slots=1)
    talk, other = await open_talk(city, who), await open_talk(city, first)
    await book(talk, "明天")
    await talk.hears_after("改到大后天", "1")
    await book(other, "大后天")
    await talk.says("是").hears("号已约满", "原来的预约没有变")
    (claim,) = await claims_of(city, who)
    assert claim.schedule_id


async def test_nothing_to_move_to_is_said(city: TestCity):
    who = await city.resident()
    await city.schedule(days=1)
    talk = await open_talk(city, who)
    await book(talk, "明天")
    await talk.says("改期").hears("近期没有可以改的号", "原来的预约没有变")


async def test_giving_up_moves_nothing(city: TestCity):
    who = await city.resident()
    await city.schedule(days=1)
    await city.schedule(days=4)
    talk = await open_talk(city, who)
    await book(talk, "明天")
    for given_up in ("算了不要了", "取消", "不改了", "2"):
        await talk.says("改期").hears("1. ")
        if given_up == "2":
            await talk.says("1").hears("不改了")
        assert await talk.says(given_up) == KEPT
    assert len(await claims_of(city, who)) == 1


async def test_a_fee_is_paid_before_the_old_place_goes(city: TestCity):
    who = await city.resident()
    await city.schedule(days=1)
    await city.schedule(days=3, fee_fen=1_500)
    talk = await open_talk(city, who)
    await book(talk, "明天")
    await talk.hears_after("改到大后天", "1")
    await talk.says("是").hears("新号已留", "15元", "已付款")
    await talk.says("已付款").hears("还没有收到付款")
    assert len(await claims_of(city, who)) == 1
    (held,) = await claims_of(city, who, "held")
    await pay(city, who, held.id)
    await talk.says("付好了").hears("改好了", "预约成功")
    (claim,) = await claims_of(city, who)
    assert claim.id == held.id


@pytest.mark.parametrize("taken", [False, True])
async def test_within_a_day_the_old_place_is_swapped_and_kept_when_the_new_one_is_gone(
    city: TestCity, taken: bool
):
    first, who = await city.resident(), await city.resident()
    await city.schedule(days=1, period="am", kind="general")
    await city.schedule(days=1, period="pm", kind="expert", slots=1)
    talk, other = await open_talk(city, who), await open_talk(city, first)
    await talk.hears_after(f"明天{HERE}普通号", "1", "是")
    (old,) = await claims_of(city, who)
    await talk.says("改成明天的专家号").hears("1. 明天", "专家号").not_hears("普通号")
    await talk.says("1").hears("确认改期", "不改了")
    if taken:
        await other.hears_after(f"明天{HERE}专家号", "1", "是")
        await talk.says("是").hears("号已约满", "原来的号已帮您留回")
    else:
        await talk.says("是").hears("改好了")
    (now,) = await claims_of(city, who)
    assert (now.schedule_id == old.schedule_id) is taken


async def test_who_names_another_appointment_than_his_own_is_told_before_it_is_read_out(city: TestCity):
    who = await city.resident()
    await city.schedule()
    talk = await open_talk(city, who)
    await book(talk, "明天")
    await talk.says("取消后天的骨科").hears("没有找到您说的那个预约", "要取消的预约", "明天")
    await talk.says("不").hears("没有变")
    assert "没有找到" not in await talk.says("取消明天的儿科")
