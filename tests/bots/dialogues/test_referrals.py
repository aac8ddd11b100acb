"""Asked for a referral, the bot says how far it is and where to be; what is wrong stands in the app only."""

import pytest

from backend import clock
from backend.conversations.models import Through
from backend.referrals.machine import ReferralEvent
from backend.referrals.models import Draft, Facts, Who
from bots.understanding.intents import wanted
from bots.understanding.values import Intent
from tests.factories.sharing import make_place
from tests.support.city import TestCity
from tests.support.talk import open_talk


@pytest.mark.parametrize(
    "said", ["我的转诊到哪一步了", "取消转诊", "医生说给我转院了", "转诊改时间", "上转的吗"]
)
def test_a_word_about_a_referral_is_about_nothing_else(said: str):
    assert wanted(said)[0] is Intent.REFERRALS


async def test_a_referral_is_told_with_its_place_and_without_its_reason(city: TestCity):
    services, person = city.city.services, await city.resident()
    talk = await open_talk(city, person)
    await talk.says("我的转诊").hears("没有进行中的转诊", "请找您的医生办理")
    clinic = await make_place(services, "clinic", name="东关社区卫生服务中心")
    who = Who(name=person.name, id_number=person.id_number)
    draft = Draft(who=who, reason="反复胸痛", to_organization_id=city.hospital.id)
    sent = await services.referrals.send(clinic.actor, draft, "key")
    await talk.says("转诊到哪一步了").hears(city.hospital.name, "等对方医院答复")
    system = services.tokens.verify((await city.hospital_client()).token)
    session = await city.schedule()
    accepted = await services.referrals.act(
        system, sent.id, ReferralEvent.ACCEPT, Facts(schedule_id=session.id, number=3)
    )
    assert accepted.place is not None
    at = accepted.place.expected_at.astimezone(clock.CITY_ZONE)
    told = await talk.says("取消转诊")
    for part in (f"转往{city.hospital.name}", "已接收", f"{at:%H:%M}到", "pages/referrals/list/index"):
        assert part in told, told
    assert "胸痛" not in told
    by_sms = await open_talk(city, person, through=Through.SMS)
    assert "已接收" not in await by_sms.says("我的转诊")
