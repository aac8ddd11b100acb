"""The pages a person uses: phone, cashier, window, callbacks, switches."""

import json
import re
from pathlib import Path
from typing import Any

import httpx
import pytest
from tornado.httpserver import HTTPServer
from tornado.netutil import bind_sockets
from tornado.web import Application, RequestHandler

from sandbox.app import open_sandbox
from sandbox.people import is_id_number
from tests.sandbox.conftest import PHONE
from tests.sandbox.merchant import NATIVE, Merchant
from tests.support.outside import Listener, Outside
from tests.support.polling import poll

PERSON = {"name": "张伟", "id_number": "11010519491231002X", "phone": PHONE}


async def page(web: httpx.AsyncClient, address: str, **more: Any) -> str:
    answer = await web.get(address, follow_redirects=True, **more)
    assert answer.status_code == 200, answer.text
    assert answer.headers["Content-Type"].startswith("text/html")
    return answer.text


@pytest.mark.parametrize(
    "address", ["/", "/phone", "/chat", "/cashier", "/window", "/his", "/deliveries", "/switches"]
)
async def test_every_page_opens_and_needs_nothing_from_elsewhere(web: httpx.AsyncClient, address: str):
    answer = await web.get(address)
    assert answer.status_code == 200
    assert "default-src 'self'" in answer.headers["Content-Security-Policy"]
    sources = re.findall(r'(?:src|href)="(/static/[^"]+)"', answer.text)
    assert sources
    for source in sources:
        assert (await web.get(source)).status_code == 200
    assert not re.findall(r'(?:src|<link[^>]*href)="(?:https?:)?//', answer.text)


async def test_the_phone_shows_what_arrived_and_answers(
    web: httpx.AsyncClient, outside: Outside, city: Listener
):
    await outside.post("persons", PERSON)
    await web.post("/phone", data={"number": PHONE, "action": "reply", "content": "<b>退订</b>"})
    text = await page(web, f"/phone?number={PHONE}")
    assert "&lt;b&gt;退订&lt;/b&gt;" in text
    assert "张伟" in text
    assert PHONE in await page(web, "/phone")
    await poll(lambda: any(heard.path.endswith("/reply") for heard in city.heard))


async def test_agreeing_on_the_phone_grants_messages(web: httpx.AsyncClient, outside: Outside):
    await web.post("/phone", data={"number": PHONE, "action": "accept"})
    user = await outside.post("wechat-users", {"phone": PHONE})
    assert set(user["grants"].values()) == {1}
    await web.post("/phone", data={"number": PHONE, "action": "reject"})
    await web.post("/phone", data={"number": PHONE, "action": "follow"})
    user = await outside.post("wechat-users", {"phone": PHONE})
    assert set(user["grants"].values()) == {0}
    assert not user["follows_oa"]


async def test_the_made_up_person_can_be_registered_as_a_child(web: httpx.AsyncClient, outside: Outside):
    await outside.post("persons", PERSON)
    text = await page(web, "/phone")
    fields = dict(re.findall(r'<input name="(name|id_number|number)" value="([^"]*)"', text))
    assert is_id_number(fields["id_number"])
    more = {"action": "register", "relative": PERSON["id_number"], "relation": "child"}
    answer = await web.post("/phone", data=fields | more)
    assert answer.status_code == 303
    assert "子女" in await page(web, f"/phone?number={PHONE}")
    wrong = await web.post("/phone", data=fields | more | {"id_number": "123"})
    assert wrong.status_code == 400


