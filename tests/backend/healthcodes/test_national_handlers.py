"""National card texts over HTTP, as the scanners that hospitals have already read them out."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from backend import clock
from backend.clock import CITY_ZONE
from backend.healthcodes.national import expiry_field, health_card_id
from tests.backend.healthcodes.conftest import turn_clock
from tests.factories.residents import make_resident

VERIFY = "/hospital/v1/health-codes/verify"


@pytest.fixture
async def known(api, resident):
    """A resident who has been recognised as the holder of a national card."""
    body = {"patient_id": resident.id}
    await api.call("POST", "/api/v1/health-codes/dynamic", as_=resident, json=body)
    return resident


def card_of(api, somebody) -> str:
    root = api.city.services.keyring.active("national_root").secret
    return health_card_id(root, "01", somebody.id_number, somebody.name)


def expiry(api, seconds: float, key: bytes | None = None) -> str:
    key = key or api.city.services.keyring.active("national_protection").secret
    return expiry_field(key, (clock.now() + timedelta(seconds=seconds)).astimezone(CITY_ZONE))


def dynamic(api, somebody, seconds: float = 120) -> str:
    return f"{card_of(api, somebody)}:0:{expiry(api, seconds)}"


async def scan(api, terminal, text: str, *, step: str = "10101", by: Any = None, expect: int = 200) -> Any:
    body: dict[str, Any] = {"code": text, "step": step}
    if by is not None:
        body["second_factor"] = {"id_last4": by.id_number[-4:]}
    return await api.call("POST", VERIFY, as_=terminal, json=body, expect=expect)


async def refusal(api, terminal, text: str, status: int, **more: Any) -> str:
    return str((await scan(api, terminal, text, expect=status, **more))["error"]["code"])


async def test_a_dynamic_text_serves_once(api, known, hospital):
    text = dynamic(api, known)
    answer = await scan(api, hospital.window, text, by=known)
    assert (answer["code_kind"], answer["patient"]["name"], answer["repeated"]) == (
        "national_dynamic",
        known.name,
        False,
    )
    uses = await api.call("GET", "/api/v1/health-codes/uses", as_=known)
    assert [use["id"] for use in uses["items"]] == [answer["use_id"]]


async def test_the_same_terminal_may_scan_a_dynamic_text_twice(api, known, hospital):
    text = dynamic(api, known)
    first = await scan(api, hospital.window, text, by=known)
    again = await scan(api, hospital.window, f"{text.lower()}\r\n", by=known)
    assert (again["repeated"], again["use_id"]) == (True, first["use_id"])


async def test_a_replayed_dynamic_text_is_refused_and_shown_to_the_person(api, known, hospital):
    text = dynamic(api, known)
    await scan(api, hospital.window, text, by=known)
    assert await refusal(api, hospital.other_window, text, 409, by=known) == "CODE_REPLAYED"
    assert await refusal(api, hospital.other_window, text.lower(), 409, by=known) == "CODE_REPLAYED"
    uses = await api.call("GET", "/api/v1/health-codes/uses", as_=known)
    assert [use["flagged"] for use in uses["items"]] == [True]


async def test_the_same_terminal_too_late_is_a_replay(api, known, hospital, monkeypatch):
    text = dynamic(api, known)
    await scan(api, hospital.window, text, by=known)
    turn_clock(monkeypatch, seconds=40)
    assert await refusal(api, hospital.window, text, 409, by=known) == "CODE_REPLAYED"


@pytest.mark.parametrize("seconds", [-1, -3600, -10 * 365 * 86_400])
async def test_an_expired_dynamic_text_is_refused(api, known, hospital, seconds):
    assert await refusal(api, hospital.window, dynamic(api, known, seconds), 410, by=known) == "CODE_EXPIRED"


async def test_a_dynamic_text_good_for_years_is_believed_by_nobody(api, known, hospital):
    endless = dynamic(api, known, 10 * 365 * 86_400)
    assert await refusal(api, hospital.window, endless, 400, by=known) == "CODE_FORGED"


async def test_an_expiry_that_is_not_ours_is_forged(api, known, hospital):
    card = card_of(api, known)
    for field in (expiry(api, 60, bytes(16)), "0" * 32, "F" * 32):
        assert await refusal(api, hospital.window, f"{card}:0:{field}", 400, by=known) == "CODE_FORGED"


async def test_a_card_put_before_the_expiry_of_another_code_proves_nothing(api, known, hospital):
    thief = await make_resident(api.city.services)
    fresh = dynamic(api, thief).split(":")[2]
    spliced = f"{card_of(api, known)}:0:{fresh}"
    for step in ("10101", "10103"):
        assert await refusal(api, hospital.window, spliced, 403, step=step) == "CODE_SECOND_FACTOR"
        assert await refusal(api, hospital.window, spliced, 403, step=step, by=thief) == "CODE_SECOND_FACTOR"


async def test_a_static_text_serves_low_risk_steps_with_a_second_factor(api, known, hospital):
    text = f"{card_of(api, known)}:1"
    assert await refusal(api, hospital.window, text, 403) == "CODE_SECOND_FACTOR"
    assert (
        await refusal(api, hospital.window, text, 403, step="10106", by=known) == "CODE_NOT_ALLOWED_FOR_STEP"
    )
    answer = await scan(api, hospital.window, f" {text.lower()}", by=known)
    assert (answer["code_kind"], answer["patient"]["name"]) == ("national_static", known.name)
    again = await scan(api, hospital.other_window, text, by=known)
    assert (again["repeated"], again["use_id"] != answer["use_id"]) == (False, True)


async def test_full_width_characters_of_an_input_method_are_undone(api, known, hospital):
    wide = f"{card_of(api, known)}：1".translate({ord(c): ord(c) + 0xFEE0 for c in "0123456789ABCDEF"})
    assert (await scan(api, hospital.window, wide, by=known))["code_kind"] == "national_static"


async def test_a_card_of_another_city_is_not_ours(api, known, hospital):
    for text in (f"{'AB' * 32}:1", f"{'AB' * 32}:0:{expiry(api, 60)}"):
        assert await refusal(api, hospital.window, text, 400, by=known) == "CODE_WRONG_CITY"


async def test_a_text_of_no_known_form_is_unreadable(api, known, hospital):
    card = card_of(api, known)
    for text in (
        card,
        f"{card}:",
        f"{card}:1:{expiry(api, 60)}",
        f"{card}:0",
        f"{card}:2",
        f"{card}:0:{expiry(api, 60)}0",
        f"{card[:-1]}G:1",
        f"{card}:1:extra",
        f"{card}:１２３",
    ):
        assert await refusal(api, hospital.window, text, 400, by=known) == "CODE_UNREADABLE", text


async def test_the_holder_of_a_deleted_account_is_recognised_no_more(api, known, hospital):
    text = f"{card_of(api, known)}:1"
    await api.call("DELETE", "/api/v1/me", as_=known, expect=204)
    await api.city.services.outbox.drain()
    assert await refusal(api, hospital.window, text, 400, by=known) == "CODE_WRONG_CITY"
