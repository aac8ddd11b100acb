"""Fits institution, department and doctor to each other, and says what stays open."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

from bots.understanding.hearing import IN_COMPANY
from bots.understanding.index import Index, Sense
from bots.understanding.matching import Hit
from bots.understanding.values import Ambiguity, How, Mention, Problem, Slot

_PARTIAL_SURENESS = 0.7


@dataclass(frozen=True, slots=True)
class Named:
    """What the names in a sentence come to together."""

    organizations: tuple[Mention, ...] = ()
    departments: tuple[Mention, ...] = ()
    practitioners: tuple[Mention, ...] = ()
    problems: tuple[Problem, ...] = ()

    def mentions(self) -> tuple[Mention, ...]:
        """All of them."""
        return (*self.organizations, *self.departments, *self.practitioners)

    def ambiguities(self) -> list[Ambiguity]:
        """One for each slot with more than one reading."""
        open_slots = (
            (Slot.ORGANIZATION, self.organizations),
            (Slot.DEPARTMENT, self.departments),
            (Slot.PRACTITIONER, self.practitioners),
        )
        return [found for slot, mentions in open_slots if (found := _ambiguity(slot, mentions)) is not None]


def fit(hits: Sequence[Hit], index: Index) -> Named:
    """Departments narrowed to the institutions named, doctors to both; what fits nothing is kept and told."""
    hits_of = {slot: [_senses(hit, slot) for hit in hits] for slot in Slot}
    organizations = _mentions(hits_of[Slot.ORGANIZATION])
    places = frozenset(id for mention in organizations for id in mention.ids)
    departments, lost = _departments(hits_of[Slot.DEPARTMENT], places, index)
    problems = [Problem.NOT_OFFERED_THERE] if lost else []
    practitioners, lost = _practitioners(hits_of[Slot.PRACTITIONER], places, departments, index)
    if lost:
        problems.append(Problem.NOT_THERE)
    else:
        organizations = _places_of(practitioners, organizations, index)
    return Named(organizations, departments, practitioners, tuple(problems))


def _senses(hit: Hit, slot: Slot) -> tuple[str, list[Sense]]:
    return hit.text, [sense for sense in hit.senses if sense.slot is slot]


def _mentions(found: Iterable[tuple[str, list[Sense]]]) -> tuple[Mention, ...]:
    """One mention for each hit, with the ids of its surest senses; repetitions once."""
    mentions: dict[tuple[str, ...], Mention] = {}
    for text, senses in found:
        mention = _surest(text, senses)
        if mention is not None:
            mentions.setdefault(mention.ids, mention)
    return tuple(mentions.values())


def _surest(text: str, senses: Sequence[Sense]) -> Mention | None:
    """Senses of exact and alias are kept together: 人民医院 is the name of one and the alias of another."""
    if not senses:
        return None
    best = max(senses, key=lambda sense: sense.confidence)
    tier = [sense for sense in senses if best.confidence - sense.confidence < 0.1]
    ids = tuple(dict.fromkeys(id for sense in tier for id in sense.ids))
    return Mention(text, ids, best.confidence, best.how)


def _departments(
    found: list[tuple[str, list[Sense]]], places: frozenset[str], index: Index
) -> tuple[tuple[Mention, ...], bool]:
    if not places:
        return _mentions(found), False
    narrowed, lost = [], False
    for text, senses in found:
        there = [kept for sense in senses if (kept := _kept(sense, places, index)) is not None]
        mention = _surest(text, there) or _partial(text, senses, places, index)
        lost = lost or (mention is None and bool(senses))
        narrowed.append(mention or _surest(text, senses))
    unique = {mention.ids: mention for mention in reversed(narrowed) if mention is not None}
    return tuple(reversed(unique.values())), lost


def _kept(sense: Sense, places: frozenset[str], index: Index) -> Sense | None:
    ids = tuple(id for id in sense.ids if index.organization_of[id] in places)
    return Sense(sense.slot, ids, sense.how, sense.confidence) if ids else None


def _partial(text: str, senses: Sequence[Sense], places: frozenset[str], index: Index) -> Mention | None:
    """内科 where a hospital has only 呼吸内科 and 消化内科: all of them, to be asked about."""
    if not senses:
        return None
    ids = tuple(
        id
        for place in sorted(places)
        for id in index.departments_of.get(place, ())
        if text in index.department_names[id]
    )
    return Mention(text, ids, _PARTIAL_SURENESS, How.PARTIAL) if ids else None


def _practitioners(
    found: list[tuple[str, list[Sense]]],
    places: frozenset[str],
    departments: Sequence[Mention],
    index: Index,
) -> tuple[tuple[Mention, ...], bool]:
    rooms = frozenset(id for mention in departments for id in mention.ids)
    mentions, lost = [], False
    for mention in _mentions(found):
        at_place = _where(mention.ids, lambda id: not places or index.organization_of[id] in places)
        in_room = _where(at_place, lambda id: not rooms or bool(rooms & index.practitioner_departments[id]))
        if mention.confidence == IN_COMPANY and not ((places or rooms) and in_room):
            continue
        ids = in_room or at_place or mention.ids
        lost = lost or not at_place or not in_room
        mentions.append(Mention(mention.text, ids, mention.confidence, mention.how))
    return tuple(mentions), lost


def _places_of(
    practitioners: Sequence[Mention], organizations: tuple[Mention, ...], index: Index
) -> tuple[Mention, ...]:
    """人民医院 is several hospitals, but the doctor named works in one of them."""
    where = {index.organization_of[id] for mention in practitioners for id in mention.ids}
    return tuple(
        replace(mention, ids=tuple(id for id in mention.ids if id in where) or mention.ids)
        if where
        else mention
        for mention in organizations
    )


def _where(ids: Sequence[str], holds: Callable[[str], bool]) -> tuple[str, ...]:
    return tuple(id for id in ids if holds(id))


def _ambiguity(slot: Slot, mentions: Sequence[Mention]) -> Ambiguity | None:
    ids = tuple(dict.fromkeys(id for mention in mentions for id in mention.ids))
    if len(ids) < 2:
        return None
    return Ambiguity(slot, " ".join(mention.text for mention in mentions), ids)
