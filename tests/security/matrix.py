"""Reading a table of outcomes: permission and thing in each row, callers in the columns."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence

from backend.http.endpoint import Operation, operations_of

Row = dict[str, str]
Rows = dict[tuple[str, str], Row]


def read_matrix(text: str, groups: Mapping[str, Sequence[str]] | None = None) -> Rows:
    """What each caller gets, by permission and thing; a column of `groups` stands for several."""
    head, *lines = text.strip().splitlines()
    columns = head.split()
    rows: Rows = {}
    for line in lines:
        cells = line.split()
        key = cells[0], " ".join(cells[1 : -len(columns)])
        row: Row = {}
        for column, outcome in zip(columns, cells[-len(columns) :], strict=True):
            row |= dict.fromkeys((groups or {}).get(column, (column,)), outcome)
        rows[key] = row
    return rows


def row_key(operation: Operation, thing: str) -> tuple[str, str]:
    """The row that says what an operation on a thing is answered with."""
    return str(operation.access.permission or "public"), thing


def path_of(pattern: str) -> str:
    """A route's pattern as OpenAPI writes it."""
    return re.sub(r"\\(.)", r"\1", re.sub(r"\(\?P<(\w+)>[^)]*\)", r"{\1}", pattern))


# One of these fits every name in a path: ids, numbers, a type of resource, a secret, a file.
_SAMPLES = ("x", "1", "Patient", "0" * 26, f"{'0' * 26}-{'0' * 26}", "0" * 43, "viewer.js", "accept")


def an_address_of(pattern: str) -> str:
    """An address that a route answers at: each name in it is of the form that the route wants."""

    def sample(group: re.Match[str]) -> str:
        return next(text for text in _SAMPLES if re.fullmatch(group[1], text))

    address = re.sub(r"\\(.)", r"\1", re.sub(r"\(\?P<\w+>([^)]*)\)", sample, pattern))
    assert re.fullmatch(pattern, address), pattern
    return address


def operations(routes: Iterable[tuple[str, type]]) -> dict[str, Operation]:
    """Every operation of a route table by `METHOD path`."""
    return {
        f"{method.upper()} {path_of(pattern)}": operation
        for pattern, handler in routes
        for method, operation in operations_of(handler).items()
    }
