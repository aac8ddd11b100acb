"""China Mobile's cloud MAS: base64 bodies, mac check, delivery reports and replies by push and by pull."""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
import re
from datetime import datetime
from typing import Any

import orjson

from sandbox.pay_wire import CHINA
from sandbox.people import PHONE
from sandbox.state import Delivery, new_token
from sandbox.web import SandboxHandler
from sandbox.world import World

MOST_MOBILES = 5000
LONGEST_TEXT = 1000
REORDERED_BY_S = 3.0
_SLOT = re.compile(r"\{(\d+)\}")


class MasError(Exception):
    """A refusal; its text is the rspcod."""


def mac_of(*parts: str) -> str:
    """md5 over the joined fields, lower-case hex."""
    return hashlib.md5("".join(parts).encode(), usedforsecurity=False).hexdigest()


def _stamp(instant: float) -> str:
    return datetime.fromtimestamp(instant, CHINA).strftime("%Y%m%d%H%M%S")


class MasHandler(SandboxHandler):
    """Reads base64 of JSON, answers JSON with HTTP 200."""

    service = "mas"

    def decoded(self) -> dict[str, str]:
        """The request's fields; every one is a string."""
        try:
            body = orjson.loads(base64.b64decode(self.request.body, validate=True))
        except (binascii.Error, orjson.JSONDecodeError) as error:
            raise MasError("InvalidMessage") from error
        if not isinstance(body, dict) or not all(isinstance(value, str) for value in body.values()):
            raise MasError("InvalidMessage")
        return body

    def check_account(self, body: dict[str, str], *, secret_needed: bool = False) -> None:
        """The customer, the interface account and, where it is sent, the secret."""
        mine = self.world.credentials.mas
        if body.get("ecName") != mine["ec_name"] or body.get("apId") != mine["ap_id"]:
            raise MasError("InvalidUsrOrPwd")
        sent = body.get("secretKey", "")
        if (secret_needed or sent) and sent != mine["secret_key"]:
            raise MasError("InvalidUsrOrPwd")

    def write_error(self, status_code: int, **kwargs: Any) -> None:
        error = kwargs.get("exc_info", (None, None))[1]
        if isinstance(error, MasError):
            self.set_status(200)
            self.answer(200, {"msgGroup": "", "rspcod": str(error), "success": False})
        else:
            self.set_status(status_code)
            self.finish()

    def log_exception(self, *args: Any) -> None:
        """A refusal is an answer, not a fault."""
        if not isinstance(args[1], MasError):
            super().log_exception(*args)


