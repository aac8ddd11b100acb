"""What two charts of one person probably share: a chart is compared with those of its blocks, never with all.

Each block is a few facts together, so that it holds few people; a slip in one fact leaves the others. Pure.
"""

from __future__ import annotations

from datetime import date

from backend.patient_index.demographics import id_number_of, phone_of
from backend.patient_index.models import Demographics
from backend.patient_index.names import is_newborn, sound


def blocks_of(who: Demographics, today: date) -> list[str]:
    """The blocks of a person; a child that is called after its mother is in none of them."""
    number = id_number_of(who, today)
    found = [id_number_block(number.text)] if number else []
    if not who.name or is_newborn(who.name):
        return found
    name = sound(who.name)
    born = who.birth_on or (number.birth_on if number else None)
    phone = phone_of(who)
    if born:
        found.append(f"name and birth|{name}|{born.isoformat()}")
        # A slip in the day: name, year and sex are still right.
        found.append(f"name and year|{name}|{born.year}|{who.sex}")
        if phone:
            found.append(f"phone and birth|{phone}|{born.isoformat()}")
    if phone:
        found.append(f"name and phone|{name}|{phone}")
    return found


def id_number_block(id_number: str) -> str:
    """The block of one ID number, in its form of eighteen characters."""
    return f"id number|{id_number}"
