"""A resident with something on every page: family, appointments in every state, messages, used codes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from backend.healthcodes.offline import OfflineVerifier, TrustedKeys
from backend.permissions import SYSTEM
from backend.slotpool.schedules_models import Schedule
from tests.browser.town import Family, Person, Town
from tests.support.city import Caller

# The place of each session within a day (see `town.fill`).
CHIEF, ATTENDING, GENERAL, AFTERNOON = range(4)
A_DAY = 4


@dataclass
class Life:
    """Who she is, and the ids that her pages are opened with."""

    caller: Caller
    family: Family
    child_id: str
    booked: str
    unpaid: str
    cancelled: str
    stopped: str


async def sign_in(town: Town, person: Person, *, with_name: bool = True) -> Caller:
    """An account, its name verified unless it is to be a nameless one."""
    await town.city.call("POST", "/api/v1/auth/sms-codes", json={"phone": person.phone})
    code = {"phone": person.phone, "code": await town.sms_code(person.phone)}
    tokens = await town.city.call("POST", "/api/v1/auth/sms", json=code)
    caller = Caller(tokens["resident"]["id"], tokens["access_token"], person.phone, person.name)
    return await prove_name(town, caller, person) if with_name else caller


async def prove_name(town: Town, caller: Caller, person: Person) -> Caller:
    """The real-name check; the resident has a new token afterwards."""
    identity = {"name": person.name, "id_number": person.id_number}
    known = await town.city.call("POST", "/api/v1/me/real-name", as_=caller, json=identity)
    return Caller(known["id"], known["access_token"], person.phone, person.name, person.id_number)


async def live(town: Town) -> Life:
    """Let her live for a while."""
    family, daughter, neighbour = [await town.family() for _ in range(3)]
    caller = await sign_in(town, family.grown_up)
    child = await act_for(town, caller, "child", family.child)
    await act_for(town, caller, "other", neighbour.grown_up)
    await is_cared_for(town, caller, family.grown_up, daughter, neighbour)
    await is_scanned(town, caller)
    await town.city.call("POST", "/api/v1/health-codes/static", as_=caller, json={"patient_id": child})
    booked = await book(town, caller, caller.id, day(town, 1)[CHIEF], pays=True)
    unpaid = await book(town, caller, child, day(town, 2)[ATTENDING])
    cancelled = await book(town, caller, caller.id, day(town, 3)[AFTERNOON], pays=True)
    await town.city.call("POST", f"/api/v1/appointments/{cancelled}/cancel", as_=caller, json={})
    await town.refunded()
    stopped = await book(town, caller, caller.id, day(town, 4)[GENERAL])
    await town.city.city.services.desk.stop(SYSTEM, day(town, 4)[GENERAL].id, "医生临时参加抢救")
    await town.city.work()
    return Life(caller, family, child, booked, unpaid, cancelled, stopped)


def day(town: Town, days: int) -> list[Schedule]:
    """The sessions in some days."""
    return town.schedules[(days - 1) * A_DAY : days * A_DAY]


async def act_for(town: Town, caller: Caller, relation: str, person: Person) -> str:
    """Add a patient; the id."""
    wanted = {"relation": relation, "name": person.name, "id_number": person.id_number}
    wanted |= {"phone": person.phone} if person.phone else {}
    added: str = (await town.city.call("POST", "/api/v1/patients", as_=caller, json=wanted))["id"]
    return added


async def is_cared_for(town: Town, caller: Caller, her: Person, daughter: Family, neighbour: Family) -> None:
    """Two people ask to act for her; she has said yes to one."""
    await act_for(town, await sign_in(town, daughter.grown_up), "parent", her)
    [asked] = (await town.city.call("GET", "/api/v1/guardians", as_=caller))["items"]
    await town.city.call("POST", f"/api/v1/guardians/{asked['id']}/accept", as_=caller)
    await act_for(town, await sign_in(town, neighbour.grown_up), "other", her)


async def is_scanned(town: Town, caller: Caller) -> None:
    """Her code at the window, without a network, and a photo of it at a second window."""
    window, other = await town.terminal(), await town.terminal("自助机1号", "kiosk")
    await town.verify(window, await dynamic_code(town, caller))
    await town.verify(window, await dynamic_code(town, caller), step="10103")
    keys = TrustedKeys.from_document(
        await town.city.call("GET", "/hospital/v1/health-codes/keys", as_=window)
    )
    verifier = OfflineVerifier(keys)
    code = await dynamic_code(town, caller)
    for terminal in (window, other):
        uses = {"uses": [verifier.verify(code, "10101").to_dict()]}
        await town.city.call("POST", "/hospital/v1/health-codes/offline-uses", as_=terminal, json=uses)
        verifier = OfflineVerifier(keys)


async def dynamic_code(town: Town, caller: Caller) -> str:
    """What her phone would show now."""
    path = "/api/v1/health-codes/dynamic"
    made: dict[str, Any] = await town.city.call("POST", path, as_=caller, json={"patient_id": caller.id})
    return str(made["text"])


async def book(town: Town, caller: Caller, patient: str, schedule: Schedule, *, pays: bool = False) -> str:
    """An appointment of a session, paid or left as it is; the id."""
    wish = {"schedule_id": schedule.id, "patient_id": patient}
    held: dict[str, Any] = await town.city.call("POST", "/api/v1/appointments", as_=caller, json=wish)
    if pays:
        method = {"method": "wechat_native"}
        path = f"/api/v1/appointments/{held['id']}/payment"
        order = await town.city.call("POST", path, as_=caller, json=method)
        await town.pay(order["code_url"])

        async def booked() -> bool:
            state = await town.city.call("GET", f"/api/v1/appointments/{held['id']}", as_=caller)
            return bool(state["state"] == "booked")

        await town.city.until(booked)
    return str(held["id"])
