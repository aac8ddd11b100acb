"""The bots of a whole city: names of its directory, people by what their line proves, staff behind 人工."""

import itertools
from dataclasses import replace
from datetime import timedelta

import pytest

from backend import clock
from backend.conversations.inbox_models import By
from backend.conversations.models import Through
from backend.db.client import Database
from backend.errors import AppError, ErrorCode
from backend.permissions import Actor, Role
from bots import words
from bots.engine import Heard
from tests.factories.directory import a_department, an_organization
from tests.support.city import Caller, Surroundings, TestCity, id_number, open_test_city

KEPT_OF_TALKS = ("conversations", "handovers", "conversation_lines")
OPERATOR = Actor("staff", "operator", Role.CITY_OPERATOR, organization_ids=None)


@pytest.fixture
async def town(surroundings: Surroundings, mongo_uri: str, db: Database):
    async with open_test_city(surroundings, mongo_uri, db) as opened:
        yield opened


class Line:
    """Somebody's line to the city."""

    def __init__(self, town: TestCity, through: Through, address: str) -> None:
        self.town, self.through, self.address = town, through, address
        self._ids = itertools.count()

    async def say(self, *texts: str) -> str:
        return [await self._say(text) for text in texts][-1]

    async def _say(self, text: str) -> str:
        heard = Heard(self.through, self.address, f"m{next(self._ids)}", text)
        return "\n".join(await self.town.city.services.bots.engine.hear(heard))


async def code_sent_to(town: TestCity, phone: str) -> str:
    await town.work()
    texts = await town.outside.get("sms", phone=phone)
    return "".join(c for c in texts["items"][0]["content"] if c.isdigit())[:6]


async def openid_of(town: TestCity, caller: Caller) -> str:
    return str((await town.outside.post("oa-acts", {"phone": caller.phone, "act": "message"}))["openid"])


async def test_a_stranger_binds_a_phone_by_talking_and_books(town: TestCity):
    resident = await town.resident()
    await town.schedule()
    line = Line(town, Through.WECHAT, await openid_of(town, resident))
    assert "手机号" in await line.say("明天市人民医院儿科")
    assert "验证码" in await line.say(resident.phone)
    assert "不对" in await line.say("000000")
    code = await code_sent_to(town, resident.phone)
    assert "绑定成功" in await line.say(code)
    assert "1." in await line.say("明天市人民医院儿科")
    assert "预约成功" in await line.say("1", "是")
    booked = await town.call("GET", "/api/v1/appointments?state=upcoming", as_=resident)
    assert [one["state"] for one in booked["items"]] == ["booked"]


async def test_a_number_that_texts_may_book_for_whom_it_has_on_file_and_no_more(town: TestCity):
    resident = await town.resident()
    await town.schedule()
    line = Line(town, Through.SMS, resident.phone)
    assert "1." in await line.say("明天市人民医院儿科")
    assert "预约成功" in await line.say("1", "是")
    talking = town.city.services.residents.talking
    actor = await talking.of_phone(resident.phone)
    assert actor.role is Role.RESIDENT_BY_SMS
    assert actor.channel == "sms"
    # Nobody knows this number, and after a quarter of a year nobody knows whose the other one is.
    assert "登录" in await Line(town, Through.SMS, "13700000000").say("明天市人民医院儿科")
    long_ago = clock.now().replace(year=2020)
    await town.city.db.collection("residents").update_one(
        {"_id": resident.id}, {"$set": {"last_seen_at": long_ago}}
    )
    assert not (await talking.of_phone(resident.phone)).id


async def test_a_family_without_an_account_books_from_the_number_its_hospital_wrote_down(town: TestCity):
    residents, phone = town.city.services.residents, "13755550001"
    mother = await residents.find_or_create_file("王秀兰", id_number(801), phone)
    child = await residents.find_or_create_file("刘小宝", id_number(802), phone)
    stranger = await residents.find_or_create_file("赵六", id_number(803), "13755550002")
    await town.schedule()
    line = Line(town, Through.SMS, phone)
    asked = await line.say("明天市人民医院儿科", "1")
    assert "王**" in asked
    assert "刘**" in asked
    assert "赵" not in asked
    assert "预约成功" in await line.say("2", "是")
    claims, _ = await town.city.services.claims.of_patients([child], upcoming=True, cursor=None, limit=5)
    assert [(each.patient_id, each.resident_id, each.channel) for each in claims] == [(child, mother, "sms")]
    actor = await residents.talking.of_phone(phone)
    assert actor.id == mother
    with pytest.raises(AppError) as refused:
        await residents.access_patient(actor, stranger)
    assert refused.value.code is ErrorCode.NOT_FOUND
    # The same person by another way in than a text message acts for nobody else.
    with pytest.raises(AppError):
        await residents.access_patient(replace(actor, role=Role.RESIDENT), child)