async def test_the_cashier_resolves_a_pasted_code_and_takes_the_money(
    merchant: Merchant, outside: Outside, web: httpx.AsyncClient
):
    answer = await merchant.send("POST", NATIVE, merchant.order(payer=None))
    code_url = answer.json()["code_url"]
    assert "挂号费" in await page(web, "/cashier")
    sheet = await page(web, "/cashier", params={"code": code_url})
    assert "¥15.00" in sheet
    order = (await outside.get("orders"))["items"][0]
    address = f"/cashier/{order['prepay_id']}"
    paid = await web.post(address, data={"action": "pay", "phone": PHONE})
    assert paid.status_code == 303
    order = (await outside.get("orders"))["items"][0]
    user = await outside.post("wechat-users", {"phone": PHONE})
    assert (order["state"], order["payer_openid"]) == ("SUCCESS", user["mini_openid"])
    assert "请勿重复支付" in (await web.post(address, data={"action": "pay"})).text


@pytest.mark.parametrize("action", ["refuse", "twice", "delay", "silent", "late_notice", "less", "forge"])
async def test_every_button_of_the_cashier_works(
    merchant: Merchant, web: httpx.AsyncClient, outside: Outside, action: str
):
    await merchant.place()
    order = (await outside.get("orders"))["items"][0]
    answer = await web.post(f"/cashier/{order['prepay_id']}", data={"action": action})
    assert answer.status_code == 303
    order = (await outside.get("orders"))["items"][0]
    paid = {
        "refuse": 0,
        "twice": 1500,
        "delay": 0,
        "silent": 1500,
        "late_notice": 1500,
        "less": 1,
        "forge": 0,
    }
    assert order["paid_fen"] == paid[action]
    await page(web, f"/cashier/{order['prepay_id']}")
    await page(web, "/deliveries")


async def test_the_cashier_leads_back_to_the_city_and_nowhere_else(
    merchant: Merchant, web: httpx.AsyncClient, outside: Outside
):
    await merchant.place()
    address = f"/cashier/{(await outside.get('orders'))['items'][0]['prepay_id']}"
    back = f"{outside.city_url}/#/pages/appointments"
    assert back in await page(web, address, params={"return_to": back})
    assert "evil.example" not in await page(web, address, params={"return_to": "https://evil.example/"})


async def test_an_unknown_payment_code_is_said_so(web: httpx.AsyncClient):
    assert "没有这个订单" in await page(web, "/cashier", params={"code": "weixin://wxpay/bizpayurl?pr=none"})
    assert "没有这个订单" in await page(web, "/cashier/wx-none")


async def test_switches_are_set_and_put_back_on_the_page(web: httpx.AsyncClient, outside: Outside):
    form = {"slow_ms": "5", "duplicate_notices": "on", "refuse_sms": "NOT_WHITE_IP", "factor": "60"}
    assert (await web.post("/switches", data=form)).status_code == 303
    values = await outside.get("switches")
    assert (values["slow_ms"], values["duplicate_notices"], values["refuse_sms"]) == (5, True, "NOT_WHITE_IP")
    assert values["refund_result"] == "SUCCESS"
    assert "60 倍" in await page(web, "/switches")
    await web.post("/switches", data={"action": "behave"})
    assert (await outside.get("switches"))["duplicate_notices"] is False
    await outside.post("persons", PERSON)
    await web.post("/switches", data={"action": "reset"})
    assert (await outside.get("persons"))["items"] == []


async def test_the_stamp_changes_when_something_happens(web: httpx.AsyncClient, outside: Outside):
    before = (await web.get("/stamp")).text
    await outside.post("persons", PERSON)
    assert (await web.get("/stamp")).text != before


# The window, in front of a city that answers as the contract says


