"""Who tries too often is told to wait, whatever he writes into his headers; who comes through a proxy is not.

Each limit is driven until it bites: how many it takes at least is `limits.BUCKETS`' own word.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from itertools import count
from typing import Any

import httpx
import pytest

from backend.db.client import Database
from backend.errors import ErrorCode
from backend.security.limits import BUCKETS
from backend.staff.models import ATTEMPTS_ALLOWED
from tests.factories.staff import make_staff
from tests.support.city import Caller, Surroundings, TestCity, open_test_city

Try = Callable[[int], Awaitable[httpx.Response]]


async def until_refused(attempt: Try, bucket: str) -> httpx.Response:
    """Try until it is too much: at least as often as the bucket allows at once, and not for ever."""
    allowed, last = BUCKETS[bucket].burst, ""
    for number in range(allowed * 3):
        answer = await attempt(number)
        if answer.status_code == 429:
            assert number >= allowed, f"refused after {number}, {allowed} are allowed at once"
            assert_told_to_wait(answer)
            return answer
        last = answer.text
    raise AssertionError(f"{allowed * 3} tries, and none was refused; the last: {last}")


def assert_told_to_wait(answer: httpx.Response) -> None:
    assert answer.status_code == 429, answer.text
    error = answer.json()["error"]
    assert error["code"] == ErrorCode.RATE_LIMITED
    assert int(answer.headers["Retry-After"]) == error["data"]["retry_after_s"] >= 1
    assert error["data"].keys() == {"retry_after_s"}


def post(
    city: TestCity, path: str, body: Any, who: Caller | None = None, headers: dict[str, str] | None = None
) -> Awaitable[httpx.Response]:
    return city.http.post(city.url + path, json=body, headers=(who.headers if who else {}) | (headers or {}))


async def test_guessing_a_one_time_code_ends_soon(city: TestCity) -> None:
    phone = "13912340001"
    await city.call("POST", "/api/v1/auth/sms-codes", json={"phone": phone})

    def guess(number: int) -> Awaitable[httpx.Response]:
        return post(city, "/api/v1/auth/sms", {"phone": phone, "code": f"{number:06d}"})

    codes = [(await guess(number)).json()["error"]["code"] for number in range(7)]
    assert set(codes[:5]) == {ErrorCode.CODE_WRONG}
    assert set(codes[5:]) == {ErrorCode.CODE_TOO_MANY_ATTEMPTS}
    # The right one is of no use any more, and after a few more nothing is even looked at.
    texts = await city.outside.get("sms", phone=phone)
    right = "".join(filter(str.isdigit, texts["items"][0]["content"]))[:6]
    late = await post(city, "/api/v1/auth/sms", {"phone": phone, "code": right})
    assert late.json()["error"]["code"] == ErrorCode.CODE_TOO_MANY_ATTEMPTS
    numbers = count(10)
    while (answer := await guess(next(numbers))).json()["error"]["code"] != ErrorCode.RATE_LIMITED:
        assert answer.status_code == 429
    assert_told_to_wait(answer)


async def test_a_phone_is_not_flooded_with_codes(city: TestCity) -> None:
    first = await post(city, "/api/v1/auth/sms-codes", {"phone": "13912340002"})
    assert first.status_code == 202
    again = await post(city, "/api/v1/auth/sms-codes", {"phone": "13912340002"})
    assert_told_to_wait(again)
    assert len((await city.outside.get("sms", phone="13912340002"))["items"]) == 1


async def test_one_address_does_not_flood_many_phones_whatever_it_says_it_is(city: TestCity) -> None:
    def ask(number: int) -> Awaitable[httpx.Response]:
        says = {"X-Forwarded-For": f"203.0.113.{number % 250}", "X-Real-Ip": f"198.51.100.{number % 250}",
                "Forwarded": f"for=192.0.2.{number % 250}", "True-Client-Ip": f"192.0.2.{number % 250}",
                "CF-Connecting-IP": f"192.0.2.{number % 250}"}  # fmt: skip
        return post(city, "/api/v1/auth/sms-codes", {"phone": f"139{number:08d}"}, headers=says)

    await until_refused(ask, "otp_ip")


async def test_booking_and_health_codes_have_their_limits(city: TestCity) -> None:
    who = city.stranger()
    nothing = {"schedule_id": "01J0000000000000000000000Z", "patient_id": who.id}
    await until_refused(lambda _: post(city, "/api/v1/appointments", nothing, who), "booking")
    # Holding is booking: the two share a bucket, and another resident has one of his own.
    assert_told_to_wait(await post(city, "/api/v1/holds", nothing, who))
    assert (await post(city, "/api/v1/holds", nothing, city.stranger())).status_code == 404
    path, other = "/api/v1/health-codes/dynamic", city.stranger()
    await until_refused(lambda _: post(city, path, {"patient_id": "x"}, other), "code")


async def test_asking_the_channel_and_the_register_have_their_limits(city: TestCity) -> None:
    who = city.stranger()
    path = "/api/v1/appointments/01J0000000000000000000000Z/payment/refresh"
    await until_refused(lambda _: post(city, path, None, who), "payment_query")
    resident = await city.resident()
    body = {"relation": "other", "name": "无名氏", "id_number": "11010519491231002X"}
    await until_refused(lambda _: post(city, "/api/v1/patients", body, resident), "patient")


async def test_guessing_a_client_secret_ends_soon(city: TestCity) -> None:
    issued = await city.city.services.clients.register_hospital(city.hospital.id, "HIS")

    async def guess(number: int) -> httpx.Response:
        form = {
            "grant_type": "client_credentials",
            "client_id": issued.client.id,
            "client_secret": f"s{number}",
        }
        return await city.http.post(f"{city.url}/oauth2/token", data=form)

    allowed = BUCKETS["client_token"].burst
    answers = [await guess(number) for number in range(allowed + 3)]
    assert {answer.status_code for answer in answers[:allowed]} == {401}
    refused = next(answer for answer in answers if answer.status_code == 429)
    assert refused.json()["error"] == "temporarily_unavailable"
    assert int(refused.headers["Retry-After"]) >= 1


async def test_guessing_a_staff_password_locks_known_and_unknown_logins_alike(city: TestCity) -> None:
    member = await make_staff(city.city.services.staff)
    said = {}
    for login in (member.login, "nobody.here"):
        async with httpx.AsyncClient(base_url=city.url) as browser:
            await browser.get("/admin/sign-in")
            token = city.city.services.csrf.issue(browser.cookies["hc_console_form"])
            form = {"login": login, "password": "wrong-password-1", "_csrf": token}
            answers = [await browser.post("/admin/sign-in", data=form) for _ in range(ATTEMPTS_ALLOWED + 2)]
            right = await browser.post("/admin/sign-in", data=form | {"password": member.password})
            statuses = [answer.status_code for answer in [*answers, right]]
            said[login] = statuses, [answer.text.replace(login, "…") for answer in answers]
    statuses, texts = said[member.login]
    assert statuses == [401] * ATTEMPTS_ALLOWED + [423] * 3
    assert said["nobody.here"][0] == statuses
    # But for the form's token the pages are the same.
    for known, unknown in zip(texts, said["nobody.here"][1], strict=True):
        assert _without_tokens(known) == _without_tokens(unknown)


def _without_tokens(page: str) -> list[str]:
    return [line for line in page.splitlines() if "_csrf" not in line and "编号" not in line]


@pytest.fixture
async def behind_a_proxy(db: Database, mongo_uri: str, surroundings: Surroundings) -> AsyncIterator[TestCity]:
    async with open_test_city(surroundings, mongo_uri, db, trusted_proxies=1) as made:
        yield made


async def test_behind_a_proxy_each_caller_has_a_limit_of_his_own(behind_a_proxy: TestCity) -> None:
    city = behind_a_proxy

    def ask(number: int, seen: str, claimed: str = "") -> Awaitable[httpx.Response]:
        # What the caller claims stands left of what the proxy saw.
        says = {"X-Forwarded-For": f"{claimed}, {seen}" if claimed else seen, "X-Real-Ip": claimed or seen}
        return post(city, "/api/v1/auth/sms-codes", {"phone": f"138{number:08d}"}, headers=says)

    await until_refused(lambda n: ask(n, "203.0.113.7", f"198.51.100.{n % 250}"), "otp_ip")
    assert (await ask(900, "203.0.113.8")).status_code == 202
    assert (await ask(901, "203.0.113.8", claimed="203.0.113.7")).status_code == 202
    assert_told_to_wait(await ask(902, "203.0.113.7"))
    assert_told_to_wait(await ask(903, "203.0.113.7", claimed="127.0.0.1"))
