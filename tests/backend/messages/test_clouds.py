"""A city with every provider: messages by approved templates, failover, receipts pushed and answered."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from pydantic import SecretStr

from backend import clock
from backend.db.client import Database
from backend.messages.schemas import AliyunHeard, TencentHeard
from notify.sms import aliyun, tencent
from tests.backend.messages.test_handlers import book, states, texts
from tests.support.city import Surroundings, TestCity, open_test_city

SECRETS = {"aliyun": "aliyun-secret-of-tests", "tencent": "tencent-secret-of-tests"}


def clouds(surroundings: Surroundings, *, shares: dict[str, str], networks: str = "") -> dict[str, Any]:
    """Settings of a city that has accounts with all three."""
    told, url = surroundings.outside.credentials, surroundings.outside.url
    ali, ten = told["aliyun_sms"], told["tencent_sms"]

    def codes(account: Any) -> dict[str, str]:
        return {kind: template["code"] for kind, template in account["templates"].items()}

    return {
        "sms_shares": shares,
        "sms_push_networks": networks,
        "aliyun_sms_url": f"{url}/aliyun-sms",
        "aliyun_sms_access_key_id": ali["access_key_id"],
        "aliyun_sms_access_key_secret": SecretStr(ali["access_key_secret"]),
        "aliyun_sms_sign_name": ali["sign_name"],
        "aliyun_sms_templates": codes(ali),
        "aliyun_sms_callback_secret": SecretStr(SECRETS["aliyun"]),
        "tencent_sms_url": f"{url}/tencent-sms",
        "tencent_sms_secret_id": ten["secret_id"],
        "tencent_sms_secret_key": SecretStr(ten["secret_key"]),
        "tencent_sms_app_id": ten["sdk_app_id"],
        "tencent_sms_sign_name": ten["sign_name"],
        "tencent_sms_templates": codes(ten),
        "tencent_sms_callback_secret": SecretStr(SECRETS["tencent"]),
    }


@pytest.fixture
async def only(
    db: Database, mongo_uri: str, surroundings: Surroundings, request: pytest.FixtureRequest
) -> AsyncIterator[TestCity]:
    """A city that sends by one provider first, whichever the test names."""
    shares = dict.fromkeys(("cloud_mas", "aliyun_sms", "tencent_sms"), "0") | {request.param: "1"}
    more = clouds(surroundings, shares=shares)
    async with open_test_city(surroundings, mongo_uri, db, **more) as city:
        await city.outside.post("city", {f"{name}_callback_secret": text for name, text in SECRETS.items()})
        try:
            yield city
        finally:
            nobody = {f"{name}_callback_secret": "" for name in SECRETS}
            await city.outside.post("city", nobody)


def test_providers_hear_what_they_want_to_hear():
    assert AliyunHeard().model_dump() == dict(aliyun.PUSH_ANSWER)
    assert TencentHeard().model_dump() == dict(tencent.PUSH_ANSWER)


@pytest.mark.parametrize("only", ["aliyun_sms", "tencent_sms"], indirect=True)
async def test_a_cloud_carries_codes_and_bookings_and_its_receipts_arrive(only: TestCity):
    who = await only.resident()  # signs in by a code that the cloud has carried
    await book(only, who)
    await only.work()
    (text,) = await texts(only, who)
    assert "您已预约健康城市人民医院儿科" in text
    found = (await only.outside.get("sms", phone=who.phone))["items"]
    (name,) = [name for name, share in only.city.settings.sms_shares.items() if share == "1"]
    assert {f"{sms['provider']}_sms" for sms in found} == {name}

    async def delivered() -> bool:
        return (await states(only, who))["sms"] == "delivered"

    await only.until(delivered)
    doc = await only.city.db.collection("messages").find_one({"kind": "appointment_booked"})
    assert doc is not None
    sms = doc["deliveries"]["sms"]
    assert sms["reference"] == f"{doc['_id']}001"
    assert sms["segments"] == 2


@pytest.mark.parametrize("only", ["aliyun_sms"], indirect=True)
async def test_what_a_cloud_refuses_another_provider_carries(only: TestCity):
    who = await only.resident()
    async with only.outside.misbehaving(refuse_aliyun="isv.OUT_OF_SERVICE"):
        await book(only, who)
        await only.work()
    (text,) = await texts(only, who)
    assert "您已预约" in text
    doc = await only.city.db.collection("messages").find_one({"kind": "appointment_booked"})
    assert doc is not None
    assert doc["deliveries"]["sms"]["provider"] in ("cloud_mas", "tencent_sms")


@pytest.mark.parametrize("only", ["aliyun_sms"], indirect=True)
async def test_a_lost_answer_is_asked_for_by_our_number_and_nobody_is_told_twice(only: TestCity):
    who = await only.resident()
    async with only.outside.misbehaving(lose_answers_aliyun=True):
        await book(only, who)
        await only.work()

    async def known() -> bool:
        return (await states(only, who))["sms"] in ("sent", "delivered")

    await only.until(known)
    assert len(await texts(only, who)) == 1


@pytest.mark.parametrize("only", ["tencent_sms"], indirect=True)
async def test_a_reply_by_a_cloud_is_heard_once_and_a_stranger_is_not(only: TestCity):
    who = await only.resident()
    for _ in range(2):
        await only.outside.post("sms/reply", {"phone": who.phone, "content": "你好", "provider": "tencent"})

    async def heard() -> bool:
        return await only.city.db.collection("message_replies").count_documents({}) >= 1

    await only.until(heard)
    async with httpx.AsyncClient() as client:
        for path in ("tencent/guess", "aliyun/guess", f"unicom/{SECRETS['aliyun']}"):
            answer = await client.post(f"{only.url}/callbacks/sms/{path}/reply", content=b"[]")
            assert answer.status_code == 404


async def test_a_push_from_another_network_does_not_exist(
    db: Database, mongo_uri: str, surroundings: Surroundings
):
    more = clouds(surroundings, shares={}, networks="198.51.100.0/24")
    async with open_test_city(surroundings, mongo_uri, db, **more) as city:
        path = f"{city.url}/callbacks/sms/aliyun/{SECRETS['aliyun']}/report"
        assert (await city.http.post(path, content=b"[]")).status_code == 404


async def _sms(city: TestCity) -> dict[str, Any]:
    doc = await city.city.db.collection("messages").find_one({"kind": "appointment_booked"})
    assert doc is not None
    sms: dict[str, Any] = doc["deliveries"]["sms"]
    return sms


@pytest.mark.parametrize("only", ["aliyun_sms"], indirect=True)
async def test_a_lost_report_is_asked_for_and_counts_once_when_it_is_pushed_after_all(only: TestCity):
    who, db = await only.resident(), only.city.db
    async with only.outside.misbehaving(lose_reports=True, sms_report_delay_s=0):
        await book(only, who)
        await only.work()
        messages = only.city.services.messages

        async def known() -> bool:
            await db.collection("messages").update_many(
                {"deliveries.sms.ask_at": {"$exists": True}},
                {"$set": {"deliveries.sms.ask_at": clock.now(), "deliveries.sms.asked": 0}},
            )
            await messages.fetch_receipts()
            return (await _sms(only))["state"] == "delivered"

        await only.until(known)
    sms = await _sms(only)
    assert "ask_at" not in sms
    pushed = {
        "phone_number": who.phone,
        "send_time": "2026-11-22 08:00:00",
        "report_time": "2026-11-22 08:00:03",
        "success": True,
        "err_code": "DELIVERED",
        "biz_id": sms["provider_id"],
        "out_id": sms["reference"],
    }
    reports = db.collection("message_reports")
    before = await reports.count_documents({})
    path = f"{only.url}/callbacks/sms/aliyun/{SECRETS['aliyun']}/report"
    assert (await only.http.post(path, json=[pushed])).status_code == 200
    assert await reports.count_documents({}) == before


@pytest.mark.parametrize("only", ["aliyun_sms"], indirect=True)
async def test_a_message_of_which_nothing_becomes_known_is_asked_for_three_times(only: TestCity):
    who, db = await only.resident(), only.city.db
    async with only.outside.misbehaving(lose_reports=True, sms_report_delay_s=3600):
        await book(only, who)
        await only.work()
        for asked in range(1, 4):
            await db.collection("messages").update_many(
                {"deliveries.sms.ask_at": {"$exists": True}}, {"$set": {"deliveries.sms.ask_at": clock.now()}}
            )
            await only.city.services.messages.fetch_receipts()
            assert (await _sms(only))["asked"] == asked
    sms = await _sms(only)
    assert (sms["state"], "ask_at" in sms) == ("sent", False)


@pytest.mark.parametrize("only", ["tencent_sms"], indirect=True)
async def test_reports_and_replies_are_fetched_where_none_are_pushed_and_count_once(only: TestCity):
    await only.outside.post("city", {"tencent_callback_secret": ""})
    who, db = await only.resident(), only.city.db
    await book(only, who)
    await only.work()
    await only.outside.post("sms/reply", {"phone": who.phone, "content": "你好", "provider": "tencent"})

    async def fetched() -> bool:
        await only.city.services.messages.fetch_receipts()
        replied = await db.collection("message_replies").count_documents({}) == 1
        return replied and (await states(only, who))["sms"] == "delivered"

    await only.until(fetched)
    reports, before = db.collection("message_reports"), await _sms(only)
    count = await reports.count_documents({})
    pushed = {
        "user_receive_time": "2026-11-22 08:00:03",
        "nationcode": "86",
        "mobile": who.phone,
        "report_status": "SUCCESS",
        "errmsg": "DELIVRD",
        "sid": before["provider_id"],
    }
    path = f"{only.url}/callbacks/sms/tencent/{SECRETS['tencent']}/report"
    assert (await only.http.post(path, json=[pushed])).status_code == 200
    assert await reports.count_documents({}) == count
    assert await _sms(only) == before
