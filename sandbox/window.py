"""A counter with a scanner: reads a resident's code and asks the city through its hospital API."""

from __future__ import annotations

import json
import re
import time
from datetime import datetime
from pathlib import Path
from typing import Any

import httpx

from sandbox.pay_wire import CHINA
from sandbox.views import PageHandler
from sandbox.web import SandboxHandler
from sandbox.world import World

STEPS = {
    "10101": "挂号",
    "10102": "诊断",
    "10103": "取药",
    "10104": "检查",
    "10105": "收费",
    "10106": "开方",
    "10107": "手术",
    "0": "其他",
}
KINDS = {"window": "窗口", "kiosk": "自助机", "pharmacy": "药房", "lab": "检验"}
# What a clerk reads instead of a field's name; the rest is shown as it comes.
LABELS = {
    "name": "姓名", "sex": "性别", "birth_on": "出生日期", "age": "年龄", "id_number": "身份证号",
    "phone": "手机号", "patient": "就诊人", "appointments": "今日预约", "appointment": "预约",
    "step": "环节代码", "step_name": "环节", "main_index": "主索引", "card_id": "健康卡号",
    "result": "结果", "kind": "码的种类", "at": "时间", "used_at": "核验时间", "department": "科室",
    "practitioner": "医生", "number": "号序", "start_at": "开始", "state": "状态", "scope": "用途",
    "offline": "离线", "flagged": "可疑", "use_id": "核验编号", "code_kind": "码的种类",
    "organization": "机构",
    "terminal": "终端", "id": "编号", "department_name": "科室", "practitioner_name": "医生",
    "organization_name": "机构", "patient_id": "就诊人编号",
    "repeated": "刚刚扫过", "clock_off_s": "本机快几秒", "id_type": "证件类型",
}  # fmt: skip
WORDS = {
    "male": "男",
    "female": "女",
    "dynamic": "动态码",
    "phone": "手机离线码",
    "offline": "手机离线码",
    "static": "打印的静态码",
    "national_static": "国家静态码",
    "national_dynamic": "国家动态码",
}
_INSTANT = re.compile(r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d")
TIMEOUT_S = 10.0


class CityAnswerError(Exception):
    """The city refused or could not be reached; `body` is what it said."""

    def __init__(self, what: str, status: int = 0, body: Any = None) -> None:
        super().__init__(what)
        self.status = status
        self.body = body


class WindowHandler(PageHandler):
    """GET and POST /window."""

    async def get(self) -> None:
        """An empty counter."""
        self._show({"step": "10101", "kind": "window"})

    async def post(self) -> None:
        """Verify a code and show what the clerk would see."""
        names = ("hospital", "kind", "step", "code", "id_last4", "client_id", "client_secret")
        asked = {name: self.get_body_argument(name, "").strip() for name in names}
        # A space is a letter of Base45: only the line ends of a paste are not the code's own.
        asked["code"] = self.get_body_argument("code", "", strip=False).strip("\r\n")
        started = time.monotonic()
        try:
            answer = await self._verify(asked)
            result = {"ok": True, "rows": rows(answer), "raw": pretty(answer)}
        except CityAnswerError as error:
            result = {"ok": False, "what": str(error), "status": error.status, "raw": pretty(error.body)}
        self._show(asked, result | {"ms": round((time.monotonic() - started) * 1000)})

    def _show(self, asked: dict[str, str], result: dict[str, Any] | None = None) -> None:
        hospitals = self._city().get("hospitals", [])
        self.page(
            "window.html", asked=asked, result=result, hospitals=hospitals, steps=STEPS, kinds=KINDS,
            city_file=self.world.city_file,
        )  # fmt: skip

    def _city(self) -> dict[str, Any]:
        file = Path(self.world.city_file) if self.world.city_file else None
        try:
            city = json.loads(file.read_text()) if file and file.is_file() else {}
        except ValueError:
            return {}
        return city if isinstance(city, dict) else {}

    async def _verify(self, asked: dict[str, str]) -> Any:
        if not asked["code"]:
            raise CityAnswerError("请先扫码或粘贴码的内容")
        async with httpx.AsyncClient(
            base_url=self.world.city.url, timeout=TIMEOUT_S, trust_env=False
        ) as client:
            client_id, secret = await self._terminal(client, asked)
            try:
                token = await _token(client, client_id, secret)
            except CityAnswerError:
                self.world.state.terminals.clear()  # of a city that was begun anew
                raise
            body: dict[str, Any] = {"code": asked["code"], "step": asked["step"]}
            if asked["id_last4"]:
                body["second_factor"] = {"id_last4": asked["id_last4"].upper()}
            return await _call(client, "/hospital/v1/health-codes/verify", token, body)

    async def _terminal(self, client: httpx.AsyncClient, asked: dict[str, str]) -> tuple[str, str]:
        """The terminal's credentials: typed in, made before, or made now with the hospital's own."""
        if asked["client_id"]:
            return asked["client_id"], asked["client_secret"]
        hospitals = {one["id"]: one for one in self._city().get("hospitals", [])}
        hospital = hospitals.get(asked["hospital"])
        if hospital is None:
            raise CityAnswerError("没有选医院：请选择一家，或填写终端的 client_id 和 client_secret")
        for known in hospital.get("terminals", []):
            if known["kind"] == asked["kind"]:
                return known["client_id"], known["client_secret"]
        key = f"{self.world.city.url} {hospital['client_id']} {asked['kind']}"
        terminals = self.world.state.terminals
        if key not in terminals:
            token = await _token(client, hospital["client_id"], hospital["client_secret"])
            wanted = {"name": f"沙箱{KINDS.get(asked['kind'], '窗口')}", "kind": asked["kind"]}
            made = await _call(client, "/hospital/v1/terminals", token, wanted)
            terminals[key] = {"client_id": made["client_id"], "client_secret": made["client_secret"]}
            self.world.keeper.changed()
        return terminals[key]["client_id"], terminals[key]["client_secret"]


async def _send(client: httpx.AsyncClient, path: str, **arguments: Any) -> Any:
    try:
        answer = await client.post(path, **arguments)
    except httpx.HTTPError as error:
        raise CityAnswerError(f"城市没有应答：{type(error).__name__}") from error
    try:
        body = answer.json()
    except ValueError:
        body = answer.text[:500]
    if answer.status_code >= 400:
        raise CityAnswerError(
            _words(body) or f"城市拒绝了：HTTP {answer.status_code}", answer.status_code, body
        )
    return body


def _words(body: Any) -> str:
    error = body.get("error") if isinstance(body, dict) else None
    if isinstance(error, dict):
        return f"{error.get('message', '')}（{error.get('code', '')}）"
    return str(body.get("error_description") or error) if isinstance(body, dict) and error else ""


async def _token(client: httpx.AsyncClient, client_id: str, secret: str) -> str:
    form = {"grant_type": "client_credentials"}
    body = await _send(client, "/oauth2/token", data=form, auth=httpx.BasicAuth(client_id, secret))
    return str(body["access_token"])


async def _call(client: httpx.AsyncClient, path: str, token: str, body: dict[str, Any]) -> Any:
    return await _send(client, path, json=body, headers={"Authorization": f"Bearer {token}"})


def rows(answer: Any, prefix: str = "") -> list[tuple[str, str]]:
    """A JSON answer as labelled lines, the patient first; what the step may not know is left out."""
    if isinstance(answer, list):
        return [row for index, one in enumerate(answer, 1) for row in rows(one, f"{prefix} {index}".strip())]
    if not isinstance(answer, dict):
        return [] if answer is None else [(prefix or "结果", _shown(answer))]
    found: list[tuple[str, str]] = rows(answer["patient"]) if answer.get("patient") else []
    for name, value in sorted(answer.items(), key=lambda entry: entry[0] != "name"):
        word = LABELS.get(str(name)) or str(name)
        if name != "patient":
            found += rows(value, f"{prefix} · {word}" if prefix else word)
    return found


def _shown(value: Any) -> str:
    if isinstance(value, bool):
        return "是" if value else "否"
    text = str(value)
    if _INSTANT.match(text):
        return datetime.fromisoformat(text).astimezone(CHINA).strftime("%Y-%m-%d %H:%M:%S")
    return WORDS.get(text, text)


def pretty(body: Any) -> str:
    """JSON for whoever wants to see it all."""
    return "" if body is None else json.dumps(body, ensure_ascii=False, indent=2)


def routes(world: World) -> list[tuple[str, type[SandboxHandler], dict[str, Any]]]:
    """The window's path."""
    return [(r"/window", WindowHandler, {"world": world})]
