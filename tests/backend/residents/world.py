"""A small world around the residents area: twins of its ports, people to sign in, and a client over HTTP."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from backend import clock
from backend.audit.service import AuditService
from backend.db.client import Database
from backend.errors import AppError, ErrorCode
from backend.permissions import Actor
from backend.residents.id_numbers import check_digit
from backend.residents.ports import RegisterAnswer, RegisterRelation, RegisterUnavailableError
from backend.residents.service import ResidentService
from backend.security.tokens import TokenIssuer
from backend.worker.outbox import Outbox
from notify.ports import MiniSession, RejectedError, RejectReason, UnknownResultError

_serial = itertools.count(1)
_phone = itertools.count(10_000_000)
FAMILY_NAMES = "张王李赵陈杨黄周吴徐孙马朱胡林郭何高罗郑"


@dataclass(frozen=True)
class Person:
    """Somebody made up, as the population register knows him."""

    name: str
    id_number: str
    phone: str
    alive: bool = True

    @property
    def card(self) -> dict[str, str]:
        """What the person types in."""
        return {"name": self.name, "id_number": self.id_number}


def make_person(born: date = date(1985, 3, 12), *, name: str = "", phone: str = "") -> Person:
    """A new person with a number of his own."""
    serial = next(_serial)
    first = f"370702{born:%Y%m%d}{serial % 1000:03d}"
    family = FAMILY_NAMES[serial % len(FAMILY_NAMES)]
    return Person(
        name or f"{family}小{'一二三四五六七八九十'[serial % 10]}",
        first + check_digit(first),
        phone or f"138{next(_phone)}",
    )


def born_years_ago(years: int, days: int = 0) -> date:
    """A birthday so many years (and days) before today."""
    today = clock.today()
    day = 28 if (today.month, today.day) == (2, 29) else today.day
    return date(today.year - years, today.month, day) - timedelta(days=days)


class MemoryRegister:
    """A population register in memory."""

    def __init__(self) -> None:
        self.people: dict[str, Person] = {}
        self.children: set[tuple[str, str]] = set()
        self.away = False
        self.asked = 0

    def add(self, *people: Person) -> None:
        self.people.update({person.id_number: person for person in people})

    async def verify(self, name: str, id_number: str, phone: str | None = None) -> RegisterAnswer:
        self._ask()
        person = self.people.get(id_number)
        if person is None or person.name != name:
            return RegisterAnswer(match=False)
        match = phone == person.phone if phone and person.phone else None
        return RegisterAnswer(match=True, alive=person.alive, phone_match=match)

    async def relation(self, guardian_id_number: str, dependant_id_number: str) -> RegisterRelation:
        self._ask()
        known = (guardian_id_number, dependant_id_number) in self.children
        return RegisterRelation.CHILD if known else RegisterRelation.NONE

    async def aclose(self) -> None:
        pass

    def _ask(self) -> None:
        self.asked += 1
        if self.away:
            raise RegisterUnavailableError("away")


class MemoryWeChat:
    """WeChat's log-in: codes that are good once."""

    def __init__(self) -> None:
        self.codes: dict[str, str] = {}
        self.away = False
        self._made = itertools.count(1)

    def code_for(self, what: str) -> str:
        """A fresh code behind which there is an openid or a phone."""
        code = f"code-{next(self._made)}"
        self.codes[code] = what
        return code

    async def openid_of_js_code(self, js_code: str) -> MiniSession:
        return MiniSession(self._use(js_code))

    async def phone_of_code(self, phone_code: str) -> str:
        return self._use(phone_code)

    async def openid_of_oauth_code(self, code: str) -> str:
        return self._use(code)

    def authorize_url(self, redirect_url: str, state: str) -> str:
        return f"https://wechat.example/authorize?redirect_uri={redirect_url}&state={state}"

    async def aclose(self) -> None:
        pass

    def _use(self, code: str) -> str:
        if self.away:
            raise UnknownResultError("timeout")
        if code not in self.codes:
            raise RejectedError("40029", "invalid code", RejectReason.CODE_INVALID)
        return self.codes.pop(code)


class MemoryCodeSender:
    """Keeps the codes instead of sending them."""

    def __init__(self) -> None:
        self.sent: list[tuple[str, str]] = []
        self.asking: list[str] = []
        self.away = False

    async def send_code(self, phone: str, code: str) -> None:
        if self.away:
            raise AppError(ErrorCode.UNAVAILABLE, "SMS gateway away")
        self.sent.append((phone, code))

    async def send_consent_code(self, phone: str, code: str, guardian: str) -> None:
        await self.send_code(phone, code)
        self.asking.append(guardian)

    def code_of(self, phone: str) -> str:
        """The last code that went to a phone."""
        return next(code for to, code in reversed(self.sent) if to == phone)


@dataclass
class SignedIn:
    """Somebody with a session."""

    id: str
    access_token: str
    refresh_token: str
    person: Person | None = None

    @property
    def headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.access_token}"}


