"""Codes at the terminal: accepted once, told what the step needs, refused with a reason."""

import asyncio
from datetime import timedelta

import pytest

from backend import clock
from backend.clock import CITY_ZONE
from backend.errors import ErrorCode
from backend.healthcodes.codes import make_phone_code
from backend.healthcodes.models import CodeKind, SecondFactor
from backend.healthcodes.national import expiry_field, health_card_id
from backend.healthcodes.steps import STEPS, Tell
from tests.backend.healthcodes.conftest import refused, turn_clock
from tests.factories.residents import make_child


@pytest.fixture
def codes(city):
    return city.services.healthcodes


@pytest.fixture
def verify(codes):
    return codes.verification.verify


async def test_a_code_tells_the_registration_window_who_it_is(codes, verify, hospital, resident):
    code = await codes.make_dynamic(resident.actor, resident.id)
    verified = await verify(hospital.window, code.text, "10101")
    told = verified.told
    assert (told.patient_id, told.name, told.id_type) == (resident.id, resident.name, "01")
    assert told.id_number == resident.id_number
    assert told.phone is not None
    assert (verified.use.kind, verified.repeated) == (CodeKind.DYNAMIC, False)


@pytest.mark.parametrize("step", STEPS)
async def test_a_step_is_told_what_its_table_says_and_nothing_else(codes, verify, hospital, resident, step):
    code = await codes.make_dynamic(resident.actor, resident.id)
    told = (await verify(hospital.client, code.text, step)).told
    tells = STEPS[step].tells
    assert (told.name == resident.name) is (Tell.NAME in tells)
    assert (told.id_number == resident.id_number) is (Tell.ID_NUMBER in tells)
    assert (told.phone is not None) is (Tell.PHONE in tells)
    assert (told.birth_on is not None) is (Tell.BIRTH_ON in tells)
    assert (told.sex is not None) is (Tell.SEX in tells)


async def test_the_same_terminal_may_scan_twice_within_half_a_minute(
    codes, verify, hospital, resident, monkeypatch
):
    code = await codes.make_dynamic(resident.actor, resident.id)
    first = await verify(hospital.window, code.text, "10101")
    turn_clock(monkeypatch, seconds=20)
    again = await verify(hospital.window, code.text, "10101")
    assert again.repeated
    assert again.use == first.use
    turn_clock(monkeypatch, seconds=15)
    assert await refused(verify(hospital.window, code.text, "10101")) is ErrorCode.CODE_REPLAYED
    seen, _ = await codes.list_uses(resident.actor, 10, None)
    assert [one.use.flagged for one in seen] == [False]


async def test_another_terminal_is_refused_and_the_use_flagged(
    codes, verify, hospital, other_hospital, resident
):
    code = await codes.make_dynamic(resident.actor, resident.id)
    await verify(hospital.window, code.text, "10101")
    for terminal in (hospital.other_window, other_hospital.window):
        assert await refused(verify(terminal, code.text, "10101")) is ErrorCode.CODE_REPLAYED
    seen, _ = await codes.list_uses(resident.actor, 10, None)
    assert [(one.use.terminal_id, one.use.flagged) for one in seen] == [(hospital.window.id, True)]


async def test_of_many_terminals_at_once_one_wins(codes, verify, hospital, resident):
    code = await codes.make_dynamic(resident.actor, resident.id)
    terminals = [hospital.window, hospital.other_window, hospital.kiosk, hospital.client]
    answers = await asyncio.gather(
        *(verify(terminal, code.text, "10101") for terminal in terminals for _ in range(3)),
        return_exceptions=True,
    )
    won = {answer.use.terminal_id for answer in answers if not isinstance(answer, BaseException)}
    assert len(won) == 1
    assert sum(not isinstance(answer, BaseException) for answer in answers) == 3


async def test_another_step_needs_another_code(codes, verify, hospital, resident):
    code = await codes.make_dynamic(resident.actor, resident.id)
    await verify(hospital.window, code.text, "10101")
    assert await refused(verify(hospital.window, code.text, "10105")) is ErrorCode.CODE_REPLAYED


async def test_an_expired_code_is_refused(codes, verify, hospital, resident, monkeypatch):
    code = await codes.make_dynamic(resident.actor, resident.id)
    turn_clock(monkeypatch, seconds=61)
    assert await refused(verify(hospital.window, code.text, "10101")) is ErrorCode.CODE_EXPIRED


async def test_a_terminal_asks_only_for_its_own_steps(codes, verify, hospital, resident):
    code = await codes.make_dynamic(resident.actor, resident.id)
    assert await refused(verify(hospital.pharmacy, code.text, "10101")) is ErrorCode.FORBIDDEN
    assert await refused(verify(hospital.kiosk, code.text, "10107")) is ErrorCode.FORBIDDEN
    assert await refused(verify(hospital.window, code.text, "99999")) is ErrorCode.BAD_REQUEST
    assert (await verify(hospital.pharmacy, code.text, "10103")).told.name == resident.name


