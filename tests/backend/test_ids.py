"""Ids: ULIDs as everybody reads them, and the same one for the same request."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st
from ulid import ULID

from backend.ids import derived_id, is_id, named_id, new_id

SECONDS = st.floats(946_684_800, 7_258_118_400)
INSTANTS = SECONDS.map(lambda seconds: datetime.fromtimestamp(seconds, UTC))


def test_a_new_id_is_a_ulid_of_now():
    made = ULID.from_str(new_id())
    assert abs(made.datetime - datetime.now(UTC)) < timedelta(seconds=5)


def test_ids_differ():
    assert len({new_id() for _ in range(10_000)}) == 10_000


@given(INSTANTS, st.text(), st.text())
def test_a_derived_id_is_a_ulid_of_its_instant_and_always_the_same(at, first, second):
    made = derived_id(at, first, second)
    assert made == derived_id(at, first, second)
    assert is_id(made)
    assert ULID.from_str(made).milliseconds == int(at.timestamp() * 1000)


@given(INSTANTS, INSTANTS)
def test_ids_sort_by_time(one, other):
    at_one, at_other = (int(at.timestamp() * 1000) for at in (one, other))
    if at_one != at_other:
        assert (derived_id(one, "x") < derived_id(other, "x")) == (at_one < at_other)


def test_parts_do_not_run_into_each_other():
    at = datetime(2026, 1, 1, tzinfo=UTC)
    assert derived_id(at, "ab", "c") != derived_id(at, "a", "bc")


@given(st.text(), st.text())
def test_a_named_id_is_a_ulid_that_its_parts_alone_decide(first, second):
    made = named_id(first, second)
    assert made == named_id(first, second)
    assert is_id(made)
    assert str(ULID.from_str(made)) == made
    assert made != named_id(first, second, "")


def test_other_text_is_no_id():
    assert not is_id("")
    assert not is_id("0" * 25 + "é")
    assert not is_id("a" * 26)
