"""Sealed fields and blind indexes."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.security.fields import BlindIndex, FieldCipher, SealedFieldError
from backend.security.keys import Keyring

RING = Keyring.generate()
ALGORITHMS = ("AES-256-GCM", "SM4-GCM")


@pytest.mark.parametrize("algorithm", ALGORITHMS)
@given(text=st.text(max_size=200))
def test_what_is_sealed_opens_to_the_same_text(algorithm, text):
    cipher = FieldCipher(RING, algorithm)
    assert cipher.open("residents", "name", "01", cipher.seal("residents", "name", "01", text)) == text


@pytest.mark.parametrize("algorithm", ALGORITHMS)
@pytest.mark.parametrize(
    "place", [("others", "name", "01"), ("residents", "phone", "01"), ("residents", "name", "02")]
)
def test_a_sealed_field_does_not_open_in_another_place(algorithm, place):
    cipher = FieldCipher(RING, algorithm)
    sealed = cipher.seal("residents", "name", "01", "张三")
    with pytest.raises(SealedFieldError) as refused:
        cipher.open(place[0], place[1], place[2], sealed)
    assert "张三" not in str(refused.value)


@given(where=st.integers(min_value=0), what=st.integers(1, 255))
def test_an_altered_field_does_not_open(where, what):
    cipher = FieldCipher(RING)
    sealed = cipher.seal("residents", "name", "01", "张三")
    altered = bytearray(sealed["ct"])
    altered[where % len(altered)] ^= what
    with pytest.raises(SealedFieldError):
        cipher.open("residents", "name", "01", sealed | {"ct": bytes(altered)})


@pytest.mark.parametrize(
    "damage", [{"kid": "field-99"}, {"alg": "SM4-GCM"}, {"alg": "none"}, {"n": b""}, {"ct": b""}]
)
def test_a_damaged_field_is_refused_with_our_error(damage):
    cipher = FieldCipher(RING)
    with pytest.raises(SealedFieldError):
        cipher.open("a", "b", "c", cipher.seal("a", "b", "c", "text") | damage)


def test_equal_texts_are_sealed_differently():
    cipher = FieldCipher(RING)
    assert cipher.seal("a", "b", "c", "x")["ct"] != cipher.seal("a", "b", "c", "x")["ct"]


def test_after_a_rotation_old_fields_open_and_new_ones_take_the_new_key():
    ring = Keyring.generate()
    cipher = FieldCipher(ring)
    old = cipher.seal("a", "b", "c", "text")
    ring.rotate("field")
    new = cipher.seal("a", "b", "c", "text")
    assert cipher.open("a", "b", "c", old) == "text"
    assert (old["kid"], new["kid"]) == ("field-1", "field-2")
    assert (cipher.is_current(old), cipher.is_current(new)) == (False, True)


def test_changing_the_algorithm_leaves_old_fields_readable():
    old = FieldCipher(RING).seal("a", "b", "c", "text")
    assert FieldCipher(RING, "SM4-GCM").open("a", "b", "c", old) == "text"


@pytest.mark.parametrize(
    ("kind", "one", "same"),
    [
        ("phone", "13812345678", "+86 138-1234-5678"),
        ("phone", "13812345678", "8613812345678"),
        ("phone", "13812345678", "１３８１２３４５６７８"),
        ("id_number", "11010020171225006X", " 11010020171225006x "),
        ("name", "阿依古丽·买买提", "阿依古丽•买买提"),
        ("name", "张三", "张 三"),
        ("card_id", "ab" * 32, "AB" * 32),
    ],
)
def test_spellings_of_one_value_share_an_index(kind, one, same):
    blind = BlindIndex(RING)
    assert blind.of(kind, one) == blind.of(kind, same)


def test_an_index_is_16_bytes_keyed_by_ring_and_kind():
    blind = BlindIndex(RING)
    assert len(bytes.fromhex(blind.of("phone", "13812345678"))) == 16
    assert blind.of("phone", "13812345678") != blind.of("name", "13812345678")
    assert blind.of("phone", "13812345678") != BlindIndex(Keyring.generate()).of("phone", "13812345678")


def test_openids_keep_their_case():
    blind = BlindIndex(RING)
    assert blind.of("openid", "oAbc") != blind.of("openid", "oABC")


def test_during_a_rotation_both_indexes_are_candidates():
    ring = Keyring.generate()
    blind = BlindIndex(ring)
    old = blind.of("phone", "13812345678")
    ring.rotate("blind")
    assert blind.candidates("phone", "13812345678") == [blind.of("phone", "13812345678"), old]
