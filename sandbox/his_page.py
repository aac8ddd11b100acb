"""The hospital's page: every HL7 message that the city has sent, and what it was answered."""

from __future__ import annotations

from typing import Any

from sandbox.control import ControlHandler
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


class HISHandler(PageHandler):
    """GET /his."""

    async def get(self) -> None:
        """The newest messages."""
        received = self.world.state.his[::-1][:SHOWN]
        items = [
            one | {"name": _NAMES.get("^".join(one["kind"].split("^")[:2]), one["kind"])} for one in received
        ]
        self.page("his.html", items=items, badges=_BADGES, port=self.world.his_port)


class HISControlHandler(ControlHandler):
    """GET /control/his: where it listens, and what has come, the oldest first."""

    async def get(self) -> None:
        """All of it."""
        self.reply({"port": self.world.his_port, "items": self.world.state.his})


def routes(world: World) -> list[tuple[str, type[SandboxHandler], dict[str, Any]]]:
    """The hospital's paths."""
    return [(r"/his", HISHandler, {"world": world}), (r"/control/his", HISControlHandler, {"world": world})]
