"""Single FHIR values as publishers really write them."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.directory.models import Coding
from backend.imports import fhir_values as fhir
from backend.imports.models import BadLineError

NOON = datetime(2030, 5, 6, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    "text",
    [
        "2030-05-06T12:00:00Z", "2030-05-06T12:00:00.000Z", "2030-05-06T20:00:00+08:00",
        "2030-05-06T20:00:00+0800", "2030-05-06T07:00:00-05",
        "2030-05-06T12:00Z", "2030-05-06t12:00:00z", "2030-05-06 12:00:00Z",
        "2030-05-06T12:00:00.0000004Z", " 2030-05-06T12:00:00Z ", "2030-05-06T11:59:60Z",
    ],
)  # fmt: skip
def test_an_instant_is_read_in_every_spelling(text):
    assert fhir.instant(text, "its start") == NOON


def test_the_end_of_a_day_may_be_called_24():
    assert fhir.instant("2030-05-05T24:00:00Z", "its end") == datetime(2030, 5, 6, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (None, "missing"), ("", "missing"), (20300506, "missing"), ("2030-05-06", "not an instant"),
        ("tomorrow", "not an instant"), ("2030-05-06T12:00:00", "no time zone"),
        ("2030-02-30T12:00:00Z", "does not exist"), ("2030-05-06T25:00:00Z", "does not exist"),
        ("2030-05-06T12:61:00Z", "does not exist"), ("1900-05-06T12:00:00Z", "not in this century"),
        ("0001-01-01T00:00:00+14:00", "does not exist"), ("9999-12-31T23:59:59-12:00", "does not exist"),
        ("2030-05-06T12:00:00+99:00", "does not exist"),
    ],
)  # fmt: skip
def test_what_is_no_instant_is_refused_with_a_reason(text, reason):
    with pytest.raises(BadLineError, match=reason):
        fhir.instant(text, "its start")


@given(st.integers(0, 3_000_000_000_000), st.integers(-14 * 60, 14 * 60))
def test_an_instant_is_the_same_in_every_zone(milliseconds, offset):
    at = datetime(2001, 1, 1, tzinfo=UTC) + timedelta(milliseconds=milliseconds)
    hours, minutes = divmod(abs(offset), 60)
    sign = "-" if offset < 0 else "+"
    local = (at + timedelta(minutes=offset)).replace(tzinfo=None).isoformat(timespec="milliseconds")
    assert fhir.instant(f"{local}{sign}{hours:02d}:{minutes:02d}", "it") == at


@pytest.mark.parametrize(
    "reference",
    [
        "Schedule/10",
        "https://x.example.org/fhir/Schedule/10",
        "/Schedule/10",
        "Schedule/10/_history/3",
        "urn:uuid:10",
    ],
)
def test_a_reference_is_followed_in_every_form(reference):
    assert fhir.reference_id({"reference": reference}, "Schedule", "its schedule") == "10"


@pytest.mark.parametrize(
    "value",
    [None, {}, [], "Schedule/10", {"reference": 10}, {"reference": "Location/10"}, {"reference": "10"}],
)
def test_a_reference_to_something_else_is_refused(value):
    with pytest.raises(BadLineError):
        fhir.reference_id(value, "Schedule", "its schedule")


def test_the_place_is_found_among_several_actors():
    actors = [{"reference": "Practitioner/7"}, {"display": "somebody"}, {"reference": "Location/3"}]
    assert fhir.find_reference_id(actors, "Location", "its actor") == "3"
    assert fhir.find_reference_id({"reference": "Location/3"}, "Location", "its actor") == "3"


@pytest.mark.parametrize("base", fhir.EXTENSION_BASES)
def test_an_extension_is_found_under_each_of_its_addresses(base):
    extension = [{"url": "http://other.example.org/slot-capacity", "valueInteger": 1}, "junk", {"url": 5}]
    extension.append({"url": f"{base}slot-capacity", "valueInteger": 7})
    assert fhir.extension_values({"extension": extension}, "slot-capacity") == [7]
    assert fhir.extension_values({"extension": extension[-1]}, "slot-capacity") == [7]
    assert fhir.extension_values({}, "slot-capacity") == []


@pytest.mark.parametrize(("value", "number"), [(3, 3), (3.0, 3), ("3", 3), (" -4 ", -4)])
def test_a_number_may_come_as_text(value, number):
    assert fhir.whole_number(value, "it") == number


@pytest.mark.parametrize("value", [None, True, 3.5, "three", "3.5", [], {}, float("inf")])
def test_what_is_no_whole_number_is_refused(value):
    with pytest.raises(BadLineError):
        fhir.whole_number(value, "it")


def test_only_web_addresses_are_shown_to_people():
    assert fhir.web_address("https://book.example.org/x?slot=1") == "https://book.example.org/x?slot=1"
    for other in (
        "javascript:alert(1)",
        "ftp://x.example.org",
        "//x",
        "",
        None,
        7,
        "https://",
        "http://[bad",
    ):
        assert fhir.web_address(other) is None


def test_a_concept_without_codes_is_still_a_name():
    assert fhir.codings({"text": "Eye tests"}) == (Coding("", "", "Eye tests"),)
    assert fhir.codings([{"coding": [{"code": "57"}]}, None, "x"]) == (Coding("", "57", ""),)


@given(st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=12), inner, max_size=4),
    max_leaves=20,
))  # fmt: skip
def test_nothing_a_publisher_writes_breaks_the_reading(value):
    resource = {"extension": value, "id": value, "reference": value}
    fhir.extension_values(resource, "slot-capacity")
    fhir.codings(value)
    fhir.web_address(value)
    fhir.text(value, 10)
    for read in (
        lambda: fhir.resource_id(resource),
        lambda: fhir.instant(value, "it"),
        lambda: fhir.find_reference_id(value, "Location", "it"),
        lambda: fhir.whole_number(value, "it"),
    ):
        try:
            read()
        except BadLineError:
            continue
