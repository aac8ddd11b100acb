"""WeChat Pay's notices over HTTP: the sandbox's own, with everything that may be wrong with them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from backend.db.client import Database
from tests.support.city import Caller, Surroundings, TestCity, open_test_city

NOTICE = "/callbacks/wechat-pay/notice"


@pytest.fixture
async def city(db: Database, mongo_uri: str, surroundings: Surroundings) -> AsyncIterator[TestCity]:
    async with open_test_city(surroundings, mongo_uri, db) as made:
        yield made


async def at_the_cashier(city: TestCity) -> tuple[Caller, str, str]:
    """A resident with an unpaid order; who, which appointment, which number at the channel."""
    who = await city.resident()
    session = await city.schedule(fee_fen=1000)
    body = {"schedule_id": session.id, "patient_id": who.id}
    made = await city.call("POST", "/api/v1/appointments", as_=who, json=body)
    path = f"/api/v1/appointments/{made['id']}/payment"
    await city.call("POST", path, as_=who, json={"method": "wechat_native"})
    (order,) = [o for o in (await city.outside.get("orders"))["items"] if o["state"] == "NOTPAY"]
    return who, made["id"], order["out_trade_no"]


async def state(city: TestCity, who: Caller, appointment_id: str) -> str:
    shown = await city.call("GET", f"/api/v1/appointments/{appointment_id}", as_=who)
    return str(shown["payment"]["state"])


async def until_paid(city: TestCity, who: Caller, appointment_id: str) -> None:
    async def paid() -> bool:
        await city.work()
        return await state(city, who, appointment_id) == "paid"

    await city.until(paid)


async def deliveries(city: TestCity, number: str) -> list[Any]:
    return list((await city.outside.get("deliveries", subject=number))["items"])


@pytest.mark.parametrize(
    "switches",
    [
        {"duplicate_notices": True},
        {"reorder_notices": True},
        {"forge_notice": True},
        {"signtest_every": 1},
        {"lose_notices": 1},
    ],
)
async def test_a_channel_that_misbehaves_is_paid_once_all_the_same(city: TestCity, switches: dict[str, Any]):
    who, appointment, number = await at_the_cashier(city)
    async with city.outside.misbehaving(**switches):
        await city.outside.post(f"orders/{number}/pay")
        await until_paid(city, who, appointment)
    books = await city.city.services.billing.check_books(ask_channel=True)
    assert books.balance
    assert (books.paid_fen, books.earned_fen) == (1000, 1000)


async def test_no_notice_at_all_is_found_out_by_asking(city: TestCity):
    who, appointment, number = await at_the_cashier(city)
    async with city.outside.misbehaving(lose_notices=-1):
        await city.outside.post(f"orders/{number}/pay")
        await until_paid(city, who, appointment)


async def test_forged_notices_are_refused_and_change_nothing(city: TestCity):
    who, appointment, number = await at_the_cashier(city)
    for with_key in (False, True):
        await city.outside.post(f"orders/{number}/forge", {"with_key": with_key})

    async def refused() -> bool:
        tried = [d for d in await deliveries(city, number) if d["attempts"]]
        return len(tried) == 2 and all(d["attempts"][-1]["status"] == 401 for d in tried)

    await city.until(refused)
    assert await state(city, who, appointment) == "paying"
    # A notice of the test before may still arrive here; none of this order's may be kept.
    about = {"told.out_trade_no": number}
    assert await city.city.db.collection("payment_notices").count_documents(about) == 0


async def test_a_body_without_any_signature_is_refused(city: TestCity):
    async with httpx.AsyncClient() as stranger:
        answer = await stranger.post(city.url + NOTICE, content=b'{"id": "EV-1"}')
    assert answer.status_code == 401
    assert answer.json()["error"]["code"] == "NOTICE_INVALID"


async def test_a_payment_of_another_amount_is_not_believed(city: TestCity):
    who, appointment, number = await at_the_cashier(city)
    await city.outside.post(f"orders/{number}/pay", {"amount_fen": 1})

    async def listed() -> bool:
        differences = city.city.db.collection("billing_differences")
        return await differences.find_one({"_id": f"payment:{number}:1"}) is not None

    await city.until(listed)
    assert await state(city, who, appointment) != "paid"
    assert not (await city.city.services.billing.check_books(ask_channel=True)).balance


async def gave_back(city: TestCity, who: Caller, appointment_id: str) -> None:
    async def refunded() -> bool:
        return await state(city, who, appointment_id) == "refunded"

    await city.until(refunded)
    totals = (await city.outside.get("ledger"))["totals"]
    assert (totals["merchant_fen"], totals["sum_fen"]) == (0, 0)


async def test_a_clinic_stopped_while_its_fee_is_being_paid_keeps_nothing(city: TestCity):
    who, appointment, number = await at_the_cashier(city)
    schedules = city.city.db.collection("schedules")
    schedule = await schedules.find_one({"fee_fen": 1000})
    assert schedule is not None
    async with city.outside.misbehaving(lose_notices=-1):
        await city.outside.post(f"orders/{number}/pay")
        await city.call(
            "POST",
            f"/hospital/v1/schedules/{schedule['external']['value']}/stop",
            as_=await city.hospital_client(),
            json={"reason": "停电"},
        )
        await gave_back(city, who, appointment)
    shown = await city.call("GET", f"/api/v1/appointments/{appointment}", as_=who)
    assert shown["state"] == "stopped"


async def test_comparing_with_the_channel_finds_nothing_where_all_went_well(city: TestCity):
    who, appointment, number = await at_the_cashier(city)
    await city.outside.post(f"orders/{number}/pay")
    await until_paid(city, who, appointment)
    await city.until(lambda: _is_booked(city, who, appointment))
    await city.call("POST", f"/api/v1/appointments/{appointment}/cancel", as_=who, json={})
    await gave_back(city, who, appointment)
    orders = city.city.db.collection("orders")
    await orders.update_many({}, [{"$set": {"compare_at": "$created_at"}}])
    assert await city.city.services.billing.compare_books() == 1
    # A notice of the test before may still arrive here, and is a stranger's.
    about = {"order_id": {"$ne": None}}
    assert await city.city.db.collection("billing_differences").find(about).to_list(None) == []


async def _is_booked(city: TestCity, who: Caller, appointment_id: str) -> bool:
    shown = await city.call("GET", f"/api/v1/appointments/{appointment_id}", as_=who)
    return bool(shown["state"] == "booked")
