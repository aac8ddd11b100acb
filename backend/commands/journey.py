"""A resident's whole journey over HTTP: sign in, book, pay, be told, be recognised, cancel, be refunded."""

import json
import random
import re
import time
from collections.abc import Callable, Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from backend import clock
from backend.commands.journey_http import Client, JourneyError, await_that, expect
from backend.commands.terminal import CommandError, err, out
from backend.ids import new_id
from backend.residents.id_numbers import check_digit

SURNAMES, GIVEN_NAMES = "王李张刘陈杨赵黄周吴", "伟芳娜敏静丽强磊军洋勇艳杰涛明超霞平刚"
REGISTRATION = "10101"


class Journey:
    """One made-up resident's way through the city. Every method is a step and returns what it has shown."""

    def __init__(self, city: dict[str, Any], within_s: float) -> None:
        self.within_s = within_s
        self.hospitals = {hospital["id"]: hospital for hospital in city["hospitals"]}
        self.token_url = city["token_url"]
        self.resident, self.hospital = Client(city["web"]), Client(city["web"])
        self.window, self.kiosk = Client(city["web"]), Client(city["web"])
        self.sandbox = Client(city["sandbox"])
        dice = random.SystemRandom()
        self.phone = f"139{dice.randrange(10**8):08d}"
        self.name = dice.choice(SURNAMES) + "".join(dice.sample(GIVEN_NAMES, 2))
        self.id_number = made_up_id_number(dice)
        self.patient_id = self.appointment_id = self.trade_no = ""
        self.session: dict[str, Any] = {}
        self.appointment: dict[str, Any] = {}

    def steps(self) -> Iterator[tuple[str, Callable[[], str]]]:
        """What is done, in order."""
        yield "短信验证码登录 sign in by SMS code", self.sign_in
        yield "实名认证 real name", self.prove_name
        yield "电子健康码 health code", self.show_code
        yield "找医院、科室、医生 find a clinic with a fee", self.find_clinic
        yield "锁号 hold a slot", self.hold
        yield "支付挂号费 pay in the cashier", self.pay
        yield "预约成功 booked and paid", self.await_booked
        yield "收到短信 told by SMS", self.await_told
        yield "窗口扫码 recognised at the counter", self.be_recognised
        yield "本人看到用码记录 sees the use of the code", self.see_use
        yield "取消预约 cancel", self.cancel
        yield "退款到账 refunded", self.await_refund
        yield "收到取消短信 told of the cancellation", self.await_told_again

    def sign_in(self) -> str:
        """Ask for a code, read it from the made-up phone, sign in."""
        register = {"name": self.name, "id_number": self.id_number, "phone": self.phone}
        self.sandbox.post("/control/persons", register)
        self.resident.post("/api/v1/auth/sms-codes", {"phone": self.phone})
        code = await_that("the SMS with the code", self._code_in_inbox, self.within_s)
        tokens = self.resident.post("/api/v1/auth/sms", {"phone": self.phone, "code": code})
        self.resident.token = tokens["access_token"]
        return f"{self.phone}, code {code}"

    def _code_in_inbox(self) -> str | None:
        for text in self._inbox():
            if found := re.search(r"(?<!\d)(\d{6})(?!\d)", text):
                return found[1]
        return None

    def _inbox(self) -> list[str]:
        return [str(sms["text"]) for sms in self.sandbox.get("/control/sms", phone=self.phone)["items"]]

    def prove_name(self) -> str:
        """The population register knows this name and number."""
        body = {"name": self.name, "id_number": self.id_number}
        me = self.resident.post("/api/v1/me/real-name", body)
        expect(me["real_name"], "the account is still without a real name")
        expect(self.id_number not in json.dumps(me), "the ID number came back in clear")
        patients = self.resident.get("/api/v1/patients")["items"]
        self.patient_id = next(patient["id"] for patient in patients if patient["relation"] == "self")
        return str(me["name"])

    def show_code(self) -> str:
        """The code on the phone changes and says nothing about the person."""
        first, second = self._code(), self._code()
        expect(first["text"] != second["text"], "two codes are the same: they could be linked")
        expect(self.phone not in first["text"], "the code holds personal data")
        return f"valid for {first['ttl_s']} s"

    def _code(self) -> dict[str, Any]:
        code: dict[str, Any] = self.resident.post(
            "/api/v1/health-codes/dynamic", {"patient_id": self.patient_id}
        )
        return code

    def find_clinic(self) -> str:
        """Hospital → department → day and doctor: the first session with a fee and a free slot."""
        from_on = (clock.now() + timedelta(days=1)).date().isoformat()
        for organization in self.resident.get("/api/v1/organizations", limit=50)["items"]:
            if organization["id"] not in self.hospitals:
                continue
            path = f"/api/v1/organizations/{organization['id']}/departments"
            for department in self.resident.get(path)["items"]:
                session = self._session_with_fee(department["id"], from_on)
                if session:
                    self.session = session | {"organization_id": organization["id"]}
                    doctor = (session["practitioner"] or {}).get("name", "普通门诊")
                    return f"{organization['name']} {department['name']} {doctor} {yuan(session['fee_fen'])}"
        raise JourneyError("no clinic with a fee and a free slot: seed the city, or start it FRESH=1")

    def _session_with_fee(self, department_id: str, from_on: str) -> dict[str, Any] | None:
        path = f"/api/v1/departments/{department_id}/availability"
        query = {"from": from_on, "days": 7}
        for day in self.resident.get(path, **query)["days"]:
            for session in day["sessions"]:
                if session["fee_fen"] > 0 and session["free"] > 0 and session["state"] == "open":
                    return dict(session)
        return None

    def hold(self) -> str:
        """A slot of one's own for some minutes; asking twice gives the same one."""
        wanted = {"schedule_id": self.session["schedule_id"], "patient_id": self.patient_id}
        key = new_id()
        held = self.resident.post("/api/v1/holds", wanted, key=key)
        again = self.resident.post("/api/v1/holds", wanted, key=key)
        expect(held["id"] == again["id"], "the same idempotency key made two holds")
        expect(held["state"] == "held" and held["hold_until"], f"the hold is {held['state']}")
        self.appointment_id = held["id"]
        return f"No. {held['number']} at {held['start_at']}, until {held['hold_until']}"

    def pay(self) -> str:
        """Confirm, get a code to scan, and pay it in the sandbox's cashier."""
        due = self.resident.post("/api/v1/appointments", {"hold_id": self.appointment_id}, key=new_id())
        expect(due["payment"]["state"] == "due", f"the payment is {due['payment']['state']}, not due")
        path = f"/api/v1/appointments/{self.appointment_id}/payment"
        started = self.resident.post(path, {"method": "wechat_native"}, key=new_id())
        expect(started["amount_fen"] == self.session["fee_fen"], "the order has another amount than the fee")
        orders = self.sandbox.get("/control/orders")["items"]
        order = next((order for order in orders if started["code_url"].endswith(order["code_token"])), None)
        if order is None:
            raise JourneyError("the cashier knows nothing of the order")
        self.trade_no = order["out_trade_no"]
        self.sandbox.post(f"/control/orders/{self.trade_no}/pay")
        return f"{yuan(started['amount_fen'])}, order {self.trade_no}"

    def await_booked(self) -> str:
        """The signed notice has made the hold an appointment."""
        booked = self._await_appointment("the booking", lambda it: it["state"] == "booked")
        expect(booked["payment"]["state"] == "paid", f"the payment is {booked['payment']['state']}")
        return f"paid at {booked['payment']['paid_at']}"

    def _await_appointment(self, what: str, holds: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
        def look() -> dict[str, Any] | None:
            self.appointment = self.resident.get(f"/api/v1/appointments/{self.appointment_id}")
            return self.appointment if holds(self.appointment) else None

        return await_that(what, look, self.within_s)

    def await_told(self) -> str:
        """An SMS names the hospital, and the message stands in the app."""
        name = self.appointment["organization"]["name"]
        text = await_that("the SMS about the booking", lambda: self._told_of(name, "已预约"), self.within_s)
        messages = self.resident.get("/api/v1/messages")["items"]
        expect(any(it["appointment_id"] == self.appointment_id for it in messages), "no message in the app")
        return shortened(text)

    def _told_of(self, hospital: str, word: str) -> str | None:
        return next((text for text in self._inbox() if hospital in text and word in text), None)

    def be_recognised(self) -> str:
        """A terminal scans the code and sees whose it is; a copy scanned at another one is refused."""
        hospital = self.hospitals[self.session["organization_id"]]
        self._sign_in_terminal(self.window, hospital, "window")
        self._sign_in_terminal(self.kiosk, hospital, "kiosk")
        path, body = "/hospital/v1/health-codes/verify", {"code": self._code()["text"], "step": REGISTRATION}
        seen = self.window.post(path, body)
        expect(seen["patient"]["name"] == self.name, "the counter does not see whose code it is")
        again = self.window.post(path, body)
        expect(
            again["repeated"] and again["use_id"] == seen["use_id"], "one code scanned twice became two uses"
        )
        refusal = self.kiosk.refusal(path, body)
        expect(
            refusal == "CODE_REPLAYED",
            f"a copy of the code was not refused elsewhere ({refusal or 'accepted'})",
        )
        return f"{hospital['name']}: {seen['patient']['name']}, a copy is refused elsewhere"

    def _sign_in_terminal(self, client: Client, hospital: dict[str, Any], kind: str) -> None:
        known = next((it for it in hospital.get("terminals", []) if it["kind"] == kind), None)
        terminal = known or self._new_terminal(hospital, kind)
        self._sign_in_client(client, terminal["client_id"], terminal["client_secret"])

    def _new_terminal(self, hospital: dict[str, Any], kind: str) -> dict[str, Any]:
        self._sign_in_client(self.hospital, hospital["client_id"], hospital["client_secret"])
        return dict(self.hospital.post("/hospital/v1/terminals", {"name": f"全程演练 {kind}", "kind": kind}))

    def _sign_in_client(self, client: Client, client_id: str, secret: str) -> None:
        form = {"grant_type": "client_credentials", "client_id": client_id, "client_secret": secret}
        client.token = client.call("POST", self.token_url, data=form)["access_token"]

    def see_use(self) -> str:
        """The person sees who used the code, where and for what."""
        uses = await_that(
            "the use of the code",
            lambda: self.resident.get("/api/v1/health-codes/uses")["items"],
            self.within_s,
        )
        return f"{uses[0]['organization_name']} {uses[0]['step_name']}"

    def cancel(self) -> str:
        """Cancel the paid appointment."""
        path = f"/api/v1/appointments/{self.appointment_id}/cancel"
        cancelled = self.resident.post(path, {"reason": "全程演练"}, key=new_id())
        expect(cancelled["state"] == "cancelled", f"the appointment is {cancelled['state']}")
        return f"at {cancelled['cancelled_at']}"

    def await_refund(self) -> str:
        """Every fen is back where it came from, in our book and in the bank's."""
        refunded = self._await_appointment("the refund", lambda it: it["payment"]["state"] == "refunded")
        orders = self.sandbox.get("/control/orders")["items"]
        order = next(order for order in orders if order["out_trade_no"] == self.trade_no)
        back = [refund["refund_fen"] for refund in order["refunds"] if refund["status"] == "SUCCESS"]
        expect(back == [refunded["fee_fen"]], f"the bank has given back {back} fen of {refunded['fee_fen']}")
        return f"{yuan(back[0])} at {refunded['payment']['refunded_at']}"

    def await_told_again(self) -> str:
        """An SMS about the cancellation."""
        name = self.appointment["organization"]["name"]
        told = "the SMS about the cancellation"
        return shortened(await_that(told, lambda: self._told_of(name, "已取消"), self.within_s))

    def close(self) -> None:
        """Let go of connections."""
        for client in (self.resident, self.hospital, self.window, self.kiosk, self.sandbox):
            client.close()


def made_up_id_number(dice: random.Random) -> str:
    """An ID number of the demo's district with a right check digit."""
    born = date(1960, 1, 1) + timedelta(days=dice.randrange(14_000))
    digits = f"370702{born:%Y%m%d}{dice.randrange(1000):03d}"
    return digits + check_digit(digits)


def shortened(text: str) -> str:
    """The beginning of a long text."""
    return text if len(text) <= 60 else text[:60] + "…"


def yuan(fen: int) -> str:
    """An amount as people read it."""
    return f"¥{fen // 100}.{fen % 100:02d}"


def run(city_file: Path, within_s: float) -> None:
    """Walk the journey and print each step with its time."""
    try:
        city = json.loads(city_file.read_text())
    except FileNotFoundError:
        raise CommandError(f"{city_file} is not there: start a city with `make demo` first.") from None
    journey, began = Journey(city, within_s), time.perf_counter()
    try:
        for title, step in journey.steps():
            _walk(title, step)
    finally:
        journey.close()
    out.print(f"[bold green]全程完成[/] the whole journey held, {time.perf_counter() - began:.2f} s")


def _walk(title: str, step: Callable[[], str]) -> None:
    began = time.perf_counter()
    try:
        with err.status(title):
            shown = step()
    except JourneyError as error:
        out.print(f"[red]✗[/] {time.perf_counter() - began:6.2f} s  {title}")
        raise CommandError(f"{title}: {error}") from None
    except (KeyError, TypeError, StopIteration) as error:
        out.print(f"[red]✗[/] {time.perf_counter() - began:6.2f} s  {title}")
        raise CommandError(f"{title}: the answer has another form than promised ({error!r})") from error
    out.print(f"[green]✓[/] {time.perf_counter() - began:6.2f} s  {title}  [dim]{shown}[/]")
