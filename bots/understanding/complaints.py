"""Finds what a resident complains of; it suggests where to ask, and says nothing about what is wrong."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from bots.understanding.everyday import ACHES, BODY_PARTS, CHILD, CHILD_CODES, COMPLAINTS
from bots.understanding.index import Index
from bots.understanding.values import How, Mention

SUGGESTION_SURENESS = 0.4


def _longest_first(words: Iterable[str]) -> str:
    return "|".join(sorted(words, key=len, reverse=True))


_COMPLAINT = re.compile(
    f"(?P<part>{_longest_first(BODY_PARTS)}){ACHES}|(?P<complaint>{_longest_first(COMPLAINTS)})"
)
_CHILD = re.compile(CHILD)


@dataclass(frozen=True, slots=True)
class Complaint:
    """Where the complaint stands and which national subjects commonly see it."""

    start: int
    end: int
    text: str
    codes: tuple[str, ...]


def find_complaints(text: str) -> list[Complaint]:
    """All complaints, in order."""
    return [
        Complaint(found.start(), found.end(), found[0], _codes(found)) for found in _COMPLAINT.finditer(text)
    ]


def _codes(found: re.Match[str]) -> tuple[str, ...]:
    return BODY_PARTS[found["part"]] if found["part"] else COMPLAINTS[found["complaint"]]


def suggest(text: str, complaints: list[Complaint], places: frozenset[str], index: Index) -> list[Mention]:
    """The departments that see such complaints, at the institutions named if any were."""
    child = _CHILD.search(text)
    if child and not any(set(complaint.codes) & {"1200", "1000"} for complaint in complaints):
        words = "".join(complaint.text for complaint in complaints)
        complaints = [Complaint(child.start(), child.end(), child[0] + words, CHILD_CODES)]
    suggestions = []
    for complaint in complaints:
        ids = _at(places, complaint.codes, index)
        if ids:
            suggestions.append(Mention(complaint.text, ids, SUGGESTION_SURENESS, How.COMPLAINT))
    return suggestions


def _at(places: frozenset[str], codes: tuple[str, ...], index: Index) -> tuple[str, ...]:
    """By the first of the subjects that anybody there has."""
    for code in codes:
        ids = tuple(
            id for id in index.by_subject.get(code, ()) if not places or index.organization_of[id] in places
        )
        if ids:
            return ids
    return ()
