"""The national health card: the published values come out, and what is no national text is none."""

import json
from datetime import datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.clock import CITY_ZONE
from backend.healthcodes.national import (
    NationalKind,
    dispersion_factor,
    expiry_field,
    health_card_id,
    main_index_id,
    parse_national,
    read_expiry,
    user_key,
)

# tests/fixtures/health-card-vectors.json: the published test values of the national specification.
VECTORS = json.loads((Path(__file__).parents[2] / "fixtures" / "health-card-vectors.json").read_text())
PERSON = VECTORS["main_index_id"]["input"]
ROOT_KEY = bytes.fromhex(VECTORS["user_key"]["root_key"])
PROTECTION_KEY = bytes.fromhex(VECTORS["expiry_field"]["protection_key"])
CARD_ID = VECTORS["health_card_id"]["value"]
EXPIRY = VECTORS["expiry_field"]["value"]
CITY = "370700"


def test_the_main_index_id_is_the_published_one():
    assert (
        main_index_id(PERSON["id_type"], PERSON["id_number"], PERSON["name"])
        == VECTORS["main_index_id"]["value"]
    )


def test_the_dispersion_factor_is_the_published_one():
    factor = dispersion_factor(VECTORS["main_index_id"]["value"])
    assert factor.hex().upper() == VECTORS["dispersion_factor"]["value"]


def test_the_user_key_is_the_published_one():
    factor = bytes.fromhex(VECTORS["dispersion_factor"]["value"])
    assert user_key(ROOT_KEY, factor).hex().upper() == VECTORS["user_key"]["value"]


def test_the_card_id_is_the_published_one():
    assert health_card_id(ROOT_KEY, PERSON["id_type"], PERSON["id_number"], PERSON["name"]) == CARD_ID


def test_the_expiry_field_is_the_computed_one_and_reads_back():
    at = datetime.strptime(VECTORS["expiry_field"]["expiry"], "%Y%m%d%H%M%S").replace(tzinfo=CITY_ZONE)
    assert expiry_field(PROTECTION_KEY, at) == EXPIRY
    assert read_expiry(PROTECTION_KEY, EXPIRY) == at


def test_an_expiry_made_with_another_key_is_none():
    assert read_expiry(ROOT_KEY, EXPIRY) is None
    assert read_expiry(PROTECTION_KEY, "00" * 16) is None


@pytest.mark.parametrize("case", [str.upper, str.lower])
def test_static_and_dynamic_texts_are_read_in_either_case(case):
    static = parse_national(case(f"{CARD_ID}:1"), CITY)
    dynamic = parse_national(case(f"{CARD_ID}:0:{EXPIRY}"), CITY)
    assert static is not None
    assert (static.kind, static.card_id, static.expiry_field) == (NationalKind.STATIC, CARD_ID, None)
    assert dynamic is not None
    assert (dynamic.kind, dynamic.card_id, dynamic.expiry_field) == (NationalKind.DYNAMIC, CARD_ID, EXPIRY)


def test_a_city_may_number_the_types_its_own_way():
    assert parse_national(f"{CARD_ID}:2", CITY) is None
    wenzhou = parse_national(f"{CARD_ID}:2", "330300")
    assert wenzhou is not None
    assert wenzhou.kind is NationalKind.STATIC
    assert parse_national(f"{CARD_ID}:1", "330300") is None


@pytest.mark.parametrize(
    "text",
    [CARD_ID, f"{CARD_ID}:", f"{CARD_ID}:0", f"{CARD_ID}:1:{EXPIRY}", f"{CARD_ID[:-1]}:1",
     f"{CARD_ID}:0:{EXPIRY[:-1]}", f"{CARD_ID}:9", f"{CARD_ID}:1:", f" {CARD_ID}:1",
     f"{CARD_ID}:１", f"{'G' * 64}:1"],
)  # fmt: skip
def test_what_is_no_national_text_is_none(text):
    assert parse_national(text, CITY) is None


@given(st.text(max_size=140))
def test_random_text_never_crashes_the_parser(text):
    assert parse_national(text, CITY) is None


@given(st.from_regex(r"[0-9A-Fa-f]{32}", fullmatch=True))
def test_random_expiry_fields_never_crash_the_reader(field):
    assert read_expiry(PROTECTION_KEY, field) is None


def test_an_overlong_number_is_refused():
    with pytest.raises(ValueError, match="too long"):
        health_card_id(ROOT_KEY, "01", "1" * 40, "张三")
