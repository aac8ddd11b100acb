"""One id from the caller's header to the last thing that followed from the request."""

from __future__ import annotations

from typing import Any

import httpx
import orjson
import pytest

from backend.ids import is_id, new_id
from backend.permissions import Actor, Role
from tests.backend.http.front import Front
from tests.support.city import TestCity, id_number
from tests.support.polling import poll

GIVEN = "caller-7f3a_42"


def lines(front: Front, process: str) -> list[dict[str, Any]]:
    return [orjson.loads(line) for line in front.processes.log_of(process).splitlines() if line[:1] == "{"]


@pytest.mark.xdist_group("processes")
async def test_it_goes_through_web_log_outbox_worker_log_and_message(front: Front):
    front.processes.start("worker", "worker")
    # A worker that is slow to start misses the web's nudge; the beat asks every second.
    front.processes.start("beat", "beat")
    await front.start(LOG_LEVEL="DEBUG")
    person = await front.city.services.residents.find_or_create_file("李小红", id_number(1), "13812345678")
    actor = Actor("resident", person, Role.RESIDENT, frozenset(), new_id(), "h5", real_name=True)
    headers = {"Authorization": f"Bearer {front.city.services.tokens.issue(actor)}", "X-Request-Id": GIVEN}
    wish = {"schedule_id": front.schedule.id, "number": 1, "patient_id": person}
    async with httpx.AsyncClient(timeout=20) as http:
        answer = await http.post(f"{front.url}/api/v1/appointments", json=wish, headers=headers)
    assert (answer.status_code, answer.headers["X-Request-Id"]) == (201, GIVEN)

    def web_said() -> list[dict[str, Any]]:
        return [line for line in lines(front, "web") if line.get("route") == "/api/v1/appointments"]

    (line,) = await poll(web_said)  # written just after the answer
    assert (line["event"], line["request_id"]) == ("request", GIVEN)

    async def message() -> Any:
        return await front.city.db.collection("messages").find_one({"recipient_id": person})

    told = await poll(message, deadline_s=40, what="the message to be written")
    assert told["request_id"] == GIVEN
    jobs = await front.city.db.collection("outbox").find({}).to_list(None)
    assert {job["subscriber"] for job in jobs} >= {"appointments.tell_booked", "hospital_feed.on_change"}
    assert {job["request_id"] for job in jobs} == {GIVEN}

    def worker_said() -> Any:
        said = [line for line in lines(front, "worker") if line.get("event") == "outbox_job"]
        return {line["subscriber"] for line in said if line["request_id"] == GIVEN}

    await poll(lambda: worker_said() >= {"appointments.tell_booked", "messages.on_message_due"}, 40)


@pytest.mark.parametrize("given", ["", "short", "x" * 65, "with space", "名字名字名字名字", "a;b=c;d=e;f=g"])
async def test_an_id_that_could_do_harm_is_replaced(city: TestCity, given: str):
    answer = await city.http.get(
        f"{city.url}/api/v1/me", headers=[(b"X-Request-Id", given.encode())] if given else []
    )
    assert is_id(answer.headers["X-Request-Id"])
    assert answer.json()["error"]["request_id"] == answer.headers["X-Request-Id"]


async def test_every_error_carries_the_callers_own(city: TestCity):
    for path in ("/api/v1/me", "/api/v1/nowhere/at/all", "/api/v1/search", "/hospital/v1/bookings"):
        answer = await city.http.get(city.url + path, headers={"X-Request-Id": GIVEN})
        assert answer.headers["X-Request-Id"] == GIVEN, path
