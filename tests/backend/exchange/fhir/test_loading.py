"""Files of resources: taken in as they come, counted, refused by line, safe to send again, gone on with."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import orjson

from backend.exact_json import dumps
from backend.exchange.fhir.loading import LINES
from backend.ids import named_id
from tests.backend.exchange.fhir.conftest import Face, Hospital, a_patient, an_observation
from tests.support.commands import run_apart
from tests.support.polling import poll

NDJSON = "application/fhir+ndjson"


def file(*bodies: Any) -> bytes:
    return b"\n".join(each if isinstance(each, bytes) else dumps(each) for each in bodies) + b"\n"


class ConflictError(Exception):
    """Somebody else is loading the same file."""


async def load(
    hospital: Hospital, content: Any, key: str = "", *, or_conflict: bool = False
) -> dict[str, Any]:
    headers = {"Content-Type": NDJSON} | ({"Idempotency-Key": key} if key else {}) | hospital.caller.headers
    answer = await hospital.face.city.http.post(
        f"{hospital.face.base}/$load", content=content, headers=headers, timeout=60
    )
    hospital.face.keep(answer)
    if or_conflict and answer.status_code == 409:
        raise ConflictError
    assert answer.status_code == 200, answer.text
    return counts(answer.json())


def counts(parameters: dict[str, Any]) -> dict[str, Any]:
    said = {each["name"]: next(v for k, v in each.items() if k != "name") for each in parameters["parameter"]}
    said.pop("began")
    return said


def ward(patients: int, first: int = 0) -> list[dict[str, Any]]:
    """Patients with a visit each, and two results of it, as a hospital exports them."""
    made: list[dict[str, Any]] = []
    for n in range(first, first + patients):
        made.append(a_patient(f"P-FILE-{n}", id=f"p{n}"))
        made.append({
            "resourceType": "Encounter", "id": f"e{n}", "status": "finished", "class": {"code": "AMB"},
            "subject": {"reference": f"Patient/p{n}"},
        })  # fmt: skip
        made += [
            an_observation(
                f"Patient/p{n}", id=f"o{n}-{m}", encounter={"reference": f"Encounter/e{n}"},
                performer=[{"reference": "Practitioner/d1"}],
            )
            for m in range(2)
        ]  # fmt: skip
    return made


async def test_a_file_is_taken_in_counted_and_may_be_sent_again(face: Face):
    lines = [*ward(60), {"resourceType": "Practitioner", "id": "d1", "name": [{"text": "李医生"}]}]
    first = await load(face.one, file(*lines))
    assert first | {"id": ""} == {
        "id": "", "state": "done", "lines": 241, "written": 241, "unchanged": 0, "refused": 0
    }  # fmt: skip
    again = await load(face.one, file(*lines))
    assert again["id"] != first["id"]
    assert (again["written"], again["unchanged"], again["refused"]) == (0, 241, 0)
    patient = (await face.one.get("/Patient?identifier=P-FILE-7"))["entry"][0]["resource"]["id"]
    found = await face.one.get(
        f"/Observation?patient={patient}&_include=Observation:encounter&_include=Observation:performer"
    )
    kinds = sorted(each["resource"]["resourceType"] for each in found["entry"])
    assert kinds == ["Encounter", "Observation", "Observation", "Practitioner"], (
        "references lead to each other"
    )
    assert counts(await face.one.get(f"/$load/{first['id']}")) == first
    await face.two.refused("GET", f"/$load/{first['id']}", None, 404, "not-found")


async def test_a_sensitive_reports_results_are_sensitive_whichever_step_of_the_file_they_fall_into(
    face: Face,
):
    def filling(first: int) -> list[dict[str, Any]]:
        return [
            {"resourceType": "Location", "id": f"l{n}", "name": "诊室"} for n in range(first, first + LINES)
        ]

    def report(id: str, *results: str) -> dict[str, Any]:
        return {
            "resourceType": "DiagnosticReport", "id": id, "status": "final", "code": {"text": "HIV抗体确证"},
            "subject": {"reference": "Patient/p-spread"},
            "result": [{"reference": f"Observation/{each}"} for each in results],
        }  # fmt: skip

    def value(id: str) -> dict[str, Any]:
        return an_observation("Patient/p-spread", id=id, code={"text": "抗体"})

    said = await load(
        face.one,
        file(
            a_patient("P-SPREAD", id="p-spread"), value("before"), *filling(0),
            report("r1", "before", "after"), report("r2", "later"), value("beside"),
            *filling(LINES), value("after"), value("alone"),
        ),
    )  # fmt: skip
    assert said["refused"] == 0
    # What another file brings belongs to it as well, and what is sent one by one.
    await load(face.one, file(value("later")))
    chart = (await face.one.get("/Patient?identifier=P-SPREAD"))["entry"][0]["resource"]["id"]
    names = {f"{chart}-{named_id(chart, 'Observation', f'id/{name}')}": name for name in
             ("before", "after", "later", "beside", "alone")}  # fmt: skip
    docs = face.city.city.db.collection("resources").find({"chart": chart, "_id": {"$in": sorted(names)}})
    levels = {names[doc["_id"]]: doc["sensitivity"] async for doc in docs}
    assert levels == {"before": 5, "after": 5, "later": 5, "beside": 4, "alone": 4}


async def test_lines_that_are_refused_say_which_and_the_others_are_taken(face: Face):
    said = await load(
        face.one,
        file(
            a_patient("P-BAD-1", id="bad1"),
            an_observation("Patient/bad1", id="b1"),
            b"{no json",
            b"",
            an_observation("Patient/bad1", id="b2", status="wrong"),
            an_observation("Patient/unknown", id="b3"),
            {"resourceType": "Slot", "id": "s"},
            an_observation("Patient/bad1"),
        ),
    )
    assert (said["lines"], said["written"], said["refused"]) == (8, 3, 4)
    answer = await face.city.http.get(
        f"{face.base}/$load/{said['id']}/refusals", headers=face.one.caller.headers
    )
    assert answer.headers["Content-Type"] == NDJSON
    outcomes = answer.content.splitlines()
    face.answers.heard |= dict.fromkeys(outcomes)
    issues = [orjson.loads(each)["issue"][0] for each in outcomes]
    told = [(each["diagnostics"].split(":")[0], each["details"]["coding"][0]["code"]) for each in issues]
    assert told == [
        ("line 3", "not-json"), ("line 5", "code"), ("line 6", "subject-unknown"), ("line 7", "type-unknown"),
    ]  # fmt: skip
    again = await load(face.one, file(an_observation("Patient/bad1")))
    assert (again["written"], again["unchanged"]) == (0, 1), "also what has no id is the same again"


async def test_a_load_that_was_cut_off_goes_on_where_it_ended(face: Face):
    lines = [dumps(each) for each in ward(75)]

    async def cut_off() -> AsyncIterator[bytes]:
        for number, line in enumerate(lines):
            if number == 250:
                raise ConnectionError("the cable")
            yield line + b"\n"
            await asyncio.sleep(0)

    key = "a-file-that-is-cut-off"
    with contextlib.suppress(ConnectionError, httpx.HTTPError):
        await load(face.two, cut_off(), key)

    async def go_on() -> dict[str, Any] | None:
        # The step that was under way when the cable was cut may still be written.
        try:
            return await load(face.two, file(*lines), key, or_conflict=True)
        except ConflictError:
            return None

    said = await poll(go_on, 30)
    assert (said["lines"], said["written"] + said["unchanged"], said["refused"]) == (300, 300, 0)
    assert (await load(face.two, file(*lines), key)) == said, "what has been loaded is passed over"


async def test_what_is_no_file_is_refused(face: Face):
    ask = face.one.refused
    await ask("POST", "/$load", b"{}", 415, "media-type", headers={"Content-Type": "text/plain"})
    nobody = await face.city.http.post(f"{face.base}/$load", content=b"{}", headers={"Content-Type": NDJSON})
    assert nobody.status_code == 401
    assert nobody.json()["issue"][0]["code"] == "login"
    await ask("GET", "/$load/01J0000000000000000000000Z", None, 404, "not-found")
    long = b'{"a":"' + b"x" * 9_000_000
    await ask("POST", "/$load", long, 413, "BODY_TOO_LARGE", headers={"Content-Type": NDJSON})


async def test_the_command_sends_a_file_and_lists_what_was_refused(face: Face, tmp_path: Path):
    issued = await face.city.city.services.clients.register_hospital(face.two.organization.id, "院内系统")
    sent = tmp_path / "ward.ndjson"
    sent.write_bytes(file(*ward(3, first=1000), {"resourceType": "Slot"}))
    secrets = {"CLIENT_ID": issued.client.id, "CLIENT_SECRET": issued.secret}
    command = ("fhir", "load", str(sent), "--url", face.city.url)
    done = await asyncio.to_thread(run_apart, *command, **secrets)
    assert done.returncode == 1
    assert "13 lines: 12 written, 0 unchanged, 1 refused." in done.stdout
    assert "line 13" in done.stderr
    wrong = await asyncio.to_thread(run_apart, *command, **secrets | {"CLIENT_SECRET": "wrong"})
    assert wrong.returncode == 1
    assert "credentials" in wrong.stderr
