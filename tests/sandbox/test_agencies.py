"""The agencies of a birth filing: signed both ways, each application taken once, a clerk who decides."""

from __future__ import annotations

import hashlib
import hmac
import time
from typing import Any

import httpx
import orjson

from tests.factories.city import an_id_number
from tests.support.outside import Listener, Outside
from tests.support.polling import poll

MOTHER, FATHER = an_id_number(2, "19900101"), an_id_number(3, "19880101")


def application(number: str, step: str = "birth_certificate") -> dict[str, Any]:
    return {
        "id": f"question-{number}",
        "step": step,
        "filing": "filing-1",
        "attempt": 1,
        "child": {"name": "张小宝", "sex": "male", "born_at": "2026-11-20T01:00:00+00:00"},
        "mother": {"name": "李小红", "id_number": MOTHER},
        "father": {"name": "张大山", "id_number": FATHER},
    }


async def call(outside: Outside, agency: str, path: str, body: Any = None, **odd: Any) -> httpx.Response:
    """Ask an agency as a city does; `odd` says what is wrong about it."""
    there, content = f"/{agency}/v1{path}", orjson.dumps(body) if body is not None else b""
    stamp, nonce = str(int(odd.get("at", time.time()))), "nonce-of-a-test"
    secret = odd.get("secret", outside.credentials["agencies"][agency])
    message = "\n".join((stamp, nonce, there)).encode() + b"\n" + content
    headers = {
        "X-Timestamp": stamp,
        "X-Nonce": nonce,
        "X-Signature": hmac.new(secret.encode(), message, hashlib.sha256).hexdigest(),
    }
    async with httpx.AsyncClient(base_url=outside.url, timeout=10) as client:
        method = "GET" if body is None and not odd.get("post") else "POST"
        return await client.request(method, f"/agencies{there}", content=content, headers=headers)


async def test_an_application_is_taken_once_decided_and_told(outside: Outside, city: Listener):
    await outside.post("switches", {"agencies_clerk": True, "forge_agency_calls": True})
    first = await call(outside, "mch", "/applications", application("1"))
    again = await call(outside, "mch", "/applications", application("1"))
    assert first.json() == again.json()
    assert (first.json()["standing"], first.json()["receipt"][:2]) == ("accepted", "FY")
    assert (await call(outside, "mch", "/applications/question-2")).json()["standing"] == "unknown"
    assert (await call(outside, "civil", "/applications/question-1")).json()["standing"] == "unknown"
    done = await outside.post("agencies/question-1/decide", {"standing": "done"})
    assert (done["asks"], done["results"]["certificate_no"][:3]) == (2, "X37")
    heard = await city.next("/callbacks/agencies/mch", containing=b'"standing":"done"')
    key = outside.credentials["agencies"]["mch"].encode()
    stamp, nonce = heard.headers["X-Timestamp"], heard.headers["X-Nonce"]
    message = "\n".join((stamp, nonce, heard.path)).encode() + b"\n" + heard.body
    assert heard.headers["X-Signature"] == hmac.new(key, message, hashlib.sha256).hexdigest()
    forged = await city.next("/callbacks/agencies/mch", containing=b'"standing":"rejected"')
    message = f"{forged.headers['X-Timestamp']}\n{forged.headers['X-Nonce']}\n{forged.path}\n".encode()
    right = hmac.new(key, message + forged.body, hashlib.sha256).hexdigest()
    assert forged.headers["X-Signature"] != right


async def test_what_is_called_off_is_refused_should_it_still_come(outside: Outside):
    await outside.post("switches", {"agencies_clerk": True})
    barred = await call(outside, "civil", "/applications/question-9/bar", post=True)
    assert barred.json()["standing"] == "cancelled"
    late = await call(outside, "civil", "/applications", application("9", "household"))
    assert late.json()["standing"] == "cancelled"
    await call(outside, "civil", "/applications", application("10", "household"))
    # Barring is for what never came; what is there is called off by its own verb.
    kept = await call(outside, "civil", "/applications/question-10/bar", post=True)
    assert kept.json()["standing"] == "accepted"
    gone = await call(outside, "civil", "/applications/question-10/cancel", {"reason": "撤回"})
    assert gone.json()["standing"] == "cancelled"
    one = await call(outside, "civil", "/applications", application("11", "household"))
    await outside.post("agencies/question-11/decide", {"standing": "done"})
    over = await call(outside, "civil", "/applications/question-11/cancel", {"reason": "撤回"})
    assert (one.json()["standing"], over.json()["standing"]) == ("accepted", "done")


async def test_who_does_not_sign_rightly_is_refused(outside: Outside):
    for odd in ({"secret": "x" * 48}, {"at": time.time() - 400}):
        answer = await call(outside, "mch", "/applications", application("3"), **odd)
        assert answer.status_code == 401
    assert (await call(outside, "mch", "/applications", {"id": "a", "step": "nothing"})).status_code == 400
    await outside.post("switches", {"agencies_down": "mch"})
    assert (await call(outside, "mch", "/applications", application("3"))).status_code == 503
    assert (await call(outside, "civil", "/applications/question-3")).status_code == 200


async def test_a_registered_child_is_a_person_with_parents_and_licences_are_looked_up(outside: Outside):
    people = [
        {"name": "李小红", "id_number": MOTHER},
        {"name": "张大山", "id_number": FATHER, "in_city": False,
         "family": [{"relation": "spouse", "id_number": MOTHER}]},
    ]  # fmt: skip
    await outside.post("persons", {"items": people})
    married = await call(outside, "licences", "/marriage", {"one": MOTHER, "other": FATHER})
    assert married.json() == {"married": True}
    found = await call(outside, "licences", "/find", {"kind": "identity", "id_number": MOTHER})
    assert (found.json()["found"], found.json()["holder_name"]) == (True, "李小红")
    home = await call(outside, "licences", "/household", {"id_number": FATHER})
    assert (home.json()["found"], home.json()["in_city"]) == (True, False)
    unknown = await call(outside, "licences", "/household", {"id_number": an_id_number(9)})
    assert unknown.json() == {"found": False}
    await outside.post("time", {"factor": 600})
    await call(outside, "civil", "/applications", application("20", "household"))

    async def done() -> Any:
        said = (await call(outside, "civil", "/applications/question-20")).json()
        return said if said["standing"] == "done" else None

    number = (await poll(done, 15))["results"]["id_number"]
    assert number[6:14] == "20261120"
    entries = (await outside.get("persons"))["items"]
    child = next(each for each in entries if each["id_number"] == number)
    assert [each["id_number"] for each in child["family"]] == [MOTHER, FATHER]


async def test_the_clerk_has_a_page(outside: Outside):
    await outside.post("switches", {"agencies_clerk": True})
    await call(outside, "mch", "/applications", application("30"))
    async with httpx.AsyncClient(base_url=outside.url, follow_redirects=True) as browser:
        page = (await browser.get("/agencies?agency=mch")).text
        assert "出生医学证明" in page
        assert "要求补正" in page
        form = {
            "id": "question-30",
            "action": "needs_correction",
            "agency": "mch",
            "text": "身份证照片看不清",
        }
        page = (await browser.post("/agencies", data=form)).text
        assert "待补正" in page
        assert "没有等待办理的事项" in page
        await browser.post("/agencies", data={"action": "automatic", "agency": ""})
    said = (await call(outside, "mch", "/applications/question-30")).json()
    assert said["problems"][0]["text"] == "身份证照片看不清"
    assert (await outside.get("switches"))["agencies_clerk"] is False
