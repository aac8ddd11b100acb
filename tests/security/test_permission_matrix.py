"""Every route × every method × every caller: who gets in, who is refused, and to whom a thing does not exist.

The cases come from the route table and each method's `@operation`; what must come out stands in `MATRIX`.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import httpx
import pytest

from backend.app import api_routes
from backend.errors import ErrorCode
from backend.http.endpoint import HTTP_METHODS, Operation, operations_of
from backend.permissions import ROLE_GRANTS, Permission, Role
from tests.security.birth_examples import BIRTH_EXAMPLES
from tests.security.clinical_examples import CLINICAL_EXAMPLES
from tests.security.examples import EXAMPLES as OF_AREAS
from tests.security.examples import Ask, Example
from tests.security.fhir_examples import FHIR_EXAMPLES
from tests.security.matrix import an_address_of, operations, read_matrix, row_key
from tests.security.referral_examples import REFERRAL_EXAMPLES
from tests.security.report_examples import REPORT_EXAMPLES
from tests.security.sharing_examples import SHARING_EXAMPLES
from tests.security.town import Town

# The columns: the owner of the thing, somebody who acts for the owner, any other resident; staff of whatever
# role and hospital, who have no business in the API; the system of the thing's hospital and of another one;
# a terminal. A row without a thing of somebody else's has nobody to whom it could be hidden.
MATRIX = """
                                                   owner  guardian  other  staff  client  foreign  terminal
