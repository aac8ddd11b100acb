"""What a process says about itself: whether it is ready, and what it has measured."""

from __future__ import annotations

import re
from pathlib import Path

import httpx
import pytest

from backend.app import api_routes
from backend.demo.embedded import start_redis
from backend.ids import new_id
from tests.backend.http.front import Front, samples
from tests.support.city import TestCity
from tests.support.polling import poll

ULID = re.compile(r"\b[0-9A-HJKMNP-TV-Z]{26}\b")
REQUESTS = "healthycity_http_request_seconds_count"


async def parts(front: Front) -> tuple[list[str], list[str]]:
    """What is missing, and what is only missed."""
    answer = await front.get("/readyz")
    said = answer.json()
    assert answer.status_code == (503 if said["missing"] else 200)
    assert said["status"] == ("missing" if said["missing"] else "degraded" if said["degraded"] else "ok")
    return said["missing"], said["degraded"]


@pytest.mark.xdist_group("processes")
async def test_each_part_that_is_missing_is_named_until_it_is_back(front: Front, tmp_path: Path):
    broker = start_redis(tmp_path / "redis", tmp_path / "redis.log")
    try:
        await front.start(BROKER_URL=broker.url)
        assert await parts(front) == ([], [])
        migrations = front.city.db.collection("migrations")
        newest = await migrations.find_one_and_delete({}, sort=[("_id", -1)])
        assert newest is not None
        assert await parts(front) == (["migrations"], [])
        await migrations.insert_one(newest)
        assert await parts(front) == ([], [])
        await front.gate.shut()
        assert await parts(front) == (["database"], [])
    finally:
        broker.stop()
    assert await parts(front) == (["database"], ["broker"])
    # Alive all the while: restarting the process would not bring its database back.
    assert (await front.get("/healthz")).status_code == 200
    await front.gate.open()

    async def found_again() -> bool:
        return await parts(front) == ([], ["broker"])

    await poll(found_again, deadline_s=30, what="the database to be found again")
    # Ready without a broker: the jobs of this booking wait in the database.
    assert (await front.book(1)).status_code == 201
    assert await parts(front) == ([], ["broker"])


async def test_a_city_that_is_closing_says_so(city: TestCity):
    city.city.closing = True
    answer = await city.http.get(f"{city.url}/readyz")
    said = {"status": "missing", "missing": ["closing"], "degraded": []}
    assert (answer.status_code, answer.json()) == (503, said)
    city.city.closing = False


async def test_a_broker_that_does_not_answer_is_named_by_its_part_only(city: TestCity):
    def away() -> None:
        raise ConnectionError("amqp://somebody:secret@broker")

    city.city.check_broker = away
    answer = await city.http.get(f"{city.url}/readyz")
    said = {"status": "degraded", "missing": [], "degraded": ["broker"]}
    assert (answer.status_code, answer.json()) == (200, said)


async def page(city: TestCity) -> httpx.Response:
    return await city.http.get(f"{city.url}/metrics")


async def count(city: TestCity, name: str, **labels: str) -> float:
    found = samples((await page(city)).text)
    return sum(value for sample, given, value in found if sample == name and labels.items() <= given.items())


async def asked_for(city: TestCity) -> float:
    """Requests of this process but callbacks: the outside of another test's city calls when it likes."""
    found = samples((await page(city)).text)
    mine = (
        value for name, labels, value in found if name == REQUESTS and "/callbacks/" not in labels["route"]
    )
    return sum(mine)


def _routes(answer: httpx.Response) -> set[str]:
    return {labels["route"] for name, labels, _ in samples(answer.text) if name == REQUESTS}


async def test_requests_are_counted_by_pattern_and_never_by_what_people_sent(city: TestCity):
    # Of this process, in which other tests have had pages opened.
    opened = _routes(await page(city))
    before = await asked_for(city)
    schedule, who = await city.schedule(), city.stranger()
    wish = {"schedule_id": schedule.id, "patient_id": who.id}
    made = await city.call("POST", "/api/v1/appointments", as_=who, json=wish, expect=201)
    await city.call("GET", f"/api/v1/appointments/{made['id']}", as_=who)
    await city.call("GET", f"/api/v1/schedules/{schedule.id}?x=13812345678")
    await city.call("GET", f"/api/v1/nothing/{who.id}", expect=404)
    await city.call("GET", f"/hospital/v1/practitioners/{new_id()}", expect=401)
    await city.http.request(f"X{who.id}", f"{city.url}/api/v1/me")
    answer = await page(city)
    assert answer.headers["Content-Type"].startswith("text/plain; version=")
    assert await asked_for(city) == before + 8
    found = samples(answer.text)
    known = {pattern for pattern, _ in api_routes()} | {
        "/fhir/.*",
        "/healthz",
        "/readyz",
        "/metrics",
        "/openapi.json",
        "/api/docs",
        "/api/docs.css",
        "",
    }
    assert _routes(answer) - opened <= known
    methods = {labels["method"] for name, labels, _ in found if name == REQUESTS}
    assert methods <= {"GET", "HEAD", "POST", "DELETE", "PATCH", "PUT", "OPTIONS", "other"}
    values = {value for _, labels, _ in found for value in labels.values()}
    assert not [value for value in values if ULID.search(value) or "1381234" in value]


async def test_errors_claims_limits_and_jobs_are_counted_by_their_kind(city: TestCity):
    schedule, who, other = await city.schedule(slots=1), city.stranger(), city.stranger()
    taken = await count(city, "healthycity_errors_total", code="SOLD_OUT")
    told = await count(city, "healthycity_outbox_runs_total", subscriber="hospital_feed.on_change")
    for person, status in ((who, 201), (other, 409)):
        wish = {"schedule_id": schedule.id, "patient_id": person.id}
        await city.call("POST", "/api/v1/appointments", as_=person, json=wish, expect=status)
    await city.work()
    await city.city.services.outbox.counts()
    assert await count(city, "healthycity_errors_total", code="SOLD_OUT") == taken + 1
    runs = await count(city, "healthycity_outbox_runs_total", subscriber="hospital_feed.on_change")
    assert runs == told + 1
    text = (await page(city)).text
    for name in ("claims_total", "outbox_due", "outbox_failed", "rate_limited_total", "outside_call_seconds"):
        assert f"# HELP healthycity_{name}" in text
