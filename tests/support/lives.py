"""People who hold, pay, are booked and perhaps cancel while processes and servers come and go around them.

Each behaves as a patient phone does: the same request with the same key, again and again, until somebody
answers. What every one of them was told is kept, so that a test can hold the city to its word.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import Counter
from collections.abc import AsyncIterator, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import httpx
from pydantic import SecretStr

from backend.bootstrap import City, open_city
from backend.db.client import Database
from backend.db.migrate import migrate
from backend.demo.environment import vendor_settings
from backend.demo.leash import free_port
from backend.directory.models import Department, Organization
from backend.ids import new_id
from backend.permissions import Actor, Role
from backend.security.keys import Keyring
from backend.settings import Settings
from backend.slotpool.schedules_store import ScheduleStore
from tests.support.city import MAS_SECRET, id_number, make_directory, make_schedule
from tests.support.outside import Outside, open_outside
from tests.support.polling import poll
from tests.support.processes import Processes, await_ready, open_processes

FEE_FEN = 1_500
SETTLED_WITHIN_S = 150
BETWEEN_TRIES_S = 0.2


class Person(NamedTuple):
    """Somebody with a file, a token and a phone."""

    id: str
    token: str
    phone: str


@dataclass
class Lives:
    """A city of processes, its sandbox, a look into its database, and everybody who has lived in it."""

    city: City
    url: str
    outside: Outside
    processes: Processes
    http: httpx.AsyncClient
    places: tuple[Organization, Department] | None = None
    people: list[Person] = field(default_factory=list)
    booked: dict[str, Person] = field(default_factory=dict)
    cancelled: dict[str, Person] = field(default_factory=dict)
    # What was answered instead of success: status and code; status 0 for a connection that broke.
    refusals: Counter[tuple[int, str]] = field(default_factory=Counter)

    async def begin(self, many: int) -> asyncio.Future[list[None]]:
        """So many new people begin to book, pay, and every third to cancel; the future of all of them."""
        if self.places is None:
            self.places = await make_directory(self.city)
        schedules = [
            make_schedule(*self.places, slots=many, fee_fen=FEE_FEN, external_id=new_id()) for _ in range(2)
        ]
        await ScheduleStore(self.city.db).insert(schedules)
        new = [await self._person() for _ in range(many)]
        return asyncio.gather(
            *(
                self._live(who, schedules[number % 2].id, cancels=number % 3 == 0)
                for number, who in enumerate(new)
            )
        )

    async def ask(self, method: str, path: str, who: Person, key: str, body: Any = None) -> Any:
        """Call until somebody answers, always with the same key."""
        headers = {"Authorization": f"Bearer {who.token}", "Idempotency-Key": key}
        while True:
            try:
                answer = await self.http.request(method, self.url + path, headers=headers, json=body)
            except httpx.TransportError as error:
                self.refusals[0, type(error).__name__] += 1
            else:
                if answer.is_success:
                    return answer.json()
                self.refusals[answer.status_code, answer.json()["error"]["code"]] += 1
                assert answer.status_code >= 500 or answer.status_code == 429, answer.text
            await asyncio.sleep(BETWEEN_TRIES_S)

    async def _person(self) -> Person:
        number = len(self.people)
        phone = f"138{number:08d}"
        person = await self.city.services.residents.find_or_create_file("李小红", id_number(number), phone)
        actor = Actor("resident", person, Role.RESIDENT, frozenset(), new_id(), "h5", real_name=True)
        self.people.append(Person(person, self.city.services.tokens.issue(actor), phone))
        return self.people[-1]

    async def _live(self, who: Person, schedule_id: str, *, cancels: bool) -> None:
        wish = {"schedule_id": schedule_id, "patient_id": who.id}
        hold = await self.ask("POST", "/api/v1/holds", who, f"hold-{who.id}", wish)
        path = f"/api/v1/appointments/{hold['id']}"
        method = {"method": "wechat_native"}
        started = await self.ask("POST", f"{path}/payment", who, f"pay-{who.id}", method)
        await self._pay(started["code_url"])
        while hold["state"] != "booked":
            await asyncio.sleep(BETWEEN_TRIES_S)
            hold = await self.ask("GET", path, who, f"read-{who.id}")
            assert hold["state"] in ("held", "booked"), hold
        self.booked[hold["id"]] = who
        if cancels:
            ended = await self.ask("POST", f"{path}/cancel", who, f"cancel-{who.id}", {})
            assert ended["state"] == "cancelled", ended
            self.cancelled[hold["id"]] = self.booked.pop(hold["id"])

    async def _pay(self, code_url: str) -> None:
        for order in (await self.outside.get("orders"))["items"]:
            if order["code_token"] and code_url.endswith(f"pr={order['code_token']}"):
                await self.outside.post(f"orders/{order['out_trade_no']}/pay", {})
                return
        raise AssertionError("the sandbox does not know the order")

    # What must hold in the end (design.md, section 6).

    async def settle(self) -> None:
        """Wait until nothing is under way but what waits for a carrier's word."""
        db = self.city.db

        async def left() -> str:
            waiting = {"state": "due", "kind": {"$ne": "message.due"}}
            jobs = await db.collection("outbox").distinct("subscriber", waiting)
            unrelayed = [
                name
                for name in ("claims", "orders", "payment_notices", "messages")
                if await db.collection(name).count_documents({"events_due": True})
            ]
            refunds = await db.collection("orders").count_documents({"state": "refunded"})
            untold = [who.phone for who in self.people if not await self._told(who)]
            left = (jobs, unrelayed, len(self.cancelled) - refunds, untold)
            return str(left) if any(left) else ""

        said = ""

        async def quiet() -> bool:
            nonlocal said
            said = await left()
            return not said

        try:
            await poll(quiet, SETTLED_WITHIN_S, "the city to come to rest")
        except AssertionError as error:
            raise AssertionError(f"still under way: {said}") from error

    async def _told(self, who: Person) -> bool:
        texts = await self._texts(who)
        return any(("已取消" if who in self.cancelled.values() else "已预约") in text for text in texts)

    async def _texts(self, who: Person) -> list[str]:
        return [sms["content"] for sms in (await self.outside.get("sms", phone=who.phone))["items"]]

    async def assert_all_adds_up(self) -> None:
        """Every acknowledged booking exists once, every fen is accounted for, everybody was told once."""
        await self._assert_every_booking_exists_once()
        await self._assert_every_fen_is_accounted_for()
        for who in self.people:
            texts = await self._texts(who)
            # Who cancelled before the booking was told is not told of a booking that is no more.
            assert sum("已预约" in text for text in texts) <= 1, texts
            assert sum("已取消" in text for text in texts) <= 1, texts

    async def _assert_every_booking_exists_once(self) -> None:
        claims = await self.city.db.collection("claims").find({}).to_list(None)
        assert ids_in(claims, "booked") == set(self.booked)
        assert ids_in(claims, "cancelled") == set(self.cancelled)
        assert len(claims) == len(self.people)
        assert set(Counter((c["schedule_id"], c["number"]) for c in claims if c["live"]).values()) == {1}

    async def _assert_every_fen_is_accounted_for(self) -> None:
        books = await self.city.services.billing.check_books(ask_channel=True)
        assert books.balance, books.problems
        everything, back = len(self.people) * FEE_FEN, len(self.cancelled) * FEE_FEN
        assert (books.paid_fen, books.refunded_fen) == (everything, back)
        totals = (await self.outside.get("ledger"))["totals"]
        assert (totals["merchant_fen"], totals["sum_fen"]) == (everything - back, 0)


