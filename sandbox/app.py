"""Puts the sandbox together and runs it on a loopback port."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Mapping
from pathlib import Path

from tornado.httpserver import HTTPServer
from tornado.netutil import bind_sockets
from tornado.web import Application, StaticFileHandler

from sandbox import (
    agencies,
    agencies_page,
    aliyun_sms,
    cashier_page,
    chat_page,
    control,
    control_pay,
    customer_service,
    his_page,
    mas,
    notices,
    official_account,
    pages,
    phone_page,
    register,
    tencent_sms,
    vendor_root,
    wechat,
    wechat_messages,
    wechat_oauth,
    wechat_pay,
    window,
)
from sandbox.agenda import Agenda
from sandbox.bank import Bank
from sandbox.courier import Courier
from sandbox.credentials import load_credentials
from sandbox.gateways import Gateways
from sandbox.his import HIS
from sandbox.pay_wire import PayWire
from sandbox.people import People
from sandbox.state import Keeper
from sandbox.switches import Switches
from sandbox.views import STATIC
from sandbox.web import SandboxHandler
from sandbox.wechat import UnknownHandler
from sandbox.world import City, World

BIGGEST_BODY = 2 * 1024 * 1024


def make_world(state_dir: Path, city: City, city_file: str) -> World:
    """Load state and credentials, wire the parts."""
    credentials = load_credentials(state_dir)
    keeper = Keeper(state_dir / "state.json")
    switches = Switches(keeper.state)
    agenda = Agenda(keeper)
    return World(
        keeper=keeper,
        credentials=credentials,
        switches=switches,
        agenda=agenda,
        courier=Courier(keeper, agenda, switches, city.owns),
        bank=Bank(keeper, agenda, switches),
        people=People(keeper),
        city=city,
        city_file=city_file,
    )


def make_app(world: World, chat: official_account.Chat) -> Application:
    """Every service's paths on one port."""
    wire = PayWire(world.credentials)
    sender, gateways = notices.Notices(world, wire), Gateways(world)
    offices = agencies.Offices(world)
    routes: list[tuple[str, type[SandboxHandler], dict[str, object]]] = [
        *wechat.routes(world),
        *wechat_oauth.routes(world),
        *wechat_messages.routes(world, chat),
        *customer_service.routes(world),
        *official_account.routes(world, chat),
        (r"/wechat/.*", UnknownHandler, {"world": world}),
        *wechat_pay.routes(world, wire),
        *mas.routes(world),
        *aliyun_sms.routes(world, gateways.clouds["aliyun"]),
        *tencent_sms.routes(world, gateways.clouds["tencent"]),
        *register.routes(world),
        *agencies.routes(world, offices),
        *agencies_page.routes(world, offices),
        *control.routes(world, gateways),
        *control_pay.routes(world, sender),
        *window.routes(world),
        *phone_page.routes(world, gateways),
        *chat_page.routes(world, chat, gateways),
        *cashier_page.routes(world, sender),
        *his_page.routes(world),
        *pages.routes(world),
    ]
    static = (r"/static/(.*)", StaticFileHandler, {"path": str(STATIC)})
    # No access log: addresses carry secrets (appid and secret in the query), and refusals are answers.
    return Application(
        [*vendor_root.rules(world, gateways), *routes, static], log_function=lambda _handler: None
    )


class Sandbox:
    """A running sandbox."""

    def __init__(self, world: World) -> None:
        self.world = world
        self._chat = official_account.Chat(world)
        self._server = HTTPServer(make_app(world, self._chat), max_body_size=BIGGEST_BODY)
        self._his = HIS(world)
        self.port = 0

    @property
    def url(self) -> str:
        """Its address."""
        return f"http://127.0.0.1:{self.port}"

    async def start(self, port: int, his_port: int = 0) -> None:
        """Listen (0: on a free port) and take up what was left to do."""
        await self._his.listen(his_port)
        sockets = bind_sockets(port, "127.0.0.1")
        self.port = sockets[0].getsockname()[1]
        self._server.add_sockets(sockets)
        self.world.agenda.start()

    async def stop(self) -> None:
        """Finish, and save."""
        self._server.stop()
        await self._his.close()
        await self._server.close_all_connections()
        await self.world.agenda.stop()
        await self._chat.close()
        await self.world.courier.close()
        self.world.keeper.save()


@contextlib.asynccontextmanager
async def open_sandbox(
    state_dir: Path,
    city_url: str,
    *,
    port: int = 0,
    his_port: int = 0,
    mas_callback_secret: str = "",
    city_file: str = "",
    callback_secrets: Mapping[str, str] | None = None,
) -> AsyncIterator[Sandbox]:
    """A sandbox for the length of a `with`."""
    city = City(city_url, callback_secrets=dict(callback_secrets or {}))
    city.move(city_url, mas_callback_secret)
    sandbox = Sandbox(make_world(state_dir, city, city_file))
    await sandbox.start(port, his_port)
    try:
        yield sandbox
    finally:
        await sandbox.stop()
