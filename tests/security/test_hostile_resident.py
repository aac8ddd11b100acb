"""What somebody who means harm, or is only impatient, does with bookings and money; nothing comes of it."""

from __future__ import annotations

import asyncio
from collections import Counter
from datetime import timedelta
from typing import Any

import httpx
import pytest

from backend import clock
from backend.errors import ErrorCode
from backend.residents.models import LinkState
from backend.slotpool.schedules_models import Schedule
from tests.factories.residents import make_child, make_resident
from tests.security.town import build_town
from tests.support.city import Caller, TestCity

BOOK, HOLDS = "/api/v1/appointments", "/api/v1/holds"


def wanted(schedule: Schedule, patient_id: str, **more: Any) -> dict[str, Any]:
    return {"schedule_id": schedule.id, "patient_id": patient_id, **more}


async def held(city: TestCity, who: Caller, schedule: Schedule) -> str:
    made = await city.call("POST", HOLDS, as_=who, json=wanted(schedule, who.id), expect=201)
    return str(made["id"])


async def open_cashier(city: TestCity, who: Caller, claim_id: str) -> str:
    """Open a payment; the number under which the channel knows it."""
    before = {order["out_trade_no"] for order in (await city.outside.get("orders"))["items"]}
    path = f"{BOOK}/{claim_id}/payment"
    await city.call("POST", path, as_=who, json={"method": "wechat_native"})
    after = {order["out_trade_no"] for order in (await city.outside.get("orders"))["items"]}
    [number] = after - before
    return str(number)


async def read(city: TestCity, who: Caller, claim_id: str) -> Any:
    return await city.call("GET", f"{BOOK}/{claim_id}", as_=who)


async def at_once(city: TestCity, *calls: tuple[str, str, Caller, Any]) -> list[httpx.Response]:
    """All of them in the same moment."""
    return await asyncio.gather(
        *(
            city.http.request(method, city.url + path, json=json, headers=who.headers)
            for method, path, who, json in calls
        )
    )


async def sold(city: TestCity, schedule: Schedule) -> list[int]:
    """Numbers that somebody has, each as often as somebody has it."""
    claims = city.city.db.collection("claims").find({"schedule_id": schedule.id, "live": True})
    return sorted([claim["number"] async for claim in claims])


async def kept_fen(city: TestCity) -> int:
    """What the merchant has in the end: everything paid less everything given back."""
    totals = (await city.outside.get("ledger"))["totals"]
    assert totals["merchant_fen"] == totals["paid_fen"] - totals["refunded_fen"]
    return int(totals["merchant_fen"])


async def settled(city: TestCity, who: Caller, claim_id: str, state: str) -> None:
    async def reached() -> bool:
        return bool((await read(city, who, claim_id))["payment"]["state"] == state)

    await city.until(reached)


@pytest.fixture
async def who(city: TestCity) -> Caller:
    made = await make_resident(city.city.services)
    return Caller(made.id, made.access_token, "", made.name, made.id_number)


async def test_two_sessions_of_one_person_get_one_slot_between_them(city: TestCity) -> None:
    schedule = await city.schedule(slots=10)
    made = await make_resident(city.city.services)
    second = await city.city.services.sessions.open(made.actor)
    devices = [Caller(made.id, made.access_token), Caller(made.id, second.access_token)]
    answers = await at_once(
        city, *(("POST", BOOK, device, wanted(schedule, made.id)) for device in devices * 6)
    )
    assert Counter(answer.status_code for answer in answers) == {201: 1, 409: 11}
    assert len(await sold(city, schedule)) == 1


async def test_one_last_slot_goes_to_one_of_many(city: TestCity) -> None:
    schedule = await city.schedule(slots=1)
    people = [city.stranger() for _ in range(20)]
    answers = await at_once(city, *(("POST", BOOK, one, wanted(schedule, one.id)) for one in people))
    assert Counter(answer.status_code for answer in answers) == {201: 1, 409: 19}
    assert await sold(city, schedule) == [1]


