"""Whatever is sent, to whatever route, is answered: with what was asked for or with a clean refusal.

The requests are the examples of the permission matrix with one part of each made wrong, sent by somebody who
may: a refusal for want of permission would hide what lies behind it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Any
from urllib.parse import quote

import httpx
import orjson
import pytest

from admin.base import SESSION_COOKIE
from admin.views import routes as console_routes
from backend.app import api_routes
from backend.errors import ERRORS, ErrorCode
from backend.exchange.fhir.http import ERROR_SYSTEM
from backend.exchange.fhir.issues import REFUSAL_SYSTEM, REFUSALS, Refused
from backend.permissions import SYSTEM, Role
from backend.staff.models import SESSION_IDLE, NewStaff, SessionStage
from tests.factories.staff import PASSWORD
from tests.security.birth_examples import BIRTH_EXAMPLES
from tests.security.clinical_examples import CLINICAL_EXAMPLES
from tests.security.examples import EXAMPLES as OF_AREAS
from tests.security.examples import OWN, RESIDENTS, Ask
from tests.security.fhir_examples import FHIR_EXAMPLES
from tests.security.matrix import operations
from tests.security.pages import PAGES
from tests.security.referral_examples import REFERRAL_EXAMPLES
from tests.security.report_examples import REPORT_EXAMPLES
from tests.security.sharing_examples import SHARING_EXAMPLES
from tests.security.town import Town

EXAMPLES = (
    OF_AREAS
    | BIRTH_EXAMPLES
    | CLINICAL_EXAMPLES
    | FHIR_EXAMPLES
    | REFERRAL_EXAMPLES
    | REPORT_EXAMPLES
    | SHARING_EXAMPLES
)
OPERATIONS = operations(api_routes())
PAGE_OPERATIONS = operations(console_routes())
# Signing out ends the session under test, and a reset takes no text.
TYPED_INTO = [route for route in PAGE_OPERATIONS if "sign-out" not in route and "/reset/" not in route]
WITH_BODY = [route for route, operation in OPERATIONS.items() if operation.body is not None]
WITH_NAMES = [route for route in OPERATIONS if "{" in route]
NAME = re.compile(r"{(\w+)}")

# JSON texts in place of one value. As bytes: some of them no serialiser would write.
WRONG_VALUES = [
    b"null", b"true", b"[]", b"{}", b'""', b'"\\u0000"', b'"\\ud800"', b'"\\udc00\\ud800"', b'"\xed\xa0\x80"',
    b'"\xff"', b"-1", b"0", b"1.5", b"NaN", b"Infinity", b"1e999", b"9" * 400, b"-" + b"9" * 25,
    b"9223372036854775808", b'"' + b"9" * 5000 + b'"', '"\u202e٣\u200b"'.encode(), b'{"$ne": null}',
]  # fmt: skip
WRONG_BODIES = {
    "no JSON": b"{",
    "text": b"hello",
    "not UTF-8": b'{"a": "\xff\xfe"}',
    "UTF-16": '{"a": 1}'.encode("utf-16"),
    "a list": b"[]",
    "a list of objects": b"[{}]",
    "a number": b"1",
    "nothing but null": b"null",
    "deep lists": b"[" * 100_000 + b"]" * 100_000,
    "deep objects": b'{"a":' * 50_000 + b"1" + b"}" * 50_000,
    "an unknown field": b'{"no_such_field_anywhere": 1}',
    "a prototype": b'{"__proto__": {"role": "admin"}, "constructor": 1}',
    "twice the same name": b'{"a": 1, "a": 2}',
}
WRONG_TYPES = (
    "",
    "text/plain",
    "application/x-www-form-urlencoded",
    "multipart/form-data; boundary=x",
    "a/b",
)
# Percent-encoded, in every box of a form or filter.
TYPED = [
    "%00", "%FF", "%ED%A0%80", "x" * 600, "%3Cscript%3Ealert(1)%3C/script%3E", "-1", "9" * 30, "0001-01-01",
    "9999-12-31", "[$ne]", "%27%22", "%E2%80%AE",
]  # fmt: skip
# Percent-encoded, in place of a name in the path.
WRONG_NAMES = [
    "%00", "%FF", "%ED%A0%80", "%0A", "%0D%0ASet-Cookie:x=y", "..%2F..%2Fetc%2Fpasswd", "%2e%2e", "'%22%3E",
    "$where", "x" * 3000, "%F0%9F%92%8A", "%E2%80%AE", "01J0000000000000000000000Z%00", "%5B%24ne%5D", "{}",
]  # fmt: skip
WRONG_QUERIES = [
    "limit=0", "limit=-1", "limit=9999999999999999999999", "limit=NaN", "limit=1&limit=2", "cursor=%00",
    "cursor=%FF", "cursor=" + "A" * 300, "cursor=9999999999999999.01J0000000000000000000000Z", "cursor=....",
    "cursor=W10", "cursor=bnVsbA", "q=%00", "q=%ED%A0%80", "q=" + "%28" * 60, "q=.*", "from=0001-01-01",
    "from=9999-12-31&days=31", "days=1000", "since=-1", "since=9223372036854775807",
    "since=9223372036854775808", "since=" + "9" * 26, "state=%00", "no_such=1", "=", "&&&", "%", "limit%00=1",
    "a[$ne]=1", "patient_id[$ne]=1", "kind=%E4%B8%AD", "return_to=//evil.example", "code=%00&state=%00",
]  # fmt: skip


async def caller_and_ask(town: Town, route: str) -> tuple[str, Ask]:
    """Somebody who may, with a request that would do."""
    scope = str(OPERATIONS[route].access.permission or "resident").partition(":")[0]
    caller = "owner" if scope == "resident" else "client"
    ask = await EXAMPLES[route][0].make(town, caller)
    if caller in RESIDENTS and EXAMPLES[route][0].thing == OWN and "/me" in route and "DELETE" in route:
        ask = replace(ask, as_=await town.resident())
    return caller, ask


async def send(town: Town, route: str, caller: str, ask: Ask, **parts: Any) -> httpx.Response:
    method, _, path = route.partition(" ")
    headers = (ask.as_ or town[caller]).headers | parts.pop("headers", {})
    path = parts.pop("path", None) or path.format(**ask.path)
    query = parts.pop("query", "") or "&".join(f"{name}={value}" for name, value in ask.query.items())
    # Built from bytes: httpx would mend what is to be wrong.
    url = httpx.URL(town.city.url).copy_with(raw_path=f"{path}?{query}".encode())
    request = town.city.http.build_request(method, url, headers=headers, **parts)
    return await town.city.http.send(request)


def assert_clean(answer: httpx.Response, what: object) -> None:
    """No 5xx; a refusal has our form, repeats nothing and names the request."""
    assert answer.status_code < 500, f"{what!r}: {answer.status_code} {answer.text}"
    assert answer.headers["X-Request-Id"], what
    if answer.status_code >= 400:
        assert_form(answer, what)


def assert_form(answer: httpx.Response, what: object) -> None:
    if "/fhir/R4" in answer.url.path:
        assert_outcome(answer, what)
        return
    assert answer.headers["Content-Type"] == "application/json; charset=utf-8", what
    if "/oauth2/" in str(answer.url):
        assert answer.json().keys() == {"error", "error_description"}
        return
    error = answer.json()["error"]
    assert error.keys() == {"code", "message", "data", "request_id"}, what
    assert ERRORS[ErrorCode(error["code"])].status == answer.status_code, what
    assert error["request_id"] == answer.headers["X-Request-Id"], what


def assert_outcome(answer: httpx.Response, what: object) -> None:
    """FHIR's form of a refusal: issues in FHIR's words, under a code of the face's own or of the city's."""
    assert answer.headers["Content-Type"] == "application/fhir+json; charset=utf-8", what
    outcome = answer.json()
    assert outcome.keys() == {"resourceType", "issue"}, what
    assert outcome["resourceType"] == "OperationOutcome", what
    for number, issue in enumerate(outcome["issue"]):
        assert {"severity", "code", "details"} <= issue.keys(), what
        assert issue.keys() <= {"severity", "code", "details", "diagnostics", "expression"}, what
        [coding], text = issue["details"]["coding"], issue["details"]["text"]
        if coding["system"] == REFUSAL_SYSTEM:
            known = REFUSALS[Refused(coding["code"])]
            status, kind = known.status, known.issue
            assert text.startswith(known.text), what
            assert issue["diagnostics"], what
        else:
            assert coding["system"] == ERROR_SYSTEM, what
            status, kind = ERRORS[ErrorCode(coding["code"])].status, issue["code"]
        assert (issue["severity"], issue["code"]) == ("error", kind), what
        # The first reason decides what the whole answer is.
        assert number or status == answer.status_code, what
    assert outcome["issue"], what


@pytest.mark.parametrize("route", WITH_BODY)
async def test_a_body_that_is_none_is_refused(town: Town, route: str) -> None:
    caller, ask = await caller_and_ask(town, route)
    json = {"Content-Type": "application/json"}
    for name, body in WRONG_BODIES.items():
        answer = await send(town, route, caller, ask, content=body, headers=json)
        assert answer.status_code == 400, f"{name}: {answer.status_code} {answer.text}"
        assert_form(answer, name)
    good = orjson.dumps(ask.json)
    for kind in WRONG_TYPES:
        answer = await send(town, route, caller, ask, content=good, headers={"Content-Type": kind})
        assert answer.status_code == 400, f"{kind}: {answer.status_code} {answer.text}"
        assert_form(answer, kind)


@pytest.mark.parametrize("route", WITH_BODY)
async def test_a_wrong_value_anywhere_is_refused_or_understood(town: Town, route: str) -> None:
    caller, ask = await caller_and_ask(town, route)
    for wrong in WRONG_VALUES:
        for body in variants(ask.json, wrong):
            answer = await send(
                town, route, caller, ask, content=body, headers={"Content-Type": "application/json"}
            )
            assert_clean(answer, body[:200])


@pytest.mark.parametrize("route", WITH_NAMES)
async def test_a_wrong_name_in_the_path_is_refused(town: Town, route: str) -> None:
    caller, ask = await caller_and_ask(town, route)
    method, _, path = route.partition(" ")
    for name in NAME.findall(path):
        for wrong in WRONG_NAMES:
            # What was named by a PUT is there from then on: no other route may count on its absence.
            named = {**{key: quote(value) for key, value in ask.path.items()}, name: wrong}
            if method == "PUT":
                named[name] += "-put"
            answer = await send(town, route, caller, ask, path=path.format(**named), json=ask.json)
            assert_clean(answer, wrong[:60])
            assert answer.status_code >= 400 or method == "PUT", f"{wrong}: {answer.text}"


@pytest.mark.parametrize("route", [route for route in OPERATIONS if route.startswith("GET ")])
async def test_a_wrong_query_is_refused_or_understood(town: Town, route: str) -> None:
    caller, ask = await caller_and_ask(town, route)
    for wrong in WRONG_QUERIES:
        assert_clean(await send(town, route, caller, ask, query=wrong), wrong)


@pytest.mark.parametrize(
    "header", ["Authorization", "Idempotency-Key", "X-Request-Id", "Cookie", "X-Forwarded-For"]
)
async def test_a_wrong_header_is_refused_or_overlooked(town: Town, header: str) -> None:
    values = [
        b"", b"Bearer", b"Bearer \xff\xfe", b"Bearer ....", b"Bearer a.b.c", b"Basic \xff", b"x" * 9000,
        "Bearer \u4e2d".encode(), b"Bearer eyJhbGciOiJFZERTQSJ9..", b"hc_login=\xff; ;;;==", b"{}", b"a\tb",
    ]  # fmt: skip
    schedule = await town.schedule()
    body = {"schedule_id": schedule.id, "patient_id": town["owner"].id}
    for value in values:
        for method, path, json in (
            ("POST", "/api/v1/holds", body),
            ("GET", "/api/v1/auth/wechat-oauth", None),
        ):
            headers = {b"Authorization": f"Bearer {town['owner'].token}".encode(), header.encode(): value}
            answer = await town.city.http.request(method, town.city.url + path, headers=headers, json=json)
            assert_clean(answer, value)


async def test_a_form_for_the_token_endpoint_may_hold_anything(town: Town) -> None:
    wrong = [
        b"", b"grant_type=%FF", b"grant_type=client_credentials&client_id=%00&client_secret=%00", b"=&=&=",
        b"grant_type=client_credentials&grant_type=password", b"a=" + b"%" * 500, b"&" * 5000,
        b"grant_type=client_credentials&client_id=x&client_secret=" + b"9" * 10_000,
        b"grant_type=client_credentials&client_id[$ne]=x", b"\xff\xfe",
    ]  # fmt: skip
    kinds = (
        "application/x-www-form-urlencoded",
        "application/json",
        "multipart/form-data",
        "multipart/form-data; boundary=",
    )
    for body in wrong:
        for kind in kinds:
            for basic in (None, "Basic", "Basic !!!", "Basic /////w==", "Basic Og=="):
                headers = {"Content-Type": kind} | ({"Authorization": basic} if basic else {})
                answer = await town.city.http.post(
                    f"{town.city.url}/oauth2/token", content=body, headers=headers
                )
                assert answer.status_code in (400, 401), f"{body!r} {kind} {basic}: {answer.text}"
                assert_clean(answer, body)


@pytest.mark.parametrize("route", TYPED_INTO)
async def test_the_console_understands_or_refuses_whatever_is_typed(
    town: Town, route: str, manager: str
) -> None:
    ask = await PAGES[route][0].make(town, "manager")
    method, _, path = route.partition(" ")
    fields = [*(ask.form or {}), *("cursor", "on", "id", "q", "from_on", "to_on", "state", "next", "done")]
    headers = {
        "Cookie": f"{SESSION_COOKIE}={manager}",
        "Content-Type": "application/x-www-form-urlencoded",
    }
    for value in TYPED:
        text = "&".join(f"{field}={value}" for field in fields)
        raw = path.rstrip("?").format(**ask.path) + (f"?{text}" if method == "GET" else "")
        form = f"_csrf={town.services.csrf.issue(manager)}&{text}" if method == "POST" else ""
        request = town.city.http.build_request(
            method,
            httpx.URL(town.city.url).copy_with(raw_path=raw.encode()),
            headers=headers,
            content=form.encode(),
        )
        answer = await town.city.http.send(request)
        assert answer.status_code < 500, f"{value}: {answer.text[-600:]}"
        assert "<script>alert" not in answer.text, value


@pytest.fixture(scope="module")
async def manager(town: Town) -> str:
    """The session cookie of somebody who may see the whole city."""
    wanted = NewStaff("bad.input", "林晓", Role.CITY_OPERATOR, None, PASSWORD, must_change_password=False)
    member = (await town.services.staff.add(SYSTEM, wanted)).member
    token, _ = await town.services.staff.sign_in._open(member, SessionStage.OPEN, SESSION_IDLE)
    return token


def variants(body: Any, wrong: bytes) -> Iterator[bytes]:
    """The body, as JSON, once with each of its values replaced."""
    marker = "\ue000replaced\ue000"
    for variant in _replaced(body, marker):
        yield orjson.dumps(variant).replace(orjson.dumps(marker), wrong)


def _replaced(value: Any, marker: str) -> Iterator[Any]:
    yield marker
    if isinstance(value, dict):
        for name, part in value.items():
            for variant in _replaced(part, marker):
                yield value | {name: variant}
        yield value | {marker: 1}
    elif isinstance(value, list):
        for number, part in enumerate(value):
            for variant in _replaced(part, marker):
                yield [*value[:number], variant, *value[number + 1 :]]
