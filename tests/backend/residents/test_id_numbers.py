"""ID numbers: the published vectors, every kind of mistake, and properties over generated numbers."""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.residents.id_numbers import (
    PROVINCES,
    IDNumberError,
    IDNumberProblem,
    Sex,
    age_on,
    check_digit,
    from_legacy,
    normalise_id_number,
    parse_id_number,
)

TODAY = date(2026, 6, 1)
BORN = st.dates(date(1900, 1, 1), TODAY)
REGIONS = st.builds(
    lambda province, county: f"{province}{county:04d}",
    st.sampled_from(sorted(PROVINCES)),
    st.integers(1, 9999),
)
NUMBERS = st.builds(
    lambda region, born, serial: (first := f"{region}{born:%Y%m%d}{serial:03d}") + check_digit(first),
    REGIONS,
    BORN,
    st.integers(0, 999),
)


def problem_of(text: str) -> IDNumberProblem:
    with pytest.raises(IDNumberError) as caught:
        parse_id_number(text, today=TODAY)
    return caught.value.problem


@pytest.mark.parametrize(
    ("text", "sex", "born"),
    [
        ("11010519491231002X", Sex.FEMALE, date(1949, 12, 31)),
        ("440524188001010014", Sex.MALE, date(1880, 1, 1)),
        ("11010519491231002x", Sex.FEMALE, date(1949, 12, 31)),
        ("１１０１０５１９４９１２３１００２Ｘ", Sex.FEMALE, date(1949, 12, 31)),
        (" 110105 19491231 002x ", Sex.FEMALE, date(1949, 12, 31)),
    ],
)
def test_published_numbers_are_read_in_every_spelling(text: str, sex: Sex, born: date) -> None:
    number = parse_id_number(text, today=TODAY)
    assert (number.sex, number.birth_on) == (sex, born)
    assert len(number.text) == 18
    assert number.region == number.text[:6]


def test_a_15_digit_number_becomes_the_18_character_one_of_the_same_person() -> None:
    assert from_legacy("110105491231002") == "11010519491231002X"
    assert parse_id_number("110105491231002", today=TODAY).text == "11010519491231002X"


def test_a_foreigners_permanent_residence_card_is_an_id_number_too() -> None:
    first = "911" + "840" + "19850312" + "101"
    assert parse_id_number(first + check_digit(first), today=TODAY).birth_on == date(1985, 3, 12)


def with_check(first: str) -> str:
    return first + check_digit(first)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", IDNumberProblem.LENGTH),
        ("1101051949123100", IDNumberProblem.LENGTH),
        ("11010519491231002X0", IDNumberProblem.LENGTH),
        ("1101O519491231002X", IDNumberProblem.CHARACTERS),
        ("110105194912310X2X", IDNumberProblem.CHARACTERS),
        ("١١٠١٠٥١٩٤٩١٢٣١٠٠٢X", IDNumberProblem.CHARACTERS),
        ("11010549123100X", IDNumberProblem.CHARACTERS),
        (with_check("16010519491231002"), IDNumberProblem.REGION),
        (with_check("99010519491231002"), IDNumberProblem.REGION),
        (with_check("11000019491231002"), IDNumberProblem.REGION),
        (with_check("11010519490230002"), IDNumberProblem.BIRTH_DATE),
        (with_check("11010519491331002"), IDNumberProblem.BIRTH_DATE),
        (with_check("11010520260602002"), IDNumberProblem.BIRTH_DATE),
        (with_check("11010518751231002"), IDNumberProblem.BIRTH_DATE),
        (with_check("11010500001231002"), IDNumberProblem.BIRTH_DATE),
        ("110105194912310021", IDNumberProblem.CHECK_DIGIT),
    ],
)
def test_each_mistake_has_its_own_reason_and_text(text: str, problem: IDNumberProblem) -> None:
    assert problem_of(text) is problem
    assert problem.text


def test_neither_an_error_nor_a_repr_carries_the_number() -> None:
    with pytest.raises(IDNumberError) as caught:
        parse_id_number("110105194912310021", today=TODAY)
    assert "1949" not in str(caught.value)
    number = parse_id_number("11010519491231002X", today=TODAY)
    assert "1949" not in repr(number) + str(number) + f"{number}"


@given(NUMBERS)
def test_every_well_formed_number_is_read_and_reading_it_again_changes_nothing(text: str) -> None:
    number = parse_id_number(text.lower(), today=TODAY)
    assert number.text == text == parse_id_number(number.text, today=TODAY).text
    assert f"{number.birth_on:%Y%m%d}" == text[6:14]


@given(NUMBERS, st.integers(0, 17), st.sampled_from("0123456789X"))
def test_one_wrong_character_is_always_noticed(text: str, place: int, other: str) -> None:
    wrong = text[:place] + other + text[place + 1 :]
    if wrong != text:
        problem_of(wrong)


@given(NUMBERS, st.integers(0, 15))
def test_two_neighbours_swapped_are_always_noticed(text: str, place: int) -> None:
    wrong = text[:place] + text[place + 1] + text[place] + text[place + 2 :]
    if wrong != text:
        problem_of(wrong)


@given(st.text(max_size=24))
def test_any_text_is_either_read_or_refused(text: str) -> None:
    try:
        number = parse_id_number(text, today=TODAY)
    except IDNumberError:
        return
    assert len(number.text) == 18


@given(NUMBERS.filter(lambda text: text[6:8] == "19"))
def test_a_legacy_number_says_the_same_as_the_long_one(text: str) -> None:
    legacy = text[:6] + text[8:17]
    assert parse_id_number(legacy, today=TODAY).text == text


@given(BORN, st.integers(0, 40_000))
def test_age_grows_by_one_on_each_birthday_only(born: date, days: int) -> None:
    on = born + timedelta(days=days)
    grown = age_on(born, on + timedelta(days=1)) - age_on(born, on)
    assert grown in (0, 1)
    if grown:
        next_day = on + timedelta(days=1)
        assert (next_day.month, next_day.day) in {(born.month, born.day), (3, 1)}


@pytest.mark.parametrize(
    ("born", "on", "age"),
    [
        (date(2008, 6, 1), date(2026, 5, 31), 17),
        (date(2008, 6, 1), date(2026, 6, 1), 18),
        (date(2008, 2, 29), date(2026, 2, 28), 17),
        (date(2008, 2, 29), date(2026, 3, 1), 18),
        (date(2026, 6, 1), date(2026, 6, 1), 0),
    ],
)
def test_age_counts_full_years(born: date, on: date, age: int) -> None:
    assert age_on(born, on) == age


def test_normalising_leaves_a_wrong_text_for_the_checks_to_judge() -> None:
    assert normalise_id_number(" abc ") == "ABC"
