"""The control API: people, switches, time, loopback only, and a memory that outlives the process."""

import json
from pathlib import Path
from typing import Any

import httpx
import pytest

from sandbox.app import Sandbox, open_sandbox
from sandbox.state import Order
from tests.sandbox.conftest import PHONE
from tests.support.outside import Listener, Outside, open_listener
from tests.support.polling import poll

PERSON = {"name": "张伟", "id_number": "11010519491231002X", "phone": PHONE}


async def test_people_are_registered_one_by_one_or_many_at_once(outside: Outside):
    one = await outside.post("persons", PERSON)
    assert (one["sex"], one["birth_on"]) == ("female", "1949-12-31")
    many = await outside.post(
        "persons", {"items": [PERSON, {"name": "李", "id_number": "440524188001010014"}]}
    )
    assert len(many["items"]) == len((await outside.get("persons"))["items"]) == 2


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("persons", PERSON | {"id_number": "110105194912310021"}),
        ("persons", PERSON | {"name": ""}),
        ("persons", PERSON | {"phone": "12345"}),
        ("persons", PERSON | {"family": [{"id_number": "11010519491231002X", "relation": "friend"}]}),
        ("js-code", {}),
        ("js-code", {"openid": "oNobody"}),
        ("phone-code", {"phone": "110"}),
        ("switches", {"no_such_switch": True}),
        ("switches", {"slow_ms": "fast"}),
        ("switches", {"refund_result": "MAYBE"}),
        ("time", {"factor": 0}),
        ("city", {"city_url": "https://example.com"}),
        ("sms/reply", {"phone": PHONE}),
        ("persons", ["not", "an", "object"]),
    ],
    ids=lambda value: str(value)[:40],
)
async def test_what_makes_no_sense_is_refused_with_a_reason(web: httpx.AsyncClient, path: str, body: Any):
    answer = await web.post(f"/control/{path}", json=body)
    assert answer.status_code == 400
    assert answer.json()["error"]


async def test_unknown_switches_change_nothing(web: httpx.AsyncClient, outside: Outside):
    before = await outside.get("switches")
    await web.post("/control/switches", json={"slow_ms": 5, "no_such_switch": 1})
    assert await outside.get("switches") == before


async def test_a_plain_on_means_the_usual_code(outside: Outside):
    values = await outside.post("switches", {"refuse_refund": True, "lose_notices": True, "sms_fail": "yes"})
    assert (values["refuse_refund"], values["lose_notices"], values["sms_fail"]) == ("NOT_ENOUGH", -1, "yes")
    values = await outside.post("switches", {"refuse_refund": False, "lose_notices": False, "sms_fail": ""})
    assert (values["refuse_refund"], values["lose_notices"], values["sms_fail"]) == ("", 0, "")


async def test_a_slow_service_takes_its_time(web: httpx.AsyncClient, outside: Outside):
    async with outside.misbehaving(slow_mas_ms=300):
        answer = await web.post("/mas/sms/norsubmit", content=b"")
    assert answer.elapsed.total_seconds() >= 0.3


async def test_an_answer_can_be_lost_after_the_work_was_done(web: httpx.AsyncClient, outside: Outside):
    code = (await outside.post("js-code", {"phone": PHONE}))["js_code"]
    app = outside.credentials["wechat_mini"]
    query = {"appid": app["app_id"], "secret": app["secret"], "grant_type": "authorization_code"}
    async with outside.misbehaving(lose_answers_wechat=True):
        with pytest.raises(httpx.HTTPError):
            await web.get("/wechat/sns/jscode2session", params=query | {"js_code": code})
    again = await web.get("/wechat/sns/jscode2session", params=query | {"js_code": code})
    assert again.json()["errcode"] == 40163


@pytest.mark.parametrize(
    "headers", [{"Host": "evil.example"}, {"Origin": "https://evil.example"}, {"Origin": "null"}], ids=str
)
async def test_pages_from_elsewhere_cannot_drive_it(web: httpx.AsyncClient, headers: dict[str, str]):
    assert (await web.post("/control/reset", headers=headers)).status_code == 403
    assert (await web.post("/switches", headers=headers, data={"action": "reset"})).status_code == 403


async def test_it_listens_on_loopback_only(outside: Outside):
    assert outside.url.startswith("http://127.0.0.1:")


# Restarting


async def control(sandbox: Sandbox, path: str, body: Any) -> Any:
    async with httpx.AsyncClient(base_url=sandbox.url) as client:
        answer = await client.post(f"/control/{path}", json=body)
        assert answer.is_success, answer.text
        return answer.json()


async def place(sandbox: Sandbox, city: Listener, openid: str) -> str:
    """Place an order at the bank itself; the signed way is tested elsewhere."""
    world = sandbox.world
    now = world.now()
    order = Order(
        out_trade_no="RESTART-1",
        app_id=world.credentials.mini["app_id"], description="挂号费", total_fen=900,
        trade_type="JSAPI", notify_url=f"{city.url}/callbacks/wechat-pay/notice", created_at=now,
        expires_at=now + 600, request={}, prepay_id=world.bank.new_prepay_id(), openid=openid,
    )  # fmt: skip
    return world.bank.place(order).out_trade_no


async def test_people_money_and_undelivered_notices_survive_a_restart(tmp_path: Path):
    async with open_listener() as city:
        city.status = 500
        async with open_sandbox(tmp_path, city.url) as first:
            user = await control(first, "wechat-users", {"phone": PHONE})
            await control(first, "persons", PERSON)
            await control(first, "switches", {"signtest_every": 0})
            await place(first, city, user["mini_openid"])
            await control(first, "orders/RESTART-1/pay", {})
            await poll(lambda: len(city.heard) == 1)
        credentials = (tmp_path / "credentials.json").read_bytes()
        city.status = 204
        async with open_sandbox(tmp_path, city.url) as second:
            assert (tmp_path / "credentials.json").read_bytes() == credentials
            assert (await control(second, "wechat-users", {"phone": PHONE}))["mini_openid"] == user[
                "mini_openid"
            ]
            assert second.world.bank.totals()["paid_fen"] == 900
            assert second.world.people.find_person(PERSON["id_number"]) is not None
            await control(second, "time", {"factor": 1000})
            await poll(lambda: len(city.heard) == 2)
            delivery = next(iter(second.world.state.deliveries.values()))
            await poll(lambda: delivery.state == "delivered")


async def test_secrets_and_state_are_for_the_owner_only(tmp_path: Path):
    async with open_sandbox(tmp_path, "http://127.0.0.1:1"):
        pass
    for name in ("credentials.json", "keys.json", "state.json"):
        assert (tmp_path / name).stat().st_mode & 0o077 == 0, name
    told = json.loads((tmp_path / "credentials.json").read_text())
    assert set(told) >= {
        "wechat_mini", "wechat_oa", "wechat_pay", "mas", "register", "subscribe_templates",
    }  # fmt: skip
    assert "platform_private_key_pem" not in json.dumps(told)


async def test_a_city_elsewhere_is_refused_at_the_start(tmp_path: Path):
    with pytest.raises(ValueError, match=r"127\.0\.0\.1"):
        async with open_sandbox(tmp_path, "http://192.0.2.1:8000"):
            pass