async def test_a_terminal_that_was_taken_away_asks_in_vain(city, codes, verify, hospital, resident):
    await city.services.clients.deactivate(hospital.window.id)
    code = await codes.make_dynamic(resident.actor, resident.id)
    assert await refused(verify(hospital.window, code.text, "10101")) is ErrorCode.FORBIDDEN


async def test_a_deleted_persons_code_is_revoked(city, codes, verify, hospital, resident):
    code = await codes.make_dynamic(resident.actor, resident.id)
    await city.services.residents.delete_account(resident.actor)
    assert await refused(verify(hospital.window, code.text, "10101")) is ErrorCode.CODE_REVOKED


async def test_a_childs_code_is_shown_by_the_guardian(city, codes, verify, hospital, resident):
    child = await make_child(city.services, resident)
    code = await codes.make_dynamic(resident.actor, child)
    assert (await verify(hospital.window, code.text, "10101")).told.patient_id == child
    seen, _ = await codes.list_uses(resident.actor, 10, None)
    assert [one.use.patient_id for one in seen] == [child]


# -- phones -----------------------------------------------------------------------------------------------


async def test_a_phone_without_network_makes_its_own_code(codes, verify, hospital, resident, monkeypatch):
    device = await codes.get_phone_device(resident.actor, resident.id)
    text = make_phone_code(device.pseudo_id, device.secret, clock.now())
    verified = await verify(hospital.window, text, "10101")
    assert (verified.told.patient_id, verified.use.kind) == (resident.id, CodeKind.PHONE)
    assert await refused(verify(hospital.other_window, text, "10101")) is ErrorCode.CODE_REPLAYED
    turn_clock(monkeypatch, seconds=30)
    await verify(hospital.window, make_phone_code(device.pseudo_id, device.secret, clock.now()), "10101")


async def test_a_phones_code_with_a_wrong_secret_is_forged(codes, verify, hospital, resident):
    device = await codes.get_phone_device(resident.actor, resident.id)
    forged = make_phone_code(device.pseudo_id, bytes(32), clock.now())
    unknown = make_phone_code("00" * 8, device.secret, clock.now())
    assert await refused(verify(hospital.window, forged, "10101")) is ErrorCode.CODE_FORGED
    assert await refused(verify(hospital.window, unknown, "10101")) is ErrorCode.CODE_FORGED


async def test_signing_out_revokes_the_phone(city, codes, verify, hospital, resident):
    device = await codes.get_phone_device(resident.actor, resident.id)
    await city.services.sessions.end(resident.actor.session_id)
    text = make_phone_code(device.pseudo_id, device.secret, clock.now())
    assert await refused(verify(hospital.window, text, "10101")) is ErrorCode.CODE_REVOKED


async def test_a_lost_phone_is_revoked_from_another(codes, verify, hospital, resident):
    device = await codes.get_phone_device(resident.actor, resident.id)
    await codes.revoke_phone_devices(resident.actor, resident.id)
    text = make_phone_code(device.pseudo_id, device.secret, clock.now())
    assert await refused(verify(hospital.window, text, "10101")) is ErrorCode.CODE_REVOKED


async def test_the_pseudo_id_changes_daily_and_holds_over_a_night(
    codes, verify, hospital, resident, monkeypatch
):
    first = await codes.get_phone_device(resident.actor, resident.id)
    assert await codes.get_phone_device(resident.actor, resident.id) == first
    turn_clock(monkeypatch, days=1)
    assert (await codes.get_phone_device(resident.actor, resident.id)).pseudo_id != first.pseudo_id
    await verify(hospital.window, make_phone_code(first.pseudo_id, first.secret, clock.now()), "10101")
    turn_clock(monkeypatch, days=1)
    text = make_phone_code(first.pseudo_id, first.secret, clock.now())
    assert await refused(verify(hospital.window, text, "10101")) is ErrorCode.CODE_EXPIRED


# -- printed codes ----------------------------------------------------------------------------------------


async def test_a_printed_code_needs_a_low_risk_step_and_a_second_factor(codes, verify, hospital, resident):
    text = (await codes.make_static(resident.actor, resident.id)).text
    right = SecondFactor(id_last4=resident.id_number[-4:].lower())
    wrong = SecondFactor(id_last4="0000")
    assert await refused(verify(hospital.window, text, "10106", right)) is ErrorCode.CODE_NOT_ALLOWED_FOR_STEP
    assert await refused(verify(hospital.window, text, "10101")) is ErrorCode.CODE_SECOND_FACTOR
    assert (
        await refused(verify(hospital.window, text, "10101", SecondFactor())) is ErrorCode.CODE_SECOND_FACTOR
    )
    assert await refused(verify(hospital.window, text, "10101", wrong)) is ErrorCode.CODE_SECOND_FACTOR
    verified = await verify(hospital.window, text, "10101", right)
    assert (verified.use.kind, verified.told.name) == (CodeKind.STATIC, resident.name)


