"""What people are told around a visit: the day before, at the desk on the day, and when they have paid."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from backend import clock
from backend.appointments import reminding
from backend.appointments.telling import day_of
from backend.db.client import Database
from backend.ids import derived_id
from backend.messages.models import Letter, MessageKind
from backend.messages.policies import Group
from backend.permissions import Actor, Role
from backend.worker.events import Event, EventKind
from tests.support.city import Caller, Surroundings, TestCity, open_test_city


@pytest.fixture
async def town(db: Database, mongo_uri: str, surroundings: Surroundings) -> AsyncIterator[TestCity]:
    async with open_test_city(surroundings, mongo_uri, db) as made:
        yield made


async def book(city: TestCity, who: Caller, **schedule: Any) -> str:
    session = await city.schedule(**schedule)
    body = {"schedule_id": session.id, "patient_id": who.id}
    made = await city.call("POST", "/api/v1/appointments", as_=who, json=body)
    await city.work()
    return str(made["id"])


async def told(city: TestCity, who: Caller) -> list[str]:
    await city.work()
    return [message["kind"] for message in (await city.call("GET", "/api/v1/messages", as_=who))["items"]]


async def test_tomorrows_appointments_are_reminded_of_once(town: TestCity, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(reminding, "FROM_HOUR", 0)
    monkeypatch.setattr(reminding, "UNTIL_HOUR", 24)
    early, late, after = [await town.resident() for _ in range(3)]
    booked = await book(town, early)
    await book(town, late)
    await book(town, after, days=2)
    yesterday = clock.now() - timedelta(hours=20)
    await town.city.db.collection("claims").update_one({"_id": booked}, {"$set": {"created_at": yesterday}})
    for _ in range(2):
        assert await town.city.services.reminding.run() == 1
        assert "visit_reminder" in await told(town, early)
    assert (await told(town, early)).count("visit_reminder") == 1
    # One who has just booked knows; the day after tomorrow is not tomorrow.
    for who in (late, after):
        assert "visit_reminder" not in await told(town, who)
    texts = (await town.outside.get("sms", phone=early.phone))["items"]
    assert sum("提醒您" in text["content"] for text in texts) == 1


async def test_nobody_is_reminded_at_night(town: TestCity, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(reminding, "FROM_HOUR", 25)
    assert await town.city.services.reminding.run() == 0


async def test_who_checks_in_for_today_gets_the_guidance_slip_once(town: TestCity):
    who = await town.resident()
    booked = await book(town, who)
    today = clock.today().isoformat()
    await town.city.db.collection("claims").update_one({"_id": booked}, {"$set": {"on": today}})
    teller = town.city.services.appointment_teller
    used = {"patient_id": who.id, "organization_id": town.hospital.id, "step": "10101"}
    for changes in ({}, {}, {"step": "10103"}, {"organization_id": "another"}):
        await teller.on_code_used(Event(EventKind.CODE_USED, used | changes))
    assert (await told(town, who)).count("guidance_slip") == 1
    (text, *_) = (await town.outside.get("sms", phone=who.phone))["items"]
    assert "就诊指引" in text["content"]
    assert "门诊楼二楼" in text["content"]
    assert "身份证" in text["content"]


async def test_a_payment_is_in_the_list(town: TestCity):
    who = await town.resident(wechat=True)
    session = await town.schedule(fee_fen=1500)
    body = {"schedule_id": session.id, "patient_id": who.id}
    made = await town.call("POST", "/api/v1/appointments", as_=who, json=body)
    path = f"/api/v1/appointments/{made['id']}/payment"
    order = await town.call("POST", path, as_=who, json={"method": "wechat_mini"})

    async def paid() -> bool:
        return "payment_succeeded" in await told(town, who)

    orders = (await town.outside.get("orders"))["items"]
    assert order["amount_fen"] == 1500
    await town.outside.post(f"orders/{orders[0]['out_trade_no']}/pay")
    await town.until(paid)


async def test_a_word_to_stop_after_a_reminder_and_a_report_stops_reminders_and_nothing_else(town: TestCity):
    who = await town.resident()
    booked = await book(town, who, days=3)
    on = clock.today() + timedelta(days=3)
    before = clock.city_instant(on - timedelta(days=1), 10)
    due = {"department_id": town.department.id, "on": on.isoformat()}
    teller, messages = town.city.services.appointment_teller, town.city.services.messages
    for late in (5, 70):
        await teller.on_reminders_due(
            Event(EventKind.REMINDERS_DUE, due, at=before + timedelta(minutes=late))
        )
    assert await told(town, who) == ["visit_reminder", "appointment_booked"]
    [reminder, _] = (await town.call("GET", "/api/v1/messages", as_=who))["items"]
    assert reminder["appointment_id"] == booked
    facts = {"patient": "张*", "organization": "市人民医院", "item": "健康城市"}
    facts |= {"time": "2026年1月5日 09:30"}
    await messages.tell(Letter("report", clock.now(), who.id, MessageKind.REPORT_READY, facts))
    assert "report_ready" in await told(town, who)
    texts = (await town.outside.get("sms", phone=who.phone))["items"]
    assert "检查报告已出" in texts[0]["content"]
    await town.outside.post("sms/reply", {"phone": who.phone, "content": "T"})
    await town.work()
    actor = Actor("resident", who.id, Role.RESIDENT)
    assert [one.group for one in await messages.list_optouts(actor)] == [Group.REMINDERS]


async def test_what_is_told_on_the_day_of_a_visit_is_filed_under_that_day(town: TestCity):
    who = await town.resident()
    booked = await book(town, who)
    yesterday, today = clock.now() - timedelta(days=2), clock.today()
    changes = {"on": today.isoformat(), "created_at": yesterday}
    await town.city.db.collection("claims").update_one({"_id": booked}, {"$set": changes})
    used = {"patient_id": who.id, "organization_id": town.hospital.id, "step": "10101"}
    await town.city.services.appointment_teller.on_code_used(Event(EventKind.CODE_USED, used))
    slip = await town.city.db.collection("messages").find_one({"kind": "guidance_slip"})
    assert slip is not None
    assert slip["_id"][:10] == derived_id(clock.city_instant(today, 0))[:10]
    claim = await town.city.services.claims.get(booked)
    assert day_of(claim) == clock.city_instant(today, 0)
    assert day_of(replace(claim, created_at=clock.now())) > clock.city_instant(today, 0)