def ids_in(claims: Iterable[dict[str, Any]], state: str) -> set[str]:
    """Ids of the claims in a state."""
    return {claim["_id"] for claim in claims if claim["state"] == state}


@contextlib.asynccontextmanager
async def open_lives(
    db: Database,
    mongo_uri: str,
    broker_url: str,
    keys: Path,
    *,
    direct_uri: str = "",
    more: Mapping[str, str] | None = None,
) -> AsyncIterator[Lives]:
    """A city as it runs: web, worker, beat, the sandbox around it. `direct_uri` is how the test looks in."""
    Keyring.generate(keys)
    await migrate(db)
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    async with open_outside(url, mas_callback_secret=MAS_SECRET) as outside:
        await outside.post("time", {"factor": 60})
        settings = Settings(
            environment="test",
            mongodb_uri=SecretStr(direct_uri or mongo_uri),
            mongodb_database=db.name,
            keys_file=keys,
            public_url=url,
            mas_callback_secret=SecretStr(MAS_SECRET),
            **vendor_settings(outside.url, outside.credentials),
        )
        city = await open_city(settings, process="test")
        own = {"PUBLIC_URL": url, "WEB_PORT": str(port), **(more or {})}
        async with open_processes(mongo_uri, db.name, broker_url, keys, outside, own) as processes:
            for name, command in (("web", "serve"), ("worker", "worker"), ("beat", "beat")):
                processes.start(name, command)
            await await_ready(url)
            async with httpx.AsyncClient(timeout=15) as http:
                yield Lives(city, url, outside, processes, http)
        await city.close()
