"""What is too small to be shown, and what would tell it."""

import pytest

from admin.small_numbers import too_small


@pytest.mark.parametrize(
    ("parts", "hidden"),
    [
        ({"a": 0, "b": 12}, ""),
        ({"a": 4, "b": 12}, "ab"),
        ({"a": 4, "b": 12, "c": 9}, "ac"),
        ({"a": 1, "b": 1, "c": 9, "d": 30}, "abc"),
        ({"a": 3, "b": 3, "c": 9}, "ab"),
        ({"a": 4, "b": 0}, "a"),
    ],
)
def test_the_small_are_hidden_with_what_their_sum_would_tell(parts: dict[str, int], hidden: str) -> None:
    assert too_small(parts, [list(parts)]) == set(hidden)


def test_what_has_no_sum_is_hidden_alone_and_what_has_two_by_both() -> None:
    assert too_small({"a": 4, "b": 12}) == {"a"}
    table = {(row, column): 20 for row in "xyz" for column in "abc"} | {("x", "a"): 2}
    rows = [[cell for cell in table if cell[0] == row] for row in "xyz"]
    columns = [[cell for cell in table if cell[1] == column] for column in "abc"]
    found = too_small(table, [*rows, *columns])
    assert ("x", "a") in found
    assert all(len([cell for cell in line if cell in found]) != 1 for line in [*rows, *columns])
