"""Being told over HTTP: what a resident's phone shows after booking, cancelling, paying back, and a scan."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from backend import clock
from backend.worker.events import Event, EventKind
from tests.support.city import MAS_SECRET, Caller, TestCity


async def book(city: TestCity, who: Caller, **schedule: Any) -> Any:
    session = await city.schedule(**schedule)
    body = {"schedule_id": session.id, "patient_id": who.id, "number": 3}
    return await city.call("POST", "/api/v1/appointments", as_=who, json=body)


async def texts(city: TestCity, who: Caller) -> list[str]:
    """What the phone shows but for sign-in codes, oldest first."""
    found = (await city.outside.get("sms", phone=who.phone))["items"]
    return [sms["content"] for sms in reversed(found) if "验证码" not in sms["content"]]


async def messages(city: TestCity, who: Caller) -> list[Any]:
    return list((await city.call("GET", "/api/v1/messages", as_=who))["items"])


async def allow_wechat(city: TestCity, who: Caller, *kinds: str) -> None:
    """The person accepts WeChat's prompt on the phone, and the app tells the city."""
    await city.outside.post("subscribe", {"phone": who.phone, "kinds": list(kinds)})
    body = {"template_kinds": list(kinds)}
    await city.call("POST", "/api/v1/messages/subscriptions", as_=who, json=body, expect=204)


async def states(city: TestCity, who: Caller) -> dict[str, str]:
    newest = (await messages(city, who))[0]
    return {delivery["channel"]: delivery["state"] for delivery in newest["deliveries"]}


async def test_a_booking_is_told_by_sms_by_wechat_and_in_the_list(city: TestCity):
    who = await city.resident(wechat=True)
    await allow_wechat(city, who, "appointment_booked")
    made = await book(city, who)
    await city.work()
    assert await texts(city, who) == []  # WeChat has it, and there is time to read it there
    long_ago = clock.now() - timedelta(minutes=11)
    await city.city.db.collection("messages").update_many(
        {"deliveries.wechat.state": "sent"}, {"$set": {"deliveries.wechat.sent_at": long_ago}}
    )
    await city.later()
    (text,) = await texts(city, who)
    assert "您已预约健康城市人民医院儿科" in text
    assert "序号3" in text
    assert "门诊楼二楼" in text
    (shown,) = await messages(city, who)
    assert (shown["kind"], shown["title"]) == ("appointment_booked", "预约成功")
    assert shown["appointment_id"] == made["id"]
    assert "登记类型：普通门诊" in shown["body"].splitlines()
    wechat = (await city.outside.get("wechat-messages", phone=who.phone))["items"]
    assert [message["title"] for message in wechat] == ["预约挂号成功通知"]
    assert wechat[0]["page"] == f"pages/appointments/detail/index?appointment_id={made['id']}"


async def test_the_gateways_report_makes_the_sms_delivered(city: TestCity):
    who = await city.resident()
    await book(city, who)
    await city.work()

    async def delivered() -> bool:
        return (await states(city, who))["sms"] == "delivered"

    await city.until(delivered)


async def test_without_a_grant_wechat_is_left_alone(city: TestCity):
    who = await city.resident(wechat=True)
    await book(city, who)
    await city.work()
    assert (await states(city, who))["wechat"] == "skipped"
    assert (await city.outside.get("wechat-messages", phone=who.phone))["items"] == []


async def test_cancelling_is_told_with_its_reason(city: TestCity):
    who = await city.resident()
    made = await book(city, who)
    await city.work()
    body = {"reason": "临时有事"}
    await city.call("POST", f"/api/v1/appointments/{made['id']}/cancel", as_=who, json=body)
    await city.work()
    assert "已取消" in (await texts(city, who))[-1]
    newest = (await messages(city, who))[0]
    assert (newest["kind"], "取消原因：临时有事" in newest["body"]) == ("appointment_cancelled", True)


async def test_a_stopped_clinic_is_told_to_everybody_who_had_booked(city: TestCity):
    people = [await city.resident() for _ in range(2)]
    session = await city.schedule()
    for who in people:
        body = {"schedule_id": session.id, "patient_id": who.id}
        await city.call("POST", "/api/v1/appointments", as_=who, json=body)
    await city.work()
    hospital = await city.hospital_client()
    path = f"/hospital/v1/schedules/{session.external_id}/stop"
    await city.call("POST", path, as_=hospital, json={"reason": "医生外出会诊"})
    await city.work()
    for who in people:
        assert "停诊" in (await texts(city, who))[-1]
        assert "停诊原因：医生外出会诊" in (await messages(city, who))[0]["body"]


