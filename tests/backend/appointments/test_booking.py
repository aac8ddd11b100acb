"""Booking, paying and cancelling over HTTP, with the sandbox as WeChat Pay."""

from __future__ import annotations

from datetime import timedelta

from backend import clock
from backend.audit.models import AuditFilter
from backend.permissions import SYSTEM
from tests.support.city import TestCity


async def book(city: TestCity, who, schedule, **more):
    body = {"schedule_id": schedule.id, "patient_id": who.id, **more.pop("body", {})}
    return await city.call("POST", "/api/v1/appointments", as_=who, json=body, **more)


async def pay(city: TestCity, who, appointment_id: str, method: str = "wechat_native", **control):
    """Open the cashier and pay there."""
    started = await city.call(
        "POST", f"/api/v1/appointments/{appointment_id}/payment", as_=who, json={"method": method}
    )
    orders = (await city.outside.get("orders"))["items"]
    (order,) = [o for o in orders if o["state"] == "NOTPAY"]
    await city.outside.post(f"orders/{order['out_trade_no']}/pay", control)
    return started, order


async def read(city: TestCity, who, appointment_id: str):
    return await city.call("GET", f"/api/v1/appointments/{appointment_id}", as_=who)


async def refunded(city: TestCity, who, appointment_id: str) -> bool:
    return (await read(city, who, appointment_id))["payment"]["state"] == "refunded"


async def test_a_free_slot_is_booked_in_one_step(city):
    schedule = await city.schedule()
    who = city.stranger()
    made = await book(city, who, schedule, body={"number": 3}, expect=201)
    assert (made["state"], made["number"], made["payment"]["state"]) == ("booked", 3, "none")
    assert made["organization"]["name"] == "健康城市人民医院"
    listed = await city.call("GET", f"/api/v1/schedules/{schedule.id}")
    assert [slot["number"] for slot in listed["slots"] if slot["state"] == "taken"] == [3]


async def test_a_double_tap_books_once(city):
    schedule = await city.schedule()
    who = city.stranger()
    first = await book(city, who, schedule, key="tap-00000001")
    second = await book(city, who, schedule, key="tap-00000001")
    assert first["id"] == second["id"]


async def test_a_paid_booking_from_hold_to_refund(city):
    schedule = await city.schedule(fee_fen=2500)
    who = await city.resident()
    hold = await city.call(
        "POST", "/api/v1/holds", as_=who, json={"schedule_id": schedule.id, "patient_id": who.id}, expect=201
    )
    assert (hold["state"], hold["payment"]["state"]) == ("held", "due")
    assert hold["hold_until"]
    started, _ = await pay(city, who, hold["id"])
    assert started["amount_fen"] == 2500
    assert started["code_url"].startswith("weixin://")
    after = await city.call("POST", f"/api/v1/appointments/{hold['id']}/payment/refresh", as_=who, json={})
    assert (after["state"], after["payment"]["state"]) == ("booked", "paid")
    await city.work()
    cancelled = await city.call("POST", f"/api/v1/appointments/{hold['id']}/cancel", as_=who, json={})
    assert cancelled["state"] == "cancelled"
    await city.until(lambda: refunded(city, who, hold["id"]))
    totals = (await city.outside.get("ledger"))["totals"]
    assert (totals["paid_fen"], totals["refunded_fen"], totals["merchant_fen"]) == (2500, 2500, 0)


async def test_neither_our_books_nor_the_channel_learn_where_somebody_goes(city):
    schedule = await city.schedule(fee_fen=1000)
    who = await city.resident()
    _, order = await pay(city, who, (await book(city, who, schedule))["id"])
    stored = await city.city.db.collection("orders").find_one({})
    assert stored["description"] == order["description"] == "预约挂号费"
    for told in (str(stored), str(order)):
        assert city.department.name not in told
        assert city.hospital.name not in told


async def test_the_notice_alone_books(city):
    schedule = await city.schedule(fee_fen=1000)
    who = await city.resident()
    hold = await book(city, who, schedule)
    await pay(city, who, hold["id"])

    async def booked():
        await city.work()
        return (await read(city, who, hold["id"]))["state"] == "booked"

    from tests.support.polling import poll

    await poll(booked)


async def test_a_late_payment_goes_back_by_itself(city):
    schedule = await city.schedule(slots=1, fee_fen=1000)
    who = await city.resident()
    hold = await book(city, who, schedule)
    async with city.outside.misbehaving(lose_notices=True):
        await pay(city, who, hold["id"])
        claims = city.city.db.collection("claims")
        # As if everything had failed us: the hold ended, nobody knew of the payment.
        await claims.update_one({"_id": hold["id"]}, {"$set": {"state": "expired", "live": False}})
        await city.until(lambda: refunded(city, who, hold["id"]))
    assert (await read(city, who, hold["id"]))["state"] == "expired"


