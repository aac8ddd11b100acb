"""A whole city for tests: the real application on a port of loopback, the real database, the real sandbox.

Background work runs when a test says `await city.work()`; nothing happens behind its back.
"""

from __future__ import annotations

import contextlib
import socket
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
from pydantic import SecretStr
from tornado.httpserver import HTTPServer
from tornado.netutil import bind_sockets

from backend import bootstrap, clock
from backend.app import make_app
from backend.bootstrap import City, open_city
from backend.db.client import Database
from backend.demo.environment import vendor_settings
from backend.directory.codes import HospitalLevel, OrganizationKind
from backend.directory.identity import of_hospital
from backend.directory.models import Department, External, Organization
from backend.ids import new_id
from backend.permissions import Actor, Role
from backend.security.keys import Keyring
from backend.settings import Settings
from backend.slotpool.schedules import schedule_id
from backend.slotpool.schedules_models import Schedule, SlotTime
from backend.slotpool.schedules_store import ScheduleStore
from tests.support.outside import Outside, open_outside
from tests.support.polling import poll

MAS_SECRET = "callback-secret-of-the-tests"
PERIODIC = ("appointments.sweep_holds", "billing.query_unpaid")


@dataclass(frozen=True)
class Caller:
    """Somebody with a token."""

    id: str
    token: str
    phone: str = ""
    name: str = ""
    id_number: str = ""

    @property
    def headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.token}"}


@dataclass
class TestCity:
    """The city under test and ways to act in it."""

    __test__ = False

    city: City
    url: str
    outside: Outside
    http: httpx.AsyncClient
    hospital: Organization
    department: Department
    _people: int = field(default=0)

    async def call(
        self,
        method: str,
        path: str,
        *,
        as_: Caller | None = None,
        json: Any = None,
        expect: int | None = None,
        key: str | None = None,
        **more: Any,
    ) -> Any:
        """Call the API and assert the status: 2xx unless `expect` says another. Returns the JSON."""
        headers = dict(as_.headers) if as_ else {}
        if key:
            headers["Idempotency-Key"] = key
        headers |= more.pop("headers", {})
        answer = await self.http.request(method, self.url + path, json=json, headers=headers, **more)
        good = answer.status_code == expect if expect else answer.is_success
        assert good, f"{method} {path}: {answer.status_code} {answer.text}"
        return answer.json() if answer.content else None

    async def work(self, *, periodic: bool = False) -> None:
        """Do all background work that is due, and what runs by the clock if asked."""
        if periodic:
            for job in bootstrap.PERIODIC_JOBS:
                if job.name in PERIODIC:
                    await job.run(self.city.services)
        await self.city.services.outbox.drain()

    async def later(self) -> None:
        """Let time pass for what waits: jobs of the outbox, questions to the payment channel."""
        now = clock.now() - timedelta(seconds=1)
        db = self.city.db
        await db.collection("outbox").update_many({"state": "due"}, {"$set": {"due_at": now}})
        await db.collection("orders").update_many({"check_at": {"$ne": None}}, {"$set": {"check_at": now}})
        await self.work(periodic=True)

    async def until(self, condition: Callable[[], Awaitable[Any]], deadline_s: float = 15) -> Any:
        """Let time pass until `condition` holds."""

        async def once() -> Any:
            await self.later()
            return await condition()

        return await poll(once, deadline_s)

    async def schedule(self, *, slots: int = 10, fee_fen: int = 0, days: int = 1, **more: Any) -> Schedule:
        """A session of the city's hospital."""
        schedule = make_schedule(
            self.hospital, self.department, slots=slots, fee_fen=fee_fen, days=days, **more
        )
        await ScheduleStore(self.city.db).insert([schedule])
        return schedule

    def stranger(self, role: Role = Role.RESIDENT, **more: Any) -> Caller:
        """A verified resident without a file: a token is all that booking asks for."""
        person = new_id()
        values: dict[str, Any] = {
            "kind": "resident",
            "id": person,
            "role": role,
            "organization_ids": frozenset(),
            "session_id": new_id(),
            "channel": "wechat",
            "real_name": True,
        }
        return Caller(person, self.city.services.tokens.issue(Actor(**(values | more))))

    async def resident(self, *, wechat: bool = False) -> Caller:
        """A resident of flesh and blood: registered, signed in, real name verified."""
        self._people += 1
        number = self._people
        name, phone = f"张{'甲乙丙丁戊己庚辛壬癸'[number % 10]}", f"139{number:08d}"
        identity = {"name": name, "id_number": id_number(number)}
        await self.outside.post("persons", {**identity, "phone": phone})
        tokens = await (self._sign_in_wechat(phone) if wechat else self._sign_in_sms(phone))
        caller = Caller(tokens["resident"]["id"], tokens["access_token"])
        me = await self.call("POST", "/api/v1/me/real-name", as_=caller, json=identity)
        refresh = {"refresh_token": tokens["refresh_token"]}
        fresh = await self.call("POST", "/api/v1/auth/refresh", json=refresh)
        return Caller(me.get("id", caller.id), fresh["access_token"], phone, name, identity["id_number"])

    async def _sign_in_sms(self, phone: str) -> Any:
        await self.call("POST", "/api/v1/auth/sms-codes", json={"phone": phone})
        await self.work()
        texts = await self.outside.get("sms", phone=phone)
        code = "".join(c for c in texts["items"][0]["content"] if c.isdigit())[:6]
        return await self.call("POST", "/api/v1/auth/sms", json={"phone": phone, "code": code})

    async def _sign_in_wechat(self, phone: str) -> Any:
        js_code = (await self.outside.post("js-code", {"app": "mini", "phone": phone}))["js_code"]
        first = await self.call("POST", "/api/v1/auth/wechat-mini", json={"js_code": js_code})
        if first["tokens"]:
            return first["tokens"]
        code = (await self.outside.post("phone-code", {"phone": phone}))["code"]
        wanted = {"login_ticket": first["login_ticket"], "phone_code": code}
        return (await self.call("POST", "/api/v1/auth/wechat-mini", json=wanted))["tokens"]

    async def hospital_client(self) -> Caller:
        """The hospital's own system."""
        actor = Actor(
            "client", new_id(), Role.HOSPITAL_CLIENT, frozenset({self.hospital.id}), new_id(), "hospital"
        )
        return Caller(actor.id, self.city.services.tokens.issue(actor))