async def test_a_storm_of_taps_with_one_key_books_once(city: TestCity, who: Caller) -> None:
    schedule = await city.schedule()
    headers = who.headers | {"Idempotency-Key": "one-nervous-thumb"}
    answers = await asyncio.gather(
        *(city.http.post(city.url + BOOK, json=wanted(schedule, who.id), headers=headers) for _ in range(15))
    )
    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.json()["id"] for answer in answers}) == 1
    assert len(await sold(city, schedule)) == 1


async def test_paying_twice_costs_once(city: TestCity, who: Caller) -> None:
    claim_id = await held(city, who, await city.schedule(fee_fen=1500))
    number = await open_cashier(city, who, claim_id)
    await city.outside.post(f"orders/{number}/pay", {"times": 2})
    await city.call("POST", f"{BOOK}/{claim_id}/payment/refresh", as_=who)
    again = await city.call(
        "POST", f"{BOOK}/{claim_id}/payment", as_=who, json={"method": "wechat_native"}, expect=409
    )
    assert again["error"]["code"] == ErrorCode.PAYMENT_NOT_DUE
    await city.later()
    assert (await read(city, who, claim_id))["payment"]["state"] == "paid"
    assert await kept_fen(city) == 1500


async def test_cancelling_while_paying_leaves_no_money_with_us(city: TestCity, who: Caller) -> None:
    claim_id = await held(city, who, await city.schedule(fee_fen=1500))
    number = await open_cashier(city, who, claim_id)
    async with city.outside.misbehaving(lose_notices=True):
        await asyncio.gather(
            city.outside.post(f"orders/{number}/pay"),
            city.call("POST", f"{BOOK}/{claim_id}/cancel", as_=who, json={}),
        )
        await settled_somehow(city, who, claim_id)
    after = await read(city, who, claim_id)
    if after["state"] == "booked":
        await city.call("POST", f"{BOOK}/{claim_id}/cancel", as_=who, json={})
        await settled(city, who, claim_id, "refunded")
    assert await kept_fen(city) == 0


async def settled_somehow(city: TestCity, who: Caller, claim_id: str) -> None:
    async def over() -> bool:
        found = await read(city, who, claim_id)
        return found["state"] != "held" and found["payment"]["state"] in ("closed", "paid", "refunded")

    await city.until(over)


async def test_a_storm_of_refreshes_and_cashiers_opens_one_payment(city: TestCity, who: Caller) -> None:
    claim_id = await held(city, who, await city.schedule(fee_fen=1500))
    pay = ("POST", f"{BOOK}/{claim_id}/payment", who, {"method": "wechat_native"})
    ask = ("POST", f"{BOOK}/{claim_id}/payment/refresh", who, None)
    answers = await at_once(city, *([pay] * 6), *([ask] * 6))
    assert max(answer.status_code for answer in answers) < 500
    open_orders = [o for o in (await city.outside.get("orders"))["items"] if o["state"] == "NOTPAY"]
    assert len(open_orders) == 1, "two payable numbers would let somebody pay twice"
    await city.outside.post(f"orders/{open_orders[0]['out_trade_no']}/pay")
    answers = await at_once(city, *([ask] * 8))
    assert max(answer.status_code for answer in answers) < 500
    await settled(city, who, claim_id, "paid")
    assert await kept_fen(city) == 1500


async def test_cancelling_many_times_gives_back_once(city: TestCity, who: Caller) -> None:
    claim_id = await held(city, who, await city.schedule(fee_fen=1500))
    number = await open_cashier(city, who, claim_id)
    await city.outside.post(f"orders/{number}/pay")
    await city.call("POST", f"{BOOK}/{claim_id}/payment/refresh", as_=who)
    answers = await at_once(city, *([("POST", f"{BOOK}/{claim_id}/cancel", who, {})] * 10))
    assert max(answer.status_code for answer in answers) < 500
    await settled(city, who, claim_id, "refunded")
    totals = (await city.outside.get("ledger"))["totals"]
    assert (totals["paid_fen"], totals["refunded_fen"]) == (1500, 1500)