async def test_two_patients_whose_masked_names_are_alike_are_told_apart(town: TestCity):
    residents, phone = town.city.services.residents, "13755550005"
    for number in ("370702198503120014", "370702202003010010"):
        await residents.find_or_create_file("刘明", number, phone)
    await town.schedule()
    asked = await Line(town, Through.SMS, phone).say("明天市人民医院儿科", "1")
    assert "刘*（1985年生）" in asked
    assert "刘*（2020年生）" in asked


async def test_a_number_given_long_ago_or_for_a_whole_ward_stands_for_nobody(town: TestCity):
    residents = town.city.services.residents
    long_ago = await residents.find_or_create_file("钱七", id_number(811), "13755550003")
    given = {"contact_at": clock.now() - timedelta(days=91)}
    await town.city.db.collection("residents").update_one({"_id": long_ago}, {"$set": given})
    for number in range(7):
        await residents.find_or_create_file("孙八", id_number(820 + number), "13755550004")
    for phone in ("13755550003", "13755550004"):
        assert not (await residents.talking.of_phone(phone)).id


async def test_a_new_institution_is_understood_once_the_directory_has_changed(town: TestCity):
    services = town.city.services
    assert not (await services.bots.reader("青禾医院皮肤科")).slots.organizations
    assert not await services.bots.reader.renew()
    place = an_organization("qinghe", name="青禾医院", short_name="青禾医院")
    await services.directory.save_organizations([place])
    await services.directory.save_departments([a_department(place, "d9", name="皮肤科", code="1300")])
    assert await services.bots.reader.renew()
    understood = await services.bots.reader("青禾医院皮肤科")
    assert understood.slots.organizations[0].ids == (place.id,)


async def test_who_asks_for_a_person_talks_with_staff_until_the_talk_is_closed(town: TestCity):
    resident = await town.resident()
    inbox = town.city.services.inbox
    line = Line(town, Through.SMS, resident.phone)
    assert await line.say("人工") == words.STAFF_CALLED
    assert await line.say("我的身份证是370702198503120019，查不到预约") == ""
    (waiting,) = await inbox.list_open(OPERATOR)
    _, lines = await inbox.read(OPERATOR, waiting.id)
    assert [one.by for one in lines] == [By.PERSON, By.PERSON]
    assert "370702" not in lines[1].text
    await inbox.take(OPERATOR, waiting.id)
    for _ in range(2):
        await inbox.answer(OPERATOR, waiting.id, "您好，请稍等。", "key-1")
    await inbox.close(OPERATOR, waiting.id)
    await town.work()
    texts = await town.outside.get("sms", phone=resident.phone)
    said = [one["content"] for one in texts["items"]]
    assert sum("请稍等" in text for text in said) == 1
    assert await inbox.list_open(OPERATOR) == []
    assert "预约" in await line.say("帮助")


async def test_a_talk_begun_by_text_message_goes_on_in_the_official_account(town: TestCity):
    resident = await town.resident()
    await town.schedule()
    sms = Line(town, Through.SMS, resident.phone)
    assert "1." in await sms.say("明天市人民医院儿科")
    chat = Line(town, Through.WECHAT, await openid_of(town, resident))
    await town.city.db.collection("login_codes").delete_many({})
    await chat.say("明天市人民医院儿科", resident.phone)
    assert "绑定成功" in await chat.say(await code_sent_to(town, resident.phone))
    assert "预约成功" in await chat.say("1", "是")
    # A stranger's mere answer goes on with nobody's talk.
    assert "您可以直接说" in await Line(town, Through.SMS, "13700000001").say("1")


async def test_what_was_said_to_staff_goes_with_the_account(town: TestCity):
    resident = await town.resident()
    await Line(town, Through.SMS, resident.phone).say("人工", "我想问问检查结果")
    await Line(town, Through.SMS, "13700000002").say("人工")
    await town.call("DELETE", "/api/v1/me", as_=resident)
    await town.work()
    db = town.city.db
    left = {name: await db.collection(name).count_documents({}) for name in KEPT_OF_TALKS}
    assert left == {"conversations": 1, "handovers": 1, "conversation_lines": 1}
