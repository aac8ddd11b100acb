"""The hospital's page: every HL7 message from the city and its answer; a clerk answers referrals there."""

from __future__ import annotations

import asyncio
import json
import secrets
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from sandbox.control import ControlHandler
from sandbox.pay_wire import CHINA
from sandbox.views import PageHandler
from sandbox.web import SandboxHandler
from sandbox.world import World

SHOWN = 60
_NAMES = {
    "SIU^S12": "预约", "SIU^S15": "取消预约", "SIU^S26": "爽约", "REF^I12": "转诊", "REF^I13": "转诊变更",
    "REF^I14": "转诊撤销", "RRI^I12": "转诊答复", "RRI^I13": "转诊进展", "RRI^I14": "转诊终止",
    "ORM^O01": "检查检验申请", "OMG^O19": "检查检验申请",
}  # fmt: skip
_BADGES = {"AA": "green", "AE": "red", "AR": "amber"}
_ANSWERS = {"A": "接收", "R": "拒绝", "P": "请补充"}
_START, _END = b"\x0b", b"\x1c\r"
_WITHIN_S = 15


class HISHandler(PageHandler):
    """GET and POST /his."""

    async def get(self) -> None:
        """The newest messages."""
        self._show("")

    async def post(self) -> None:
        """The clerk answers a referral: an RRI goes to the city."""
        number, verdict = self.get_body_argument("number", ""), self.get_body_argument("verdict", "")
        said = self.get_body_argument("text", "").strip()[:200]
        asked = next((one for one in self.world.state.his if one["control_id"] == number), None)
        if asked is None or verdict not in _ANSWERS or not asked["kind"].startswith("REF^I12"):
            self.set_status(400)
            self._show("没有这条转诊，或答复不对。")
            return
        try:
            code, why = await self._tell(answer_to(asked["text"], verdict, said))
        except (OSError, ValueError, TimeoutError, asyncio.IncompleteReadError):
            self._show("城市的 MLLP 端口没有应答：请确认演示环境在运行。")
            return
        if code == "AA":
            asked["answered"] = _ANSWERS[verdict]
            self.world.keeper.changed()
        self._show(f"城市应答 {code}{'：' + why if why else ''}")

    def _show(self, said: str) -> None:
        received = self.world.state.his[::-1][:SHOWN]
        items = [
            one
            | {
                "name": _NAMES.get("^".join(one["kind"].split("^")[:2]), one["kind"]),
                "answered": one.get("answered", ""),
                "asks": one["kind"].startswith("REF^I12") and one["verdict"] == "AA",
            }
            for one in received
        ]
        self.page(
            "his.html", items=items, badges=_BADGES, port=self.world.his_port, said=said, answers=_ANSWERS
        )

    async def _tell(self, message: str) -> tuple[str, str]:
        """MSA-1 and the words of ERR-8."""
        host, _, port = _line_of(self.world.city_file).rpartition(":")
        async with asyncio.timeout(_WITHIN_S):
            reader, writer = await asyncio.open_connection(host, int(port))
            try:
                writer.write(_START + message.encode("gb18030") + _END)
                answer = (await reader.readuntil(_END))[1:-2].decode("gb18030", errors="replace")
            finally:
                writer.close()
        segments = {line[:3]: line.split("|") for line in reversed(answer.split("\r"))}
        why = segments.get("ERR", [])
        return segments["MSA"][1], why[8] if len(why) > 8 else ""


def answer_to(request: str, verdict: str, text: str) -> str:
    """An RRI to a REF: accepted for nine o'clock tomorrow, refused, or more asked for."""
    lines = {line[:3]: line.split("|") for line in reversed(request.split("\r")) if line}
    head, asked = lines["MSH"], lines["RF1"]
    now = datetime.now(CHINA)
    at = (now + timedelta(days=1)).replace(hour=9, minute=0, second=0) if verdict == "A" else None
    referral = ["RF1", verdict, "", "", "", "", asked[6], "", at.strftime("%Y%m%d%H%M%S%z") if at else ""]
    said = text or ("" if verdict == "A" else "床位已满" if verdict == "R" else "请补充检查结果")
    return "\r".join(
        [
            "|".join(
                [
                    "MSH", head[1], head[4], head[5], head[2], head[3], now.strftime("%Y%m%d%H%M%S%z"), "",
                    "RRI^I12^RRI_I12", secrets.token_hex(8).upper(), "P", "2.5.1", "", "", "", "", "CHN",
                    "GB 18030-2000",
                ]
            ),
            f"MSA|AA|{head[9]}",
            "|".join(referral).rstrip("|"),
            *("|".join(lines[name]) for name in ("PRD", "PID") if name in lines),
            *([f"NTE|1||{said.replace('|', ' ')}"] if said else []),
            "",
        ]
    )  # fmt: skip


def _line_of(city_file: str) -> str:
    """Where the city takes HL7 messages, as its file for scripts says."""
    file = Path(city_file)
    city = json.loads(file.read_text()) if city_file and file.is_file() else {}
    return str(city["mllp"]) if isinstance(city, dict) and city.get("mllp") else "127.0.0.1:2575"


class HISControlHandler(ControlHandler):
    """GET /control/his: where it listens, and what has come, the oldest first."""

    async def get(self) -> None:
        """All of it."""
        self.reply({"port": self.world.his_port, "items": self.world.state.his})


def routes(world: World) -> list[tuple[str, type[SandboxHandler], dict[str, Any]]]:
    """The hospital's paths."""
    return [(r"/his", HISHandler, {"world": world}), (r"/control/his", HISControlHandler, {"world": world})]