async def test_the_price_is_the_clinics_whatever_is_sent_and_whatever_is_paid(
    city: TestCity, who: Caller
) -> None:
    schedule = await city.schedule(fee_fen=1500)
    for more in ({"fee_fen": 0}, {"amount_fen": 1}, {"state": "booked"}, {"channel": "window"}):
        body = wanted(schedule, who.id, **more)
        await city.call("POST", BOOK, as_=who, json=body, expect=400)
    claim_id = await held(city, who, schedule)
    # Booking a hold that costs something books nothing before it is paid.
    kept = await city.call("POST", BOOK, as_=who, json={"hold_id": claim_id})
    assert (kept["state"], kept["payment"]["amount_fen"]) == ("held", 1500)
    payments: list[dict[str, Any]] = [
        {"amount_fen": 1},
        {"method": "cash"},
        {"method": "wechat_native", "amount_fen": 1},
    ]
    for payment in payments:
        await city.call("POST", f"{BOOK}/{claim_id}/payment", as_=who, json=payment, expect=400)
    number = await open_cashier(city, who, claim_id)
    await city.outside.post(f"orders/{number}/pay", {"amount_fen": 1})
    await city.http.post(f"{city.url}{BOOK}/{claim_id}/payment/refresh", headers=who.headers)
    await city.later()
    assert (await read(city, who, claim_id))["state"] != "booked"


@pytest.mark.parametrize("number", [0, -1, 11, 10_000, 10_001, 2**31, 2**63, 10**30, 1.5, "1", True, [1]])
async def test_a_number_that_is_none_is_not_sold(city: TestCity, who: Caller, number: Any) -> None:
    schedule = await city.schedule(slots=10)
    answer = await city.http.post(
        city.url + HOLDS, json=wanted(schedule, who.id, number=number), headers=who.headers
    )
    assert answer.status_code in (400, 404), answer.text
    assert await sold(city, schedule) == []


async def test_a_reserved_number_is_not_sold_to_a_resident_who_asks_for_it(
    city: TestCity, who: Caller
) -> None:
    schedule = await city.schedule(slots=4, reserved={"window": 2})
    body = wanted(schedule, who.id, number=4)
    refused = await city.call("POST", BOOK, as_=who, json=body, expect=409)
    assert refused["error"]["code"] == ErrorCode.SLOT_RESERVED


async def test_somebody_elses_hold_is_not_booked_paid_or_given_back(city: TestCity) -> None:
    town = await build_town(city)
    claim = await town.claim(town["owner"].id, fee_fen=900, hold=True)
    thief, path = town["other"], f"{BOOK}/{claim.id}"
    calls: list[tuple[str, str, Any]] = [
        ("POST", BOOK, {"hold_id": claim.id}),
        ("DELETE", f"{HOLDS}/{claim.id}", None),
        ("POST", f"{path}/payment", {"method": "wechat_native"}),
        ("POST", f"{path}/payment/refresh", None),
        ("POST", f"{path}/cancel", {}),
        ("GET", path, None),
    ]
    for method, address, body in calls:
        await city.call(method, address, as_=thief, json=body, expect=404)
    assert (await read(city, town["owner"], claim.id))["state"] == "held"
    assert (await city.outside.get("orders"))["items"] == []


async def test_a_patient_is_nobodys_until_he_agrees_and_after_he_refuses(city: TestCity) -> None:
    town = await build_town(city)
    guardian, patient = town["other"], town["owner"]
    schedule = await town.schedule()
    await city.call("POST", BOOK, as_=guardian, json=wanted(schedule, patient.id), expect=404)
    link_id = await town.link(guardian.id, patient.id, LinkState.PENDING)
    pending = await city.call("POST", BOOK, as_=guardian, json=wanted(schedule, patient.id), expect=409)
    assert pending["error"]["code"] == ErrorCode.PATIENT_PENDING
    await city.call("POST", f"/api/v1/guardians/{link_id}/accept", as_=guardian, json={}, expect=404)
    await city.call("POST", f"/api/v1/guardians/{link_id}/accept", as_=patient, json={})
    made = await city.call("POST", BOOK, as_=guardian, json=wanted(schedule, patient.id), expect=201)
    await city.call("DELETE", f"/api/v1/guardians/{link_id}", as_=patient)
    # From now on not even what the guardian booked is his to see or to cancel.
    for method, address, body in (
        ("GET", f"{BOOK}/{made['id']}", None),
        ("POST", f"{BOOK}/{made['id']}/cancel", {}),
        ("POST", BOOK, wanted(await town.schedule(), patient.id)),
        ("POST", "/api/v1/health-codes/dynamic", {"patient_id": patient.id}),
    ):
        await city.call(method, address, as_=guardian, json=body, expect=404)
    assert (await read(city, patient, made["id"]))["state"] == "booked"


