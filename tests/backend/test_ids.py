"""Ids: ULIDs as everybody reads them, and the same one for the same request."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
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


def test_threads_make_ids_of_their_own():
    with ThreadPoolExecutor(8) as threads:
        made = [
            made
            for some in threads.map(lambda _: [new_id() for _ in range(2_000)], range(8))
            for made in some
        ]
    assert len({one[10:] for one in made}) == len(made)


# Newer Pythons warn of forking beside threads; this child does nothing but write.
@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")
def test_a_forked_process_makes_none_that_its_parent_makes_too():
    new_id()
    reading, writing = os.pipe()
    child = os.fork()
    if not child:
        os.write(writing, "".join(new_id()[10:] for _ in range(300)).encode())
        os._exit(0)
    os.waitpid(child, 0)
    childs = os.read(reading, 300 * 16).decode()
    os.close(reading)
    os.close(writing)
    theirs = {childs[at : at + 16] for at in range(0, len(childs), 16)}
    assert len(theirs) == 300
    assert theirs.isdisjoint(new_id()[10:] for _ in range(300))


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
