"""Uses of codes and revoked printed codes are kept for the time of the settings and no longer."""

from __future__ import annotations

from datetime import timedelta

import pytest

from backend.healthcodes.forgetting import Forgetting, Retention
from backend.settings import Settings, days
from tests.backend.healthcodes.conftest import turn_clock

CODES = "/api/v1/health-codes"


async def use(api, resident, terminal):
    body = {"patient_id": resident.id}
    code = await api.call("POST", f"{CODES}/dynamic", as_=resident, json=body)
    scanned = {"code": code["text"], "step": "10101"}
    await api.call("POST", "/hospital/v1/health-codes/verify", as_=terminal, json=scanned)
    await api.city.services.outbox.drain()


async def uses(city) -> int:
    return await city.db.collection("code_uses").count_documents({})


async def test_uses_are_kept_for_three_years(city, api, resident, hospital, monkeypatch):
    for _ in range(3):
        await use(api, resident, hospital.window)
    forget = city.services.healthcodes.forgetting.run
    turn_clock(monkeypatch, days=1094)
    assert await forget() == 0
    turn_clock(monkeypatch, days=2)
    assert (await forget(), await uses(city)) == (3, 0)
    assert await forget() == 0


async def test_newer_uses_stay(city, api, resident, hospital, monkeypatch):
    await use(api, resident, hospital.window)
    await city.db.collection("code_uses").update_many(
        {}, [{"$set": {"at": {"$subtract": ["$at", 1096 * 86_400_000]}}}]
    )
    await use(api, resident, hospital.window)
    assert await city.services.healthcodes.forgetting.run() == 1
    assert await uses(city) == 1


async def test_a_use_that_has_still_to_be_told_stays(city, api, resident, hospital, monkeypatch):
    await use(api, resident, hospital.window)
    await city.db.collection("code_uses").update_many({}, {"$set": {"events_due": True}})
    turn_clock(monkeypatch, days=1096)
    assert await city.services.healthcodes.forgetting.run() == 0
    assert await uses(city) == 1


async def test_a_revoked_printed_code_goes_after_a_month_and_a_live_one_never(
    city, api, resident, hospital, monkeypatch
):
    made = [await city.services.healthcodes.make_static(resident.actor, resident.id) for _ in range(2)]
    await city.services.healthcodes.revoke_static(resident.actor, made[0].id)
    printed = city.db.collection("static_codes")
    turn_clock(monkeypatch, days=29)
    assert await city.services.healthcodes.forgetting.run() == 0
    turn_clock(monkeypatch, days=2)
    assert await city.services.healthcodes.forgetting.run() == 1
    assert [doc["_id"] async for doc in printed.find({})] == [made[1].id]
    body = {"code": made[0].text, "step": "10101", "second_factor": {"birth_year": 1960}}
    path = "/hospital/v1/health-codes/verify"
    answer = await api.call("POST", path, as_=hospital.window, json=body, expect=400)
    assert answer["error"]["code"] == "CODE_FORGED"


@pytest.mark.parametrize(
    "retention", [Retention(), Retention(timedelta(days=10_000), timedelta(days=10_000))]
)
async def test_a_city_may_keep_everything(city, api, resident, hospital, monkeypatch, retention):
    await use(api, resident, hospital.window)
    turn_clock(monkeypatch, days=9_000)
    assert await Forgetting(city.services.healthcodes._store, retention).run() == 0


def test_no_days_are_for_ever():
    assert (days(0), days(30)) == (None, timedelta(days=30))
    assert Settings(environment="test").keep_code_uses_days == 1095
