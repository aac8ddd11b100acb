"""A city to measure: its own MongoDB and Redis, one web process, and the bare handler beside it."""

from __future__ import annotations

import asyncio
import contextlib
import os
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import psutil
from pydantic import SecretStr

from backend import clock
from backend.bootstrap import City, open_city
from backend.db.migrate import migrate
from backend.demo.embedded import start_mongod, start_redis
from backend.demo.leash import free_port
from backend.directory.codes import HospitalLevel, OrganizationKind
from backend.directory.models import Department, External, Organization, TerminalKind
from backend.ids import new_id
from backend.permissions import Actor, Role
from backend.residents.id_numbers import check_digit
from backend.security.keys import Keyring
from backend.settings import Settings
from backend.slotpool.schedules_models import Schedule, SlotTime
from backend.slotpool.schedules_store import ScheduleStore

HOST = "127.0.0.1"
SLOTS_PER_SCHEDULE = 100


@dataclass
class BenchCity:
    """What a benchmark works with."""

    city: City
    web_port: int
    bare_port: int
    web: psutil.Process
    bare: psutil.Process
    department: Department

    def resident(self) -> tuple[str, str]:
        """A new verified resident: id and access token. Nobody else has the token."""
        person = new_id()
        actor = Actor("resident", person, Role.RESIDENT, frozenset(), new_id(), "wechat", real_name=True)
        return person, self.city.services.tokens.issue(actor)

    async def patients(self, count: int) -> list[Actor]:
        """Verified residents with a file: a terminal will be told their names."""
        residents = self.city.services.residents
        made = []
        for number in range(count):
            person = await residents.find_or_create_file("李小红", made_up_id_number(number))
            made.append(Actor("resident", person, Role.RESIDENT, frozenset(), new_id(), "wechat", True))
        return made

    async def terminals(self, count: int) -> list[str]:
        """Tokens of registered terminals."""
        hospital = frozenset({self.department.organization_id})
        client = Actor("client", new_id(), Role.HOSPITAL_CLIENT, hospital, new_id(), "hospital")
        clients, tokens = self.city.services.clients, []
        for number in range(count):
            issued = await clients.register_terminal(client, f"窗口{number}", TerminalKind.WINDOW)
            actor = Actor("terminal", issued.client.id, Role.TERMINAL, hospital, new_id(), "window")
            tokens.append(self.city.services.tokens.issue(actor))
        return tokens

    async def schedules(self, count: int, *, days_ahead: int = 1) -> list[Schedule]:
        """Fresh free sessions of a hundred numbers each."""
        made = [_schedule(self.department, days_ahead) for _ in range(count)]
        await ScheduleStore(self.city.db).insert(made)
        return made


@contextlib.asynccontextmanager
async def bench_city(processes: int = 1) -> AsyncIterator[BenchCity]:
    """Start everything, yield, stop everything."""
    with TemporaryDirectory(prefix="healthycity-bench-") as folder, contextlib.ExitStack() as stack:
        home = Path(folder)
        mongod = await asyncio.to_thread(start_mongod, home / "mongodb", home / "mongodb.log", cache_gb=2)
        stack.callback(mongod.stop)
        redis = await asyncio.to_thread(start_redis, home / "redis", home / "redis.log")
        stack.callback(redis.stop)
        keys = home / "keys.json"
        Keyring.generate(keys)
        settings = Settings(
            environment="test",
            mongodb_uri=SecretStr(mongod.url),
            broker_url=SecretStr(redis.url),
            redis_url=SecretStr(redis.url),
            keys_file=keys,
            web_port=free_port(),
        )
        city = await open_city(settings, process="bench")
        await migrate(city.db)
        department = await _directory(city)
        bare_port = free_port()
        bare = _start([sys.executable, "-m", "bench.bare", str(bare_port)], {})
        stack.callback(_stop, bare)
        serve = [sys.executable, "-m", "backend", "serve", "--processes", str(processes)]
        web = _start(serve, _environment(settings))
        stack.callback(_stop, web)
        await _await_port(settings.web_port)
        await _await_port(bare_port)
        try:
            yield BenchCity(
                city,
                settings.web_port,
                bare_port,
                psutil.Process(web.pid),
                psutil.Process(bare.pid),
                department,
            )
        finally:
            await city.close()


def _environment(settings: Settings) -> dict[str, str]:
    return {
        "ENVIRONMENT": "test",
        "MONGODB_URI": settings.mongodb_uri.get_secret_value(),
        "BROKER_URL": settings.broker_url.get_secret_value(),
        "REDIS_URL": settings.redis_url.get_secret_value(),
        "KEYS_FILE": str(settings.keys_file),
        "WEB_PORT": str(settings.web_port),
    }


async def _directory(city: City) -> Department:
    hospital = Organization(
        id=new_id(),
        external=External("bench", "hospital"),
        name="测试医院",
        short_name="测试医院",
        kind=OrganizationKind.GENERAL,
        level=HospitalLevel.L3_A,
    )
    department = Department(
        id=new_id(),
        external=External("bench", "department"),
        organization_id=hospital.id,
        name="内科",
        code="0300",
        place="一楼",
    )
    await city.services.directory.save_organizations([hospital])
    await city.services.directory.save_departments([department])
    return department


def _schedule(department: Department, days_ahead: int) -> Schedule:
    on = clock.today() + timedelta(days=days_ahead)
    start = clock.city_instant(on, 8)
    return Schedule(
        id=new_id(),
        organization_id=department.organization_id,
        department_id=department.id,
        practitioner_id=None,
        external_id=new_id(),
        on=on,
        period="day",
        kind="general",
        fee_fen=0,
        slots=tuple(
            SlotTime(n, _minutes(start, 5 * n), _minutes(start, 5 * n + 5))
            for n in range(1, SLOTS_PER_SCHEDULE + 1)
        ),
    )


def made_up_id_number(number: int) -> str:
    """Another right one for every number up to 28 000."""
    body = f"370700199001{1 + number % 28:02d}{number // 28:03d}"
    return body + check_digit(body)


def _minutes(start: datetime, minutes: int) -> datetime:
    return start + timedelta(minutes=minutes)


def _start(command: list[str], environment: dict[str, str]) -> subprocess.Popen[bytes]:
    inherited = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
    return subprocess.Popen(command, env=inherited | environment, stderr=subprocess.DEVNULL)


def _stop(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(timeout=25)
    except subprocess.TimeoutExpired:
        process.kill()


async def _await_port(port: int) -> None:
    deadline = time.monotonic() + 30
    while True:
        try:
            _, writer = await asyncio.open_connection(HOST, port)
            writer.close()
            return
        except OSError:
            if time.monotonic() > deadline:
                raise
            await asyncio.sleep(0.05)
