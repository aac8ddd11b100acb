"""A made-up phone: its text messages, its WeChat messages, answering, agreeing to be told."""

from __future__ import annotations

import itertools
import random
from datetime import date, timedelta
from typing import Any

from tornado.web import HTTPError

from sandbox.gateways import NAMES, Gateways, UnknownProviderError
from sandbox.message_templates import SUBSCRIBE_TEMPLATES
from sandbox.people import PHONE, PersonError, make_id_number
from sandbox.state import Person
from sandbox.views import PageHandler
from sandbox.web import SandboxHandler
from sandbox.world import World

_FAMILY_NAMES, _GIVEN_NAMES = (
    "王李张刘陈杨黄赵吴周",
    ("伟", "芳", "娜", "敏", "静", "强", "磊", "洋", "秀英", "建国"),
)
_REGION = "370702"


class PhoneHandler(PageHandler):
    """GET /phone, POST /phone (actions of the person holding it)."""

    gateways: Gateways

    def initialize(self, world: World, gateways: Gateways | None = None) -> None:
        super().initialize(world)
        if gateways is not None:
            self.gateways = gateways

    async def get(self) -> None:
        """The phone of ?number=, or the choice of one."""
        number = self.get_query_argument("number", "").strip()
        problem = "" if not number or PHONE.match(number) else "手机号应为 11 位，以 1 开头"
        if not number or problem:
            self._choose(problem)
            return
        self.page("phone.html", **self._phone(number))

    async def post(self) -> None:
        """Answer a text, accept or refuse messages, register somebody."""
        number, action = self.get_body_argument("number", "").strip(), self.get_body_argument("action", "")
        try:
            if action == "register":
                self._register(number)
            elif action == "reply":
                content = self.get_body_argument("content", "").strip()
                if content:
                    provider = self.get_body_argument("provider", "mas")
                    self.gateways.reply(provider, number, content, self.get_body_argument("add_serial", ""))
            else:
                self._subscribe(number, action)
        except UnknownProviderError as error:
            raise HTTPError(400) from error
        except PersonError:
            problem = "姓名、身份证号或手机号不对：身份证号要能通过校验"
            self.set_status(400)
            self._choose(problem)
            return
        self.redirect(f"/phone?number={number}", status=303)

    def _choose(self, problem: str) -> None:
        people = list(self.world.state.persons.values())[-200:]
        made = made_up_person(self.world)
        self.page("phones.html", phones=self._phones(), problem=problem, made=made, people=people)

    def _register(self, number: str) -> None:
        entry = {name: self.get_body_argument(name, "") for name in ("name", "id_number")}
        relative, relation = self.get_body_argument("relative", ""), self.get_body_argument("relation", "")
        # The form says what the newcomer is to the relative; an entry says what the relative is to them.
        seen_back = {"child": "parent", "parent": "child"}.get(relation, relation)
        family = [{"id_number": relative, "relation": seen_back}] if relative else []
        self.world.people.register(entry | {"phone": number, "family": family})

    def _subscribe(self, number: str, action: str) -> None:
        user = self.world.people.user_with_phone(number)
        if action == "follow":
            user.follows_oa = not user.follows_oa
        for template_id in self.world.credentials.told["subscribe_templates"].values():
            if action == "accept":
                user.grants[template_id] = user.grants.get(template_id, 0) + 1
            elif action == "reject":
                user.grants[template_id] = 0
        self.world.keeper.changed()

    def _phones(self) -> list[dict[str, Any]]:
        """Every phone anybody knows of, those with news first."""
        state = self.world.state
        numbers = dict.fromkeys(sms["phone"] for sms in reversed(state.sms[-500:]))
        for known in (state.users.values(), state.persons.values()):
            numbers |= dict.fromkeys(one.phone for one in known if one.phone)
        return [self._summary(number) for number in itertools.islice(numbers, 60)]

    def _summary(self, number: str) -> dict[str, Any]:
        texts = [sms for sms in self.world.state.sms if sms["phone"] == number]
        cards = [one for one in self.world.state.wechat_messages if one["phone"] == number]
        return {
            "number": number,
            "name": self.world.people.name_of_phone(number),
            "sms": len(texts),
            "wechat": len(cards),
            "last": texts[-1]["text"] if texts else "",
        }

    def _phone(self, number: str) -> dict[str, Any]:
        state = self.world.state
        thread = [sms | {"mine": False} for sms in state.sms if sms["phone"] == number]
        thread += [
            {
                "at": one["at"],
                "text": one["smsContent"],
                "mine": True,
                "state": "",
                "add_serial": one["addSerial"],
                "provider": one.get("provider", "mas"),
            }
            for one in state.sms_replies
            if one["phone"] == number
        ]
        person = next((person for person in state.persons.values() if person.phone == number), None)
        user = next((user for user in state.users.values() if user.phone == number), None)
        ids = self.world.credentials.told["subscribe_templates"]
        grants = {
            t.title: user.grants.get(ids[kind], 0) if user else 0 for kind, t in SUBSCRIBE_TEMPLATES.items()
        }
        return {
            "number": number,
            "person": person,
            "family": self._family(person) if person else [],
            "thread": sorted(thread, key=lambda one: float(one["at"]))[-80:],
            "cards": [one for one in state.wechat_messages if one["phone"] == number][-30:],
            "user": user,
            "grants": grants,
            "providers": NAMES,
        }

    def _family(self, person: Person) -> list[dict[str, str]]:
        people = self.world.people
        found = []
        for other in self.world.state.persons.values():
            relation = people.relation(person.id_number, other.id_number)
            if relation != "none":
                found.append({"name": other.name, "id_number": other.id_number, "relation": relation})
        return found


def made_up_person(world: World) -> dict[str, str]:
    """A person for the form: a name, a number that checks, a phone nobody has yet."""
    birth = date(1950, 1, 1) + timedelta(days=random.randrange(25_000))
    taken = {person.phone for person in world.state.persons.values()}
    phone = next(
        p for p in (f"138{random.randrange(10**8):08d}" for _ in itertools.count()) if p not in taken
    )
    return {
        "name": random.choice(_FAMILY_NAMES) + random.choice(_GIVEN_NAMES),
        "id_number": make_id_number(_REGION, birth, random.randrange(100, 1000)),
        "phone": phone,
    }


def routes(world: World, gateways: Gateways) -> list[tuple[str, type[SandboxHandler], dict[str, Any]]]:
    """The phone's path."""
    return [(r"/phone", PhoneHandler, {"world": world, "gateways": gateways})]