async def test_an_unpaid_hold_ends_and_its_order_is_closed(city):
    schedule = await city.schedule(slots=1, fee_fen=1000)
    who, other = await city.resident(), city.stranger()
    hold = await book(city, who, schedule)
    await city.call(
        "POST", f"/api/v1/appointments/{hold['id']}/payment", as_=who, json={"method": "wechat_native"}
    )
    await city.city.db.collection("claims").update_one(
        {"_id": hold["id"]}, [{"$set": {"hold_until": {"$subtract": ["$$NOW", 1000]}}}]
    )
    assert (await book(city, other, schedule, expect=409))["error"]["code"] == "SOLD_OUT"
    await city.work(periodic=True)
    after = await read(city, who, hold["id"])
    assert (after["state"], after["payment"]["state"]) == ("expired", "closed")
    assert (await book(city, other, schedule))["number"] == 1


async def test_somebody_elses_appointment_does_not_exist(city):
    schedule = await city.schedule()
    who, other = city.stranger(), city.stranger()
    made = await book(city, who, schedule)
    path = f"/api/v1/appointments/{made['id']}"
    for method, tail in (("GET", ""), ("POST", "/cancel"), ("POST", "/payment/refresh")):
        json: dict[str, str] | None = {} if method == "POST" else None
        refused = await city.call(method, path + tail, as_=other, json=json, expect=404)
        assert refused["error"]["code"] == "NOT_FOUND"
    await city.call("DELETE", f"/api/v1/holds/{made['id']}", as_=other, expect=404)
    await book(city, other, schedule, body={"patient_id": who.id}, expect=404)


async def test_a_released_hold_is_free_again(city):
    schedule = await city.schedule(slots=1, fee_fen=100)
    who, other = await city.resident(), city.stranger()
    hold = await book(city, who, schedule)
    await city.call("DELETE", f"/api/v1/holds/{hold['id']}", as_=who, expect=204)
    await city.call("DELETE", f"/api/v1/holds/{hold['id']}", as_=who, expect=204)
    assert (await book(city, other, schedule))["number"] == 1


async def test_the_list_shows_upcoming_first(city):
    who = await city.resident()
    later = await book(city, who, await city.schedule(days=3))
    sooner = await book(city, who, await city.schedule(days=2))
    page = await city.call("GET", "/api/v1/appointments?state=upcoming&limit=1", as_=who)
    assert [item["id"] for item in page["items"]] == [sooner["id"]]
    rest = await city.call(
        "GET", f"/api/v1/appointments?state=upcoming&limit=1&cursor={page['next_cursor']}", as_=who
    )
    assert [item["id"] for item in rest["items"]] == [later["id"]]
    assert rest["next_cursor"] is None
    assert rest["items"][0]["patient"]["name"].startswith("张")
    assert "*" in rest["items"][0]["patient"]["name"]


async def test_the_window_sells_from_the_same_pool_and_reads_its_feed(city):
    schedule = await city.schedule(slots=2)
    client, who = await city.hospital_client(), await city.resident()
    await book(city, who, schedule)
    person = {"name": "李四", "id_number": "11010519491231002X"}
    sale = {"schedule": schedule.external_id, "channel": "window", "patient": person}
    made = await city.call("POST", "/hospital/v1/appointments", as_=client, json=sale, key="sale-0001")
    again = await city.call("POST", "/hospital/v1/appointments", as_=client, json=sale, key="sale-0001")
    assert (made["id"], made["number"], made["state"]) == (again["id"], 2, "booked")
    await city.work()
    feed = await city.call("GET", "/hospital/v1/bookings", as_=client)
    assert [(item["kind"], item["booking"]["channel"]) for item in feed["items"]].count(
        ("booked", "window")
    ) == 1
    names = {item["booking"]["patient"]["name"] for item in feed["items"]}
    assert names == {"李四", who.name}
    await city.call(
        "POST", f"/hospital/v1/appointments/{made['id']}/cancel", as_=client, json={"reason": "错号"}
    )
    await city.work()
    more = await city.call("GET", f"/hospital/v1/bookings?since={feed['next']}", as_=client)
    assert [(item["kind"], item["booking"]["cancel_reason"]) for item in more["items"]] == [
        ("cancelled", "错号")
    ]


