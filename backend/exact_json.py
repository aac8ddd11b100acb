"""JSON in which a decimal stays what was written: `1.00` comes back as `1.00`, not as `1.0`.

A measured value's zeros say how exactly it was measured. `loads` makes of every number that a float cannot
repeat an `Exact`: a float that remembers its spelling; `dumps` writes that spelling. `strict_loads` is for
what others send: it also refuses a name given twice, depth, and numbers that are none.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from typing import Any

import orjson

MOST_DEPTH = 60
_DIGITS_OF_A_FLOAT = 15
# What may need its spelling kept: a point or an exponent with more to it, or more digits than a float holds.
_SUSPECT = re.compile(rb"[0-9]\.[0-9]*0[,\]\}\s]|[0-9][eE][+\-0-9]|[0-9.]{16}|-0")


class Exact(float):
    """A number with the spelling it came in."""

    __slots__ = ("text",)
    text: str

    def __new__(cls, text: str) -> Exact:
        """Of a JSON number's text."""
        made = super().__new__(cls, text)
        made.text = text
        return made

    def __repr__(self) -> str:
        return self.text

    def __reduce__(self) -> tuple[type[Exact], tuple[str]]:
        return Exact, (self.text,)


class JSONProblemError(ValueError):
    """What is wrong with a JSON text, in a word of `kind`; never repeats its content."""

    def __init__(self, kind: str, where: str = "") -> None:
        super().__init__(kind)
        self.kind = kind
        self.where = where


def loads(text: bytes | str) -> Any:
    """Read JSON that we wrote ourselves."""
    raw = text.encode() if isinstance(text, str) else text
    if _SUSPECT.search(raw) is None:
        return orjson.loads(raw)
    return json.loads(raw, parse_float=_number, parse_int=_whole)


def dumps(value: Any, option: int = 0) -> bytes:
    """Write JSON; `option` as of orjson."""
    return orjson.dumps(value, default=_spelled, option=option)


def strict_loads(raw: bytes) -> Any:
    """Read JSON that somebody sent. Raises JSONProblemError."""
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise JSONProblemError("not-utf-8") from None
    check_depth(raw)
    try:
        read = json.loads(
            text,
            parse_float=_number,
            parse_int=_whole,
            parse_constant=_no_constant,
            object_pairs_hook=_once_each,
        )
    except json.JSONDecodeError as error:
        raise JSONProblemError("not-json", f"line {error.lineno}, column {error.colno}") from None
    if b"\\ud" in raw.lower():
        _check_surrogates(read)
    return read


def _check_surrogates(read: Any) -> None:
    """Half of a pair can be escaped in JSON, but is no text."""
    try:
        dumps(read)
    except orjson.JSONEncodeError:
        raise JSONProblemError("not-utf-8") from None


def check_depth(raw: bytes) -> None:
    """Refuse what is nested deeper than any resource. Brackets within strings do not count."""
    depth = 0
    for match in _BRACKETS.finditer(raw):
        mark = match[0]
        if mark in b"{[":
            depth += 1
            if depth > MOST_DEPTH:
                raise JSONProblemError("too-deep")
        elif mark in b"}]":
            depth -= 1


# A string that does not end matches too: searching on from each of its quotes would take for ever.
_BRACKETS = re.compile(rb'"(?:[^"\\]++|\\.)*+"?|[{}\[\]]', re.DOTALL)


def _number(text: str) -> float:
    value = float(text)
    if value in (float("inf"), float("-inf")):
        raise JSONProblemError("number-too-large")
    return value if repr(value) == text else Exact(text)


def _whole(text: str) -> int | float:
    if len(text) <= _DIGITS_OF_A_FLOAT:
        # "-0" is no integer of Python's.
        return Exact(text) if text == "-0" else int(text)
    _number(text)
    return Exact(text)


def _no_constant(_name: str) -> Any:
    raise JSONProblemError("not-json", "NaN and Infinity are no JSON")


def _once_each(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        (twice, _), *_ = Counter(name for name, _ in pairs).most_common(1)
        raise JSONProblemError("name-twice", twice[:64])
    return found


def _spelled(value: Any) -> Any:
    if isinstance(value, Exact):
        return orjson.Fragment(value.text)
    raise TypeError(f"{type(value).__name__} is no JSON")
