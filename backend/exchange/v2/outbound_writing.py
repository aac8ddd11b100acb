"""Segments as they go out: fields, escapes, times, the head, the patient. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime

from backend import clock
from backend.exchange.v2.acks import OUR_APP, OUR_FACILITY
from backend.exchange.v2.outbound_models import Letter, Named, Whom

_ESCAPES = str.maketrans({
    "\\": "\\E\\", "|": "\\F\\", "^": "\\S\\", "~": "\\R\\", "&": "\\T\\",
    "\r": "", "\n": "\\.br\\", "\x0b": " ", "\x1c": " ",
})  # fmt: skip
_SEXES = {"male": "M", "female": "F", "other": "O"}
# Ours are of this kind, and a person's own number of that one, in table 0203.
OUR_NUMBER, ID_NUMBER, HOSPITALS_NUMBER = "PI", "NI", "MR"


def escaped(text: str) -> str:
    """A text so that nothing in it parts fields."""
    return text.translate(_ESCAPES)


def joined(*parts: str) -> str:
    """Components of a field, none at its end that says nothing."""
    return "^".join(escaped(part) for part in parts).rstrip("^")


def named(thing: Named | None, system: str = "") -> str:
    """A coded element."""
    return joined(thing.code, thing.name, system if thing.code else "") if thing else ""


def instant(at: datetime | None) -> str:
    """An instant in the city's time, with its zone."""
    return at.astimezone(clock.CITY_ZONE).strftime("%Y%m%d%H%M%S%z") if at else ""


def day(on: date | None) -> str:
    """A day."""
    return on.strftime("%Y%m%d") if on else ""


def segment(name: str, fields: Sequence[str] | dict[int, str]) -> str:
    """A segment of fields in their order, or by their numbers; what is empty at the end is left off."""
    if isinstance(fields, dict):
        fields = [fields.get(number, "") for number in range(1, max(fields, default=0) + 1)]
    return f"{name}|{'|'.join(fields)}".rstrip("|")


def at_least(version: str, wanted: str) -> bool:
    """Whether a version is that one or a later."""
    return [int(part) for part in version.split(".")] >= [int(part) for part in wanted.split(".")]


def head(letter: Letter, kind: str, structure: str) -> str:
    """MSH. Its time is that of the fact's telling, so that a message sent again is the same to the byte."""
    target = letter.target
    fields = {
        1: "^~\\&", 2: OUR_APP, 3: OUR_FACILITY, 4: escaped(target.app), 5: escaped(target.facility),
        6: instant(letter.at), 8: f"{kind}^{structure}", 9: letter.control_id, 10: "P", 11: target.version,
        16: "CHN", 17: target.charset,
    }  # fmt: skip
    return segment("MSH", fields)


def patient(whom: Whom) -> str:
    """PID: the hospital's own numbers first, then ours, then the ID number; none of whom nobody knows."""
    own = [joined(one.value, "", "", one.assigner, HOSPITALS_NUMBER) for one in whom.numbers]
    ours = [joined(whom.patient_id, "", "", OUR_APP, OUR_NUMBER)] if whom.patient_id else []
    numbers = [*own, *ours]
    if whom.id_number:
        numbers.append(joined(whom.id_number, "", "", "CHN", ID_NUMBER))
    fields = {
        1: "1", 3: "~".join(numbers), 5: escaped(whom.name), 7: day(whom.birth_on),
        8: _SEXES.get(whom.sex, "U"), 13: escaped(whom.phone),
    }  # fmt: skip
    return segment("PID", fields)


def message(*segments: str) -> str:
    """The whole, each segment ended."""
    return "\r".join(one for one in segments if one) + "\r"
