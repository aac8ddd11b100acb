"""Every page of the resident app in every state, on a usual and a narrow phone, in usual and large letters.

The pictures stay in test-artifacts/screens/h5 for people to look at.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager

import pytest
from playwright.async_api import Browser, Route, expect

from tests.browser.life import CHIEF, GENERAL, Life, day, live, prove_name, sign_in
from tests.browser.resident import Resident, stored_session
from tests.browser.town import Town
from tests.browser.window import open_window
from tests.support.city import Caller

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser-pages"), pytest.mark.timeout(240)]

WIDTHS = (375, 320)
LARGE = """(large) => {
  document.documentElement.classList.toggle('hc-large', large)
  for (const page of document.querySelectorAll('.page')) page.classList.toggle('page--large', large)
}"""
# What stands for an account without anything, and for pages that ask nothing of the city.
Pages = dict[str, tuple[str, str]]
OpenPhone = Callable[[Caller | None], AbstractAsyncContextManager[Resident]]


@pytest.fixture(scope="module")
async def life(town: Town) -> Life:
    return await live(town)


@pytest.fixture
def phone_of(chromium: Browser, town: Town, life: Life) -> OpenPhone:
    """A phone that is signed in as somebody, or as nobody."""

    @asynccontextmanager
    async def opened(caller: Caller | None) -> AsyncIterator[Resident]:
        size = {"width": WIDTHS[0], "height": 812}
        async with open_window(chromium, town.url, "h5", has_touch=True, **size) as window:
            if caller:
                await window.page.add_init_script(await stored_session(town, caller))
            yield Resident(window, town, life.family)

    return opened


async def pictures(resident: Resident, name: str) -> None:
    """A page as most see it, and at its worst: large letters on a narrow phone."""
    window = resident.window
    await resident.settle()
    await window.quiet()
    await window.picture(name)
    await window.page.evaluate(LARGE, True)
    await window.resize(WIDTHS[1])
    await window.picture(f"{name}-{WIDTHS[1]}-large")
    await window.page.evaluate(LARGE, False)
    await window.resize(WIDTHS[0])


async def show(resident: Resident, path: str, ready: str) -> None:
    """Open a page and wait for what shows that it is all there."""
    await resident.window.open(f"/#/pages/{path}")
    await resident.shows(ready)


def filled_pages(town: Town, life: Life) -> Pages:
    detail = "appointments/detail/index?appointment_id="
    return {
        "home": ("home/index", "home-next"),
        "code": ("code/show/index", "code-qr"),
        "code-uses": ("code/uses/index", "use-item"),
        "code-printed": ("code/printed/index", "static-item"),
        "hospitals": ("booking/hospitals/index", "org-item"),
        "departments": (f"booking/departments/index?organization_id={town.hospital.id}", "dept-item"),
        "days": (f"booking/days/index?department_id={town.department.id}", "session-item"),
        "slots": (f"booking/slots/index?schedule_id={day(town, 1)[CHIEF].id}", "slot-item"),
        "slots-stopped": (f"booking/slots/index?schedule_id={day(town, 4)[GENERAL].id}", "=已停诊"),
        "confirm": (
            f"booking/confirm/index?schedule_id={day(town, 6)[CHIEF].id}&number=3",
            "hold-left",
        ),
        "pay": (f"booking/pay/index?appointment_id={life.unpaid}", "pay-native-qr"),
        "appointments": ("appointments/list/index", "appointment-item"),
        "appointment": (detail + life.booked, "cancel-button"),
        "appointment-unpaid": (detail + life.unpaid, "pay-now"),
        "appointment-cancelled": (detail + life.cancelled, "book-again"),
        "appointment-stopped": (detail + life.stopped, "book-again"),
        "patients": ("patients/list/index", "guardian-item"),
        "patient-add": ("patients/add/index", "patient-submit"),
        "messages": ("messages/list/index", "message-item"),
        "mine": ("mine/index", "mine-appointments"),
        "settings": ("settings/index", "settings-large"),
        "settings-phone": ("settings/phone/index", "phone-submit"),
        "realname-done": ("realname/index", "=您已完成实名认证"),
        "about": ("about/index", "=您的权利"),
    }


EMPTY_PAGES: Pages = {
    "home-empty": ("home/index", "=近期没有预约"),
    "code-uses-empty": ("code/uses/index", "=还没有用码记录"),
    "code-printed-empty": ("code/printed/index", "static-create"),
    "appointments-empty": ("appointments/list/index", "appointments-book"),
    "patients-empty": ("patients/list/index", "=目前没有人替您办事"),
    "messages-empty": ("messages/list/index", "=还没有消息"),
    "referrals-empty": ("referrals/list/index", "=还没有转诊"),
}
NAMELESS_PAGES: Pages = {
    "code-nameless": ("code/show/index", "go-realname"),
    "mine-nameless": ("mine/index", "go-realname"),
    "realname": ("realname/index", "realname-submit"),
}
STRANGERS_PAGES: Pages = {
    "home-stranger": ("home/index", "home-sign-in"),
    "code-stranger": ("code/show/index", "go-sign-in"),
    "mine-stranger": ("mine/index", "go-sign-in"),
    "settings-stranger": ("settings/index", "settings-large"),
    "login": ("login/index", "login-submit"),
}
# These ask the city for nothing, or show nothing of its own while they wait.
STILL = {"mine", "settings", "settings-phone", "realname-done", "about", "patient-add"}


async def test_pages_with_everything_on_them(phone_of: OpenPhone, town: Town, life: Life) -> None:
    async with phone_of(life.caller) as resident:
        for name, (path, ready) in filled_pages(town, life).items():
            await show(resident, path, ready)
            await pictures(resident, name)


async def test_pages_of_somebody_who_has_just_come(phone_of: OpenPhone, town: Town) -> None:
    newcomer = (await town.family()).grown_up
    nameless = await sign_in(town, newcomer, with_name=False)
    async with phone_of(nameless) as resident:
        for name, (path, ready) in NAMELESS_PAGES.items():
            await show(resident, path, ready)
            await pictures(resident, name)
    async with phone_of(await prove_name(town, nameless, newcomer)) as resident:
        for name, (path, ready) in EMPTY_PAGES.items():
            await show(resident, path, ready)
            await pictures(resident, name)
    async with phone_of(None) as resident:
        for name, (path, ready) in STRANGERS_PAGES.items():
            await show(resident, path, ready)
            await pictures(resident, name)


async def test_pages_that_wait_for_an_answer(phone_of: OpenPhone, town: Town, life: Life) -> None:
    waiting: list[Route] = []

    async def never(route: Route) -> None:
        waiting.append(route)

    async with phone_of(life.caller) as resident:
        await resident.page.route("**/api/v1/**", never)
        for name, (path, _) in filled_pages(town, life).items():
            if name not in STILL:
                await resident.window.open(f"/#/pages/{path}")
                await expect(
                    resident.page.locator(".state-loading").filter(visible=True).first
                ).to_be_visible()
                await resident.window.picture(f"{name}-loading")
        with resident.window.excusing("ERR_FAILED"):
            for route in waiting:
                await route.abort()
            await resident.window.quiet()


async def test_pages_that_get_no_good_answer(phone_of: OpenPhone, town: Town, life: Life) -> None:
    broken = {
        "error": {"code": "INTERNAL", "message": "", "data": {}, "request_id": "01J8ZK3Q5V9X2M4N6P8R0T1S"}
    }

    async def fail(route: Route) -> None:
        await route.fulfill(status=500, json=broken)

    async with phone_of(life.caller) as resident:
        await resident.page.route("**/api/v1/**", fail)
        with resident.window.excusing("500"):
            for name, (path, _) in filled_pages(town, life).items():
                if name not in STILL:
                    await show(resident, path, "error-text")
                    await resident.settle()
                    await resident.window.picture(f"{name}-failed")


async def test_the_main_button_is_in_view_on_a_small_phone_in_large_letters(
    phone_of: OpenPhone, town: Town, life: Life
) -> None:
    detail = "appointments/detail/index?appointment_id="
    pages = {
        "confirm-submit": f"booking/confirm/index?schedule_id={day(town, 7)[CHIEF].id}&number=3",
        "pay-done": f"booking/pay/index?appointment_id={life.unpaid}",
        "pay-now": detail + life.unpaid,
        "detail-code": detail + life.booked,
    }
    async with phone_of(life.caller) as resident:
        await resident.window.open("/")
        await resident.tap("home-large")
        await expect(resident.see("home-large")).to_have_attribute("aria-checked", "true")
        await resident.window.resize(360, 640)
        for button, path in pages.items():
            await show(resident, path, button)
            await resident.settle()
            await expect(resident.page.locator(".page--large").filter(visible=True)).to_have_count(1)
            await expect(resident.see(button)).to_be_in_viewport(ratio=1)


# Pages after a tap or two: path, what is done ("tap" or "type" with a test id), what then shows.
Deeds = dict[str, tuple[str, list[tuple[str, ...]], str]]


def pages_after_taps(town: Town, life: Life) -> Deeds:
    detail = f"appointments/detail/index?appointment_id={life.booked}"
    week = f"booking/days/index?department_id={town.department.id}"
    return {
        "home-to-the-record": ("home/index", [("tap", "home-record")], "record-measure"),
        "home-to-reports": ("home/index", [("tap", "home-reports")], "=还没有报告"),
        "search": ("booking/hospitals/index", [("type", "search-input", "xxg")], f"={town.hospital.name} · "),
        "search-doctor": (
            "booking/hospitals/index",
            [("type", "search-input", town.doctors[0].name)],
            "doctor-item",
        ),
        "search-nothing": ("booking/hospitals/index", [("type", "search-input", "zzzzqq")], "=没有找到"),
        "days-none": (week, [("tap", "day-item")], "=这一天没有门诊"),
        "days-doctor": (week, [("tap", "doctor-about")], "=擅长"),
        "appointments-past": ("appointments/list/index", [("tap", "tab-past")], "appointment-item"),
        "appointment-cancelling": (detail, [("tap", "cancel-button")], "cancel-confirm"),
        "messages-open": ("messages/list/index", [("tap", "message-item")], "message-view"),
        "patient-removing": ("patients/list/index", [("tap", "patient-remove")], "patient-remove-confirm"),
        "patient-wrong": (
            "patients/add/index",
            [("tap", "relation-parent"), ("tap", "patient-submit")],
            "=请填写身份证上的姓名",
        ),
        "guardian-leaving": ("patients/list/index", [("tap", "guardian-revoke:取消授权")], "=取消后，"),
        "guardian-refusing": ("patients/list/index", [("tap", "guardian-revoke:拒绝")], "=拒绝后，"),
        "code-stopping": ("code/printed/index", [("tap", "static-revoke")], "static-revoke-confirm"),
        "code-of-child": ("code/show/index", [("tap", "patient-option:子女")], "code-qr"),
        "settings-leaving": ("settings/index", [("tap", "sign-out")], "sign-out-confirm"),
        "settings-deleting": ("settings/index", [("tap", "delete-account")], "delete-account-confirm"),
        "settings-phone-wrong": (
            "settings/phone/index",
            [("tap", "phone-submit")],
            "=请输入正确的11位手机号",
        ),
    }


async def test_pages_after_a_tap(phone_of: OpenPhone, town: Town, life: Life) -> None:
    async with phone_of(life.caller) as resident:
        for name, (path, steps, ready) in pages_after_taps(town, life).items():
            await resident.window.open(f"/#/pages/{path}")
            await do(resident, steps)
            await resident.shows(ready)
            await pictures(resident, name)


async def do(resident: Resident, steps: list[tuple[str, ...]]) -> None:
    """Tap and type; a test id may be narrowed by words after a colon."""
    for what, where, *text in steps:
        test_id, _, words = where.partition(":")
        one = resident.see(test_id).filter(has_text=words).first
        await (one.fill(*text) if what == "type" else one.click())


async def test_an_address_that_leads_nowhere_leads_home(phone_of: OpenPhone) -> None:
    async with phone_of(None) as resident:
        await show(resident, "gone/long/since", "home-code")


async def test_pages_that_say_no(phone_of: OpenPhone, town: Town, life: Life) -> None:
    wrong_code = [
        ("type", "login-phone", "13700009999"), ("tap", "login-send-code"), ("type", "login-code", "000000"),
        ("tap", "login-agree"), ("tap", "login-submit"),
    ]  # fmt: skip
    async with phone_of(None) as resident:
        await show(resident, "login/index", "login-submit")
        await do(resident, [("tap", "login-submit")])
        await resident.shows("=请输入正确的11位手机号")
        await pictures(resident, "login-wrong")
        with resident.window.excusing("40[01]"):
            await do(resident, wrong_code)
            await resident.shows("form-error")
            await pictures(resident, "login-refused")
    newcomer = await town.family()
    async with phone_of(await sign_in(town, newcomer.grown_up, with_name=False)) as resident:
        somebody = [("type", "realname-name", "王明"), ("type", "realname-id", newcomer.grown_up.id_number)]
        await show(resident, "realname/index", "realname-submit")
        with resident.window.excusing("422|409|400"):
            await do(resident, [*somebody, ("tap", "realname-submit")])
            await resident.shows("form-error")
            await pictures(resident, "realname-refused")
    async with phone_of(life.caller) as resident:
        taken = f"booking/confirm/index?schedule_id={day(town, 1)[CHIEF].id}&number=1"
        with resident.window.excusing("409"):
            await show(resident, taken, "confirm-again")
            await pictures(resident, "confirm-refused")
        with resident.window.excusing("409"):
            await show(resident, "settings/index", "delete-account")
            await do(resident, [("tap", "delete-account"), ("tap", "delete-account-confirm")])
            await resident.shows("form-error")
            await pictures(resident, "settings-refused")
        with resident.window.excusing("404"):
            await show(
                resident, "appointments/detail/index?appointment_id=01J8ZK3Q5V9X2M4N6P8R0T1S2V", "error-text"
            )
            await pictures(resident, "appointment-missing")
