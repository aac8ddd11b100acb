"""Small numbers, and what would tell them."""

from collections.abc import Sequence
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.statistics.counted import FEWEST, hidden_cells, suppressed


@pytest.mark.parametrize(
    ("counts", "hidden"),
    [
        ([], ""),
        ([0, 0], "--"),
        ([9, 40, 7], "---"),
        ([3, 40, 7], "x-x"),
        ([3, 4, 7], "xx-"),
        # Together they are few: whoever knows that each is at least one would know them.
        ([1, 1, 40], "xxx"),
        ([1, 1, 40, 6], "xx-x"),
        ([3, 0, 0], "x--"),
        ([2, 0, 9], "x-x"),
    ],
)
def test_the_small_are_hidden_and_what_would_tell_them(counts: list[int], hidden: str) -> None:
    assert "".join("x" if mark else "-" for mark in suppressed(counts)) == hidden


def possible(counts: Sequence[int], hidden: Sequence[bool]) -> list[tuple[int, ...]]:
    """Everything that a reader of the table and its sum must think possible of the hidden ones."""
    rest = sum(count for count, mark in zip(counts, hidden, strict=True) if mark)
    number = sum(hidden)
    return [found for found in product(range(1, rest + 1), repeat=number) if sum(found) == rest]


@given(st.lists(st.integers(0, 12), min_size=2, max_size=5))
def test_nobody_can_reckon_a_small_number_from_the_others_and_the_sum(counts: list[int]) -> None:
    hidden = suppressed(counts)
    assert all(hidden[n] for n, count in enumerate(counts) if 0 < count < FEWEST)
    shown_elsewhere = sum(count > 0 for count in counts)
    if not any(hidden) or shown_elsewhere == 1:
        return  # A sum of one part is that part: such a sum is small itself, and hidden as such.
    rest = sum(count for count, mark in zip(counts, hidden, strict=True) if mark)
    if rest < FEWEST:
        assert sum(hidden) == shown_elsewhere, "only where there is nothing more to hide"
        return
    number = sum(hidden)
    assert number > 1
    found = possible(counts, hidden) if number < 4 else []
    for place in range(number if found else 0):
        assert len({each[place] for each in found}) > 1


def test_each_column_of_a_table_is_hidden_by_itself() -> None:
    lines = {"a": {"x": 3, "y": 50}, "b": {"x": 30, "y": 60}, "c": {"x": 8}}
    assert hidden_cells(lines) == {"a": {"x"}, "b": set(), "c": {"x"}}
