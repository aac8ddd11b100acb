"""What hospitals say about a person: taken over, and checked against the ID number. Pure."""

from __future__ import annotations

from dataclasses import fields, replace
from datetime import date

from backend.patient_index.models import Demographics
from backend.patient_index.ports import Identity
from backend.residents.id_numbers import IDNumber, IDNumberError, normalise_id_number, parse_id_number
from backend.residents.phones import PhoneError, parse_phone

_EMPTY = ("", None, "unknown")


def renewed(before: Demographics, said: Demographics) -> Demographics:
    """What is known after a hospital has spoken again: what it did not say stays."""
    heard = {field.name: getattr(said, field.name) for field in fields(said)}
    return replace(before, **{name: value for name, value in heard.items() if value not in _EMPTY})


def id_number_of(who: Demographics, today: date) -> IDNumber | None:
    """The ID number, if what was said is one; fifteen digits become eighteen."""
    try:
        return parse_id_number(who.id_number, today=today) if who.id_number else None
    except IDNumberError:
        return None


def is_same_number(one: Demographics, other: Demographics) -> bool:
    """Whether two say the same ID number, however it is typed."""
    return normalise_id_number(one.id_number) == normalise_id_number(other.id_number)


def phone_of(who: Demographics) -> str | None:
    """The mobile number, if what was said is one."""
    try:
        return parse_phone(who.phone) if who.phone else None
    except PhoneError:
        return None


def contradicts(who: Demographics, number: IDNumber) -> bool:
    """Whether both birth and sex speak against the number. One alone is often a clerk's default."""
    wrong_birth = who.birth_on is not None and who.birth_on != number.birth_on
    wrong_sex = who.sex in ("male", "female") and who.sex != str(number.sex)
    return wrong_birth and wrong_sex


def of_identity(identity: Identity) -> Demographics:
    """A resident in the words of charts."""
    return Demographics(
        identity.name,
        "male" if identity.sex == "male" else "female",
        identity.birth_on,
        identity.id_number,
        identity.phone or "",
    )
