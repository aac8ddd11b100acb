"""Mobile numbers: every spelling people use ends in the same eleven digits."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.residents.phones import PhoneError, parse_phone


@pytest.mark.parametrize(
    "text",
    [
        "13812345678",
        "138 1234 5678",
        "138-1234-5678",
        "+8613812345678",
        "+86 138 1234 5678",
        "008613812345678",
        "8613812345678",
        "１３８１２３４５６７８",
        "(+86)13812345678",
    ],
)
def test_every_spelling_of_a_number_is_the_same_number(text: str) -> None:
    assert parse_phone(text) == "13812345678"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "1381234567",
        "138123456789",
        "12812345678",
        "23812345678",
        "0536-1234567",
        "+1 202 555 0100",
        "1381234567a",
    ],
)
def test_what_is_not_a_mobile_number_is_refused(text: str) -> None:
    with pytest.raises(PhoneError) as caught:
        parse_phone(text)
    assert not text or text not in str(caught.value)


@given(st.from_regex(r"1[3-9][0-9]{9}", fullmatch=True), st.sampled_from(["", "86", "+86", "0086", "+86 "]))
def test_the_country_code_never_changes_the_number(number: str, prefix: str) -> None:
    assert parse_phone(prefix + number) == number


@given(st.text(max_size=20))
def test_any_text_is_either_eleven_digits_or_refused(text: str) -> None:
    try:
        number = parse_phone(text)
    except PhoneError:
        return
    assert number.isascii()
    assert number.isdigit()
    assert len(number) == 11
