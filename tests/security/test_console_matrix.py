"""Every page of the console × every role and scope: who gets in, who is refused, and whose thing is nobody's.

The same as test_permission_matrix.py for callers with a session cookie and forms.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import httpx
import pytest

from admin.base import SESSION_COOKIE
from admin.views import routes
from backend.errors import ErrorCode
from backend.permissions import SYSTEM, Role
from backend.staff.models import HALF_SESSION_LIFETIME, SESSION_IDLE, NewStaff, SessionStage, StaffMember
from tests.factories.staff import PASSWORD
from tests.security.console_examples import OWN
from tests.security.examples import Ask, Example
from tests.security.matrix import operations, read_matrix, row_key
from tests.security.pages import PAGES as EXAMPLES
from tests.security.town import Town

# `mine` work in the hospital whose things these are, `theirs` in another one, the rest in the whole city.
MATRIX = """
                                                manager mine_op theirs_op theirs_mgr mine_doc theirs_doc finance mine_fin theirs_fin auditor theirs_aud
public                         anything public           ok   ok   ok    ok   ok   ok   ok   ok   ok   ok   ok
staff:account:manage           one's own                 ok   ok   ok    ok   ok   ok   ok   ok   ok   ok   ok
staff:dashboard:read           one's own                 ok   ok   ok    ok   403  403  ok   ok   ok   ok   ok
staff:births:read              one's own                 ok   ok   ok    ok   403  403  403  403  403  403  403
staff:births:read              a thing of the hospital   ok   ok   404   404  403  403  403  403  403  403  403
staff:births:handle            a thing of the hospital   ok   ok   404   404  403  403  403  403  403  403  403
staff:board:read               one's own                 ok   ok   ok    ok   403  403  ok   ok   ok   ok   ok
staff:board:read               a thing of the hospital   ok   ok   404   404  403  403  ok   ok   404  ok   404
staff:targets:comment          a thing of the hospital   ok   ok   404   404  403  403  403  403  403  403  403
staff:targets:write            a thing of the whole city ok   403  403   403  403  403  403  403  403  403  403
staff:walls:manage             a thing of the whole city ok   403  403   403  403  403  403  403  403  403  403
staff:referrals:read           one's own                 ok   ok   ok    ok   ok   ok   403  403  403  403  403
staff:referrals:read           a thing of the hospital   ok   ok   404   404  ok   404  403  403  403  403  403
staff:referrals:write          one's own                 ok   ok   ok    ok   ok   ok   403  403  403  403  403
staff:referrals:write          anything public           ok   ok   ok    ok   ok   ok   403  403  403  403  403
staff:referrals:write          a patient to send         403  ok   ok    ok   ok   ok   403  403  403  403  403
staff:referrals:write          the desk of the hospital  ok   ok   404   404  ok   404  403  403  403  403  403
staff:referrals:write          a thing of the whole city ok   403  403   403  403  403  403  403  403  403  403
staff:referrals:write          a thing of the hospital   403  ok   404   404  ok   404  403  403  403  403  403
staff:record_access:open       a thing of the hospital   403  403  403   403  ok   404  403  403  403  403  403
staff:schedules:read           one's own                 ok   ok   ok    ok   ok   ok   403  403  403  403  403
staff:schedules:read           a thing of the hospital   ok   ok   404   404  ok   404  403  403  403  403  403
staff:schedules:stop           a thing of the hospital   ok   ok   404   404  403  403  403  403  403  403  403
staff:appointments:read        one's own                 ok   ok   ok    ok   ok   ok   ok   ok   ok   403  403
staff:appointments:read        a thing of the hospital   ok   ok   404   404  ok   404  ok   ok   404  403  403
staff:appointments:cancel      a thing of the hospital   ok   ok   404   404  403  403  403  403  403  403  403
staff:personal_data:unmask     a thing of the hospital   ok   ok   404   404  403  403  403  403  403  403  403
staff:payments:read            one's own                 ok   403  403   ok   403  403  ok   ok   ok   403  403
staff:payments:read            a thing of the hospital   ok   403  403   404  403  403  ok   ok   404  403  403
staff:payments:refund          a thing of the hospital   ok   403  403   404  403  403  ok   ok   404  403  403
staff:payments:refund          a thing of the whole city ok   403  403   403  403  403  ok   403  403  403  403
staff:messages:read            one's own                 ok   ok   ok    ok   403  403  403  403  403  403  403
staff:messages:read            a thing of the hospital   ok   ok   404   404  403  403  403  403  403  403  403
staff:messages:resend          a thing of the hospital   ok   ok   404   404  403  403  403  403  403  403  403
staff:templates:write          a thing of the whole city ok   403  403   403  403  403  403  403  403  403  403
staff:exchange:read            one's own                 ok   ok   ok    ok   403  403  403  403  403  403  403
staff:exchange:read            a thing of the hospital   ok   ok   404   404  403  403  403  403  403  403  403
staff:exchange:write           a thing of the hospital   ok   ok   404   404  403  403  403  403  403  403  403
staff:exchange_senders:manage  a thing of the whole city ok   403  403   403  403  403  403  403  403  403  403
staff:surveys:read             one's own                 ok   ok   ok    ok   403  403  403  403  403  403  403
staff:surveys:read             a thing of the hospital   ok   ok   404   404  403  403  403  403  403  403  403
staff:surveys:write            one's own                 ok   ok   ok    ok   403  403  403  403  403  403  403
staff:surveys:write            a thing of the hospital   ok   ok   404   404  403  403  403  403  403  403  403
staff:survey_tickets:handle    one's own                 ok   ok   ok    ok   403  403  403  403  403  403  403
staff:survey_tickets:handle    a thing of the hospital   ok   ok   404   404  403  403  403  403  403  403  403
staff:patient_index:manage     one's own                 ok   403  403   ok   403  403  403  403  403  403  403
staff:patient_index:manage     a thing of the whole city ok   403  403   403  403  403  403  403  403  403  403
staff:quality:read             one's own                 ok   ok   ok    ok   403  403  403  403  403  403  403
staff:quality:read             a thing of the hospital   ok   ok   404   404  403  403  403  403  403  403  403
staff:quality:write            a thing of the whole city ok   403  403   403  403  403  403  403  403  403  403
staff:recognition:read         one's own                 ok   ok   ok    ok   403  403  403  403  403  403  403
staff:recognition:write        one's own                 ok   403  403   ok   403  403  403  403  403  403  403
staff:medication:read          one's own                 ok   ok   ok    ok   403  403  403  403  403  403  403
staff:medication:write         one's own                 ok   403  403   ok   403  403  403  403  403  403  403
staff:record_access:read       one's own                 403  ok   ok    403  403  403  403  403  403  ok   ok
staff:record_access:read       a thing of the hospital   403  ok   404   403  403  403  403  403  403  ok   404
staff:record_access:review     a thing of the hospital   403  ok   404   403  403  403  403  403  403  ok   404
staff:directory:read           one's own                 ok   ok   ok    ok   ok   ok   403  403  403  403  403
staff:directory:read           a thing of the hospital   ok   ok   404   404  ok   404  403  403  403  403  403
staff:directory:write          a thing of the hospital   ok   ok   404   404  403  403  403  403  403  403  403
staff:conversations:answer     one's own                 ok   ok   ok    ok   403  403  403  403  403  403  403
staff:conversations:answer     a thing of the hospital   ok   ok   404   404  403  403  403  403  403  403  403
staff:clients:manage           one's own                 ok   ok   ok    ok   403  403  403  403  403  403  403
staff:clients:manage           a thing of the hospital   ok   ok   404   404  403  403  403  403  403  403  403
staff:staff:manage             one's own                 ok   403  403   ok   403  403  403  403  403  403  403
staff:staff:manage             a thing of the hospital   ok   403  403   404  403  403  403  403  403  403  403
staff:staff:manage             an account in the hospital ok  403 403   403  403  403  403  403  403  403  403
staff:audit:read               one's own                 403  403  403   403  403  403  403  403  403  ok   ok
staff:audit:read               a thing of the whole city 403  403  403   403  403  403  403  403  403  ok   403
"""  # noqa: E501 a table
ROLES = {
    "manager": Role.CITY_OPERATOR,
    "op": Role.HOSPITAL_OPERATOR,
    "mgr": Role.CITY_OPERATOR,
    "doc": Role.DOCTOR,
    "fin": Role.FINANCE,
    "finance": Role.FINANCE,
    "aud": Role.AUDITOR,
    "auditor": Role.AUDITOR,
}
# Cookies that open nothing: none, one that is idle, signed out, half in, of a closed account, invented.
NOT_IN = ("nobody", "idle", "signed_out", "half", "closed", "invented")

ROWS = read_matrix(MATRIX)
ROUTES = operations(routes())
COLUMNS = list(next(iter(ROWS.values())))
CASES = [(route, n) for route in ROUTES for n in range(len(EXAMPLES.get(route, [None])))]


@dataclass
class Staff:
    """Members by column, and their cookies."""

    town: Town
    members: dict[str, StaffMember]
    cookies: dict[str, str]

    async def send(self, route: str, ask: Ask, name: str, cookie: str | None = None) -> httpx.Response:
        """As a browser would: with the cookie and, in a form, this browser's form token."""
        method, _, path = route.partition(" ")
        cookie = self.cookies[name] if cookie is None else cookie
        headers = {"Cookie": f"{SESSION_COOKIE}={cookie}"} if cookie else {}
        given: dict[str, Any] = {"params": ask.query}
        if method == "POST":
            given["data"] = {**(ask.form or {}), "_csrf": self.town.services.csrf.issue(cookie)}
        address = self.town.city.url + path.rstrip("?").format(**ask.path)
        return await self.town.city.http.request(method, address, headers=headers, **given)

    async def session(self, member: StaffMember, *, stage: SessionStage, lasts: timedelta) -> str:
        token, _ = await self.town.services.staff.sign_in._open(member, stage, lasts)
        return token


