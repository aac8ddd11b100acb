"""The city that the browser tests walk through: real-looking hospitals, two weeks of clinics, families."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

import httpx

from backend import clock
from backend.directory import identity
from backend.directory.models import Department, Organization, Practitioner
from backend.ids import new_id
from backend.seed.directory import DemoDirectory, demo_directory
from backend.seed.names import id_number
from backend.slotpool.schedules import schedule_id
from backend.slotpool.schedules_models import Schedule, SlotTime
from tests.support.city import Caller, TestCity

WARD = "心血管内科"
FEE_FEN = 3_000
GRANDMOTHERS, CHILDREN = ("秀英", "淑珍", "桂兰", "玉梅"), ("小满", "子墨", "一诺")
# Morning and afternoon of the days to come: who sits there, and for how much.
DAYS = range(1, 9)


@dataclass(frozen=True)
class Person:
    """Somebody the population register knows."""

    name: str
    id_number: str
    phone: str = ""


@dataclass
class Family:
    """A grandmother who has no account yet, and her grandson."""

    grown_up: Person
    child: Person


@dataclass
class Town:
    """The running city with what the tests look for in it."""

    city: TestCity
    hospital: Organization
    department: Department
    doctors: list[Practitioner]
    schedules: list[Schedule]
    _families: int = field(default=0)

    @property
    def url(self) -> str:
        """The city's address."""
        return self.city.url

    async def family(self) -> Family:
        """Two people of one family, in the register."""
        self._families += 1
        n = self._families
        grown_up = Person(
            "林" + "秀英淑珍桂兰玉梅"[n * 2 % 8 :][:2],
            id_number(date(1958, 4, 12), n, male=False),
            f"1370000{n:04d}",
        )
        child = Person("林" + "小满子墨"[n * 2 % 4 :][:2], id_number(date(2019, 6, 1), n, male=True))
        entry = {"name": child.name, "id_number": child.id_number}
        await self.city.outside.post("persons", entry)
        relatives = [{"relation": "child", "id_number": child.id_number}]
        entry = {"name": grown_up.name, "id_number": grown_up.id_number, "phone": grown_up.phone}
        await self.city.outside.post("persons", {**entry, "family": relatives})
        return Family(grown_up, child)

    async def sms_code(self, phone: str) -> str:
        """The six digits of the newest message to this phone."""
        await self.city.work()
        newest = (await self.city.outside.get("sms", phone=phone))["items"][0]["content"]
        return "".join(c for c in newest if c.isdigit())[:6]

    async def terminal(self, name: str = "挂号窗口1号", kind: str = "window") -> Caller:
        """A terminal of the hospital, signed in with its own credentials."""
        client, wanted = await self.city.hospital_client(), {"name": name, "kind": kind}
        made = await self.city.call("POST", "/hospital/v1/terminals", as_=client, json=wanted)
        form = {
            "grant_type": "client_credentials",
            "client_id": made["client_id"],
            "client_secret": made["client_secret"],
        }
        answer = await self.city.http.post(f"{self.url}/oauth2/token", data=form)
        assert answer.status_code == httpx.codes.OK, answer.text
        return Caller(made["client_id"], answer.json()["access_token"])

    async def verify(self, terminal: Caller, code: str, step: str = "10101") -> Any:
        """What the terminal learns from a code."""
        return await self.city.call(
            "POST", "/hospital/v1/health-codes/verify", as_=terminal, json={"code": code, "step": step}
        )

    async def pay(self, code_url: str) -> Any:
        """Pay what a code asks for, with another phone; the order as the bank knows it."""
        token = code_url.rpartition("pr=")[2]
        orders = (await self.city.outside.get("orders"))["items"]
        order = next(one for one in orders if one["code_token"] == token)
        await self.city.outside.post(f"orders/{order['out_trade_no']}/pay")
        return order

    async def refunded(self) -> None:
        """Let time pass until every refund that was asked for has been made and the city knows of it."""

        async def done() -> bool:
            under_way = {"state": "refunding"}
            return not await self.city.city.db.collection("orders").count_documents(under_way)

        await self.city.until(done)


async def fill(city: TestCity) -> Town:
    """Give the city hospitals, doctors and clinics; the tests' hospital is the first of them."""
    directory = demo_directory()
    services = city.city.services
    await services.directory.save_organizations(list(directory.organizations))
    await services.directory.save_departments([unit.department for unit in directory.units])
    doctors = [doctor.practitioner for unit in directory.units for doctor in unit.doctors]
    await services.directory.save_practitioners(doctors)
    unit = next(unit for unit in directory.units if unit.ward.name == WARD)
    city.hospital = _organization(directory, unit.department)
    city.department = unit.department
    mine = [doctor.practitioner for doctor in unit.doctors]
    schedules = [session for days in DAYS for session in _sessions(unit.department, mine, days)]
    published = await services.schedules.publish_many(schedules)
    assert all(one.error is None for one in published), published
    return Town(city, city.hospital, unit.department, mine, schedules)


def _organization(directory: DemoDirectory, department: Department) -> Organization:
    return next(one for one in directory.organizations if one.id == department.organization_id)


def _sessions(department: Department, doctors: list[Practitioner], days: int) -> list[Schedule]:
    return [
        a_session(department, doctors[0], days, hour=8, fee_fen=FEE_FEN),
        a_session(department, doctors[2], days, hour=8, fee_fen=2_000, size=12),
        a_session(department, None, days, hour=8, fee_fen=0, size=20),
        a_session(department, doctors[1], days, hour=14, fee_fen=FEE_FEN),
    ]


def a_session(
    department: Department,
    doctor: Practitioner | None,
    days: int,
    *,
    hour: int,
    fee_fen: int,
    size: int = 16,
) -> Schedule:
    """Ten-minute places from a full hour on; two are kept for the window."""
    on = clock.today() + timedelta(days=days)
    external = identity.of_hospital(new_id())
    start, step = clock.city_instant(on, hour), timedelta(minutes=10)
    return Schedule(
        id=schedule_id(department.organization_id, external),
        organization_id=department.organization_id,
        department_id=department.id,
        practitioner_id=doctor.id if doctor else None,
        external_id=external.value,
        on=on,
        period="am" if hour < 12 else "pm",
        kind="expert" if doctor else "general",
        fee_fen=fee_fen,
        slots=tuple(SlotTime(n + 1, start + n * step, start + (n + 1) * step) for n in range(size)),
        reserved={"window": 2},
    )
