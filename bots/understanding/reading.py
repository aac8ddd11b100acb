"""Reads one sentence: the way from what was typed to an intent with its slots."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from bots.understanding.complaints import find_complaints, suggest
from bots.understanding.dating import When, find_when
from bots.understanding.hearing import find_heard, find_surnames
from bots.understanding.index import Index
from bots.understanding.intents import answered, wanted, without_intent_words
from bots.understanding.matching import Hit, Interval, doubted, find_elsewhere, find_written, overlaps
from bots.understanding.narrowing import Named, fit
from bots.understanding.negation import is_ruled_out
from bots.understanding.normalising import MAX_LENGTH, normalise
from bots.understanding.replies import ORDINAL, Reply, find_opinion, find_ordinal, is_help_sign, whole_reply
from bots.understanding.spelling import corrected, unspelled, with_halves_right
from bots.understanding.values import (
    Ambiguity,
    Intent,
    Problem,
    Registration,
    Slot,
    Slots,
    Understanding,
)
from bots.understanding.vocabulary import Vocabulary
from bots.understanding.words import (
    EXPERT,
    FILLER,
    GENERAL,
    NUMBERED_HOSPITAL,
    PROTECTED,
    SOONEST,
    SPECIAL,
    TITLE,
)

_SAID, _IMPLIED, _BY_SOUND = 0.95, 0.6, 0.75
# A name of two characters may be part of a longer one that was misspelt.
_SHORT = 2
_LOOKING_BACK = frozenset({Intent.REPORTS, Intent.BILLS, Intent.MY_APPOINTMENTS, Intent.QUEUE})
_SUGGESTING = frozenset({Intent.BOOK, Intent.WAITLIST})
_GIVING_UP = frozenset({Intent.CANCEL, Intent.RESCHEDULE})
_WITHOUT_DATES = frozenset({Intent.QUEUE})


class Reader:
    """Understands sentences against one vocabulary; holds no state between sentences and may be shared."""

    def __init__(self, vocabulary: Vocabulary) -> None:
        self._index = Index(vocabulary)

    def read(self, sentence: str, now: datetime) -> Understanding:
        """What the sentence says, at the city's instant `now` (aware)."""
        if is_help_sign(sentence):
            return Understanding(Intent.HELP, _SAID)
        text = with_halves_right(normalise(sentence))
        understanding = self._read(text, now)
        if understanding.intent is Intent.UNKNOWN and text:
            understanding = self._read_by_sound(text, now, understanding)
        if len(sentence) > MAX_LENGTH:
            understanding = replace(understanding, problems=(*understanding.problems, Problem.TOO_LONG))
        return understanding

    def _read(self, text: str, now: datetime) -> Understanding:
        reply = whole_reply(text)
        if reply is None:
            spelled = unspelled(text, self._index)
            reply = whole_reply(spelled) if spelled != text else None
            text = spelled
        if reply is not None:
            return _from_reply(reply, text, now)
        return self._read_sentence(text, now)

    def _read_by_sound(self, text: str, now: datetime, before: Understanding) -> Understanding:
        better = corrected(text)
        if better == text:
            return before
        again = self._read(better, now)
        return before if again.intent is Intent.UNKNOWN else replace(again, confidence=_BY_SOUND)

    def _read_sentence(self, text: str, now: datetime) -> Understanding:
        complaints = find_complaints(text)
        aches = [(found.start, found.end) for found in complaints]
        protected = [found.span() for found in PROTECTED.finditer(text)]
        written = find_written(text, self._index, [*protected, *aches])
        elsewhere = find_elsewhere(text, written, self._index)
        written = [hit for hit in written if hit not in elsewhere]
        intents = wanted(_blanked(text, written))
        when = _when(text, written, now, intents)
        hits = self._with_heard(text, written, [*when.spans, *aches, *protected, *_spans(elsewhere)])
        foreign = bool(elsewhere) or _names_no_hospital_of_ours(text, hits)
        meant = [hit for hit in hits if not is_ruled_out(text, hit.start, hit.end)]
        named = fit(meant, self._index)
        slots = _slots(text, named, when, hits)
        if not named.departments and not named.practitioners and set(intents[:1]) <= _SUGGESTING:
            places = frozenset(id for mention in named.organizations for id in mention.ids)
            slots = replace(slots, suggestions=tuple(suggest(text, complaints, places, self._index)))
        used = {mention.text for mention in named.mentions()}
        read = [hit for hit in hits if hit.text in used or hit not in meant]
        rest = _rest(text, [*_spans(read), *when.spans, *aches])
        intent, confidence = _intent(intents, slots, rest, dated=bool(when.spans))
        if intent is Intent.UNKNOWN and (rating := find_opinion(text)) is not None:
            intent, confidence, slots = Intent.SURVEY_ANSWER, _IMPLIED, replace(slots, rating=rating)
        if intent is Intent.UNKNOWN and foreign:
            intent, confidence = Intent.BOOK, _IMPLIED
        if intent is Intent.UNKNOWN and len(meant) < len(hits):
            intent, confidence = Intent.NO, _IMPLIED
        return Understanding(
            intent,
            confidence,
            slots,
            ambiguities=(*named.ambiguities(), *when.ambiguities),
            problems=_problems(when, named, ruled_out=len(meant) < len(hits), elsewhere=foreign),
            other_intents=_others(text, intent, intents),
            not_understood=rest,
        )

    def _with_heard(self, text: str, written: list[Hit], taken: list[Interval]) -> list[Hit]:
        """The names written, those heard in what is left, and family names; in order of the sentence."""
        short = [(hit.start, hit.end) for hit in written if hit.end - hit.start <= _SHORT]
        firm = [span for span in _spans(written) if span not in short]
        heard = find_heard(text, self._index, [*taken, *firm], short)
        hits = [hit for hit in written if not overlaps(hit.start, hit.end, _spans(heard))] + heard
        hits += find_surnames(text, self._index, [*taken, *_spans(hits)])
        read = [*taken, *_spans(hits)]
        return sorted((doubted(text, hit, read) for hit in hits), key=lambda hit: hit.start)