@pytest.fixture(scope="module")
async def staff(town: Town) -> Staff:
    made = Staff(town, {}, {"nobody": "", "invented": "x" * 43})
    for name in [*COLUMNS, "closed"]:
        scope = {"mine": town.mine, "theirs": town.theirs}.get(name.partition("_")[0])
        wanted = NewStaff(
            f"staff.{name}",
            "林晓",
            ROLES.get(name.rpartition("_")[2], Role.CITY_OPERATOR),
            frozenset({scope.organization.id}) if scope else None,
            PASSWORD,
            must_change_password=False,
            practitioner_id=town.mine.practitioner.id if name == "mine_doc" else "",
        )
        member = made.members[name] = (await town.services.staff.add(SYSTEM, wanted)).member
        made.cookies[name] = await made.session(member, stage=SessionStage.OPEN, lasts=SESSION_IDLE)
    await _end_sessions(made)
    return made


async def _end_sessions(made: Staff) -> None:
    sign_in, manager = made.town.services.staff.sign_in, made.members["manager"]
    made.cookies["idle"] = await made.session(manager, stage=SessionStage.OPEN, lasts=timedelta(seconds=-1))
    made.cookies["half"] = await made.session(
        manager, stage=SessionStage.CODE_DUE, lasts=HALF_SESSION_LIFETIME
    )
    made.cookies["signed_out"] = await made.session(manager, stage=SessionStage.OPEN, lasts=SESSION_IDLE)
    signed_in = await sign_in.find(made.cookies["signed_out"])
    assert signed_in is not None
    await sign_in.end(signed_in)
    # Closed behind the service's back: even a session that was overlooked opens nothing.
    await made.town.city.city.db.collection("staff").update_one(
        {"_id": made.members["closed"].id}, {"$set": {"state": "disabled"}}
    )


