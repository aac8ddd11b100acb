"""Reading segments by field, repetition and component, and remembering which fields were read.

What nobody read at the end is what we did not understand; the console shows it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import hl7

from backend.exchange.v2.escapes import unescape

# HL7's "delete what you have": it says nothing here; unlike an absent field it leaves nothing standing.
_DELETED = '""'


def plain(message: hl7.Message, text: str) -> str:
    """A text of this message without its escapes."""
    if message.esc not in text:
        # Nearly all of them; the mark may be none, which stands in every text.
        return text
    marks = str(message.separators)
    # \r, then field, repetition, component and part.
    return unescape(text, marks[1:5].ljust(4, "&"), str(message.esc))


class Rep:
    """One repetition of a field: its components, counted from 1, without escapes."""

    __slots__ = ("_message", "_parts")

    def __init__(self, message: hl7.Message, node: Any) -> None:
        self._message = message
        self._parts: list[Any] = [node] if isinstance(node, str) else list(node)

    def c(self, number: int, sub: int = 1) -> str:
        """A component's text, or of one with parts, that part; empty where there is none."""
        if number > len(self._parts):
            return ""
        part = self._parts[number - 1]
        if not isinstance(part, str):
            part = part[sub - 1] if sub <= len(part) else ""
        elif sub > 1:
            return ""
        text = str(part)
        if not text or text == _DELETED:
            return ""
        return plain(self._message, text).strip()

    def said(self, number: int) -> str:
        """A component's text with the marks that its writer forgot to escape: salt & pepper."""
        part = self._parts[number - 1] if number <= len(self._parts) else ""
        text = str(part)
        return "" if text == _DELETED else plain(self._message, text).strip()

    def whole(self) -> str:
        """The repetition as one text, with the marks inside it."""
        text = self.raw.rstrip(str(self._message.separators[3]))
        return "" if text == _DELETED else plain(self._message, text).strip()

    def parts(self, number: int) -> list[str]:
        """All parts of one component."""
        count = 1
        if number <= len(self._parts) and not isinstance(self._parts[number - 1], str):
            count = len(self._parts[number - 1])
        return [self.c(number, sub) for sub in range(1, count + 1)]

    def __bool__(self) -> bool:
        return any(self.c(number) or any(self.parts(number)) for number in range(1, len(self._parts) + 1))

    def __len__(self) -> int:
        return len(self._parts)

    @property
    def raw(self) -> str:
        """The repetition as it was written."""
        return str(self._message.separators[3]).join(
            part if isinstance(part, str) else str(part) for part in self._parts
        )


@dataclass
class Segment:
    """One segment; `at` is which of its name it is, counted from 1."""

    message: hl7.Message
    tree: Any
    name: str
    at: int = 1
    read: set[int] = field(default_factory=set)
    # Asked for again and again, by number of the field.
    _said: dict[int, list[Rep]] = field(default_factory=dict)

    def reps(self, number: int) -> list[Rep]:
        """The field's repetitions that say something."""
        self.read.add(number)
        found = self._said.get(number)
        if found is None:
            found = self._said[number] = self._reps(number)
        return found

    def _reps(self, number: int) -> list[Rep]:
        node = self._node(number)
        if node is None:
            return []
        if isinstance(node, str):
            return [rep] if (rep := Rep(self.message, node)) else []
        return [rep for one in node if (rep := Rep(self.message, one))]

    def rep(self, number: int) -> Rep:
        """The first repetition; one that says nothing where there is none."""
        found = self.reps(number)
        return found[0] if found else Rep(self.message, "")

    def text(self, number: int, component: int = 1) -> str:
        """A component of the first repetition."""
        return self.rep(number).c(component)

    def whole(self, number: int) -> str:
        """All of a field as text: what a text field says in spite of marks inside it."""
        self.read.add(number)
        node = self._node(number)
        return "" if node is None else plain(self.message, str(node)).strip()

    def words(self, number: int) -> str:
        """The first repetition as one text."""
        return self.rep(number).whole()

    def has(self, number: int) -> bool:
        """Whether a field says anything, without counting it as read."""
        node = self._node(number)
        text = "" if node is None else str(node)
        return bool(text and text != _DELETED and text.strip(self._marks() + " "))

    def deletes(self, *numbers: int) -> bool:
        """Whether the sender says that what stands in one of these fields shall go."""
        return any(str(self._node(number)) == _DELETED for number in numbers)

    def unread(self) -> list[int]:
        """The fields that say something which nobody read."""
        return [n for n in range(1, len(self.tree)) if n not in self.read and self.has(n)]

    def _marks(self) -> str:
        return str(self.message.separators[1:])

    def _node(self, number: int) -> Any:
        return self.tree[number] if 0 < number < len(self.tree) else None


class Content:
    """The segments of a message in their order."""

    def __init__(self, message: hl7.Message) -> None:
        counts: dict[str, int] = {}
        self.all: list[Segment] = []
        for tree in message:
            name = str(tree[0])[:3]
            counts[name] = counts.get(name, 0) + 1
            self.all.append(Segment(message, tree, name, counts[name]))
        for segment in self.all[:1]:
            # The header is read by parsing.py.
            segment.read.update(range(1, 30))

    @classmethod
    def of(cls, segments: list[Segment]) -> Content:
        """Some segments of a message as one of their own; where they stood stays known."""
        made = cls.__new__(cls)
        made.all = segments
        return made

    def patients(self) -> list[Content]:
        """One content for each PID with what stands behind it; what stands before the first is in all."""
        begins = [at for at, segment in enumerate(self.all) if segment.name == "PID"]
        ends = [*begins[1:], len(self.all)]
        shared = self.all[: begins[0]] if begins else []
        return [Content.of([*shared, *self.all[at:end]]) for at, end in zip(begins, ends, strict=True)]

    def first(self, name: str) -> Segment | None:
        """The first segment of a name."""
        return next((segment for segment in self.all if segment.name == name), None)

    def each(self, name: str) -> Iterator[Segment]:
        """Every segment of a name."""
        return (segment for segment in self.all if segment.name == name)

    def names(self) -> list[str]:
        """The names in their order."""
        return [segment.name for segment in self.all]
