"""Signing in to the console as a browser does it, and being kept out."""

import pytest

from backend.permissions import Role
from backend.staff.models import ATTEMPTS_ALLOWED
from tests.admin.browser import Browser, Console
from tests.factories.staff import PASSWORD, make_staff


async def first_step(console: Console, login: str, password: str = PASSWORD, *, expect: int = 200) -> Browser:
    browser = console.browser()
    await browser.get("/admin/sign-in")
    await browser.submit("/admin/sign-in", login=login, password=password, expect=expect)
    return browser


@pytest.mark.parametrize(
    ("role", "first_page"),
    [
        (Role.CITY_OPERATOR, "/admin/dashboard"),
        (Role.HOSPITAL_OPERATOR, "/admin/dashboard"),
        (Role.DOCTOR, "/admin/schedules"),
        (Role.FINANCE, "/admin/dashboard"),
        (Role.AUDITOR, "/admin/dashboard"),
    ],
)
async def test_password_and_code_lead_to_the_first_page_of_the_role(
    console: Console, role: Role, first_page: str
) -> None:
    browser = await console.sign_in(role)
    assert browser.page is not None
    assert browser.page.path == first_page


async def test_signing_in_leads_to_the_page_that_was_asked_for(console: Console) -> None:
    known = await console.staff(Role.CITY_OPERATOR)
    browser = console.browser()
    page = await browser.get("/admin/staff?state=active")
    assert page.path == "/admin/sign-in"
    await browser.submit("/admin/sign-in", login=known.login, password=known.password)
    page = await browser.submit("/admin/sign-in/code", code=known.code())
    assert str(page.response.url).endswith("/admin/staff?state=active")


@pytest.mark.parametrize(
    "elsewhere", ["https://evil.example/", "//evil.example/admin", "/\\evil.example", "/admin/../api"]
)
async def test_signing_in_never_leads_elsewhere(console: Console, elsewhere: str) -> None:
    known = await console.staff(Role.CITY_OPERATOR)
    browser = console.browser()
    await browser.get("/admin/sign-in")
    await browser.submit("/admin/sign-in", login=known.login, password=known.password, next=elsewhere)
    page = await browser.submit("/admin/sign-in/code", code=known.code(), next=elsewhere)
    assert page.path in ("/admin/dashboard", "/api")
    assert page.path == "/admin/dashboard"


async def test_a_wrong_password_shows_the_form_again_with_the_login_but_not_the_password(
    console: Console,
) -> None:
    known = await console.staff(Role.CITY_OPERATOR)
    browser = await first_step(console, known.login, "not-the-password", expect=401)
    assert browser.page is not None
    assert "账号、密码或动态口令不正确" in browser.page.text
    assert known.login in browser.page.html
    assert "not-the-password" not in browser.page.html


async def test_an_unknown_login_is_answered_like_a_wrong_password(console: Console) -> None:
    known = await console.staff(Role.CITY_OPERATOR)
    unknown = await first_step(console, "nobody", expect=401)
    wrong = await first_step(console, known.login, "not-the-password", expect=401)
    assert unknown.page is not None
    assert wrong.page is not None
    assert unknown.page.text.replace("nobody", "") == wrong.page.text.replace(known.login, "")


async def test_too_many_wrong_passwords_lock_the_account(console: Console) -> None:
    known = await console.staff(Role.CITY_OPERATOR)
    for _ in range(ATTEMPTS_ALLOWED):
        await first_step(console, known.login, "not-the-password", expect=401)
    browser = await first_step(console, known.login, known.password, expect=423)
    assert browser.page is not None
    assert "锁定" in browser.page.text


async def test_a_wrong_code_asks_again(console: Console) -> None:
    known = await console.staff(Role.CITY_OPERATOR)
    browser = await first_step(console, known.login)
    page = await browser.submit("/admin/sign-in/code", code="000000", expect=401)
    assert "动态口令不正确" in page.text
    page = await browser.submit("/admin/sign-in/code", code=known.code())
    assert page.path == "/admin/dashboard"


async def test_the_password_alone_opens_no_page(console: Console) -> None:
    known = await console.staff(Role.CITY_OPERATOR)
    browser = await first_step(console, known.login)
    page = await browser.get("/admin/staff")
    assert page.path == "/admin/sign-in"


async def test_the_code_page_without_a_first_step_goes_back_to_it(console: Console) -> None:
    page = await console.browser().get("/admin/sign-in/code")
    assert page.path == "/admin/sign-in"


async def test_the_session_cookie_is_out_of_reach_and_new_after_the_code(console: Console) -> None:
    known = await console.staff(Role.CITY_OPERATOR)
    browser = await first_step(console, known.login)
    half = browser.http.cookies["hc_console"]
    assert browser.page is not None
    answer = await browser.http.post(
        "/admin/sign-in/code",
        data={**browser.page.form("/admin/sign-in/code").fields, "code": known.code()},
        follow_redirects=False,
    )
    cookie = next(c for c in answer.headers.get_list("set-cookie") if c.startswith("hc_console="))
    assert "HttpOnly" in cookie
    assert "SameSite=Lax" in cookie
    assert "Path=/admin" in cookie
    assert browser.http.cookies["hc_console"] != half


async def test_signing_out_ends_the_session_for_good(console: Console) -> None:
    browser = await console.sign_in(Role.CITY_OPERATOR)
    token = browser.http.cookies["hc_console"]
    page = await browser.submit("/admin/sign-out")
    assert "您已安全退出" in page.text
    browser.http.cookies.set("hc_console", token)
    assert (await browser.get("/admin/staff")).path == "/admin/sign-in"


async def test_a_first_password_must_be_changed_before_anything_else(console: Console) -> None:
    known = await make_staff(console.city.services.staff, Role.AUDITOR, must_change_password=True)
    browser = await console.sign_in_as(known)
    page = await browser.get("/admin/audit")
    assert page.path == "/admin/account/password"
    assert "初始密码" in page.text
    fields: dict[str, str | list[str]] = {
        "old_password": PASSWORD,
        "new_password": "violet-harbour-77-tea",
    }
    action = "/admin/account/password"
    token = browser.page.form(action).fields["_csrf"] if browser.page else ""
    wrong, right = (
        {**fields, "_csrf": token, "new_password_again": again} for again in ("x", "violet-harbour-77-tea")
    )
    await browser.post(action, wrong, expect=400)
    await browser.post(action, right)
    assert (await browser.get("/admin/audit")).path == "/admin/audit"


async def test_a_write_without_the_forms_token_is_refused(console: Console) -> None:
    browser = await console.sign_in(Role.CITY_OPERATOR)
    page = await browser.post("/admin/staff/new", {"login": "mallory"}, expect=403)
    assert "CSRF_FAILED" in page.text
    stranger = await console.sign_in(Role.CITY_OPERATOR)
    assert stranger.page is not None
    foreign = stranger.page.form("/admin/sign-out").fields["_csrf"]
    await browser.post("/admin/sign-out", {"_csrf": foreign}, expect=403)
    assert (await browser.get("/admin/staff")).path == "/admin/staff"


async def test_a_sign_in_without_the_forms_token_is_refused(console: Console) -> None:
    known = await console.staff(Role.CITY_OPERATOR)
    fields = {"login": known.login, "password": known.password}
    await console.browser().post("/admin/sign-in", dict(fields), expect=403)
