"""The texts of codes: what is made can be read, what was altered cannot, and nothing gives a person away."""

from datetime import timedelta

import base45
import pytest
import segno
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from ulid import ULID

from backend import clock
from backend.errors import AppError, ErrorCode
from backend.healthcodes.code_keys import CodeKeys
from backend.healthcodes.codes import (
    HealthCodes,
    ReadDynamic,
    ReadPhone,
    ReadStatic,
    make_phone_code,
    make_static_code,
)
from backend.healthcodes.national import NationalCode
from backend.healthcodes.offline import base45_decode, base45_encode
from backend.ids import new_id
from backend.security.keys import Keyring, Use

CITY = "370700"
ALGORITHMS: dict[str, dict[Use, str]] = {
    "Ed25519": {"code": "Ed25519", "code_group": "AES-256"},
    "SM2": {"code": "SM2", "code_group": "SM4"},
}
RINGS = {name: Keyring.generate(algorithms=algorithms) for name, algorithms in ALGORITHMS.items()}
CODES = {name: HealthCodes(CodeKeys(ring), CITY) for name, ring in RINGS.items()}
PATIENT = new_id()
AT = clock.now()
HEADER_BYTES = 11


def refusal(codes, text, at=AT):
    with pytest.raises(AppError) as refused:
        codes.read(text, at)
    return refused.value.code


@pytest.mark.parametrize("alg", CODES)
def test_a_dynamic_code_reads_back_to_its_patient(alg):
    code = CODES[alg].make_dynamic(PATIENT, AT)
    read = CODES[alg].read(code.text, AT)
    assert isinstance(read, ReadDynamic)
    assert read.patient_id == PATIENT
    assert code.expires_at - code.issued_at == timedelta(seconds=60)


@pytest.mark.parametrize("alg", CODES)
def test_a_dynamic_code_fits_qr_version_6_in_alphanumeric_mode(alg):
    qr = segno.make_qr(CODES[alg].make_dynamic(PATIENT, AT).text, error="m")
    assert int(qr.version) <= 6
    assert qr.mode == "alphanumeric"


def test_phone_and_printed_codes_fit_even_smaller_ones():
    phone = segno.make_qr(make_phone_code("00" * 8, bytes(32), AT), error="m")
    printed = segno.make_qr(make_static_code()[0], error="m")
    assert int(phone.version) <= 3
    assert int(printed.version) <= 2


@pytest.mark.parametrize(
    ("after_s", "good"), [(-31, False), (-29, True), (0, True), (58, True), (61, False), (3600, False)]
)
def test_a_dynamic_code_is_good_for_a_minute(after_s, good):
    code = CODES["Ed25519"].make_dynamic(PATIENT, AT)
    at = code.issued_at + timedelta(seconds=after_s)
    if good:
        assert isinstance(CODES["Ed25519"].read(code.text, at), ReadDynamic)
    else:
        assert refusal(CODES["Ed25519"], code.text, at) is ErrorCode.CODE_EXPIRED


