"""The index over a vocabulary, built once: names as written, as they sound, and with one letter missing."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field

from bots.understanding.everyday import COMPLAINTS, EVERYDAY_NAMES
from bots.understanding.hospital_names import spoken_names
from bots.understanding.normalising import normalise
from bots.understanding.sounds import readings, surname_of
from bots.understanding.values import How, Slot
from bots.understanding.vocabulary import DepartmentWords, OrganizationWords, Vocabulary

# Shorter names have too many neighbours one edit away.
MIN_TYPO_CHARACTERS = 3
MIN_TYPO_LETTERS = 6
MIN_INITIALS = 3
MAX_NAME = 32

_OWN, _NATIONAL, _SHORTER, _NICKNAME, _EVERYDAY = 1.0, 1.0, 0.95, 0.9, 0.85


@dataclass(frozen=True, slots=True)
class Sense:
    """Who or what a name may stand for, as surely as the name says it."""

    slot: Slot
    ids: tuple[str, ...]
    how: How
    confidence: float


@dataclass(slots=True)
class Lexicon:
    """Keys with their senses; `lengths` lists the lengths of keys by first character, longest first."""

    senses: dict[str, tuple[Sense, ...]] = field(default_factory=dict)
    lengths: dict[str, tuple[int, ...]] = field(default_factory=dict)

    def settle(self) -> None:
        """Learn the lengths once all keys are in."""
        lengths: dict[str, set[int]] = defaultdict(set)
        for key in self.senses:
            lengths[key[0]].add(len(key))
        self.lengths = {first: tuple(sorted(found, reverse=True)) for first, found in lengths.items()}


class Index:
    """Everything the matcher looks up."""

    def __init__(self, vocabulary: Vocabulary) -> None:
        self.city = vocabulary.city_name.removesuffix("市")
        self.written = Lexicon()
        # Names by sound. `loose` has everyday names too, which only typed letters may stand for: said in
        # characters they would be found in sentences that mean something else.
        self.sounds = Lexicon()
        self.loose = Lexicon()
        self.initials = Lexicon()
        self.surnames: dict[str, tuple[str, ...]] = {}
        self.character_typos: dict[str, tuple[str, ...]] = {}
        self.letter_typos: dict[str, tuple[str, ...]] = {}
        self.organization_of: dict[str, str] = {}
        self.departments_of: dict[str, tuple[str, ...]] = {}
        self.practitioner_departments: dict[str, frozenset[str]] = {}
        self.department_names: dict[str, str] = {}
        self.by_subject: dict[str, tuple[str, ...]] = {}
        self._learn_places(vocabulary)
        names = _Names()
        _add_organizations(names, vocabulary)
        _add_departments(names, vocabulary)
        _add_practitioners(names, vocabulary)
        self._settle(names)
        self._learn_surnames(vocabulary)

    def _learn_places(self, vocabulary: Vocabulary) -> None:
        departments: dict[str, list[str]] = defaultdict(list)
        subjects: dict[str, list[str]] = defaultdict(list)
        for department in vocabulary.departments:
            self.organization_of[department.id] = department.organization_id
            self.department_names[department.id] = normalise(department.name).replace(" ", "")
            departments[department.organization_id].append(department.id)
            subjects[department.code].append(department.id)
        for practitioner in vocabulary.practitioners:
            self.organization_of[practitioner.id] = practitioner.organization_id
            self.practitioner_departments[practitioner.id] = frozenset(practitioner.department_ids)
        self.departments_of = {key: tuple(ids) for key, ids in departments.items()}
        self.by_subject = {key: tuple(ids) for key, ids in subjects.items()}

    def _learn_surnames(self, vocabulary: Vocabulary) -> None:
        surnames: dict[str, list[str]] = defaultdict(list)
        for practitioner in vocabulary.practitioners:
            if practitioner.name:
                surnames[surname_of(normalise(practitioner.name))].append(practitioner.id)
        self.surnames = {name: tuple(ids) for name, ids in surnames.items() if name}

    def _settle(self, names: _Names) -> None:
        self.written.senses = names.senses()
        sounds: dict[str, list[Sense]] = defaultdict(list)
        loose: dict[str, list[Sense]] = defaultdict(list)
        initials: dict[str, list[Sense]] = defaultdict(list)
        for key, senses in self.written.senses.items():
            surname = any(sense.slot is Slot.PRACTITIONER for sense in senses)
            firm = tuple(sense for sense in senses if sense.confidence > _NICKNAME)
            for way in readings(key, surname=surname):
                if len(way) < 2:
                    continue
                letters = "".join(way)
                sounds[letters] += [sense for sense in firm if sense not in sounds[letters]]
                loose[letters] += [sense for sense in senses if sense not in loose[letters]]
                if len(way) >= MIN_INITIALS:
                    short = "".join(part[0] for part in way)
                    initials[short] += [sense for sense in firm if sense not in initials[short]]
        self.sounds.senses = {key: tuple(senses) for key, senses in sounds.items() if senses}
        self.loose.senses = {key: tuple(senses) for key, senses in loose.items() if senses}
        self.initials.senses = {key: tuple(senses) for key, senses in initials.items() if senses}
        for lexicon in (self.written, self.sounds, self.loose, self.initials):
            lexicon.settle()
        self.character_typos = _deletions(
            key for key, senses in self.written.senses.items() if len(key) >= _shortest_to_misspell(senses)
        )
        self.letter_typos = _deletions(key for key in self.sounds.senses if len(key) >= MIN_TYPO_LETTERS)


def _shortest_to_misspell(senses: Iterable[Sense]) -> int:
    """县医院 is not 区医院 with a mistake, and nicknames are too near to other words when they are short."""
    firm = any(sense.confidence > _NICKNAME for sense in senses)
    place = any(sense.slot is Slot.ORGANIZATION for sense in senses)
    return MIN_TYPO_CHARACTERS + (place or not firm)


class _Names:
    """Collects ids under names, each id once per name with its best confidence."""

    def __init__(self) -> None:
        self._ids: dict[str, dict[tuple[Slot, str], tuple[How, float]]] = defaultdict(dict)

    def add(self, name: str, slot: Slot, id: str, how: How, confidence: float) -> None:
        key = normalise(name).replace(" ", "")[:MAX_NAME]
        if len(key) < 2:
            return
        known = self._ids[key].get((slot, id))
        if known is None or known[1] < confidence:
            self._ids[key][slot, id] = (how, confidence)

    def senses(self) -> dict[str, tuple[Sense, ...]]:
        return {key: _grouped(ids) for key, ids in self._ids.items()}


def _grouped(ids: dict[tuple[Slot, str], tuple[How, float]]) -> tuple[Sense, ...]:
    groups: dict[tuple[Slot, How, float], list[str]] = defaultdict(list)
    for (slot, id), (how, confidence) in ids.items():
        groups[slot, how, confidence].append(id)
    senses = [Sense(slot, tuple(found), how, sure) for (slot, how, sure), found in groups.items()]
    return tuple(sorted(senses, key=lambda sense: -sense.confidence))


def _add_organizations(names: _Names, vocabulary: Vocabulary) -> None:
    for organization in vocabulary.organizations:
        for name, how, confidence in _organization_names(organization, vocabulary.city_name):
            names.add(name, Slot.ORGANIZATION, organization.id, how, confidence)


def _organization_names(organization: OrganizationWords, city_name: str) -> Iterable[tuple[str, How, float]]:
    yield organization.name, How.EXACT, _OWN
    if organization.short_name:
        yield organization.short_name, How.EXACT, _OWN
    for alias in organization.aliases:
        yield alias, How.ALIAS, _SHORTER
    for spoken in spoken_names(organization.name, city_name, organization.district):
        yield spoken, How.ALIAS, _SHORTER


def _add_departments(names: _Names, vocabulary: Vocabulary) -> None:
    national = {subject.code: subject for subject in vocabulary.subjects}
    for department in vocabulary.departments:
        for name, how, confidence in _department_names(department):
            names.add(name, Slot.DEPARTMENT, department.id, how, confidence)
        subject = national.get(department.code)
        if subject is None:
            continue
        names.add(subject.name, Slot.DEPARTMENT, department.id, How.EXACT, _NATIONAL)
        for alias in subject.aliases:
            if alias not in COMPLAINTS:
                names.add(alias, Slot.DEPARTMENT, department.id, How.ALIAS, _NICKNAME)


def _department_names(department: DepartmentWords) -> Iterable[tuple[str, How, float]]:
    yield department.name, How.EXACT, _OWN
    for ending in ("门诊", "医学科", "科"):
        bare = department.name.removesuffix(ending)
        if bare != department.name and len(bare) >= 2:
            yield bare, How.ALIAS, _SHORTER
            yield bare + "科", How.ALIAS, _SHORTER
    for alias in department.aliases:
        yield alias, How.ALIAS, _NICKNAME
    for everyday in EVERYDAY_NAMES.get(department.code, ()):
        yield everyday, How.ALIAS, _EVERYDAY


def _add_practitioners(names: _Names, vocabulary: Vocabulary) -> None:
    for practitioner in vocabulary.practitioners:
        names.add(practitioner.name, Slot.PRACTITIONER, practitioner.id, How.EXACT, _OWN)


def _deletions(keys: Iterable[str]) -> dict[str, tuple[str, ...]]:
    """Each key with one character left out: a word one edit away shares such a form, or is one."""
    found: dict[str, list[str]] = defaultdict(list)
    for key in keys:
        for at in range(len(key)):
            found[key[:at] + key[at + 1 :]].append(key)
    return {short: tuple(dict.fromkeys(keys)) for short, keys in found.items()}
