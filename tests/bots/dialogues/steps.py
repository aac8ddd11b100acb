"""What several conversations begin with, and what is left of them in the city."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from backend import clock
from backend.slotpool.claims_models import Claim
from backend.slotpool.schedules_models import SlotTime
from backend.slotpool.schedules_store import ScheduleStore
from tests.backend.residents.world import born_years_ago, make_person
from tests.support.city import Caller, TestCity, make_schedule
from tests.support.talk import Talker

HERE = "市人民医院儿科"


async def claims_of(city: TestCity, who: Caller, state: str = "booked") -> list[Claim]:
    """Somebody's claims in a state."""
    found, _ = await city.city.services.claims.of_patients([who.id], upcoming=None, cursor=None, limit=20)
    return [claim for claim in found if claim.state == state]


async def book(talk: Talker, *days: str) -> None:
    """Book the first session of each of these days."""
    for day in days:
        await talk.says(f"{day}{HERE}").hears("请选择")
        await talk.says("1").hears("确认预约")
        await talk.says("是").hears("预约成功")


async def add_child(city: TestCity, who: Caller) -> str:
    """A child of somebody's; its id."""
    child = make_person(born_years_ago(6))
    parent = {"name": who.name, "id_number": who.id_number, "phone": who.phone}
    await city.outside.post("persons", child.card)
    family = [{"relation": "child", "id_number": child.id_number}]
    await city.outside.post("persons", parent | {"family": family})
    added = await city.call("POST", "/api/v1/patients", as_=who, json=child.card | {"relation": "child"})
    return str(added["id"])


async def pay(city: TestCity, who: Caller, claim_id: str) -> None:
    """Pay what is held."""
    paying = {"method": "wechat_native"}
    await city.call("POST", f"/api/v1/appointments/{claim_id}/payment", as_=who, json=paying)
    (order,) = [each for each in (await city.outside.get("orders"))["items"] if each["state"] == "NOTPAY"]
    await city.outside.post(f"orders/{order['out_trade_no']}/pay")
    await city.call("POST", f"/api/v1/appointments/{claim_id}/payment/refresh", as_=who)


async def open_soon(city: TestCity) -> None:
    """A session of today that begins in half an hour."""
    at = clock.now() + timedelta(minutes=30)
    slots = tuple(SlotTime(n, at, at + timedelta(minutes=5)) for n in (1, 2, 3))
    made = make_schedule(city.hospital, city.department, days=0)
    await ScheduleStore(city.city.db).insert([replace(made, slots=slots)])
