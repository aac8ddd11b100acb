"""What docs/operations.md tells an operator to do in the database does what it says."""

from __future__ import annotations

from datetime import timedelta

from backend import clock
from tests.support.city import Caller, TestCity


async def test_a_job_that_was_given_up_runs_again(city: TestCity):
    schedule = await city.schedule()
    who = await city.resident()
    wanted = {"schedule_id": schedule.id, "patient_id": who.id}
    await city.call("POST", "/api/v1/appointments", as_=who, json=wanted)
    await city.city.services.outbox.relay()
    jobs = city.city.db.collection("outbox")
    mine = {"subscriber": "appointments.tell_booked"}
    await jobs.update_many(mine, {"$set": {"state": "failed", "attempts": 25, "queued": False}})
    await city.work()
    assert await jobs.count_documents({**mine, "state": "failed"}) == 1

    again = {"state": "due", "queued": False, "attempts": 0, "due_at": clock.now()}
    await jobs.update_many({**mine, "state": "failed"}, {"$set": again})
    await city.work()
    assert await jobs.count_documents({**mine, "state": "done"}) == 1
    told = await city.call("GET", "/api/v1/messages", as_=who)
    assert [message["kind"] for message in told["items"]] == ["appointment_booked"]


async def test_a_hospitals_system_is_shut_out_at_once(city: TestCity):
    issued = await city.city.services.clients.register_hospital(city.hospital.id, "HIS")
    form = {"grant_type": "client_credentials"}
    login = (issued.client.id, issued.secret)
    granted = await city.call("POST", "/oauth2/token", data=form, auth=login)
    his = Caller(issued.client.id, granted["access_token"])
    await city.call("GET", "/hospital/v1/bookings", as_=his)

    db, now = city.city.db, clock.now()
    await db.collection("clients").update_one({"_id": his.id}, {"$set": {"active": False}})
    await db.collection("revocations").update_one(
        {"_id": f"account:{his.id}"},
        {"$set": {"at": now, "expires_at": now + timedelta(minutes=35)}},
        upsert=True,
    )
    await city.city.services.revocations.refresh()
    await city.call("GET", "/hospital/v1/bookings", as_=his, expect=401)
    await city.call("POST", "/oauth2/token", data=form, auth=login, expect=401)