async def test_a_stopped_clinic_sells_nothing_in_any_way(city: TestCity, who: Caller) -> None:
    schedule = await city.schedule(slots=5, fee_fen=700)
    claim_id = await held(city, who, schedule)
    client = await city.hospital_client()
    stop = f"/hospital/v1/schedules/{schedule.external_id}/stop"
    await city.call("POST", stop, as_=client, json={"reason": "医生外出"})
    other = city.stranger()
    for path in (BOOK, HOLDS):
        refused = await city.call("POST", path, as_=other, json=wanted(schedule, other.id), expect=409)
        assert refused["error"]["code"] == ErrorCode.SCHEDULE_STOPPED
    await city.later()
    assert (await read(city, who, claim_id))["state"] == "stopped"
    for path, body in (
        (BOOK, {"hold_id": claim_id}),
        (f"{BOOK}/{claim_id}/payment", {"method": "wechat_native"}),
    ):
        await city.call("POST", path, as_=who, json=body, expect=409)
    assert await sold(city, schedule) == []


async def test_a_hold_that_is_over_is_neither_booked_nor_paid(city: TestCity, who: Caller) -> None:
    free, paid = await city.schedule(days=1), await city.schedule(days=2, fee_fen=700)
    holds = [await held(city, who, free), await held(city, who, paid)]
    over = {"$set": {"hold_until": clock.now() - timedelta(seconds=1)}}
    await city.city.db.collection("claims").update_many({"_id": {"$in": holds}}, over)
    for claim_id in holds:
        refused = await city.call("POST", BOOK, as_=who, json={"hold_id": claim_id}, expect=409)
        assert refused["error"]["code"] == ErrorCode.HOLD_EXPIRED
        path = f"{BOOK}/{claim_id}/payment"
        await city.call("POST", path, as_=who, json={"method": "wechat_native"}, expect=409)
    assert (await city.outside.get("orders"))["items"] == []


async def test_who_is_not_verified_books_for_nobody(city: TestCity) -> None:
    schedule, nobody = await city.schedule(), await city.resident()
    stranger = city.stranger(real_name=False)
    answer = await city.http.post(
        city.url + BOOK, json=wanted(schedule, stranger.id), headers=stranger.headers
    )
    assert answer.status_code in (401, 403, 404), answer.text
    await city.call("POST", BOOK, as_=stranger, json=wanted(schedule, nobody.id), expect=404)
    assert await sold(city, schedule) == []


async def test_a_child_does_not_get_two_numbers_by_its_two_parents(city: TestCity) -> None:
    services, schedule = city.city.services, await city.schedule()
    mother = await make_resident(services)
    child = await make_child(services, mother)
    parent = Caller(mother.id, mother.access_token)
    answers = await at_once(city, *([("POST", BOOK, parent, wanted(schedule, child))] * 5))
    assert Counter(answer.status_code for answer in answers) == {201: 1, 409: 4}
    assert len(await sold(city, schedule)) == 1


async def test_a_forged_notice_books_nothing(city: TestCity, who: Caller) -> None:
    claim_id = await held(city, who, await city.schedule(fee_fen=1500))
    number = await open_cashier(city, who, claim_id)
    body = {"id": "x", "event_type": "TRANSACTION.SUCCESS", "resource": {"out_trade_no": number}}
    signed = {"Wechatpay-Signature": "AAAA", "Wechatpay-Serial": "PUB_KEY_ID_1",
              "Wechatpay-Timestamp": str(int(clock.now().timestamp())), "Wechatpay-Nonce": "n"}  # fmt: skip
    for headers in ({}, signed):
        answer = await city.http.post(f"{city.url}/callbacks/wechat-pay/notice", json=body, headers=headers)
        assert answer.status_code == 401, answer.text
        assert answer.json()["error"]["code"] == ErrorCode.NOTICE_INVALID
    await city.later()
    assert (await read(city, who, claim_id))["state"] == "held"
