"""Crashes: web and worker are killed at random while people book and pay; then everything must add up."""

from __future__ import annotations

import asyncio
import contextlib
import random
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from pydantic import SecretStr

from backend.bootstrap import City, open_city
from backend.db.client import Database
from backend.db.migrate import migrate
from backend.demo.environment import vendor_settings
from backend.ids import new_id
from backend.permissions import Actor, Role
from backend.security.keys import Keyring
from backend.settings import Settings
from backend.slotpool.schedules_store import ScheduleStore
from tests.support.city import MAS_SECRET, id_number, make_directory, make_schedule
from tests.support.outside import Outside, open_outside
from tests.support.polling import poll
from tests.support.processes import Processes, await_ready, free_port, open_processes

pytestmark = [pytest.mark.serial, pytest.mark.timeout(280)]
PEOPLE, FEE_FEN, KILLS = 24, 1_500, 10
SETTLED_WITHIN_S = 150


@dataclass
class Town:
    """A city of processes, its sandbox, and a look into its database."""

    city: City
    url: str
    outside: Outside
    processes: Processes

    async def ask(self, method: str, path: str, token: str, key: str, body: Any = None) -> Any:
        """Call as a patient phone does: again and again with the same key until somebody answers."""
        headers = {"Authorization": f"Bearer {token}", "Idempotency-Key": key}
        while True:
            with contextlib.suppress(httpx.TransportError):
                async with httpx.AsyncClient(timeout=10) as http:
                    answer = await http.request(method, self.url + path, headers=headers, json=body)
                if answer.status_code < 500 and answer.status_code != 429:
                    assert answer.is_success, answer.text
                    return answer.json()
            await asyncio.sleep(0.2)


@pytest.fixture
async def town(mongo_uri: str, redis_url: str, bare_db: Database, tmp_path: Path) -> AsyncIterator[Town]:
    keys = tmp_path / "keys.json"
    Keyring.generate(keys)
    await migrate(bare_db)
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    async with open_outside(url, mas_callback_secret=MAS_SECRET) as outside:
        await outside.post("time", {"factor": 60})
        settings = Settings(
            environment="test",
            mongodb_uri=SecretStr(mongo_uri),
            mongodb_database=bare_db.name,
            keys_file=keys,
            public_url=url,
            mas_callback_secret=SecretStr(MAS_SECRET),
            **vendor_settings(outside.url, outside.credentials),
        )
        city = await open_city(settings, process="test")
        # A Redis database of its own: another test's tasks are nobody's business here.
        broker = redis_url.rsplit("/", 1)[0] + "/7"
        more = {"PUBLIC_URL": url, "WEB_PORT": str(port)}
        async with open_processes(mongo_uri, bare_db.name, broker, keys, outside, more) as processes:
            processes.start("web", "serve")
            processes.start("worker", "worker")
            processes.start("beat", "beat")
            await await_ready(url)
            yield Town(city, url, outside, processes)
        await city.close()


async def test_nothing_is_lost_when_processes_are_killed(town: Town) -> None:
    dice = random.Random(20261121)
    people = [await _person(town, number) for number in range(PEOPLE)]
    hospital, department = await make_directory(town.city)
    schedules = [make_schedule(hospital, department, slots=PEOPLE, fee_fen=FEE_FEN) for _ in range(2)]
    await ScheduleStore(town.city.db).insert(schedules)
    lives = asyncio.gather(
        *(_live(town, each, schedules[n % 2].id, cancels=n % 3 == 0) for n, each in enumerate(people))
    )
    await _havoc(town, dice)
    ended = await lives
    booked = {made["id"] for made in ended if made["state"] == "booked"}
    cancelled = {made["id"] for made in ended if made["state"] == "cancelled"}
    assert (len(booked), len(cancelled)) == (16, 8)
    await _settled(town, len(cancelled))
    await _every_booking_exists_once(town, booked, cancelled)
    await _every_fen_is_accounted_for(town, len(booked), len(cancelled))
    await _everybody_was_told(town, people)