class SubmitHandler(MasHandler):
    """POST /sms/norsubmit and /sms/tmpsubmit."""

    async def post(self, kind: str) -> None:
        """Take a message for up to 5000 phones."""
        body = self.decoded()
        self.check_account(body)
        content = self._plain(body) if kind == "norsubmit" else self._templated(body)
        mobiles = self._mobiles(body)
        self._check_sign(body)
        refused = self.world.switches.text("refuse_sms")
        if refused:
            raise MasError(refused)
        group = self._accept(mobiles, content, body.get("addSerial", ""))
        self.answer(200, {"msgGroup": group, "rspcod": "success", "success": True})

    def _check_mac(self, body: dict[str, str], *middle: str) -> None:
        mine = self.world.credentials.mas
        parts = (body["ecName"], body["apId"], mine["secret_key"], *middle)
        expected = mac_of(*parts, body.get("sign", ""), body.get("addSerial", ""))
        if body.get("mac") != expected:
            raise MasError("IllegalMac")

    def _plain(self, body: dict[str, str]) -> str:
        content = body.get("content", "")
        self._check_mac(body, body.get("mobiles", ""), content)
        if not content.strip() or len(content) > LONGEST_TEXT:
            raise MasError("InvalidMessage")
        return content

    def _templated(self, body: dict[str, str]) -> str:
        raw = body.get("params", "")
        self._check_mac(body, body.get("templateId", ""), body.get("mobiles", ""), raw)
        texts = {one["id"]: one["text"] for one in self.world.credentials.mas["templates"].values()}
        try:
            params = json.loads(raw)
        except ValueError as error:
            raise MasError("InvalidMessage") from error
        template = texts.get(body.get("templateId", ""))
        if template is None or not isinstance(params, list) or not all(isinstance(p, str) for p in params):
            raise MasError("InvalidMessage")
        wanted = {int(number) for number in _SLOT.findall(template)}
        if len(wanted) != len(params if params != [""] else []):
            raise MasError("InvalidMessage")
        filled = _SLOT.sub(lambda match: params[int(match[1])], template)
        if len(filled) > LONGEST_TEXT:
            raise MasError("InvalidMessage")
        return filled

    def _mobiles(self, body: dict[str, str]) -> list[str]:
        mobiles = body.get("mobiles", "").split(",")
        if len(mobiles) > MOST_MOBILES:
            raise MasError("TooManyMobiles")
        if not all(PHONE.match(mobile) for mobile in mobiles):
            raise MasError("InvalidMobile")
        return mobiles

    def _check_sign(self, body: dict[str, str]) -> None:
        sign, serial = body.get("sign", ""), body.get("addSerial", "")
        if not sign:
            raise MasError("NoSignId")
        if sign != self.world.credentials.mas["sign_code"]:
            raise MasError("IllegalSignId")
        if serial and not (serial.isascii() and serial.isdigit() and len(serial) <= 12):
            raise MasError("InvalidMessage")

    def _accept(self, mobiles: list[str], content: str, serial: str) -> str:
        now = self.world.now()
        group = f"{_stamp(now)[4:]}{new_token(size=5)}"
        text = self.world.credentials.mas["sign_text"] + content
        for mobile in mobiles:
            self.world.state.sms.append(
                {
                    "at": now,
                    "phone": mobile,
                    "text": text,
                    "content": content,
                    "msg_group": group,
                    "add_serial": serial,
                    "segments": 1 if len(text) <= 70 else -(-len(text) // 67),
                    "state": "submitted",
                    "provider": "mas",
                }
            )
        delay = self.world.switches.number("sms_report_delay_s")
        self.world.agenda.after(delay, "sms_report", {"group": group, "mobiles": mobiles, "at": now})
        self.world.keeper.changed()
        return group


class PullHandler(MasHandler):
    """POST /sms/report and /sms/deliver: what has not been pushed, once."""

    async def post(self, kind: str) -> None:
        """An array; empty when there is nothing new."""
        self.check_account(self.decoded(), secret_needed=True)
        state = self.world.state
        waiting = state.mas_reports if kind == "report" else state.mas_replies
        taken, waiting[:] = list(waiting), []
        self.world.keeper.changed()
        self.answer(200, taken)


class Mas:
    """What the gateway does by itself: reports and replies, pushed or waiting to be pulled."""

    def __init__(self, world: World) -> None:
        self._world = world
        world.agenda.serve("sms_report", self._report)

    async def _report(self, data: dict[str, Any]) -> None:
        failure = self._world.switches.text("sms_fail")
        status = failure or "DELIVRD"
        submitted, received = _stamp(data["at"]), _stamp(self._world.now())
        for sms in self._world.state.sms:
            if sms["msg_group"] == data["group"]:
                sms["state"] = "failed" if failure else "delivered"
        reports = [
            {
                "reportStatus": "DELIVRD" if not failure else "UNDELIV",
                "mobile": mobile,
                "submitDate": submitted,
                "receiveDate": received,
                "errorCode": status,
                "msgGroup": data["group"],
            }
            for mobile in data["mobiles"]
        ]
        self._hand_over("report", reports, self._world.state.mas_reports)

    def reply(self, phone: str, content: str, add_serial: str = "") -> dict[str, str]:
        """A person answers a text message."""
        uplink = {
            "mobile": phone,
            "smsContent": content,
            "sendTime": _stamp(self._world.now()),
            "addSerial": add_serial,
        }
        self._world.state.sms_replies.append(
            uplink | {"at": self._world.now(), "phone": phone, "provider": "mas"}
        )
        self._hand_over("reply", [uplink], self._world.state.mas_replies)
        return uplink

    def _hand_over(self, path: str, entries: list[dict[str, str]], waiting: list[dict[str, Any]]) -> None:
        secret = self._world.city.mas_callback_secret
        self._world.keeper.changed()
        if not secret:
            waiting.extend(entries)
            return
        url = f"{self._world.city.url}/callbacks/sms/mas/{secret}/{path}"
        single = self._world.switches.on("single_reports")
        bodies: list[Any] = list(entries) if single else [entries]
        copies = 2 if self._world.switches.on("duplicate_reports") else 1
        for body in bodies * copies:
            self._push(path, url, orjson.dumps(body).decode())

    def _push(self, event: str, url: str, body: str) -> None:
        delivery = Delivery(
            id=new_token("mas-"), service="mas", event=f"SMS.{event.upper()}", url=url, body=body,
            created_at=self._world.now(),
        )  # fmt: skip
        late = self._world.switches.on("reorder_reports") and self._world.state.count("sms_pushes") % 2 == 1
        self._world.courier.send(delivery, REORDERED_BY_S if late else 0.0)


def routes(world: World) -> list[tuple[str, type[SandboxHandler], dict[str, Any]]]:
    """The gateway's paths."""
    given = {"world": world}
    return [
        (r"/mas/sms/(norsubmit|tmpsubmit)", SubmitHandler, given),
        (r"/mas/sms/(report|deliver)", PullHandler, given),
    ]