async def test_the_birth_year_will_do_and_every_given_factor_must_be_right(codes, verify, hospital, resident):
    text = (await codes.make_static(resident.actor, resident.id)).text
    year = int(resident.id_number[6:10])
    mixed = SecondFactor(id_last4="0000", birth_year=year)
    assert await refused(verify(hospital.window, text, "10101", mixed)) is ErrorCode.CODE_SECOND_FACTOR
    assert (
        await verify(hospital.window, text, "10101", SecondFactor(birth_year=year))
    ).told.name == resident.name


async def test_factors_cannot_be_tried_out(codes, verify, hospital, resident):
    text = (await codes.make_static(resident.actor, resident.id)).text
    tries = [
        await refused(verify(hospital.window, text, "10101", SecondFactor(f"{n:04d}"))) for n in range(6)
    ]
    assert tries == [ErrorCode.CODE_SECOND_FACTOR] * 5 + [ErrorCode.RATE_LIMITED]


async def test_a_printed_code_works_again_and_again_until_it_is_revoked(
    codes, verify, hospital, resident, monkeypatch
):
    printed = await codes.make_static(resident.actor, resident.id)
    factor = SecondFactor(id_last4=resident.id_number[-4:])
    await verify(hospital.window, printed.text, "10101", factor)
    await verify(hospital.other_window, printed.text, "10101", factor)
    turn_clock(monkeypatch, minutes=5)
    assert not (await verify(hospital.window, printed.text, "10101", factor)).repeated
    seen, _ = await codes.list_uses(resident.actor, 10, None)
    assert len(seen) == 3
    await codes.revoke_static(resident.actor, printed.id)
    assert await refused(verify(hospital.window, printed.text, "10101", factor)) is ErrorCode.CODE_REVOKED


# -- national codes ---------------------------------------------------------------------------------------


def national(city, resident, *, good_for_s=None, key=None):
    ring = city.services.keyring
    card_id = health_card_id(ring.active("national_root").secret, "01", resident.id_number, resident.name)
    if good_for_s is None:
        return f"{card_id.lower()}:1"
    until = (clock.now() + timedelta(seconds=good_for_s)).astimezone(CITY_ZONE)
    return f"{card_id}:0:{expiry_field(key or ring.active('national_protection').secret, until)}"


async def test_a_national_dynamic_code_is_accepted_once(city, codes, verify, hospital, resident):
    await codes.make_dynamic(resident.actor, resident.id)
    text = national(city, resident, good_for_s=120)
    factor = SecondFactor(id_last4=resident.id_number[-4:])
    verified = await verify(hospital.window, text, "10103", factor)
    assert (verified.use.kind, verified.told.patient_id) == (CodeKind.NATIONAL_DYNAMIC, resident.id)
    again = verify(hospital.other_window, text.lower(), "10103", factor)
    assert await refused(again) is ErrorCode.CODE_REPLAYED


async def test_a_national_code_that_is_over_or_forged_is_refused(city, codes, verify, hospital, resident):
    await codes.make_dynamic(resident.actor, resident.id)
    over = national(city, resident, good_for_s=-5)
    forged = national(city, resident, good_for_s=60, key=bytes(16))
    endless = national(city, resident, good_for_s=10 * 365 * 86_400)
    assert await refused(verify(hospital.window, over, "10101")) is ErrorCode.CODE_EXPIRED
    assert await refused(verify(hospital.window, forged, "10101")) is ErrorCode.CODE_FORGED
    assert await refused(verify(hospital.window, endless, "10101")) is ErrorCode.CODE_FORGED


async def test_a_national_static_code_is_treated_like_a_printed_one(city, codes, verify, hospital, resident):
    await codes.make_dynamic(resident.actor, resident.id)
    text, factor = national(city, resident), SecondFactor(id_last4=resident.id_number[-4:])
    assert await refused(verify(hospital.window, text, "10101")) is ErrorCode.CODE_SECOND_FACTOR
    assert (
        await refused(verify(hospital.window, text, "10106", factor)) is ErrorCode.CODE_NOT_ALLOWED_FOR_STEP
    )
    assert (await verify(hospital.window, text, "10101", factor)).use.kind is CodeKind.NATIONAL_STATIC


async def test_a_national_card_we_do_not_know_is_another_citys(verify, hospital):
    factor = SecondFactor(id_last4="1234")
    assert (
        await refused(verify(hospital.window, f"{'AB' * 32}:1", "10101", factor)) is ErrorCode.CODE_WRONG_CITY
    )
