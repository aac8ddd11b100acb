"""Finds the directory's names in a sentence: as written first, then by sound, then one edit away."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from bots.understanding.index import Index, Lexicon, Sense
from bots.understanding.values import How, Slot
from bots.understanding.words import FILLER, KNOWN, OTHER_PLACE, PATIENT, TAKEN_FOR_PEOPLE, TITLE

Interval = tuple[int, int]

_NAME_GOES_ON = 0.4


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
        everyday = hit.end - hit.start == 2 and _is_everyday_word(text, hit)
        if not inside and not everyday and not is_patient(text, hit):
            hits.append(hit)
    return longest_first(hits)


def find_elsewhere(text: str, hits: Sequence[Hit], index: Index) -> list[Hit]:
    """省人民医院 and 北京儿童医院 are not ours, though 人民医院 and 儿童医院 are."""
    return [hit for hit in hits if _is_place(hit) and _of_another_place(text[: hit.start], index.city)]


def _of_another_place(before: str, city: str) -> bool:
    own = bool(city) and before.removesuffix("市").endswith(city)
    return not own and OTHER_PLACE.search(before) is not None


def _is_place(hit: Hit) -> bool:
    return any(sense.slot is Slot.ORGANIZATION for sense in hit.senses)


def _lookups(text: str, lexicon: Lexicon, starts: Iterable[int]) -> Iterable[Hit]:
    senses, lengths = lexicon.senses, lexicon.lengths
    for start in starts:
        for length in lengths.get(text[start], ()):
            word = text[start : start + length]
            found = senses.get(word)
            if found is not None and len(word) == length:
                yield Hit(start, start + length, word, found)


def _is_person(hit: Hit) -> bool:
    return all(sense.slot is Slot.PRACTITIONER for sense in hit.senses)


def is_patient(text: str, hit: Hit) -> bool:
    """我叫王建国 names who is ill, not whom to see."""
    return _is_person(hit) and PATIENT.search(text, 0, hit.start) is not None


def doubted(text: str, hit: Hit, taken: Sequence[Interval]) -> Hit:
    """王建 in 王建国医生 is hardly the doctor 王建: the name goes on."""
    if not _is_person(hit) or len(hit.text) > 2 or overlaps(hit.end, hit.end + 1, taken):
        return hit
    follows = text[hit.end : hit.end + 1]
    if not follows or not "\u4e00" <= follows <= "\u9fff" or FILLER.match(text, hit.end):
        return hit
    senses = (replace(sense, how=How.PARTIAL, confidence=_NAME_GOES_ON) for sense in hit.senses)
    return replace(hit, senses=tuple(senses))


def _is_everyday_word(text: str, hit: Hit) -> bool:
    """A doctor called 方便 or 周一 is meant only when called doctor."""
    if not _is_person(hit) or TITLE.match(text, hit.end):
        return False
    return KNOWN.fullmatch(hit.text) is not None or hit.text in TAKEN_FOR_PEOPLE