async def test_what_a_hospital_sells_and_cancels_is_on_record_without_saying_why(city):
    schedule = await city.schedule()
    client = await city.hospital_client()
    person = {"name": "李四", "id_number": "11010519491231002X"}
    sale = {"schedule": schedule.external_id, "channel": "kiosk", "patient": person}
    made = await city.call("POST", "/hospital/v1/appointments", as_=client, json=sale)
    cancel = f"/hospital/v1/appointments/{made['id']}/cancel"
    await city.call("POST", cancel, as_=client, json={"reason": "确诊水痘"})
    who = city.stranger()
    mine = await book(city, who, schedule)
    await city.call("POST", f"/api/v1/appointments/{mine['id']}/cancel", as_=who, json={})
    # What somebody else has cancelled, the hospital has not.
    await city.call("POST", f"/hospital/v1/appointments/{mine['id']}/cancel", as_=client, json={})
    entries, _ = await city.city.services.audit.list_entries(SYSTEM, AuditFilter())
    acts = [entry for entry in entries if entry.action.startswith("appointments.")]
    assert [(entry.action, entry.actor_kind, entry.object, entry.organization_id) for entry in acts] == [
        ("appointments.cancel", "client", f"appointment/{made['id']}", city.hospital.id),
        ("appointments.sell", "client", f"appointment/{made['id']}", city.hospital.id),
    ]
    assert acts[1].data["channel"] == "kiosk"
    assert "水痘" not in str(acts)


async def test_a_hospital_says_that_nobody_came_once_the_time_is_there(city):
    schedule, client, who = await city.schedule(), await city.hospital_client(), await city.resident()
    mine = await book(city, who, schedule)
    path = f"/hospital/v1/appointments/{mine['id']}/missed"
    early = await city.call("POST", path, as_=client, expect=409)
    assert early["error"]["code"] == "APPOINTMENT_NOT_MISSED"
    past = {"start_at": clock.now() - timedelta(hours=2), "end_at": clock.now() - timedelta(hours=1)}
    await city.city.db.collection("claims").update_one({"_id": mine["id"]}, {"$set": past})
    told = [(await city.call("POST", path, as_=client))["missed_at"] for _ in range(2)]
    assert told[0] is not None
    assert told == [(await city.call("GET", f"/api/v1/appointments/{mine['id']}", as_=who))["missed_at"]] * 2
    doc = await city.city.db.collection("claims").find_one({"_id": mine["id"]})
    assert [event["kind"] for event in doc["events"]].count("appointment.missed") == 1
    gone = await book(
        city,
        city.stranger(),
        await city.schedule(),
    )
    await city.call("POST", f"/hospital/v1/appointments/{gone['id']}/cancel", as_=client, json={})
    await city.call("POST", f"/hospital/v1/appointments/{gone['id']}/missed", as_=client, expect=409)


async def test_the_feed_knows_no_cursor_but_since(city):
    client = await city.hospital_client()
    await city.call("GET", "/hospital/v1/bookings?since=0&limit=5", as_=client)
    refused = await city.call("GET", "/hospital/v1/bookings?cursor=5", as_=client, expect=400)
    assert refused["error"]["code"] == "BAD_REQUEST"


async def test_a_cursor_that_was_never_given_out_is_refused(city):
    """A hospital whose cursor is from before a restore would miss bookings and never know."""
    client, who = await city.hospital_client(), await city.resident()
    refused = await city.call("GET", "/hospital/v1/bookings?since=1", as_=client, expect=400)
    assert refused["error"]["data"]["fields"] == [{"field": "since", "problem": "beyond_the_end", "last": 0}]
    await book(city, who, await city.schedule())
    await city.work()
    feed = await city.call("GET", "/hospital/v1/bookings", as_=client)
    at_the_end = await city.call("GET", f"/hospital/v1/bookings?since={feed['next']}", as_=client)
    assert at_the_end == {"items": [], "next": feed["next"]}
    beyond = await city.call("GET", f"/hospital/v1/bookings?since={feed['next'] + 1}", as_=client, expect=400)
    assert beyond["error"]["data"]["fields"][0]["last"] == feed["next"]


async def test_a_stopped_clinic_ends_and_refunds_every_booking(city):
    schedule = await city.schedule(fee_fen=300)
    client, who = await city.hospital_client(), await city.resident()
    hold = await book(city, who, schedule)
    await pay(city, who, hold["id"])
    await city.call("POST", f"/api/v1/appointments/{hold['id']}/payment/refresh", as_=who, json={})
    await city.call(
        "POST", f"/hospital/v1/schedules/{schedule.external_id}/stop", as_=client, json={"reason": "医生外出"}
    )
    await city.work()
    await city.until(lambda: refunded(city, who, hold["id"]))
    after = await read(city, who, hold["id"])
    assert (after["state"], after["payment"]["state"], after["cancel_reason"]) == (
        "stopped",
        "refunded",
        "医生外出",
    )
    told = (await city.call("GET", "/api/v1/messages", as_=who))["items"]
    assert any("医生外出" in message["body"] for message in told)


async def test_a_hold_given_back_while_paying_is_not_booked_and_the_money_goes_back(city):
    schedule = await city.schedule(slots=1, fee_fen=700)
    who = await city.resident()
    hold = await book(city, who, schedule)
    async with city.outside.misbehaving(lose_notices=True):
        await pay(city, who, hold["id"])
        await city.call("DELETE", f"/api/v1/holds/{hold['id']}", as_=who, expect=204)
    await city.until(lambda: refunded(city, who, hold["id"]))
    assert (await read(city, who, hold["id"]))["state"] == "released"
