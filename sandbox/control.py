"""The control API for tests and scripts: set the world up, act for its people, look at what happened."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import orjson

from sandbox.bank import PayerError
from sandbox.gateways import Gateways
from sandbox.people import PHONE, PersonError
from sandbox.state import LoginCode, WeChatUser
from sandbox.switches import UnknownSwitchError
from sandbox.web import SandboxHandler
from sandbox.wechat_wire import issue_code
from sandbox.world import World

_CLOUDS = ("aliyun", "tencent")


class ControlError(Exception):
    """A request the control API cannot serve."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


class ControlHandler(SandboxHandler):
    """JSON in, JSON out; errors as {"error": "..."}."""

    def body(self) -> dict[str, Any]:
        """The request's object; nothing sent is an empty one."""
        if not self.request.body:
            return {}
        try:
            body = self.json_body()
        except orjson.JSONDecodeError as error:
            raise ControlError(400, "the body is not JSON") from error
        if not isinstance(body, dict):
            raise ControlError(400, "the body is not an object")
        return body

    def reply(self, body: Any, status: int = 200) -> None:
        """A success."""
        self.answer(status, body)

    def write_error(self, status_code: int, **kwargs: Any) -> None:
        error = kwargs.get("exc_info", (None, None))[1]
        self.set_status(_status_of(error) or status_code)
        self.set_header("Content-Type", "application/json; charset=utf-8")
        self.finish(orjson.dumps({"error": str(error)}))

    def log_exception(self, *args: Any) -> None:
        """A refusal is an answer, not a fault."""
        if _status_of(args[1]) is None:
            super().log_exception(*args)


def _status_of(error: object) -> int | None:
    if isinstance(error, ControlError):
        return error.status
    if isinstance(error, PayerError):
        return 409
    return 400 if isinstance(error, PersonError | UnknownSwitchError | ValueError | TypeError) else None


def user_view(user: WeChatUser) -> dict[str, Any]:
    """A WeChat account as the control API shows it."""
    return asdict(user)


class PersonsHandler(ControlHandler):
    """GET and POST /control/persons."""

    async def get(self) -> None:
        """The register."""
        self.reply({"items": [asdict(person) for person in self.world.state.persons.values()]})

    async def post(self) -> None:
        """Register one person, or many: {"items": [...]}."""
        body = self.body()
        entries = body.get("items", [body])
        added = [self.world.people.register(entry) for entry in entries]
        answer: dict[str, Any] = (
            {"items": [asdict(person) for person in added]} if "items" in body else asdict(added[0])
        )
        self.reply(answer, 201)


class UsersHandler(ControlHandler):
    """POST /control/wechat-users {phone, follows_oa?, nickname?}: the account of a phone."""

    async def get(self) -> None:
        """All accounts."""
        self.reply({"items": [user_view(user) for user in self.world.state.users.values()]})

    async def post(self) -> None:
        """One account."""
        body = self.body()
        user = self.world.people.user_of(body)
        if "follows_oa" in body:
            user.follows_oa = bool(body["follows_oa"])
        if body.get("nickname"):
            user.nickname = str(body["nickname"])
        self.world.keeper.changed()
        self.reply(user_view(user))


class CodeHandler(ControlHandler):
    """POST /control/js-code, /control/phone-code, /control/oauth-code."""

    async def post(self, kind: str) -> None:
        """A fresh single-use code for the account of an openid or a phone."""
        body = self.body()
        user = self.world.people.user_of(body)
        app = self.world.credentials.oa if kind == "oauth" else self.world.credentials.mini
        openid = user.oa_openid if kind == "oauth" else user.mini_openid
        code = LoginCode(
            kind=kind,
            app_id=app["app_id"],
            openid=openid,
            issued_at=self.world.now(),
            phone=str(body.get("phone") or user.phone),
            scope=str(body.get("scope") or "snsapi_base") if kind == "oauth" else "",
        )
        value = issue_code(self.world, code)
        self.reply({"js_code" if kind == "js" else "code": value, "openid": openid, "unionid": user.unionid})


class SubscribeHandler(ControlHandler):
    """POST /control/subscribe {phone|openid, kinds?|template_ids?, count?, accept?}: a prompt answered."""

    async def post(self) -> None:
        """Grant `count` messages of each template (accept false: take all grants away)."""
        body = self.body()
        user = self.world.people.user_of(body)
        known = self.world.credentials.told["subscribe_templates"]
        wanted = body.get("template_ids") or [
            known[kind] for kind in body.get("kinds") or known if kind in known
        ]
        for template_id in wanted:
            granted = user.grants.get(template_id, 0) + int(body.get("count", 1))
            user.grants[template_id] = granted if body.get("accept", True) else 0
        self.world.keeper.changed()
        self.reply({"openid": user.mini_openid, "grants": user.grants})


class SmsHandler(ControlHandler):
    """GET /control/sms?phone=: text messages, newest first."""

    async def get(self) -> None:
        """The inbox of a phone, or everything."""
        phone = self.get_query_argument("phone", "")
        found = [sms for sms in self.world.state.sms if not phone or sms["phone"] == phone]
        self.reply({"items": found[::-1]})