def test_every_page_has_an_example() -> None:
    missing = sorted(set(ROUTES) - set(EXAMPLES))
    assert not missing, f"no request of tests/security/pages.py asks for these: {missing}"
    gone = sorted(set(EXAMPLES) - set(ROUTES))
    assert not gone, f"no such pages any more; take them out of tests/security/pages.py: {gone}"


def test_every_row_of_the_matrix_is_used() -> None:
    used = {row_key(ROUTES[route], example.thing) for route in ROUTES for example in EXAMPLES.get(route, [])}
    assert set(ROWS) == used


@pytest.mark.parametrize(("route", "number"), CASES)
async def test_everybody_gets_what_the_matrix_says(staff: Staff, route: str, number: int) -> None:
    assert route in EXAMPLES, f"{route} has no example: say in console_examples.py what it is about"
    operation, example = ROUTES[route], EXAMPLES[route][number]
    row = ROWS[row_key(operation, example.thing)]
    allowed = [name for name, outcome in row.items() if outcome == "ok"]
    ask = await example.make(staff.town, allowed[0])
    for name, outcome in row.items():
        if outcome != "ok":
            assert_refused(await staff.send(route, ask, name), int(outcome), name)
    if operation.access.permission is not None:
        for name in NOT_IN:
            assert_sent_away(await staff.send(route, ask, name), name)
    # After all that the thing is there and untouched.
    for name in allowed:
        if name != allowed[0]:
            ask = await example.make(staff.town, name)
        cookie = None
        if "sign-out" in route:
            cookie = await staff.session(staff.members[name], stage=SessionStage.OPEN, lasts=SESSION_IDLE)
        answer = await staff.send(route, ask, name, cookie)
        expected = example.ok or 200
        assert answer.status_code == expected, f"{name}: {answer.status_code} {text_of(answer)}"
        assert_nothing_of_mine_for_theirs(staff, answer, name, example)


