"""What must be true of a message's resources: one fact a line, read and looked up.

    <group> <Type>[/<word>] <path> <value>

The word chooses among several resources of the type: it stands somewhere in the resource (a code, a number).
Lists are looked through. `⏎` is a line's end. Besides: `answer`, `count`, `absent`, `link`, `unlinked`,
`text`, `unread` and `merged`, as `Fact.holds` says.
"""

from __future__ import annotations

import base64
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

Json = dict[str, Any]


@dataclass(frozen=True)
class Outcome:
    """What became of a message."""

    answer: str
    bodies: Sequence[Json]
    # Segments that nobody read.
    unread: frozenset[str]
    # Numbers given up, and for which.
    merged: Mapping[str, str]


@dataclass(frozen=True)
class Fact:
    """One line of a file of facts."""

    group: str
    words: tuple[str, ...]

    def __str__(self) -> str:
        return " ".join((self.group, *self.words))

    def holds(self, outcome: Outcome) -> bool:
        """Whether it is true of what became of the message."""
        said = self.words
        match self.group:
            case "answer":
                return outcome.answer in (said[0], "C" + said[0][1:])
            case "unread":
                return said[0] in outcome.unread
            case "merged":
                return outcome.merged.get(said[0]) == said[1]
        found = list(_chosen(outcome.bodies, said[0]))
        match self.group:
            case "count":
                return len(found) == int(said[1])
            case "absent":
                return bool(found) and not any(value for one in found for value in _values(one, said[1]))
            case "link" | "unlinked":
                wanted = {f"{one['resourceType']}/{one['id']}" for one in _chosen(outcome.bodies, said[2])}
                linked = any(wanted & set(_values(one, f"{said[1]}.reference")) for one in found)
                return linked is (self.group == "link") and bool(found) and bool(wanted)
            case "text":
                text = " ".join(said[1:])
                return any(text in _text(one) for one in found)
        value = " ".join(said[2:]).replace("⏎", "\n")
        values = [one for resource in found for one in _values(resource, said[1])]
        return value in values or value in [line for one in values for line in one.split("\n")]


def read_facts(file: Path) -> list[Fact]:
    """The facts of a file."""
    lines = (line.split() for line in file.read_text("utf-8").splitlines() if line.strip())
    return [Fact(line[0], tuple(line[1:])) for line in lines]


def _chosen(bodies: Sequence[Json], what: str) -> Iterator[Json]:
    type_, _, word = what.partition("/")
    for body in bodies:
        if body["resourceType"] == type_ and (not word or word in _leaves(body)):
            yield body


def _leaves(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        for one in value.values():
            yield from _leaves(one)
    elif isinstance(value, list):
        for one in value:
            yield from _leaves(one)
    else:
        yield str(value)


def _values(value: Any, path: str) -> Iterator[str]:
    if isinstance(value, list):
        for one in value:
            yield from _values(one, path)
    elif not path:
        if not isinstance(value, dict):
            yield str(value).lower() if isinstance(value, bool) else str(value)
        else:
            yield "{}"
    elif isinstance(value, dict):
        name, _, rest = path.partition(".")
        if name in value:
            yield from _values(value[name], rest)


def _text(body: Json) -> str:
    return "\n".join(
        base64.b64decode(data).decode("utf-8", errors="replace")
        for data in _values(body, "content.attachment.data")
    )
