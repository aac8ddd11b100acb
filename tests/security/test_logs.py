"""What a city writes into its log while people live in it, at the most talkative level, names nobody."""

from __future__ import annotations

import logging
from collections.abc import Iterator

import orjson
import pytest

from backend.logs import NOISY, JSONFormatter
from tests.support.city import Caller, TestCity, id_number


class Written(logging.Handler):
    """Every line as it would stand in the log, and with its escapes undone."""

    def __init__(self) -> None:
        super().__init__()
        self.setFormatter(JSONFormatter("test"))
        self.text = ""
        self.loggers: set[str] = set()

    def emit(self, record: logging.LogRecord) -> None:
        line = self.format(record)
        self.loggers.add(record.name)
        self.text += f"{line}\n{orjson.loads(line)}\n"


@pytest.fixture
def written() -> Iterator[Written]:
    handler, root = Written(), logging.getLogger()
    before = {name: logging.getLogger(name).level for name in ("", *NOISY)}
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    for name in NOISY:
        logging.getLogger(name).setLevel(logging.WARNING)
    yield handler
    root.removeHandler(handler)
    for name, level in before.items():
        logging.getLogger(name).setLevel(level)


async def test_a_day_in_the_city_leaves_no_trace_of_anybody_in_the_log(city: TestCity, written: Written):
    secrets: set[str] = set()
    people = [await city.resident(wechat=True), await city.resident()]
    for who in people:
        secrets |= {who.name, who.phone, who.id_number, who.token}
        await _books_pays_and_cancels(city, who)
        secrets |= await _shows_codes(city, who)
    secrets |= await _goes_wrong(city, people[-1])
    await city.later()
    await city.call("DELETE", "/api/v1/me", as_=people[-1], expect=204)
    await city.work()
    assert {"backend.http", "backend.worker.outbox", "notify.base", "payment.base"} <= written.loggers
    leaked = [secret for secret in secrets if secret and secret in written.text]
    assert not leaked, [line for line in written.text.splitlines() if any(each in line for each in leaked)][
        :3
    ]


async def _books_pays_and_cancels(city: TestCity, who: Caller) -> None:
    schedule = await city.schedule(fee_fen=500)
    wish = {"schedule_id": schedule.id, "patient_id": who.id}
    made = await city.call("POST", "/api/v1/appointments", as_=who, json=wish, expect=201)
    path = f"/api/v1/appointments/{made['id']}"
    await city.call("POST", f"{path}/payment", as_=who, json={"method": "wechat_native"})
    for order in (await city.outside.get("orders"))["items"]:
        if order["state"] == "NOTPAY":
            await city.outside.post(f"orders/{order['out_trade_no']}/pay", {})
    await city.call("POST", f"{path}/payment/refresh", as_=who, json={})
    await city.work()
    await city.call("POST", f"{path}/cancel", as_=who, json={"reason": f"{who.name} {who.phone}"})

    async def refunded() -> bool:
        return bool((await city.call("GET", path, as_=who))["payment"]["state"] == "refunded")

    await city.until(refunded)


async def _shows_codes(city: TestCity, who: Caller) -> set[str]:
    window = await city.hospital_client()
    of = {"patient_id": who.id}
    shown = (await city.call("POST", "/api/v1/health-codes/dynamic", as_=who, json=of))["text"]
    printed = (await city.call("POST", "/api/v1/health-codes/static", as_=who, json=of, expect=201))["text"]
    phone = await city.call("POST", "/api/v1/health-codes/offline-device", as_=who, json=of)
    for code in (shown, printed, "E1:" + "A" * 200, who.name):
        body = {"code": code, "step": "10101"}
        await city.http.post(f"{city.url}/hospital/v1/health-codes/verify", json=body, headers=window.headers)
    await city.work()
    return {shown, printed, phone["secret"], window.token}


async def _goes_wrong(city: TestCity, who: Caller) -> set[str]:
    """Refusals, nonsense and an outside that fails: the lines that say most."""
    stranger = "艾孜买提·阿卜杜拉"
    await city.call("POST", "/api/v1/auth/sms", json={"phone": who.phone, "code": "424242"}, expect=400)
    wrong = {"relation": "spouse", "name": stranger, "id_number": id_number(777)}
    await city.call("POST", "/api/v1/patients", as_=who, json=wrong, expect=400)
    await city.call("POST", "/api/v1/auth/refresh", json={"refresh_token": "hcr_" + "x" * 60}, expect=401)
    for path in (f"/api/v1/patients/{who.id_number}", f"/api/v1/{who.phone}?name={stranger}"):
        await city.http.delete(city.url + path, headers=who.headers)
    async with city.outside.misbehaving(sms_fail=True):
        await city.http.post(f"{city.url}/api/v1/auth/sms-codes", json={"phone": "13900009999"})
    schedule = await city.schedule()
    made = await city.call(
        "POST", "/api/v1/appointments", as_=who, json={"schedule_id": schedule.id, "patient_id": who.id}
    )
    await city.call("POST", f"/api/v1/appointments/{made['id']}/cancel", as_=who, json={})
    return {stranger, id_number(777), "13900009999", "424242", "hcr_" + "x" * 60}
