"""The residents area in the whole city, with the real adapters: WeChat, SMS and register of the sandbox."""

from urllib.parse import parse_qs, urlsplit

import httpx

from tests.backend.residents.world import born_years_ago, make_person, parameters
from tests.support.city import TestCity

RETURN_TO = "/#/pages/home/index"


async def test_a_resident_of_wechat_is_verified_and_books_for_a_child(city: TestCity) -> None:
    parent = await city.resident(wechat=True)
    child = make_person(born_years_ago(15))
    await city.outside.post("persons", child.card)
    await city.outside.post(
        "persons",
        {
            "name": parent.name,
            "id_number": parent.id_number,
            "phone": parent.phone,
            "family": [{"relation": "child", "id_number": child.id_number}],
        },
    )
    patient = await city.call(
        "POST", "/api/v1/patients", as_=parent, json=child.card | {"relation": "child"}, expect=201
    )
    assert patient["state"] == "active"
    schedule = await city.schedule()
    booked = await city.call(
        "POST",
        "/api/v1/appointments",
        as_=parent,
        json={"schedule_id": schedule.id, "patient_id": patient["id"]},
        expect=201,
    )
    assert booked["patient"]["id"] == patient["id"]


async def test_an_account_is_deleted_only_once_its_appointments_are_cancelled(city: TestCity) -> None:
    resident = await city.resident()
    schedule = await city.schedule()
    booked = await city.call(
        "POST",
        "/api/v1/appointments",
        as_=resident,
        json={"schedule_id": schedule.id, "patient_id": resident.id},
        expect=201,
    )
    refused = await city.call("DELETE", "/api/v1/me", as_=resident, expect=409)
    assert refused["error"]["code"] == "ACCOUNT_HAS_APPOINTMENTS"
    await city.call("POST", f"/api/v1/appointments/{booked['id']}/cancel", as_=resident, json={})
    await city.work()
    await city.call("DELETE", "/api/v1/me", as_=resident, expect=204)
    await city.work()
    await city.call("GET", "/api/v1/me", as_=resident, expect=401)


async def test_an_adult_is_told_that_somebody_asks_to_act_for_him(city: TestCity) -> None:
    asking, asked = await city.resident(), await city.resident()
    before = len((await city.outside.get("sms", phone=asked.phone))["items"])
    body = {"relation": "spouse", "name": asked.name, "id_number": asked.id_number}
    patient = await city.call("POST", "/api/v1/patients", as_=asking, json=body, expect=201)
    assert patient["state"] == "pending"
    await city.work()
    assert len((await city.outside.get("sms", phone=asked.phone))["items"]) > before
    (link,) = (await city.call("GET", "/api/v1/guardians", as_=asked))["items"]
    await city.call("POST", f"/api/v1/guardians/{link['id']}/accept", as_=asked)
    listed = (await city.call("GET", "/api/v1/patients", as_=asking))["items"]
    assert [(one["id"], one["state"]) for one in listed] == [(asking.id, "active"), (asked.id, "active")]


async def test_a_browser_in_wechat_is_recognised_by_the_official_account(city: TestCity) -> None:
    phone = "13812345678"
    async with httpx.AsyncClient(base_url=city.url, timeout=20) as browser:
        start = await browser.get("/api/v1/auth/wechat-oauth", params={"return_to": RETURN_TO})
        address = urlsplit(start.headers["Location"])
        asked = {name: values[0] for name, values in parse_qs(address.query).items()}
        assert f"{address.scheme}://{address.netloc}" == city.outside.url
        assert asked["response_type"] == "code"
        code = (await city.outside.post("oauth-code", {"phone": phone}))["code"]
        back = await browser.get(asked["redirect_uri"], params={"code": code, "state": asked["state"]})
        told = parameters(back.headers["Location"])
        assert told["return_to"] == RETURN_TO
        step = (await browser.post("/api/v1/auth/ticket", json={"ticket": told["ticket"]})).json()
        assert step["phone_needed"] is True
        await browser.post("/api/v1/auth/sms-codes", json={"phone": phone})
        texts = await city.outside.get("sms", phone=phone)
        digits = "".join(c for c in texts["items"][0]["content"] if c.isdigit())[:6]
        done = await browser.post(
            "/api/v1/auth/ticket",
            json={"login_ticket": step["login_ticket"], "phone": phone, "code": digits},
        )
        assert done.json()["tokens"]["resident"]["openids"] == {"mini": False, "oa": True}
        replay = await browser.get(asked["redirect_uri"], params={"code": code, "state": asked["state"]})
        assert parameters(replay.headers["Location"]) == {"error": "LOGIN_TICKET_INVALID"}


async def test_a_person_known_from_the_window_keeps_the_appointments_made_there(city: TestCity) -> None:
    person = make_person()
    await city.outside.post("persons", person.card | {"phone": person.phone})
    hospital = await city.hospital_client()
    schedule = await city.schedule(fee_fen=0)
    sold = await city.call(
        "POST",
        "/hospital/v1/appointments",
        as_=hospital,
        json={"schedule": schedule.external_id, "channel": "window", "patient": person.card},
        key="window-sale-1",
        expect=201,
    )
    await city.call("POST", "/api/v1/auth/sms-codes", json={"phone": person.phone})
    texts = await city.outside.get("sms", phone=person.phone)
    code = "".join(c for c in texts["items"][0]["content"] if c.isdigit())[:6]
    tokens = await city.call("POST", "/api/v1/auth/sms", json={"phone": person.phone, "code": code})
    headers = {"Authorization": f"Bearer {tokens['access_token']}"}
    done = await city.call("POST", "/api/v1/me/real-name", json=person.card, headers=headers)
    headers = {"Authorization": f"Bearer {done['access_token']}"}
    mine = await city.call("GET", "/api/v1/appointments?state=all", headers=headers)
    assert [one["id"] for one in mine["items"]] == [sold["id"]]
