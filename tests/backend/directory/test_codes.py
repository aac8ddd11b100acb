"""National codes: departments in every spelling."""

import pytest

from backend.directory.codes import (
    department_codes,
    find_department_code,
)


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
