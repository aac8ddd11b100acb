"""The sandbox's start page, its switches, and the list of callbacks to the city."""

from __future__ import annotations

from typing import Any

from sandbox.switches import BY_NAME, SERVICES, SWITCHES
from sandbox.views import PageHandler, stamp_of
from sandbox.web import SandboxHandler
from sandbox.world import World

FACTORS = (1, 10, 60, 600, 3600)
SHOWN = 60


class IndexHandler(PageHandler):
    """GET /."""

    async def get(self) -> None:
        """What this is, and how full the world is."""
        state = self.world.state
        waiting = sum(order.state == "NOTPAY" for order in state.orders.values())
        astray = [name for name, value in self.world.switches.all().items() if value != BY_NAME[name].off]
        self.page(
            "index.html",
            counts={
                "登记居民": len(state.persons),
                "短信": len(state.sms),
                "微信消息": len(state.wechat_messages),
                "待付款订单": waiting,
                "对城市的回调": len(state.deliveries),
                "医院收到的消息": len(state.his),
            },
            astray=len(astray),
            totals=self.world.bank.totals(),
        )


class SwitchesHandler(PageHandler):
    """GET and POST /switches."""

    async def get(self) -> None:
        """Every way to misbehave."""
        groups = {
            label: [switch for switch in SWITCHES if switch.service == service]
            for service, label in SERVICES.items()
        }
        factor = self.world.state.time_factor
        self.page(
            "switches.html", groups=groups, values=self.world.switches.all(), factor=factor, factors=FACTORS
        )

    async def post(self) -> None:
        """Set all of them, put them back, or begin a new world."""
        action = self.get_body_argument("action", "save")
        if action == "reset":
            self.world.keeper.reset()
        elif action == "behave":
            self.world.switches.set({switch.name: switch.off for switch in SWITCHES})
        else:
            self._save()
        self.world.keeper.changed()
        self.redirect("/switches", status=303)

    def _save(self) -> None:
        values: dict[str, Any] = {}
        for switch in SWITCHES:
            said = self.get_body_argument(switch.name, "")
            if (
                isinstance(switch.off, int)
                and not isinstance(switch.off, bool)
                and not said.lstrip("-").isdigit()
            ):
                said = "0"
            values[switch.name] = said
        self.world.switches.set(values)
        factor = self.get_body_argument("factor", "1")
        self.world.agenda.compress(float(factor) if factor.isdigit() and int(factor) > 0 else 1.0)


class DeliveriesHandler(PageHandler):
    """GET /deliveries: what was sent to the city and what it answered."""

    async def get(self) -> None:
        """The newest callbacks."""
        due = {item.data.get("id"): item.at for item in self.world.state.agenda.values()}
        newest = list(self.world.state.deliveries.values())[::-1][:SHOWN]
        self.page("deliveries.html", deliveries=newest, due=due)


class StampHandler(SandboxHandler):
    """GET /stamp: changes whenever something happened; open pages look at it to know when to reload."""

    async def get(self) -> None:
        """As it stands in a page rendered now."""
        self.set_header("Cache-Control", "no-store")
        self.finish(stamp_of(self.world.state))


def routes(world: World) -> list[tuple[str, type[SandboxHandler], dict[str, Any]]]:
    """The pages' paths."""
    given = {"world": world}
    return [
        (r"/", IndexHandler, given),
        (r"/switches", SwitchesHandler, given),
        (r"/deliveries", DeliveriesHandler, given),
        (r"/stamp", StampHandler, given),
    ]