@pytest.mark.parametrize("route", [route for route in ROUTES if route.startswith("POST")])
async def test_no_form_is_taken_that_the_browsers_own_page_did_not_make(staff: Staff, route: str) -> None:
    example = EXAMPLES[route][0]
    ask = await example.make(staff.town, "manager")
    method, _, path = route.partition(" ")
    address = staff.town.city.url + path.format(**ask.path)
    somebody_elses = staff.town.services.csrf.issue(staff.cookies["mine_op"])
    cookie = {"Cookie": f"{SESSION_COOKIE}={staff.cookies['manager']}"}
    for token in ("", "0" * 48, somebody_elses, "\u0430" * 48):
        form = {**(ask.form or {}), "_csrf": token}
        answer = await staff.town.city.http.request(method, address, headers=cookie, data=form)
        assert answer.status_code == 403, f"{token}: {answer.status_code}"
        assert ErrorCode.CSRF_FAILED in answer.text
    # Nor as JSON, which a page of elsewhere could send as text.
    answer = await staff.town.city.http.request(method, address, headers=cookie, json={"reason": "x"})
    assert answer.status_code == 403


async def test_a_bearer_token_opens_no_page_and_a_session_cookie_no_endpoint(staff: Staff) -> None:
    town = staff.town
    for caller in ("owner", "client", "city_operator"):
        answer = await town.city.http.get(
            f"{town.city.url}/admin/dashboard", headers=town[caller].headers, follow_redirects=False
        )
        assert answer.status_code == 302, caller
    cookie = {"Cookie": f"{SESSION_COOKIE}={staff.cookies['manager']}"}
    answer = await town.city.http.get(f"{town.city.url}/api/v1/me", headers=cookie)
    assert answer.status_code == 401
    bearer = {"Authorization": f"Bearer {staff.cookies['manager']}"}
    answer = await town.city.http.get(f"{town.city.url}/api/v1/me", headers=bearer)
    assert answer.status_code == 401


def assert_refused(answer: httpx.Response, status: int, name: str) -> None:
    assert answer.status_code == status, f"{name}: {answer.status_code} {text_of(answer)}"
    if status == 403:
        assert ErrorCode.FORBIDDEN in answer.text, f"{name}: {text_of(answer)}"


def assert_sent_away(answer: httpx.Response, name: str) -> None:
    if answer.request.method == "GET":
        assert answer.status_code == 302, f"{name}: {answer.status_code} {text_of(answer)}"
        assert answer.headers["Location"].startswith("/admin/sign-in?next=")
    else:
        assert answer.status_code in (401, 403), f"{name}: {answer.status_code} {text_of(answer)}"
        expected = ErrorCode.UNAUTHENTICATED if answer.status_code == 401 else ErrorCode.CSRF_FAILED
        assert expected in answer.text
    assert "林晓" not in answer.text


def assert_nothing_of_mine_for_theirs(
    staff: Staff, answer: httpx.Response, name: str, example: Example
) -> None:
    """A list of one's own holds nothing of another hospital's."""
    if name.startswith("theirs") and example.thing == OWN:
        organization = staff.town.mine.organization
        assert organization.id not in answer.text, name
        assert organization.name not in answer.text, name


def text_of(answer: httpx.Response) -> str:
    return answer.text[-1500:]
