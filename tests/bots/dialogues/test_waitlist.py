"""Waiting for a place by talking: joining, hearing of it, taking it, leaving."""

from backend.conversations.models import Through
from backend.permissions import Actor, Role
from bots.dialogues.waitlist import LEFT
from tests.bots.dialogues.steps import HERE, add_child, book, claims_of
from tests.support.city import Caller, TestCity
from tests.support.talk import APP, open_talk


async def give_back(city: TestCity, holder: Caller) -> None:
    """The holder's only appointment is cancelled, and what follows is done."""
    (claim,) = await claims_of(city, holder)
    actor = Actor("resident", holder.id, Role.RESIDENT, real_name=True)
    await city.city.services.appointments.cancel(actor, claim.id, "")
    await city.work()


async def test_a_full_day_is_waited_for_and_the_freed_place_taken(city: TestCity):
    holder, who, behind = [await city.resident() for _ in range(3)]
    await city.schedule(slots=1)
    await book(await open_talk(city, holder), "明天")
    talk, other = await open_talk(city, who, through=Through.SMS), await open_talk(city, behind)
    await talk.says(f"明天{HERE}").hears("候补")
    await talk.says(f"候补明天{HERE}").hears("已候补", "前面有0人", "30分钟")
    await other.says(f"{HERE}满了，给我候补明天的").hears("已候补", "前面有1人")
    await talk.says("候补").hears("您正在候补", "明天", "取消候补")
    await give_back(city, holder)
    texts = (await city.outside.get("sms", phone=who.phone))["items"]
    assert any("回复“候补”领取" in each["content"] for each in texts)
    await talk.says("候补").hears("为您保留到", "1. 领取", "2. 不要了")
    await talk.says("1").hears("预约成功")
    assert len(await claims_of(city, who)) == 1
    await talk.says("取消候补").hears("您没有候补")
    await other.says("候补").hears("您正在候补")


async def test_an_offer_refused_goes_to_the_next_and_one_left_is_left(city: TestCity):
    holder, who, behind = [await city.resident() for _ in range(3)]
    await city.schedule(slots=1)
    await book(await open_talk(city, holder), "明天")
    talk, other = await open_talk(city, who), await open_talk(city, behind)
    for each in (talk, other):
        await each.says(f"候补明天{HERE}").hears("已候补")
    await give_back(city, holder)
    await talk.says("候补").hears("领取")
    assert await talk.says("不要") == LEFT
    await city.work()
    await other.says("候补").hears("为您保留到")
    assert await other.says("取消候补") == LEFT
    await city.work()
    await other.says("取消候补").hears("您没有候补")


async def test_place_day_and_patient_are_asked(city: TestCity):
    holder, who = await city.resident(), await city.resident()
    await add_child(city, who)
    await city.schedule(slots=1)
    await book(await open_talk(city, holder), "明天")
    talk = await open_talk(city, who)
    await talk.says("候补").hears("您要去哪家医院")
    await talk.says(HERE).hears("您要等哪一天的号", "1. 今天", "2. 明天")
    await talk.says("嗯哼").hears("日期")
    await talk.says("2").hears("为谁候补", "1. ", "2. ")
    await talk.says("返回").hears("您要等哪一天的号")
    await talk.says("明天").hears("为谁候补")
    await talk.says("哦").hears("序号")
    await talk.says("给孩子候补").hears("已候补")


async def test_nobody_waits_for_what_can_be_had_or_will_not_come(city: TestCity):
    await city.schedule(days=1)
    talk = await open_talk(city, await city.resident())
    await talk.says(f"候补明天{HERE}").hears("还有号，不用候补")
    await talk.says(f"候补后天{HERE}").hears("没有号可等")


async def test_a_place_with_a_fee_is_taken_by_paying(city: TestCity):
    holder, who = await city.resident(), await city.resident()
    await city.schedule(slots=1, fee_fen=1_500)
    first = await open_talk(city, holder)
    await first.hears_after(f"明天{HERE}", "1", "是")
    talk = await open_talk(city, who)
    await talk.says(f"候补明天{HERE}").hears("已候补")
    await first.says("取消预约")
    await first.says("是").hears("已取消")
    await city.work()
    await talk.says("候补").hears("为您保留到", "挂号费15元", f"{APP}/#/pages/booking/pay/index")