class HospitalAPI:
    """The three calls the window makes, answered as the city would."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, str, str]] = []
        self.url = ""

    def handler(self) -> type[RequestHandler]:
        calls = self.calls

        class Answer(RequestHandler):
            def post(self) -> None:
                who, body = self.request.headers.get("Authorization", ""), self.request.body.decode()
                calls.append((self.request.path, who, body))
                if self.request.path == "/oauth2/token":
                    self.write({"access_token": f"token-of-{who[-4:]}", "token_type": "Bearer"})
                elif self.request.path == "/hospital/v1/terminals":
                    self.write({"id": "01T", "client_id": "terminal", "client_secret": "s"})
                elif "HC1:good" in body:
                    self.write({"name": "张*", "sex": "male", "appointments": [{"number": 12, "paid": True}]})
                else:
                    self.set_status(409)
                    error = {
                        "code": "CODE_REPLAYED",
                        "message": "这个码刚刚用过",
                        "data": {},
                        "request_id": "1",
                    }
                    self.write({"error": error})

        return Answer


@pytest.fixture
async def hospital() -> Any:
    api = HospitalAPI()
    sockets = bind_sockets(0, "127.0.0.1")
    server = HTTPServer(Application([(r".*", api.handler())], log_function=lambda _handler: None))
    server.add_sockets(sockets)
    api.url = f"http://127.0.0.1:{sockets[0].getsockname()[1]}"
    yield api
    server.stop()
    await server.close_all_connections()


async def test_the_window_registers_a_terminal_once_and_shows_what_a_clerk_sees(
    hospital: HospitalAPI, tmp_path: Path
):
    city_file = tmp_path / "city.json"
    known = {"id": "01H", "name": "市人民医院", "client_id": "hospital", "client_secret": "secret"}
    city_file.write_text(json.dumps({"hospitals": [known]}))
    async with (
        open_sandbox(tmp_path / "sandbox", hospital.url, city_file=str(city_file)) as sandbox,
        httpx.AsyncClient(base_url=sandbox.url) as web,
    ):
        assert "市人民医院" in (await web.get("/window")).text
        form = {"hospital": "01H", "kind": "window", "step": "10101", "code": "HC1:good \r\n"}
        for _ in range(2):
            text = (await web.post("/window", data=form)).text
            assert "核验通过" in text
            assert "今日预约 1 · 号序" in text
        refused = (await web.post("/window", data=form | {"code": "HC1:old"})).text
        assert "这个码刚刚用过（CODE_REPLAYED）" in refused
        nobody = (await web.post("/window", data=form | {"hospital": ""})).text
        assert "没有选医院" in nobody
    paths = [path for path, _, _ in hospital.calls]
    assert paths.count("/hospital/v1/terminals") == 1
    verify = next(call for call in hospital.calls if call[0].endswith("/verify"))
    # The space at its end belongs to a Base45 code, the line end to the paste.
    assert json.loads(verify[2]) == {"code": "HC1:good ", "step": "10101"}


async def test_the_window_uses_the_terminals_the_city_file_names(hospital: HospitalAPI, tmp_path: Path):
    city_file = tmp_path / "city.json"
    terminal = {"name": "药房", "kind": "pharmacy", "client_id": "of-pharmacy", "client_secret": "s"}
    known = {
        "id": "01H",
        "name": "市人民医院",
        "client_id": "h",
        "client_secret": "s",
        "terminals": [terminal],
    }
    city_file.write_text(json.dumps({"hospitals": [known]}))
    async with (
        open_sandbox(tmp_path / "sandbox", hospital.url, city_file=str(city_file)) as sandbox,
        httpx.AsyncClient(base_url=sandbox.url) as web,
    ):
        form = {
            "hospital": "01H",
            "kind": "pharmacy",
            "step": "10103",
            "code": "HC1:good",
            "id_last4": "001x",
        }
        assert "核验通过" in (await web.post("/window", data=form)).text
    assert [path for path, _, _ in hospital.calls] == ["/oauth2/token", "/hospital/v1/health-codes/verify"]
    assert json.loads(hospital.calls[1][2])["second_factor"] == {"id_last4": "001X"}


async def test_the_window_says_when_the_city_is_away(tmp_path: Path):
    async with (
        open_sandbox(tmp_path, "http://127.0.0.1:1") as sandbox,
        httpx.AsyncClient(base_url=sandbox.url) as web,
    ):
        form = {"code": "HC1:x", "step": "10101", "client_id": "a", "client_secret": "b"}
        assert "城市没有应答" in (await web.post("/window", data=form)).text
