"""National codes: departments in every spelling, and the credit code's checksum."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.directory.codes import (
    department_codes,
    find_department_code,
    is_credit_code,
    make_credit_code,
    organization_code_check,
)

ALPHABET = "0123456789ABCDEFGHJKLMNPQRTUWXY"


@pytest.mark.parametrize("spelling", ["0304", "304", "03.04", "A03.04", "3.4", " 0304 "])
def test_every_spelling_of_a_department_code_names_the_same_subject(spelling):
    found = find_department_code(spelling)
    assert found is not None
    assert (found.code, found.name) == ("0304", "心血管内科")


@pytest.mark.parametrize(
    ("spelling", "code"), [("03", "0300"), ("300", "0300"), ("3200", "3200"), ("7", "0700")]
)
def test_a_main_subject_may_be_short(spelling, code):
    found = find_department_code(spelling)
    assert found is not None
    assert found.code == code


def test_a_subdivision_that_only_the_province_knows_stands_under_its_main_subject():
    found = find_department_code("0399")
    assert found is not None
    assert (found.code, found.name) == ("0399", "内科")


@pytest.mark.parametrize("text", ["", "99", "9900", "abc", "03.04.05", "12345", "０３", "-304"])
def test_what_is_no_department_code_is_not_found(text):
    assert find_department_code(text) is None


def test_the_national_list_has_its_known_entries():
    codes = department_codes()
    assert {codes[code].name for code in ("0300", "0700", "1200", "3200", "5013")} == {
        "内科", "儿科", "口腔科", "医学影像科", "针灸科",
    }  # fmt: skip
    assert all(len(code) == 4 and code.isdigit() for code in codes)


def test_the_published_credit_code_is_valid():
    assert is_credit_code("91350100M000100Y43")


@pytest.mark.parametrize(
    "text", ["91350100M000100Y44", "91350100M000100Y4", "", "91350100I000100Y43", "91350100m000100y43"]
)
def test_a_wrong_credit_code_is_refused(text):
    assert not is_credit_code(text)


@given(st.text(ALPHABET, min_size=8, max_size=8), st.integers(0, 16), st.integers(1, 30))
def test_a_made_credit_code_is_valid_and_one_wrong_character_is_noticed(serial, place, by):
    code = make_credit_code("12", "370799", serial)
    assert is_credit_code(code)
    wrong = ALPHABET[(ALPHABET.index(code[place]) + by) % 31]
    assert not is_credit_code(code[:place] + wrong + code[place + 1 :])


def test_the_organization_code_has_its_three_kinds_of_check():
    assert {organization_code_check(f"{n:08d}") for n in range(300)} == set("0123456789X")
