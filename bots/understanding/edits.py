"""Whether two words are one edit apart: one character wrong, missing, too many, or two exchanged."""

from __future__ import annotations

from collections.abc import Mapping

# A wrong number is another hospital, not a mistake: 一院 and 二院.
_NUMERALS = "一二三四五六七八九十0123456789"


def one_edit_apart(one: str, other: str) -> bool:
    """True for exactly one edit, false for the same word."""
    if len(one) > len(other):
        one, other = other, one
    if len(other) - len(one) > 1 or one == other:
        return False
    at = next((place for place, char in enumerate(one) if char != other[place]), len(one))
    if len(one) < len(other):
        return one[at:] == other[at + 1 :]
    exchanged = one[at : at + 2] == other[at : at + 2][::-1] and one[at + 2 :] == other[at + 2 :]
    return one[at + 1 :] == other[at + 1 :] or exchanged


def has_numeral(word: str) -> bool:
    """Whether a number stands in the word."""
    return bool(_numbers(word))


def _numbers(word: str) -> list[str]:
    return [char for char in word if char in _NUMERALS]


def neighbours(word: str, words: Mapping[str, object], deletions: Mapping[str, tuple[str, ...]]) -> set[str]:
    """The words one edit away, found by what both become with one character left out."""
    found = set(deletions.get(word, ()))
    for at in range(len(word)):
        short = word[:at] + word[at + 1 :]
        if short in words:
            found.add(short)
        if short in deletions:
            found.update(deletions[short])
    if not found:
        return found
    return {near for near in found if one_edit_apart(word, near) and _numbers(near) == _numbers(word)}
