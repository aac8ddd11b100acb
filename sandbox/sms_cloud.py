"""What an SMS service in the cloud does by itself: count, deliver, report, pass replies on; not its wire."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson

from sandbox.mas import REORDERED_BY_S
from sandbox.pay_wire import CHINA
from sandbox.sms_templates import CloudTemplate
from sandbox.state import Delivery, new_token
from sandbox.world import World

# So many messages of one kind to one phone within so many seconds; a day is the last 24 hours here.
MINUTE_S, HOUR_S, DAY_S = 60.0, 3600.0, 86400.0
Record = dict[str, Any]
Form = Callable[[Record], dict[str, Any]]


@dataclass(frozen=True)
class Limit:
    """At most `most` messages within `window_s`; `name` is the refusal."""

    most: int
    window_s: float
    name: str


def china_time(instant: float) -> str:
    """An instant as the vendors write it."""
    return datetime.fromtimestamp(instant, CHINA).strftime("%Y-%m-%d %H:%M:%S")


class SMSCloud:
    """One provider: `aliyun` or `tencent`."""

    def __init__(
        self,
        world: World,
        name: str,
        *,
        report: Form,
        reply: Form,
        replies_in_lists: bool,
        contented_by: Callable[[int, bytes], bool],
    ) -> None:
        self._world = world
        self.name = name
        self._report_form = report
        self._reply_form = reply
        self._replies_in_lists = replies_in_lists
        world.agenda.serve(f"{name}_report", self._report)
        world.courier.judge_with(name, contented_by)

    # Templates.

    def template(self, code: str) -> CloudTemplate | None:
        """The template of a code; None for one that nobody has approved."""
        found = [*self.account["templates"].values(), *self._world.state.sms_templates.get(self.name, [])]
        text = next((one for one in found if one["code"] == code), None)
        return CloudTemplate(text["text"], text["is_code"]) if text else None

    def approve(self, text: str, *, is_code: bool) -> str:
        """Apply for a template; the sandbox approves everything at once."""
        number = str(900_000 + self._world.state.count("sms_templates"))
        code = f"SMS_{number}" if self.name == "aliyun" else number
        entry = {"code": code, "text": text, "is_code": is_code}
        self._world.state.sms_templates.setdefault(self.name, []).append(entry)
        self._world.keeper.changed()
        return code

    @property
    def account(self) -> dict[str, Any]:
        """The city's account there."""
        account: dict[str, Any] = self._world.credentials.told[f"{self.name}_sms"]
        return account

    # Sending.

    def exceeded(self, phone: str, limits: Sequence[Limit], kind: str) -> str:
        """The name of the first limit this phone is at; compressed time passes faster here too."""
        state = self._world.state
        sent, now = state.sms_sent.get(f"{self.name}:{kind}:{phone}", []), self._world.now()
        for limit in limits:
            since = now - limit.window_s / state.time_factor
            if sum(at > since for at in sent) >= limit.most:
                return limit.name
        return ""

    def take(self, phone: str, text: str, message_id: str, **more: Any) -> None:
        """Take one message: it is on the phone at once, its report comes later."""
        world, now = self._world, self._world.now()
        whole = f"【{self.account['sign_name']}】{text}"
        record = {
            "at": now,
            "phone": phone,
            "text": whole,
            "content": text,
            "msg_group": message_id,
            "add_serial": "",
            "segments": 1 if len(whole) <= 70 else -(-len(whole) // 67),
            "state": "submitted",
            "provider": self.name,
            "err_code": "",
            "reported_at": 0.0,
            "reference": "",
            "kind": "notice",
        } | more
        world.state.sms.append(record)
        sent = world.state.sms_sent.setdefault(f"{self.name}:{record['kind']}:{phone}", [])
        sent.append(now)
        del sent[:-60]
        delay = world.switches.number("sms_report_delay_s")
        world.agenda.after(delay, f"{self.name}_report", {"id": message_id, "phone": phone})
        world.keeper.changed()

    def records(self, phone: str) -> list[Record]:
        """What this provider has sent to a phone, newest first."""
        sent = reversed(self._world.state.sms)
        return [one for one in sent if one["phone"] == phone and one.get("provider") == self.name]

    # What comes back.

    async def _report(self, data: dict[str, Any]) -> None:
        failure = self._world.switches.text(f"{self.name}_fail")
        for record in reversed(self._world.state.sms):
            if record["msg_group"] == data["id"] and record["phone"] == data["phone"]:
                record |= {"err_code": failure, "reported_at": self._world.now()}
                record["state"] = "failed" if failure else "delivered"
                self._hand_over("report", record, self._report_form(record))
                return

    def reply(self, phone: str, content: str, extension: str = "") -> dict[str, Any]:
        """A person answers a text message."""
        said = {
            "at": self._world.now(),
            "phone": phone,
            "smsContent": content,
            "addSerial": extension,
            "provider": self.name,
            "sign": self.account["sign_name"],
            "sequence": self._world.state.count("sms_replies"),
        }
        self._world.state.sms_replies.append(said)
        uplink = self._reply_form(said)
        self._hand_over("reply", said, uplink)
        return uplink

    def waiting(self, kind: str) -> list[Record]:
        """What was not pushed because no address is known; whoever takes it away deletes it."""
        return self._world.state.sms_waiting.setdefault(f"{self.name}:{kind}", [])

    def _hand_over(self, kind: str, record: Record, entry: dict[str, Any]) -> None:
        world = self._world
        world.keeper.changed()
        secret = world.city.callback_secrets.get(self.name, "")
        if not secret:
            self.waiting(kind).append(dict(record))
            return
        single = world.switches.on("single_reports") or (kind == "reply" and not self._replies_in_lists)
        for _ in range(2 if world.switches.on("duplicate_reports") else 1):
            url = f"{world.city.url}/callbacks/sms/{self.name}/{secret}/{kind}"
            self._push(kind, url, entry if single else [entry])

    def _push(self, kind: str, url: str, body: Any) -> None:
        world = self._world
        late = world.switches.on("reorder_reports") and world.state.count("sms_pushes") % 2 == 1
        delivery = Delivery(
            id=new_token(f"{self.name}-"), service=self.name, event=f"SMS.{kind.upper()}", url=url,
            body=orjson.dumps(body).decode(), created_at=world.now(),
        )  # fmt: skip
        world.courier.send(delivery, REORDERED_BY_S if late else 0.0)


def says_code(status: int, content: bytes) -> bool:
    """What contents Aliyun: status 200 and a number as `code`, whichever."""
    code = _answered(content).get("code")
    return status == 200 and isinstance(code, int) and not isinstance(code, bool)


def says_result_zero(status: int, content: bytes) -> bool:
    """What contents Tencent Cloud: status 200 and `result` 0."""
    return status == 200 and _answered(content).get("result") == 0


def _answered(content: bytes) -> Mapping[str, Any]:
    try:
        answer = orjson.loads(content)
    except orjson.JSONDecodeError:
        return {}
    return answer if isinstance(answer, dict) else {}