def id_number(number: int) -> str:
    """A made-up ID number with a right check digit; another one for every number up to 28 000."""
    day, sequence = number % 28, number // 28
    body = f"370700199001{1 + day:02d}{sequence:03d}"
    weights = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
    return body + "10X98765432"[sum(int(d) * w for d, w in zip(body, weights, strict=True)) % 11]


@dataclass
class Surroundings:
    """What all test cities of a run share: the sandbox, the key ring, the port it calls back on."""

    outside: Outside
    keys_file: Path
    sockets: list[socket.socket]
    url: str


@contextlib.asynccontextmanager
async def open_surroundings() -> AsyncIterator[Surroundings]:
    """Start the sandbox once: its keys and its process cost more than most tests."""
    sockets = bind_sockets(0, "127.0.0.1")
    url = f"http://127.0.0.1:{sockets[0].getsockname()[1]}"
    with tempfile.TemporaryDirectory(prefix="keys-") as folder:
        keys = Path(folder) / "keys.json"
        Keyring.generate(keys)
        async with open_outside(url, mas_callback_secret=MAS_SECRET) as outside:
            yield Surroundings(outside, keys, sockets, url)
    for each in sockets:
        each.close()


@contextlib.asynccontextmanager
async def open_test_city(
    surroundings: Surroundings, mongo_uri: str, db: Database, **more: Any
) -> AsyncIterator[TestCity]:
    """A fresh city on the test's own empty database."""
    outside = surroundings.outside
    await outside.post("reset")
    await outside.post("time", {"factor": 600})  # refunds and repeated notices take minutes
    settings = Settings(
        environment="test",
        mongodb_uri=SecretStr(mongo_uri),
        mongodb_database=db.name,
        keys_file=surroundings.keys_file,
        public_url=surroundings.url,
        messages_from_hour=0,  # whatever the hour the tests run at
        messages_until_hour=24,
        mas_callback_secret=SecretStr(MAS_SECRET),
        **(vendor_settings(outside.url, outside.credentials) | more),
    )
    city = await open_city(settings, process="test")
    server = HTTPServer(make_app(city))
    server.add_sockets([each.dup() for each in surroundings.sockets])
    hospital, department = await make_directory(city)
    async with httpx.AsyncClient(timeout=20) as http:
        try:
            yield TestCity(city, surroundings.url, outside, http, hospital, department)
        finally:
            server.stop()
            await server.close_all_connections()
            await city.close()


def make_schedule(
    hospital: Organization,
    department: Department,
    *,
    slots: int = 10,
    fee_fen: int = 0,
    days: int = 1,
    **more: Any,
) -> Schedule:
    """A session of five-minute places in some days."""
    on = clock.today() + timedelta(days=days)
    start = clock.city_instant(on, 8)
    external_id = str(more.get("external_id") or new_id())
    values: dict[str, Any] = {
        "id": schedule_id(hospital.id, of_hospital(external_id)),
        "organization_id": hospital.id,
        "department_id": department.id,
        "practitioner_id": None,
        "external_id": external_id,
        "on": on,
        "period": "day",
        "kind": "general",
        "fee_fen": fee_fen,
        "slots": tuple(
            SlotTime(n, start + timedelta(minutes=5 * n), start + timedelta(minutes=5 * n + 5))
            for n in range(1, slots + 1)
        ),
    }
    return Schedule(**(values | more))


async def make_directory(city: City) -> tuple[Organization, Department]:
    """One hospital with one department."""
    hospital = Organization(
        id=new_id(),
        external=External("test", "hospital"),
        name="健康城市人民医院",
        short_name="市人民医院",
        kind=OrganizationKind.GENERAL,
        level=HospitalLevel.L3_A,
        address="健康路1号",
    )
    department = Department(
        id=new_id(),
        external=External("test", "department"),
        organization_id=hospital.id,
        name="儿科",
        code="0700",
        place="门诊楼二楼",
    )
    await city.services.directory.save_organizations([hospital])
    await city.services.directory.save_departments([department])
    return hospital, department