class GatewaysHandler(ControlHandler):
    """What is asked of one of the SMS gateways."""

    gateways: Gateways

    def initialize(self, world: World, gateways: Gateways | None = None) -> None:
        super().initialize(world)
        if gateways is not None:
            self.gateways = gateways


class SmsReplyHandler(GatewaysHandler):
    """POST /control/sms/reply {phone, content, add_serial?, provider?}."""

    async def post(self) -> None:
        """The person answers."""
        body = self.body()
        phone, content = str(body.get("phone", "")), str(body.get("content", ""))
        if not PHONE.match(phone) or not content:
            raise ControlError(400, "phone and content are needed")
        provider, extension = (str(body.get(name) or "") for name in ("provider", "add_serial"))
        self.reply(self.gateways.reply(provider, phone, content, extension))


class SmsTemplatesHandler(GatewaysHandler):
    """POST /control/sms-templates {provider: aliyun|tencent, text, is_code?}: slots as `${name}`."""

    async def post(self) -> None:
        """Apply for a template; it is approved at once, until the world is emptied."""
        body = self.body()
        cloud, text = self.gateways.cloud(str(body.get("provider", ""))), str(body.get("text") or "")
        if not 1 <= len(text) <= 500:
            raise ControlError(400, "text is needed, up to 500 characters")
        code = cloud.approve(text, is_code=bool(body.get("is_code")))
        template = cloud.template(code)
        self.reply({"code": code, "slots": template.slots if template else []}, 201)


class WeChatMessagesHandler(ControlHandler):
    """GET /control/wechat-messages?openid=|phone=: newest first."""

    async def get(self) -> None:
        """Messages of one person, or everything."""
        openid, phone = self.get_query_argument("openid", ""), self.get_query_argument("phone", "")
        found = [
            message
            for message in self.world.state.wechat_messages
            if (not openid or message["openid"] == openid) and (not phone or message["phone"] == phone)
        ]
        self.reply({"items": found[::-1]})


class SwitchesHandler(ControlHandler):
    """GET and POST /control/switches."""

    async def get(self) -> None:
        """All of them."""
        self.reply(self.world.switches.all())

    async def post(self) -> None:
        """Set some."""
        self.world.switches.set(self.body())
        self.world.keeper.changed()
        self.reply(self.world.switches.all())


class TimeHandler(ControlHandler):
    """POST /control/time {factor}."""

    async def post(self) -> None:
        """Compress the sandbox's own waiting."""
        self.world.agenda.compress(float(self.body().get("factor", 1)))
        self.reply({"factor": self.world.state.time_factor})


class CityHandler(ControlHandler):
    """GET and POST /control/city {city_url?, mas_callback_secret?, aliyun_…?, tencent_callback_secret?}."""

    async def get(self) -> None:
        """Where callbacks go."""
        city = self.world.city
        clouds = {f"{name}_callback_secret": city.callback_secrets.get(name, "") for name in _CLOUDS}
        self.reply({"city_url": city.url, "mas_callback_secret": city.mas_callback_secret} | clouds)

    async def post(self) -> None:
        """Point the sandbox at another city on this machine."""
        body = self.body()
        self.world.city.move(
            str(body.get("city_url") or self.world.city.url),
            str(body.get("mas_callback_secret", self.world.city.mas_callback_secret)),
        )
        for name in _CLOUDS:
            if f"{name}_callback_secret" in body:
                self.world.city.callback_secrets[name] = str(body[f"{name}_callback_secret"])
        await self.get()


class ResetHandler(ControlHandler):
    """POST /control/reset."""

    async def post(self) -> None:
        """Forget people, messages, orders, switches; keep the credentials."""
        self.world.keeper.reset()
        self.reply({"reset": True})


class HealthHandler(ControlHandler):
    """GET /healthz."""

    async def get(self) -> None:
        """Alive."""
        self.reply({"status": "ok"})


def routes(world: World, gateways: Gateways) -> list[tuple[str, type[SandboxHandler], dict[str, Any]]]:
    """The control paths."""
    given = {"world": world}
    return [
        (r"/healthz", HealthHandler, given),
        (r"/control/persons", PersonsHandler, given),
        (r"/control/wechat-users", UsersHandler, given),
        (r"/control/(js|phone|oauth)-code", CodeHandler, given),
        (r"/control/subscribe", SubscribeHandler, given),
        (r"/control/sms", SmsHandler, given),
        (r"/control/sms/reply", SmsReplyHandler, given | {"gateways": gateways}),
        (r"/control/sms-templates", SmsTemplatesHandler, given | {"gateways": gateways}),
        (r"/control/wechat-messages", WeChatMessagesHandler, given),
        (r"/control/switches", SwitchesHandler, given),
        (r"/control/time", TimeHandler, given),
        (r"/control/city", CityHandler, given),
        (r"/control/reset", ResetHandler, given),
    ]