async def test_a_refund_is_told_when_the_money_is_back(city: TestCity):
    who = await city.resident()
    made = await book(city, who, fee_fen=2500)
    path = f"/api/v1/appointments/{made['id']}"
    await city.call("POST", f"{path}/payment", as_=who, json={"method": "wechat_native"})
    (order,) = (await city.outside.get("orders"))["items"]
    await city.outside.post(f"orders/{order['out_trade_no']}/pay")
    await city.call("POST", f"{path}/payment/refresh", as_=who, json={})
    await city.work()
    await city.call("POST", f"{path}/cancel", as_=who, json={})

    async def told() -> bool:
        return (await messages(city, who))[0]["kind"] == "refund_succeeded"

    await city.until(told)
    shown = await messages(city, who)
    assert "退款金额：25.00元" in shown[0]["body"]
    cancelled = next(each for each in shown if each["kind"] == "appointment_cancelled")
    assert "退费：挂号费25.00元将原路退回。" in cancelled["body"]
    assert "挂号费：25.00元" in next(e for e in shown if e["kind"] == "appointment_booked")["body"]


async def test_a_guardian_is_told_when_a_code_is_used_and_so_is_the_patient(city: TestCity):
    who = await city.resident()
    data = {
        "use_id": "u1",
        "patient_id": who.id,
        "terminal_id": "t1",
        "organization_id": city.hospital.id,
        "step": "10101",
        "kind": "dynamic",
        "offline": "no",
        "flagged": "yes",
    }
    await city.city.services.code_and_family_teller.on_code_used(Event(EventKind.CODE_USED, data))
    (shown,) = await messages(city, who)
    lines = shown["body"].splitlines()
    assert "使用机构：健康城市人民医院" in lines
    assert "使用环节：挂号" in lines
    assert any(line.startswith("提醒：") for line in lines)


async def use_code(city: TestCity, who: Caller) -> None:
    """The code is shown and scanned at the hospital."""
    body = {"patient_id": who.id}
    code = await city.call("POST", "/api/v1/health-codes/dynamic", as_=who, json=body)
    hospital = await city.hospital_client()
    scanned = {"code": code["text"], "step": "10101"}
    await city.call("POST", "/hospital/v1/health-codes/verify", as_=hospital, json=scanned)
    await city.work()


async def test_a_use_of_the_code_is_an_unread_message_even_when_wechat_was_not_allowed(city: TestCity):
    who = await city.resident(wechat=True)
    await use_code(city, who)
    (shown,) = await messages(city, who)
    assert (shown["kind"], shown["read_at"]) == ("code_used", None)
    assert "使用环节：挂号" in shown["body"].splitlines()
    assert await states(city, who) == {"wechat": "skipped"}


async def test_each_yes_lets_wechat_tell_of_one_use_of_the_code(city: TestCity):
    who = await city.resident(wechat=True)
    await allow_wechat(city, who, "code_used")
    await allow_wechat(city, who, "code_used")
    for _ in range(3):
        await use_code(city, who)
    told = (await city.outside.get("wechat-messages", phone=who.phone))["items"]
    assert [message["title"] for message in told] == ["健康码使用提醒"] * 2
    assert [m["deliveries"][0]["state"] for m in await messages(city, who)] == ["skipped", "sent", "sent"]


async def test_whose_number_went_to_somebody_else_is_told_by_wechat(city: TestCity):
    who = await city.resident(wechat=True)
    await allow_wechat(city, who, "phone_released")
    residents = city.city.db.collection("residents")
    longest_ago = datetime(2020, 1, 1, tzinfo=UTC)
    await residents.update_one({"_id": who.id}, {"$set": {"last_seen_at": longest_ago}})
    await city.city.db.collection("login_codes").delete_many({})
    await city.call("POST", "/api/v1/auth/sms-codes", json={"phone": who.phone})
    text = (await city.outside.get("sms", phone=who.phone))["items"][0]["content"]
    body = {"phone": who.phone, "code": "".join(c for c in text if c.isdigit())[:6]}
    asked = await city.call("POST", "/api/v1/auth/sms", json=body, expect=403)
    ticket = asked["error"]["data"]
    fresh = await city.call("POST", "/api/v1/auth/new-holder", json=ticket)
    assert fresh["resident"]["id"] != who.id
    before = await texts(city, who)
    await city.work()
    told = (await city.outside.get("wechat-messages", phone=who.phone))["items"]
    assert [message["title"] for message in told] == ["账号变更提醒"]
    # Nothing goes to the phone, which is another's now.
    assert await texts(city, who) == before


