"""Which readings somebody should look at: at night, of very many people, of one's family, in an emergency."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from enum import StrEnum

from backend import clock
from backend.records.accesses import Access
from backend.records.models import BasisKind
from backend.security.masking import mask_name

# So many different people read by one practitioner in one day are worth a question.
MANY_PEOPLE = 30
_NIGHT = frozenset({23, 0, 1, 2, 3, 4, 5})


class Mark(StrEnum):
    """Why a reading is worth a look. None of them says that anything was wrong."""

    EMERGENCY = "emergency"
    NIGHT = "night"
    MANY = "many"
    FAMILY = "family"


def marks_of(readings: Sequence[Access], names: Mapping[str, str]) -> dict[str, frozenset[Mark]]:
    """Marks by reading; `names` are those of the people read about, by id."""
    people: dict[tuple[str, str], set[str]] = {}
    for each in readings:
        people.setdefault(_who_and_when(each), set()).add(each.person_id)
    return {
        each.id: frozenset(_marks(each, names.get(each.person_id, ""), len(people[_who_and_when(each)])))
        for each in readings
    }


def _marks(reading: Access, name: str, people: int) -> Iterable[Mark]:
    if reading.basis == BasisKind.BREAK_GLASS:
        yield Mark.EMERGENCY
    if reading.at.astimezone(clock.CITY_ZONE).hour in _NIGHT:
        yield Mark.NIGHT
    if reading.practitioner and people >= MANY_PEOPLE:
        yield Mark.MANY
    # A doctor who is not in the directory is known by a number, which has no family.
    if reading.practitioner_id and name and _family(name) == _family(reading.practitioner.split(" ")[0]):
        yield Mark.FAMILY


def _who_and_when(reading: Access) -> tuple[str, str]:
    who = f"{reading.organization_id}/{reading.practitioner}"
    return who, str(clock.civil_date(reading.at))


def _family(name: str) -> str:
    return mask_name(name).rstrip("*")
