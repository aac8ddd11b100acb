"""Finds names that were not written as the directory has them: by sound, by initials, or one edit away."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from bots.understanding.edits import has_numeral, neighbours
from bots.understanding.index import MIN_TYPO_CHARACTERS, MIN_TYPO_LETTERS, Index, Lexicon, Sense
from bots.understanding.matching import Hit, Interval, is_patient, longest_first, overlaps
from bots.understanding.sounds import syllable
from bots.understanding.values import How, Slot
from bots.understanding.words import FILLER, KNOWN, TITLE

# Only so much of an ununderstood stretch is searched for misspellings; nobody misspells more than that.
MAX_STRETCH = 18
MAX_STRETCHES = 4
MAX_WINDOW = 14
SHORTEST_TYPED = 4

# Names of two syllables sound like too much else; this sure they count only beside their own clinic.
IN_COMPANY = 0.55
# 欠医院 is not 县医院 with a mistake.
_SYLLABLES_OF_A_PLACE = 4
_SURENESS = {How.PINYIN: 0.9, How.INITIALS: 0.6, How.TYPO: 0.7}


@dataclass(frozen=True, slots=True)
class _Unit:
    """A character with its syllable, or a run of typed letters."""

    start: int
    end: int
    letters: str
    typed: bool


def find_heard(
    text: str, index: Index, taken: Sequence[Interval], short: Sequence[Interval] = ()
) -> list[Hit]:
    """Names by sound or with one mistake, in what no other rule has read.

    `short` are names found already that may be the end of a longer one misspelt: 内科 in 消花内科.
    """
    found = [hit for hit in _heard_in(text, index, taken, short) if not is_patient(text, hit)]
    return longest_first(found, taken)


def _swallows_whole(hit: Hit, short: Sequence[Interval]) -> bool:
    for first, last in short:
        if overlaps(hit.start, hit.end, [(first, last)]):
            contained = hit.start <= first and last <= hit.end and hit.end - hit.start > last - first
            sure = all(sense.how is How.PINYIN for sense in hit.senses)
            if not contained or hit.end - hit.start < MIN_TYPO_CHARACTERS + (not sure):
                return False
    return True


def _heard_in(text: str, index: Index, taken: Sequence[Interval], short: Sequence[Interval]) -> list[Hit]:
    hits: list[Hit] = []
    for start, end in _stretches(text, taken):
        units = _units(text, start, end)
        titled = TITLE.match(text, end) is not None or (start, end) == (0, len(text))
        found = longest_first(
            [hit for hit in _by_sound(text, units, index, titled) if _swallows_whole(hit, short)]
        )
        rest = [(hit.start, hit.end) for hit in found]
        misspelt = _misspelt(text, units, index, titled, rest)
        found += longest_first([hit for hit in misspelt if _swallows_whole(hit, short)], rest)
        hits += found
    return hits


def find_surnames(text: str, index: Index, taken: Sequence[Interval]) -> list[Hit]:
    """王医生, 欧阳主任: everybody of that family name."""
    hits = []
    for title in TITLE.finditer(text):
        for length in (2, 1):
            start = title.start() - length
            name = text[start : title.start()] if start >= 0 else ""
            ids = index.surnames.get(name)
            if ids and title[0] not in ("专家", "的号") and _stands_alone(text, start, index, taken):
                sense = Sense(Slot.PRACTITIONER, ids, How.SURNAME, 0.5 if len(ids) > 1 else 0.7)
                hits.append(Hit(start, title.end(), name, (sense,)))
                break
    return hits


def _stands_alone(text: str, start: int, index: Index, taken: Sequence[Interval]) -> bool:
    """Not the end of a longer name: in 何静安医生 安 is no family name."""
    if overlaps(start, start + 1, taken):
        return False
    before = [at for at in (start - 1, start - 2) if at >= 0 and not overlaps(at, at + 1, taken)]
    return not any(text[at] in index.surnames and FILLER.match(text, at) is None for at in before)


def _stretches(text: str, taken: Sequence[Interval]) -> list[Interval]:
    """What is left between what was read, known words and spaces; spaces between letters do not divide."""
    free = bytearray(b"\x01" * len(text))
    for first, last in taken:
        free[first:last] = bytes(last - first)
    for known in KNOWN.finditer(text):
        free[known.start() : known.end()] = bytes(known.end() - known.start())
    for at, char in enumerate(text):
        if char == " " and not (0 < at < len(text) - 1 and text[at - 1].isascii() and text[at + 1].isascii()):
            free[at] = 0
    found, start = [], None
    for at in range(len(text) + 1):
        inside = at < len(text) and free[at] == 1
        if inside and start is None:
            start = at
        elif not inside and start is not None:
            found.append((start, min(at, start + MAX_STRETCH)))
            start = None
    return [(first, last) for first, last in found if last - first >= 2][:MAX_STRETCHES]


def _units(text: str, start: int, end: int) -> list[_Unit]:
    units: list[_Unit] = []
    for at in range(start, end):
        char = text[at]
        if char == " ":
            continue
        typed = char.isascii() and char.isalpha()
        last = units[-1] if units else None
        if typed and last is not None and last.typed and text[last.end : at].strip() == "":
            units[-1] = _Unit(last.start, at + 1, last.letters + char, typed=True)
        else:
            units.append(_Unit(at, at + 1, syllable(char), typed))
    return units


def _windows(units: list[_Unit]) -> Iterable[tuple[list[_Unit], str]]:
    for first in range(len(units)):
        letters = ""
        for last in range(first, min(len(units), first + MAX_WINDOW)):
            letters += units[last].letters
            yield units[first : last + 1], letters


def _by_sound(text: str, units: list[_Unit], index: Index, titled: bool) -> Iterable[Hit]:
    for window, letters in _windows(units):
        if len(window) == 1 and not window[0].typed:
            continue
        typed = any(unit.typed for unit in window)
        lexicon = index.loose if typed else index.sounds
        ends_here = titled and window[-1] is units[-1]
        found = lexicon.senses.get(letters)
        if found is None and len(window) == 1:
            yield from _inside_letters(text, window[0], index, ends_here)
            continue
        people = ends_here or typed or len(window) > 2
        senses = _heard(found or (), How.PINYIN, people or len(window) == len(units))
        if not people:
            senses = tuple(_only_in_company(sense) for sense in senses)
        if has_numeral(text[window[0].start : window[-1].end]):
            # 市一院 sounds like 市医院, and is another hospital.
            senses = tuple(sense for sense in senses if sense.slot is not Slot.ORGANIZATION)
        if senses:
            yield Hit(window[0].start, window[-1].end, text[window[0].start : window[-1].end], senses)


def _only_in_company(sense: Sense) -> Sense:
    """张卫 may be the doctor 张伟 beside his department, and anything elsewhere."""
    return replace(sense, confidence=IN_COMPANY) if sense.slot is Slot.PRACTITIONER else sense


def _inside_letters(text: str, unit: _Unit, index: Index, people: bool) -> Iterable[Hit]:
    """Names within a run of letters without spaces: zhongyiyuanzhenjiu."""
    written = text[unit.start : unit.end].split(" ")
    # Letters with spaces are words already: none of them is cut, and none put together.
    whole = frozenset(written) if len(written) > 1 else None
    places = [at for at in range(unit.start, unit.end) if text[at] != " "]
    initials = index.initials.senses.get(unit.letters)
    if initials:
        senses = _heard(initials, How.INITIALS, people)
        if senses:
            yield Hit(unit.start, unit.end, unit.letters, senses)
    for start in range(len(unit.letters) - SHORTEST_TYPED + 1):
        for length in index.loose.lengths.get(unit.letters[start], ()):
            word = unit.letters[start : start + length]
            found = index.loose.senses.get(word)
            if found and len(word) == length >= SHORTEST_TYPED and (whole is None or word in whole):
                senses = _heard(found, How.PINYIN, people=length >= MIN_TYPO_LETTERS)
                if senses:
                    yield Hit(places[start], places[start + length - 1] + 1, word, senses)


def _misspelt(
    text: str, units: list[_Unit], index: Index, titled: bool, taken: Sequence[Interval]
) -> Iterable[Hit]:
    for window, letters in _windows(units):
        start, end = window[0].start, window[-1].end
        if overlaps(start, end, taken):
            continue
        word = text[start:end].replace(" ", "")
        people = titled and window[-1] is units[-1]
        senses: tuple[Sense, ...] = ()
        if len(word) >= MIN_TYPO_CHARACTERS and not word.isascii():
            near = neighbours(word, index.written.senses, index.character_typos)
            senses = _near(near, index.written, people, MIN_TYPO_CHARACTERS + (len(word) < 3))
        typed = any(unit.typed for unit in window)
        alone = window[0].typed and len(units) == 1
        if not senses and len(letters) >= MIN_TYPO_LETTERS - 1 and (len(window) > 2 or typed):
            near = neighbours(letters, index.sounds.senses, index.letter_typos)
            senses = _near(near, index.sounds, people or alone, MIN_TYPO_LETTERS)
            if not typed and len(window) < _SYLLABLES_OF_A_PLACE:
                senses = tuple(sense for sense in senses if sense.slot is not Slot.ORGANIZATION)
        if senses:
            yield Hit(start, end, word, senses)


def _near(near: Iterable[str], lexicon: Lexicon, people: bool, shortest: int) -> tuple[Sense, ...]:
    senses: list[Sense] = []
    for key in sorted(near):
        if len(key) >= shortest:
            senses += _heard(lexicon.senses[key], How.TYPO, people)
    return tuple(dict.fromkeys(senses))


def _heard(senses: Iterable[Sense], how: How, people: bool) -> tuple[Sense, ...]:
    """The senses, less sure by this way of recognising; people only where the sentence calls for them."""
    return tuple(
        replace(sense, how=how, confidence=round(sense.confidence * _SURENESS[how], 3))
        for sense in senses
        if people or sense.slot is not Slot.PRACTITIONER
    )