async def test_a_message_is_read_once_and_for_all(city: TestCity):
    who, other = await city.resident(), await city.resident()
    await book(city, who)
    await city.work()
    (shown,) = await messages(city, who)
    assert shown["read_at"] is None
    path = f"/api/v1/messages/{shown['id']}/read"
    await city.call("POST", path, as_=other, expect=404)
    await city.call("POST", path, as_=who, expect=204)
    assert (await messages(city, who))[0]["read_at"]
    await city.call("POST", path, expect=401)


async def test_an_unknown_template_kind_is_refused(city: TestCity):
    who = city.stranger()
    path = "/api/v1/messages/subscriptions"
    await city.call("POST", path, as_=who, json={"template_kinds": ["nonsense"]}, expect=400)


async def test_a_push_to_a_wrong_address_finds_nothing(city: TestCity):
    for tail in ("report", "reply"):
        await city.call("POST", f"/callbacks/sms/mas/wrong/{tail}", json={}, expect=404)


async def test_a_push_that_cannot_be_read_is_refused(city: TestCity):
    for tail in ("report", "reply"):
        await city.call("POST", f"/callbacks/sms/mas/{MAS_SECRET}/{tail}", json=[1], expect=400)


@pytest.mark.parametrize(
    "body",
    [
        b"[" * 100_000,
        b'{"mobile":' * 100_000,
        b'{"mobile": ' + b"9" * 10_000 + b"}",
        b'{"mobile": ["\\ud800"]}',
        b'[{"mobile": 1e999}, null, {"mobile": {}}]',
    ],
)
async def test_a_push_that_means_harm_is_refused(city: TestCity, body: bytes):
    for tail in ("report", "reply"):
        path = f"/callbacks/sms/mas/{MAS_SECRET}/{tail}"
        await city.call("POST", path, content=body, expect=400)


async def test_what_is_good_in_a_push_is_kept_beside_what_is_not(city: TestCity):
    good = {"mobile": "13911112222", "reportStatus": "DELIVRD", "msgGroup": "g1", "smsContent": "好的"}
    strange = good | {
        "receiveDate": "00010101000000",
        "sendTime": "00010101000000",
        "msgGroup": "g\ud800",
        "smsContent": "\ud800",
        "addSerial": "1" * 5000,
    }
    for tail, kept in (("report", "message_reports"), ("reply", "message_replies")):
        path = f"/callbacks/sms/mas/{MAS_SECRET}/{tail}"
        body = json.dumps([{"mobile": None}, strange, good, 7]).encode()
        await city.call("POST", path, content=body, expect=204)
        assert await city.city.db.collection(kept).count_documents({}) == 2


async def test_a_reply_by_sms_reaches_us(city: TestCity):
    who = await city.resident()
    await city.outside.post("sms/reply", {"phone": who.phone, "content": "谢谢", "add_serial": ""})

    async def kept() -> bool:
        return await city.city.db.collection("message_replies").count_documents({}) == 1

    await city.until(kept)


async def test_an_adult_who_agreed_by_sms_is_told_there_what_and_how_to_end_it(city: TestCity):
    who = await city.resident()
    number = {"name": "王奶奶", "id_number": "370702195003120022"}
    await city.outside.post("persons", {**number, "phone": "13655550000"})
    body = {"relation": "parent", **number}
    patient = await city.call("POST", "/api/v1/patients", as_=who, json=body)
    # The request finds no phone to go to yet; left until later it could come after the consent.
    await city.work()
    path = f"/api/v1/patients/{patient['id']}"
    asked = {"phone": "13655550000"}
    await city.call("POST", f"{path}/consent-codes", as_=who, json=asked)

    async def shown() -> list[str]:
        found = (await city.outside.get("sms", phone="13655550000"))["items"]
        return [sms["content"] for sms in reversed(found)]

    (request,) = await shown()
    assert f"手机尾号{who.phone[-4:]}的张*申请为您代办" in request
    code = request.split("验证码")[1][:6]
    await city.call("POST", f"{path}/consent", as_=who, json={**asked, "code": code})
    await city.work()
    assert "如要取消" in (await shown())[-1]
    linked = (await messages(city, who))[0]
    assert linked["kind"] == "patient_linked"