async def _person(town: Town, number: int) -> tuple[str, str, str]:
    """Id, token and phone of somebody with a file."""
    phone = f"138{number:08d}"
    person = await town.city.services.residents.find_or_create_file("李小红", id_number(number), phone)
    actor = Actor("resident", person, Role.RESIDENT, frozenset(), new_id(), "h5", real_name=True)
    return person, town.city.services.tokens.issue(actor), phone


async def _live(town: Town, who: tuple[str, str, str], schedule_id: str, *, cancels: bool) -> Any:
    """Hold, pay, be booked, perhaps cancel."""
    person, token, _ = who
    wish = {"schedule_id": schedule_id, "patient_id": person}
    hold = await town.ask("POST", "/api/v1/holds", token, f"hold-{person}", wish)
    path = f"/api/v1/appointments/{hold['id']}"
    started = await town.ask("POST", f"{path}/payment", token, f"pay-{person}", {"method": "wechat_native"})
    await _pay(town, started["code_url"])

    async def booked() -> Any:
        now = await town.ask("GET", path, token, f"read-{person}")
        return now if now["state"] == "booked" else None

    made = await poll(booked, SETTLED_WITHIN_S, "the paid hold to be booked")
    return await town.ask("POST", f"{path}/cancel", token, f"cancel-{person}", {}) if cancels else made


async def _pay(town: Town, code_url: str) -> None:
    for order in (await town.outside.get("orders"))["items"]:
        if order["code_token"] and code_url.endswith(f"pr={order['code_token']}"):
            await town.outside.post(f"orders/{order['out_trade_no']}/pay", {})
            return
    raise AssertionError("the sandbox does not know the order")


async def _havoc(town: Town, dice: random.Random) -> None:
    """Kill web or worker at random moments, and start it again."""
    commands = {"web": ("serve",), "worker": ("worker",)}
    for _ in range(KILLS):
        await asyncio.sleep(dice.uniform(0.3, 2.5))
        name = dice.choice(list(commands))
        town.processes.kill(name)
        town.processes.start(name, *commands[name])


async def _settled(town: Town, refunds: int) -> None:
    """Wait until no job is due, no event unrelayed and every refund done."""
    db = town.city.db

    async def quiet() -> bool:
        due = await db.collection("outbox").count_documents({"state": "due"})
        unrelayed = await db.collection("claims").count_documents({"events_due": True})
        refunded = await db.collection("orders").count_documents({"state": "refunded"})
        return not due and not unrelayed and refunded == refunds

    await poll(quiet, SETTLED_WITHIN_S, "the outbox to be empty and the refunds to be done")


async def _every_booking_exists_once(town: Town, booked: set[str], cancelled: set[str]) -> None:
    claims = await town.city.db.collection("claims").find({}).to_list(None)
    by_state = {state: {c["_id"] for c in claims if c["state"] == state} for state in ("booked", "cancelled")}
    assert by_state == {"booked": booked, "cancelled": cancelled}
    assert len(claims) == PEOPLE
    slots = Counter((c["schedule_id"], c["number"]) for c in claims if c["live"])
    assert set(slots.values()) == {1}


async def _every_fen_is_accounted_for(town: Town, booked: int, cancelled: int) -> None:
    books = await town.city.services.billing.check_books(ask_channel=True)
    assert books.balance, books.problems
    assert (books.paid_fen, books.refunded_fen) == (PEOPLE * FEE_FEN, cancelled * FEE_FEN)
    totals = (await town.outside.get("ledger"))["totals"]
    assert (totals["merchant_fen"], totals["sum_fen"]) == (booked * FEE_FEN, 0)


async def _everybody_was_told(town: Town, people: list[tuple[str, str, str]]) -> None:
    for number, (_, _, phone) in enumerate(people):
        texts = [sms["content"] for sms in (await town.outside.get("sms", phone=phone))["items"]]
        # Who cancelled before the worker came back is not told of a booking that is no more.
        told = "已预约" if number % 3 else "已取消"
        assert any(told in text for text in texts), texts