public                      anything public        ok     ok        ok     ok     ok      ok       ok
resident:account:manage     one's own              ok     ok        ok     403    403     403      403
resident:patients:manage    one's own              ok     ok        ok     403    403     403      403
resident:patients:manage    a child of the owner   ok     404       404    403    403     403      403
resident:patients:manage    a request to the owner ok     404       404    403    403     403      403
resident:codes:use          one's own              ok     ok        ok     403    403     403      403
resident:codes:use          the owner              ok     ok        404    403    403     403      403
resident:appointments:read  one's own              ok     ok        ok     403    403     403      403
resident:appointments:read  the owner              ok     ok        404    403    403     403      403
resident:appointments:book  the owner              ok     ok        404    403    403     403      403
resident:messages:read      one's own              ok     ok        ok     403    403     403      403
resident:messages:read      a message to the owner ok     404       404    403    403     403      403
resident:consents:manage    the owner              ok     403       404    403    403     403      403
resident:consents:manage    a consent of the owner ok     403       404    403    403     403      403
resident:records:read       the owner              ok     403       404    403    403     403      403
resident:records:read       one's own              ok     ok        ok     403    403     403      403
resident:records:read       a link of the owner    ok     404       404    403    403     403      403
resident:records:write      the owner              ok     403       404    403    403     403      403
resident:records:write      a link of the owner    ok     404       404    403    403     403      403
resident:births:file        one's own              ok     ok        ok     403    403     403      403
resident:births:file        a birth of the owner   ok     404       404    403    403     403      403
resident:referrals:read     one's own              ok     ok        ok     403    403     403      403
resident:referrals:read     the owner              ok     ok        404    403    403     403      403
resident:referrals:manage   the owner              ok     ok        404    403    403     403      403
hospital:codes:verify       a code shown           403    403       403    403    ok      ok       ok
hospital:consents:ask       one's own              403    403       403    403    ok      ok       403
hospital:consents:ask       a thing of the hospital 403   403       403    403    ok      404      403
hospital:contracts:write    one's own              403    403       403    403    ok      ok       403
hospital:contracts:write    a thing of the hospital 403   403       403    403    ok      404      403
hospital:records:read       one's own              403    403       403    403    ok      ok       403
hospital:records:read       a thing of the hospital 403   403       403    403    ok      404      403
hospital:records:write      one's own              403    403       403    403    ok      ok       403
hospital:records:write      a thing of the hospital 403   403       403    403    ok      404      403
hospital:images:read        one's own              403    403       403    403    ok      ok       403
hospital:images:read        a thing of the hospital 403   403       403    403    ok      404      403
hospital:images:write       one's own              403    403       403    403    ok      ok       403
hospital:recognition:check  a thing of the hospital 403   403       403    403    ok      404      403
hospital:medication:check   a thing of the hospital 403   403       403    403    ok      404      403
hospital:births:write       one's own              403    403       403    403    ok      ok       403
hospital:births:write       a thing of the hospital 403   403       403    403    ok      404      403
hospital:directory:write    one's own              403    403       403    403    ok      ok       403
hospital:directory:write    a thing of the hospital 403   403       403    403    ok      404      403
hospital:quality:read       one's own              403    403       403    403    ok      ok       403
hospital:referrals:read     one's own              403    403       403    403    ok      ok       403
hospital:referrals:read     a thing of the hospital 403   403       403    403    ok      404      403
hospital:referrals:write    one's own              403    403       403    403    ok      ok       403
hospital:referrals:write    a thing of the hospital 403   403       403    403    ok      404      403
hospital:schedules:write    one's own              403    403       403    403    ok      ok       403
hospital:schedules:write    a thing of the hospital 403   403       403    403    ok      404      403
hospital:terminals:write    one's own              403    403       403    403    ok      ok       403
hospital:bookings:create    a thing of the hospital 403   403       403    403    ok      404      403
hospital:bookings:read      one's own              403    403       403    403    ok      ok       403
hospital:bookings:read      a thing of the hospital 403   403       403    403    ok      404      403
"""
STAFF = ("city_operator", "hospital_operator", "doctor", "finance", "auditor", "foreign_operator")
# Without a valid token nothing but the public is open, and the answer says why.
NO_TOKEN = {
    "nobody": (401, ErrorCode.UNAUTHENTICATED),
    "expired": (401, ErrorCode.TOKEN_EXPIRED),
    "revoked": (401, ErrorCode.UNAUTHENTICATED),
}


EXAMPLES = (
    OF_AREAS
    | BIRTH_EXAMPLES
    | CLINICAL_EXAMPLES
    | FHIR_EXAMPLES
    | REFERRAL_EXAMPLES
    | REPORT_EXAMPLES
    | SHARING_EXAMPLES
)
ROWS = read_matrix(MATRIX, {"staff": STAFF, "foreign": ("foreign_client",)})
ROUTES = operations(api_routes())
CASES = [(route, n) for route in ROUTES for n in range(len(EXAMPLES.get(route, [None])))]


def test_every_route_has_an_example() -> None:
    missing = sorted(set(ROUTES) - set(EXAMPLES))
    assert not missing, f"make a request for each of these in tests/security/examples.py: {missing}"
    gone = sorted(set(EXAMPLES) - set(ROUTES))
    assert not gone, f"no such routes any more; take them out of tests/security/examples.py: {gone}"


def test_every_row_of_the_matrix_is_used() -> None:
    used = {row_key(ROUTES[route], example.thing) for route in ROUTES for example in EXAMPLES.get(route, [])}
    assert set(ROWS) == used


@pytest.mark.parametrize(("route", "number"), CASES)
async def test_everybody_gets_what_the_matrix_says(town: Town, route: str, number: int) -> None:
    assert route in EXAMPLES, f"{route} has no example: say in tests/security/examples.py what it is about"
    operation, example = ROUTES[route], EXAMPLES[route][number]
    row = ROWS[row_key(operation, example.thing)]
    refused = {name: outcome for name, outcome in row.items() if outcome != "ok"}
    # All refusals about one thing; then its owner finds it there and untouched.
    if refused:
        ask = await example.make(town, next(iter(refused)))
        for name, outcome in refused.items():
            answer = await send(town, route, ask, name)
            assert_refused(answer, int(outcome), name)
        for name, (status, code) in NO_TOKEN.items():
            answer = await send(town, route, ask, name)
            assert (answer.status_code, code_of(answer)) == (status, code), f"{name}: {answer.text}"
        first = next(name for name, outcome in row.items() if outcome == "ok")
        fresh = await example.make(town, first)
        answer = await send(town, route, replace(ask, as_=fresh.as_), first)
        assert_ok(answer, operation, example, first)
    welcome = [name for name, outcome in row.items() if outcome == "ok"]
    for name in welcome[:1] if example.costly else welcome:
        answer = await send(town, route, await example.make(town, name), name)
        assert_ok(answer, operation, example, name)
    if operation.access.permission is None:
        for name in ["nobody"] if example.costly else NO_TOKEN:
            answer = await send(town, route, await example.make(town, name), name)
            assert_ok(answer, operation, example, name)


@pytest.mark.parametrize("route", [route for route in ROUTES if "{" in route])
async def test_what_is_not_there_looks_like_what_is_somebody_elses(town: Town, route: str) -> None:
    """The two must not differ, or ids could be tried until one answers differently."""
    for example in EXAMPLES[route]:
        row = ROWS[row_key(ROUTES[route], example.thing)]
        hidden = [name for name, outcome in row.items() if outcome == "404"]
        if not hidden:
            continue
        ask = await example.make(town, hidden[0])
        ids = {name for name in ask.path if name not in ("type", "version")}
        nothing = replace(ask, path=ask.path | dict.fromkeys(ids, "01J0000000000000000000000Z"))
        theirs = await send(town, route, ask, hidden[0])
        absent = await send(town, route, nothing, hidden[0])
        assert theirs.status_code == absent.status_code == 404
        assert said_in(theirs) == said_in(absent)


async def test_a_method_that_is_not_offered_is_refused_before_anybody_is_asked_who_they_are(
    town: Town,
) -> None:
    for pattern, handler in api_routes():
        offered = operations_of(handler)
        for method in (*HTTP_METHODS, "head", "options", "trace", "propfind"):
            if method in offered:
                continue
            path = an_address_of(pattern)
            answer = await town.city.http.request(method.upper(), town.city.url + path)
            assert answer.status_code == 405, f"{method} {path}: {answer.status_code}"
            assert set(answer.headers["Allow"].split(", ")) == {name.upper() for name in offered}, path
            if method != "head" and not path.startswith("/oauth2"):
                assert code_of(answer) == ErrorCode.METHOD_NOT_ALLOWED


def test_the_matrix_agrees_with_what_roles_are_granted() -> None:
    """Two independent statements of the same thing: the table above and `permissions.py`."""
    roles = {
        "owner": Role.RESIDENT,
        "client": Role.HOSPITAL_CLIENT,
        "terminal": Role.TERMINAL,
        **{name: Role(name) for name in STAFF if not name.startswith("foreign")},
    }
    for (permission, thing), row in ROWS.items():
        if permission == "public":
            continue
        for name, role in roles.items():
            granted = Permission(permission) in ROLE_GRANTS[role]
            assert granted is (row[name] != "403"), f"{permission} ({thing}), {name}"


async def send(town: Town, route: str, ask: Ask, name: str) -> httpx.Response:
    method, _, path = route.partition(" ")
    caller = ask.as_ or town[name]
    headers = {"Authorization": f"Bearer {caller.token}"} if caller.token else {}
    headers |= {"Content-Type": ask.media} if ask.media else {}
    given: dict[str, Any] = {"params": ask.query, "json": ask.json, "data": ask.form, "content": ask.content}
    return await town.city.http.request(
        method,
        town.city.url + path.format(**ask.path),
        headers=headers,
        **{key: value for key, value in given.items() if value is not None},
    )


def assert_refused(answer: httpx.Response, status: int, name: str) -> None:
    assert answer.status_code == status, f"{name}: {answer.status_code} {answer.text}"
    if status == 403:
        assert code_of(answer) == ErrorCode.FORBIDDEN, f"{name}: {answer.text}"
    if "error" in answer.json():
        assert set(answer.json()["error"]) == {"code", "message", "data", "request_id"}
        assert not answer.json()["error"]["data"], f"{name} learns something: {answer.text}"


def assert_ok(answer: httpx.Response, operation: Operation, example: Example, name: str) -> None:
    documented = 204 if operation.status == 200 and operation.answer is type(None) else operation.status
    expected = example.ok or documented
    assert answer.status_code == expected, f"{name}: {answer.status_code} {answer.text}"


def code_of(answer: httpx.Response) -> str:
    said = answer.json()
    if "issue" in said:  # FHIR's form
        return str(said["issue"][0]["details"]["coding"][0]["code"])
    return str(said["error"]["code"])


def said_in(answer: httpx.Response) -> Any:
    """What a refusal says, but for the request's own id."""
    said = answer.json()
    return said["error"] | {"request_id": ""} if "error" in said else said
