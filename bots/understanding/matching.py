"""Finds the directory's names in a sentence: as written first, then by sound, then one edit away."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from bots.understanding.index import Index, Lexicon, Sense
from bots.understanding.words import KNOWN, TAKEN_FOR_PEOPLE, TITLE

Interval = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Hit:
    """A stretch of the sentence and what it may stand for."""

    start: int
    end: int
    text: str
    senses: tuple[Sense, ...]


def overlaps(start: int, end: int, taken: Iterable[Interval]) -> bool:
    """Whether any of the stretches shares a character with this one."""
    return any(start < last and first < end for first, last in taken)


def longest_first(hits: list[Hit], taken: Sequence[Interval] = ()) -> list[Hit]:
    """Hits that do not overlap: the longer before the shorter, then the earlier; in order of the sentence."""
    chosen: list[Hit] = []
    used = list(taken)
    for hit in sorted(hits, key=lambda hit: (hit.start - hit.end, hit.start)):
        if not overlaps(hit.start, hit.end, used):
            chosen.append(hit)
            used.append((hit.start, hit.end))
    return sorted(chosen, key=lambda hit: hit.start)


def find_written(text: str, index: Index, protected: Sequence[Interval]) -> list[Hit]:
    """Names as they stand in the directory, or their aliases."""
    hits = []
    for hit in _lookups(text, index.written, range(len(text))):
        inside = any(first <= hit.start and hit.end <= last for first, last in protected)
        if not inside and not (hit.end - hit.start == 2 and _is_everyday_word(text, hit, index)):
            hits.append(hit)
    return longest_first(hits)


def _lookups(text: str, lexicon: Lexicon, starts: Iterable[int]) -> Iterable[Hit]:
    senses, lengths = lexicon.senses, lexicon.lengths
    for start in starts:
        for length in lengths.get(text[start], ()):
            word = text[start : start + length]
            found = senses.get(word)
            if found is not None:
                yield Hit(start, start + length, word, found)


def _is_everyday_word(text: str, hit: Hit, index: Index) -> bool:
    """A doctor called 方便 or 周一 is meant only when called doctor."""
    only_people = all(sense.slot.value == "practitioner" for sense in hit.senses)
    if not only_people or TITLE.match(text, hit.end):
        return False
    return KNOWN.fullmatch(hit.text) is not None or hit.text in TAKEN_FOR_PEOPLE
