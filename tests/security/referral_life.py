"""The part of a life that is a referral: sent with what is wrong, asked about, accepted, and ended."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from backend import clock
from backend.ids import new_id
from tests.factories.directory import hospital_client, make_hospital
from tests.security.people import GRANNY, Life
from tests.support.city import Caller


async def on_the_road(life: Life, hospital: Caller) -> None:
    """A clinic sends, the hospital's system answers; each writes what nobody else may read."""
    city = life.city
    services, path = city.city.services, "/hospital/v1/referrals"
    clinic, *_ = await make_hospital(services.directory, "road-clinic", name="幸福社区卫生服务中心")
    sender = Caller("clinic", services.tokens.issue(hospital_client(clinic)))
    phone = life.keep("phone", "13355667788")
    desk = {"takes_emergencies": True, "duty_phone": phone, "operators_phone": phone}
    await city.call("PUT", f"{path}/desk", as_=hospital, json=desk)
    body = {
        "patient": {name: GRANNY[name] for name in ("name", "id_number", "phone")},
        "to": city.hospital.id,
        "reason": life.keep("note", "晨起呕血两次，疑食管静脉曲张破裂"),
        "summary": life.keep("note", "既往乙肝肝硬化十余年未规律服药"),
        "phone": phone,
    }
    sent = await city.call("POST", path, as_=sender, json=body, key=new_id(), expect=201)
    expected = (clock.now() + timedelta(hours=1)).isoformat()
    for who, event, facts in (
        (hospital, "ask_more", {"text": life.keep("note", "请补充既往胃镜所见及输血史")}),
        (sender, "supplement", {"text": life.keep("note", "去年胃镜示重度静脉曲张")}),
        (hospital, "accept", {"expected_at": expected, "bed": "消化科3床"}),
        (sender, "depart", {"transport": "ambulance", "vehicle": "鲁G99001", "crew_phone": phone}),
        (hospital, "arrive", {}),
        (hospital, "complete", {"outcome": "improved", "text": life.keep("note", "内镜下套扎术后未再出血")}),
    ):
        facts_in: dict[str, Any] = facts
        await city.call("POST", f"{path}/{sent['id']}/{event}", as_=who, json=facts_in)
    await city.work()