@pytest.mark.parametrize("alg", CODES)
@settings(max_examples=200, deadline=None)
@given(bit=st.integers(0, 99 * 8 - 1))
def test_any_flipped_bit_of_a_code_is_refused(alg, bit):
    code = CODES[alg].make_dynamic(PATIENT, AT)
    raw = bytearray(base45_decode(code.text[3:]))
    raw[bit // 8] ^= 1 << bit % 8
    assert refusal(CODES[alg], "E1:" + base45_encode(bytes(raw))) in {
        ErrorCode.CODE_FORGED,
        ErrorCode.CODE_UNREADABLE,
        ErrorCode.CODE_WRONG_CITY,
    }


@settings(max_examples=300, deadline=None)
@given(position=st.integers(0, 151), bit=st.integers(0, 6))
def test_any_flipped_bit_of_the_text_is_refused(position, bit):
    text = CODES["Ed25519"].make_dynamic(PATIENT, AT).text
    changed = text[:position] + chr(ord(text[position]) ^ 1 << bit) + text[position + 1 :]
    assert refusal(CODES["Ed25519"], changed).startswith("CODE_")


@settings(max_examples=100, deadline=None)
@given(bit=st.integers(0, 24 * 8 - 1))
def test_any_flipped_bit_of_a_phones_code_is_refused(bit):
    secret, pseudo_id = b"s" * 32, "0102030405060708"
    raw = bytearray(base45_decode(make_phone_code(pseudo_id, secret, AT)[3:]))
    raw[bit // 8] ^= 1 << bit % 8
    try:
        read = CODES["Ed25519"].read("E2:" + base45_encode(bytes(raw)), AT)
    except AppError as error:
        assert error.code is ErrorCode.CODE_EXPIRED  # noqa: PT017 either outcome is right
    else:
        assert isinstance(read, ReadPhone)
        assert read.pseudo_id != pseudo_id or not read.made_with(secret)


@settings(max_examples=100, deadline=None)
@given(patient=st.integers(0, 2**128 - 1).map(lambda number: str(ULID.from_int(number))))
def test_two_codes_of_one_patient_have_nothing_in_common_beyond_the_header(patient):
    texts = [CODES["Ed25519"].make_dynamic(patient, AT).text for _ in range(2)]
    one, other = (base45_decode(text[3:])[HEADER_BYTES:] for text in texts)
    parts = {one[start : start + 4] for start in range(len(one) - 3)}
    assert not any(other[start : start + 4] in parts for start in range(len(other) - 3))


def test_the_patient_is_nowhere_in_the_code():
    raw = base45_decode(CODES["Ed25519"].make_dynamic(PATIENT, AT).text[3:])
    assert PATIENT.encode() not in raw
    assert ULID.from_str(PATIENT).bytes not in raw


@settings(max_examples=500, suppress_health_check=[HealthCheck.too_slow])
@given(st.text(max_size=320) | st.builds(lambda p, t: p + t, st.sampled_from(["E1:", "E2:", "S:"]), st.text(
    alphabet="0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:", max_size=160)))  # fmt: skip
def test_random_text_never_crashes_the_parser(text):
    try:
        read = CODES["Ed25519"].read(text, AT)
    except AppError as error:
        assert error.code.startswith("CODE_")  # noqa: PT017 either outcome is right
    else:
        # Any 16 bytes are a printed code that may exist; everything else has to be proved.
        assert isinstance(read, ReadStatic)


def test_a_code_of_another_city_is_told_apart_from_a_forgery():
    ring = RINGS["Ed25519"]
    assert refusal(
        CODES["Ed25519"], HealthCodes(CodeKeys(ring), "370800").make_dynamic(PATIENT, AT).text
    ) is (ErrorCode.CODE_WRONG_CITY)
    forger = HealthCodes(CodeKeys(Keyring.generate()), CITY)
    assert refusal(CODES["Ed25519"], forger.make_dynamic(PATIENT, AT).text) is ErrorCode.CODE_FORGED


def test_the_scanners_mistakes_are_forgiven():
    text = CODES["Ed25519"].make_dynamic(PATIENT, AT).text
    full_width = "".join(chr(ord(c) + 0xFEE0) if c.isalnum() or c == ":" else c for c in text)
    for scanned in (text + "\r\n", "\t" + text, full_width):
        assert isinstance(CODES["Ed25519"].read(scanned, AT), ReadDynamic)


def test_codes_survive_a_rotation_and_fall_with_a_dropped_key():
    ring = Keyring.generate()
    codes = HealthCodes(CodeKeys(ring), CITY)
    text = codes.make_dynamic(PATIENT, clock.now()).text
    ring.rotate("code", alg="SM2")
    assert isinstance(codes.read(text, clock.now()), ReadDynamic)
    newer = codes.make_dynamic(PATIENT, clock.now()).text
    assert isinstance(codes.read(newer, clock.now()), ReadDynamic)
    ring.drop("code", "code-1")
    assert refusal(codes, text, clock.now()) is ErrorCode.CODE_FORGED


def test_a_retired_key_cannot_sign_codes_of_today(monkeypatch):
    ring = Keyring.generate()
    stolen = HealthCodes(CodeKeys(Keyring(ring.all("code") + ring.all("code_group"))), CITY)
    ring.rotate("code")
    later = clock.now() + timedelta(minutes=5)
    monkeypatch.setattr(clock, "now", lambda: later)
    assert refusal(HealthCodes(CodeKeys(ring), CITY), stolen.make_dynamic(PATIENT, later).text, later) is (
        ErrorCode.CODE_FORGED
    )


@pytest.mark.parametrize(("steps", "good"), [(-2, False), (-1, True), (0, True), (1, True), (2, False)])
def test_a_phones_clock_may_be_one_step_off(steps, good):
    text = make_phone_code("0102030405060708", b"s" * 32, AT + timedelta(seconds=30 * steps))
    if good:
        read = CODES["Ed25519"].read(text, AT)
        assert isinstance(read, ReadPhone)
        assert read.made_with(b"s" * 32)
        assert not read.made_with(b"t" * 32)
    else:
        assert refusal(CODES["Ed25519"], text) is ErrorCode.CODE_EXPIRED


def test_a_printed_code_reads_back_to_its_hash():
    text, code_hash = make_static_code()
    read = CODES["Ed25519"].read(text, AT)
    assert isinstance(read, ReadStatic)
    assert read.code_hash == code_hash


def test_a_national_text_is_recognised():
    assert isinstance(CODES["Ed25519"].read("ab" * 32 + ":1", AT), NationalCode)


@given(st.binary(max_size=120))
def test_base45_is_the_standard_one(data):
    text = base45_encode(data)
    assert text.encode() == base45.b45encode(data)
    assert base45_decode(text) == data


@given(st.text(alphabet="0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:", max_size=40))
def test_every_value_has_one_base45_text(text):
    try:
        data = base45_decode(text)
    except ValueError:
        return
    assert base45_encode(data) == text