def _names_no_hospital_of_ours(text: str, hits: Sequence[Hit]) -> bool:
    return any(not overlaps(*said.span(), _spans(hits)) for said in NUMBERED_HOSPITAL.finditer(text))


def _problems(when: When, named: Named, *, ruled_out: bool, elsewhere: bool) -> tuple[Problem, ...]:
    problems = [*when.problems, *named.problems, *([Problem.RULED_OUT] if ruled_out else [])]
    return tuple(dict.fromkeys([*problems, *([Problem.ELSEWHERE] if elsewhere else [])]))


def _from_reply(reply: Reply, text: str, now: datetime) -> Understanding:
    slots = Slots(ordinal=reply.ordinal, rating=reply.rating)
    open_day: tuple[Ambiguity, ...] = ()
    if reply.maybe_day:
        days = find_when(text, now).days
        readings = (str(reply.ordinal), *((str(days.first),) if days else ()))
        open_day = (Ambiguity(Slot.ORDINAL, text, readings),)
    return Understanding(reply.intent, _SAID, slots, open_day)


def _spans(hits: Sequence[Hit]) -> list[Interval]:
    return [(hit.start, hit.end) for hit in hits]


def _blanked(text: str, hits: Sequence[Hit]) -> str:
    """The text with a mark for each name, so that no intent is read out of a name."""
    for hit in hits:
        text = text[: hit.start] + "\ufffc" * (hit.end - hit.start) + text[hit.end :]
    return text


def _when(text: str, hits: Sequence[Hit], now: datetime, intents: Sequence[Intent]) -> When:
    strongest = intents[0] if intents else None
    if strongest in _WITHOUT_DATES:
        return When()
    return find_when(
        _blanked(text, hits), now,
        looking_back=strongest in _LOOKING_BACK,
        moving=strongest is Intent.RESCHEDULE,
        giving_up=strongest in _GIVING_UP,
    )  # fmt: skip


def _slots(text: str, named: Named, when: When, people: Sequence[Hit]) -> Slots:
    return Slots(
        organizations=named.organizations,
        departments=named.departments,
        practitioners=named.practitioners,
        days=when.days,
        moved_from=when.moved_from,
        half_day=when.half_day,
        times=when.times,
        kind=_kind(_without_titles(text, people)),
        ordinal=find_ordinal(_without(text, when.spans)),
        soonest=SOONEST.search(text) is not None,
    )


def _without(text: str, spans: Sequence[Interval]) -> str:
    """第一个 in 国庆后第一个工作日 is no place in a list."""
    for start, end in spans:
        text = text[:start] + "\x00" * (end - start) + text[end:]
    return text


def _without_titles(text: str, hits: Sequence[Hit]) -> str:
    """王主任 asks for that doctor, 主任号 for a kind of registration."""
    for hit in hits:
        if any(sense.slot is Slot.PRACTITIONER for sense in hit.senses):
            title = TITLE.match(text, hit.end)
            end = title.end() if title and title[0] != "专家" else hit.end
            text = text[: hit.start] + "\x00" * (end - hit.start) + text[end:]
    return text


def _kind(text: str) -> Registration | None:
    if SPECIAL.search(text):
        return Registration.SPECIAL
    if EXPERT.search(text):
        return Registration.EXPERT
    return Registration.GENERAL if GENERAL.search(text) else None


def _rest(text: str, taken: Sequence[Interval]) -> tuple[str, ...]:
    """What neither a name, a time, an intent nor courtesy accounts for."""
    spoken_for = [
        found.span() for pattern in (SOONEST, PROTECTED, ORDINAL) for found in pattern.finditer(text)
    ]
    left = list(without_intent_words(text))
    for first, last in (*taken, *spoken_for):
        left[first:last] = "\x00" * (last - first)
    pieces = re.split("[\x00 ]+", "".join(left))
    return tuple(bare for piece in pieces if (bare := _without_courtesy(piece)))


def _without_courtesy(piece: str) -> str:
    """Nothing if it is only fillers, else the piece without those at its ends."""
    words = list(FILLER.finditer(piece))
    start, end = 0, len(piece)
    for word in words:
        start = word.end() if word.start() == start else start
    for word in reversed(words):
        end = word.start() if word.end() == end else end
    return piece[start:end]


def _others(text: str, intent: Intent, intents: Sequence[Intent]) -> tuple[Intent, ...]:
    answer = answered(text)
    others = [*intents, answer] if answer else intents
    return tuple(dict.fromkeys(other for other in others if other is not intent))


def _intent(
    intents: Sequence[Intent], slots: Slots, rest: Sequence[str], *, dated: bool
) -> tuple[Intent, float]:
    if intents:
        return intents[0], _SAID
    if slots.organizations or slots.departments or slots.practitioners or slots.suggestions or slots.kind:
        return Intent.BOOK, _IMPLIED
    missed = sum(map(len, rest))
    if slots.ordinal is not None:
        return Intent.CHOICE, _IMPLIED
    if slots.soonest:
        return Intent.BOOK, _IMPLIED
    if dated and missed <= 1:
        return Intent.BOOK, _IMPLIED
    return Intent.UNKNOWN, 0.0
