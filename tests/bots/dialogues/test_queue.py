"""Asked how far the queue is, the bot knows what the hospital has called."""

from backend.ids import new_id
from backend.permissions import Actor, Role
from tests.bots.dialogues.steps import book, open_soon
from tests.support.city import TestCity
from tests.support.talk import open_talk


async def test_the_number_being_called_and_how_many_are_in_between_are_told(city: TestCity):
    first, who = await city.resident(), await city.resident()
    await open_soon(city)
    talk, other = await open_talk(city, who), await open_talk(city, first)
    await book(other, "今天")
    await book(talk, "今天")
    services = city.city.services
    client = Actor("client", new_id(), Role.HOSPITAL_CLIENT, frozenset({city.hospital.id}))
    claim = await city.city.db.collection("claims").find_one({"number": 2})
    assert claim is not None
    session = await services.schedules.get(claim["schedule_id"])
    await services.queues.call(client, session.external_id, 1, back=False)
    await talk.says("该我了没").hears("您是2号", "现在叫到1号", "前面还有0人", "门诊楼二楼")
    await services.queues.call(client, session.external_id, 3, back=False)
    await talk.says("该我了没").hears("您是2号", "现在叫到3号", "已经叫过了")