@dataclass
class World:
    """The area under test, everything around it, and what tests do over and over."""

    url: str
    db: Database
    residents: ResidentService
    register: MemoryRegister
    wechat: MemoryWeChat
    sender: MemoryCodeSender
    audit: AuditService
    tokens: TokenIssuer
    outbox: Outbox
    busy: set[str] = field(default_factory=set)
    visits: dict[str, datetime] = field(default_factory=dict)
    browser: httpx.AsyncClient = field(default_factory=lambda: httpx.AsyncClient(timeout=20))

    async def call(
        self, method: str, path: str, body: Any = None, *, as_: SignedIn | None = None, expect: int = 200
    ) -> Any:
        """One request; fails unless the status is the expected one."""
        response = await self.browser.request(
            method, f"{self.url}/api/v1/{path}", json=body, headers=as_.headers if as_ else {}
        )
        assert response.status_code == expect, response.text
        return response.json() if response.content else None

    async def refused(
        self, method: str, path: str, body: Any = None, *, as_: SignedIn | None = None
    ) -> dict[str, Any]:
        """One request that must fail; its error."""
        headers = as_.headers if as_ else {}
        response = await self.browser.request(method, f"{self.url}/api/v1/{path}", json=body, headers=headers)
        assert response.status_code >= 400, response.text
        error: dict[str, Any] = response.json()["error"]
        return error

    async def ask_code(self, phone: str) -> str:
        """Have a code sent, and read it."""
        await self.call("POST", "auth/sms-codes", {"phone": phone}, expect=202)
        return self.sender.code_of(phone)

    async def sign_in(self, phone: str) -> SignedIn:
        """Sign in by SMS."""
        code = await self.ask_code(phone)
        return signed_in(await self.call("POST", "auth/sms", {"phone": phone, "code": code}))

    async def sign_in_after_long(self, person: Person) -> SignedIn:
        """Sign in by SMS to an account that was idle for long."""
        body = {"phone": person.phone, "code": await self.ask_code(person.phone)}
        ticket = (await self.refused("POST", "auth/sms", body))["data"]["login_ticket"]
        shown = {"login_ticket": ticket, "last_four": person.id_number[-4:]}
        return signed_in(await self.call("POST", "auth/identity", shown))

    async def sign_in_mini(self, openid: str, phone: str) -> SignedIn:
        """Sign in from the mini-program, with the phone when it is asked for."""
        answer = await self.call("POST", "auth/wechat-mini", {"js_code": self.wechat.code_for(openid)})
        if answer["phone_needed"]:
            body = {"login_ticket": answer["login_ticket"], "phone_code": self.wechat.code_for(phone)}
            answer = await self.call("POST", "auth/wechat-mini", body)
        return signed_in(answer["tokens"])

    async def verified(self, person: Person | None = None) -> SignedIn:
        """Somebody signed in whose real name is verified."""
        person = person or make_person()
        self.register.add(person)
        somebody = await self.sign_in(person.phone)
        done = await self.call("POST", "me/real-name", person.card, as_=somebody)
        return SignedIn(done["id"], done["access_token"], somebody.refresh_token, person)

    async def add_patient(
        self, guardian: SignedIn, person: Person, relation: str, *, expect: int = 201
    ) -> dict[str, Any]:
        """Ask to act for somebody whom the register knows."""
        self.register.add(person)
        body = person.card | {"relation": relation}
        answer: dict[str, Any] = await self.call("POST", "patients", body, as_=guardian, expect=expect)
        return answer

    def actor(self, somebody: SignedIn) -> Actor:
        """Whom a token stands for."""
        return self.tokens.verify(somebody.access_token)

    async def events(self) -> list[tuple[str, dict[str, str]]]:
        """Kind and data of every event waiting in a document."""
        found = []
        for name in ("residents", "patient_links"):
            async for doc in self.db.collection(name).find({"events_due": True}):
                found += [(event["kind"], event["data"]) for event in doc["events"]]
        return found

    async def dump(self) -> str:
        """Everything in the database, as one text."""
        names = await self.db.native.list_collection_names()
        found = [await self.db.collection(name).find({}).to_list(None) for name in names]
        return str(found)


def signed_in(tokens: dict[str, Any]) -> SignedIn:
    """A session from its token pair."""
    return SignedIn(tokens["resident"]["id"], tokens["access_token"], tokens["refresh_token"])


def parameters(url: str) -> dict[str, str]:
    """The query parameters of an address, or of its fragment where the app's pages live."""
    parts = urlsplit(url)
    query = parts.fragment.partition("?")[2] or parts.query
    return {name: values[0] for name, values in parse_qs(query).items()}


@contextmanager
def later(**delta: float) -> Iterator[None]:
    """The city's clock, moved on."""
    moved = timedelta(**delta)

    def now() -> datetime:
        instant = datetime.now(UTC) + moved
        return instant.replace(microsecond=instant.microsecond // 1000 * 1000)

    def today() -> date:
        return (datetime.now(clock.CITY_ZONE) + moved).date()

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(clock, "now", now)
        patch.setattr(clock, "today", today)
        yield
