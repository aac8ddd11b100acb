"""Where in a resource a rule looks: `name.family`, `telecom[system=phone].value`, `specimen->receivedTime`.

Lists are gone through, `[a.b=c]` keeps what has that value, `->` follows a reference to what came in the same
delivery or lies inside the resource, `|` stands between alternatives. Pure.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from functools import lru_cache
from typing import Any

Body = Mapping[str, Any]
# Finds what a reference leads to, if that is at hand.
Lookup = Callable[[str], Body | None]
Values = Callable[[Body, Lookup], list[Any]]
_Step = Callable[[Any, Lookup], Iterator[Any]]

_STEP = re.compile(
    r"(?P<arrow>->)|\.?(?P<name>[A-Za-z][A-Za-z0-9]*)|\[(?P<where>[A-Za-z.]+)=(?P<value>[^\]]*)\]"
)
_PLAIN = re.compile(r"[A-Za-z][A-Za-z0-9]*(?:\.[A-Za-z][A-Za-z0-9]*)*")


class PathError(ValueError):
    """The text is no path."""


def nothing(reference: str) -> Body | None:
    """A resource by itself: no reference leads anywhere."""
    del reference
    return None


@lru_cache(maxsize=2048)
def read_path(text: str) -> Values:
    """A path ready to be asked for its values. Raises PathError."""
    ways = [_read_way(way.strip()) for way in text.split("|")]
    if len(ways) == 1:
        return ways[0]
    return lambda body, lookup: [value for way in ways for value in way(body, lookup)]


def _read_way(text: str) -> Values:
    if _PLAIN.fullmatch(text):
        return _names(text.split("."))
    steps: list[_Step] = []
    at = 0
    while at < len(text):
        found = _STEP.match(text, at)
        if found is None:
            raise PathError(f"no path: {text}")
        steps.append(_step(found))
        at = found.end()
    if not steps:
        raise PathError("an empty path")

    def values(body: Body, lookup: Lookup) -> list[Any]:
        found: list[Any] = [body]
        for step in steps:
            found = [value for each in found for value in step(each, lookup)]
            if not found:
                break
        return found

    return values


def _names(names: list[str]) -> Values:
    """What nearly every path is, without a call for each value on the way."""

    def values(body: Body, lookup: Lookup) -> list[Any]:
        found: list[Any] = [body]
        for name in names:
            below: list[Any] = []
            for each in found:
                child = each.get(name) if isinstance(each, dict) else None
                if isinstance(child, list):
                    below.extend(one for one in child if one is not None)
                elif child is not None and child != "":
                    below.append(child)
            found = below
            if not found:
                break
        return found

    return values


def _step(found: re.Match[str]) -> _Step:
    if found["arrow"]:
        return _follow
    if found["name"]:
        return _child(found["name"])
    return _where(_read_way(found["where"]), found["value"])


def _child(name: str) -> _Step:
    def step(value: Any, lookup: Lookup) -> Iterator[Any]:
        if not isinstance(value, dict):
            return
        child = value.get(name)
        if isinstance(child, list):
            yield from (each for each in child if each is not None)
        elif child is not None and child != "":
            yield child

    return step


def _where(way: Values, wanted: str) -> _Step:
    def step(value: Any, lookup: Lookup) -> Iterator[Any]:
        if isinstance(value, dict) and any(str(each) == wanted for each in way(value, lookup)):
            yield value

    return step


def _follow(value: Any, lookup: Lookup) -> Iterator[Any]:
    reference = value.get("reference") if isinstance(value, dict) else None
    found = lookup(reference) if isinstance(reference, str) else None
    if found is not None:
        yield found
