"""Every page × every role: what a role may not do is refused, and its pages lead nowhere it may not go."""

import re
from collections.abc import Iterator

import httpx
import pytest

from admin.views import routes
from backend.http.endpoint import Access, operations_of
from backend.permissions import ROLE_GRANTS, STAFF_ROLES, Role
from tests.admin.browser import Browser, Console
from tests.admin.conftest import Town

# What stands in for the named groups of a pattern; none of these exists.
_STAND_INS = {
    "name": "console.css",
    "rest": "nowhere",
    "channel": "sms",
    "kind": "login_code",
    "number": "1",
    "table": "items",
}


_NOBODYS = {"order_id": "R01J00000000000000000000000"}
# Deeds: each route knows some of them.
_DEEDS = ("password", "pause", "note")


def _path(pattern: str) -> str:
    def stand_in(match: re.Match[str]) -> str:
        name, form = match[1], match[2]
        if name in ("what", "deed"):
            return next(deed for deed in _DEEDS if re.fullmatch(form, deed))
        return _STAND_INS.get(name) or _NOBODYS.get(name, "01J00000000000000000000000")

    return re.sub(r"\(\?P<(\w+)>([^)]*)\)", stand_in, pattern).replace("?", "")


def pages() -> Iterator[tuple[str, str, Access]]:
    for pattern, handler in routes():
        for method, described in operations_of(handler).items():
            yield method, _path(pattern), described.access


async def ask(browser: Browser, method: str, path: str, token: str) -> httpx.Response:
    if method == "get":
        return await browser.peek(path)
    return await browser.http.post(path, data={"_csrf": token}, follow_redirects=False)


@pytest.mark.parametrize("role", sorted(STAFF_ROLES))
async def test_a_role_is_refused_exactly_what_it_was_not_granted(console: Console, role: Role) -> None:
    browser = await console.sign_in(role)
    token = console.city.services.csrf.issue(browser.http.cookies["hc_console"])
    for method, path, access in pages():
        if access.permission is None or path == "/admin/sign-out":
            continue
        answer = await ask(browser, method, path, token)
        granted = access.permission in ROLE_GRANTS[role]
        refused = answer.status_code == 403 and "FORBIDDEN" in answer.text and "没有权限进行" in answer.text
        assert refused is not granted, f"{role} {method} {path}: {answer.status_code}"


async def test_nobody_gets_no_page_and_learns_nothing(console: Console) -> None:
    browser = console.browser()
    for method, path, access in pages():
        if access.permission is None:
            continue
        answer = await ask(browser, method, path, "")
        if method == "get":
            assert answer.status_code == 302, f"{path}: {answer.status_code}"
            assert answer.headers["location"].startswith("/admin/sign-in?next=")
        else:
            assert answer.status_code == 403, f"{path}: {answer.status_code}"


@pytest.mark.parametrize("role", sorted(STAFF_ROLES))
async def test_every_link_and_button_a_role_is_shown_may_be_used(
    console: Console, town: Town, role: Role
) -> None:
    scope = town.scope if role in (Role.HOSPITAL_OPERATOR, Role.DOCTOR) else None
    browser = await console.sign_in(role, scope)
    on = town.first.schedules[0].on
    waiting = [
        "/admin/account",
        *(entry for entry in (f"/admin/schedules?on={on}", f"/admin/appointments?on={on}")
          if role in (Role.CITY_OPERATOR, Role.HOSPITAL_OPERATOR, Role.DOCTOR)),
    ]  # fmt: skip
    seen: set[str] = set()
    while waiting and len(seen) < 80:
        path = waiting.pop(0).partition("#")[0]
        kind = re.sub(r"[0-9A-Z]{26}|\d{4}-\d\d-\d\d", "…", path)
        if kind in seen or not path.startswith("/admin"):
            continue
        seen.add(kind)
        page = await browser.get(path)
        waiting += page.links
    assert len(seen) > 5, seen


@pytest.mark.parametrize("path", ["/admin/nowhere", "/admin/appointments/x/y", "/admin/staff/0/disable"])
async def test_an_address_that_is_no_page_is_answered_in_html(console: Console, path: str) -> None:
    browser = await console.sign_in(Role.CITY_OPERATOR)
    page = await browser.get(path, expect=404)
    assert "没有找到" in page.text
    assert page.html.startswith("<!doctype html>")
