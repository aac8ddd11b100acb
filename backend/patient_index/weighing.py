"""How likely two charts are one person's, by what hospitals say of both (after Fellegi and Sunter). Pure.

Every field in which both say something agrees in some degree; each degree weighs what `data/weights.json`
says. A weight never links anything: it only puts a pair before a human.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from functools import cache
from importlib.resources import files
from math import log2

import orjson

from backend.patient_index.demographics import phone_of
from backend.patient_index.models import Demographics
from backend.patient_index.names import fits, is_newborn, sound, spelled

_NO_LETTER = re.compile(r"[\W_]+")
# Two addresses that share so much of their characters, pair by pair, are probably one.
_NEAR_ADDRESS = 0.6


class Grade(StrEnum):
    """How likely a pair is one person."""

    STRONG = "strong"
    WEAK = "weak"


@dataclass(frozen=True, slots=True)
class Weighed:
    """A pair worth a human's look: how many bits speak for it, and in what degree each field agrees."""

    grade: Grade
    bits: float
    degrees: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Weights:
    """The table of `data/weights.json` in bits."""

    prior: float
    strong: float
    weak: float
    bits: Mapping[str, Mapping[str, float]]


@cache
def load_weights() -> Weights:
    """The table, read once."""
    table = orjson.loads(files(__package__).joinpath("data/weights.json").read_bytes())
    bits = {
        field: {degree: log2(row["m"] / row["u"]) for degree, row in degrees.items()}
        for field, degrees in table["fields"].items()
    }
    return Weights(log2(1 / table["prior"]), table["strong"], table["weak"], bits)


def weigh(one: Demographics, other: Demographics) -> Weighed | None:
    """What speaks for one person; None when it is too little, and for children who cannot be told apart.

    Twins share all but the given name, and a ward calls both after their mother: neither is ever suggested.
    """
    if is_newborn(one.name) or is_newborn(other.name):
        return None
    degrees = degrees_of(one, other)
    if degrees.get("name") == "other" and degrees.get("birth") == "same":
        return None
    weights = load_weights()
    bits = weights.prior + sum(weights.bits[field][degree] for field, degree in degrees.items())
    if "name" not in degrees or bits < weights.weak:
        return None
    # Names that only sound alike are a twin's often enough.
    sure = bits >= weights.strong and degrees["name"] == "same"
    return Weighed(Grade.STRONG if sure else Grade.WEAK, round(bits, 1), degrees)


def degrees_of(one: Demographics, other: Demographics) -> dict[str, str]:
    """In what degree each field agrees that both know."""
    found: dict[str, str] = {}
    if one.name and other.name:
        found["name"] = _name(one.name, other.name)
    if one.birth_on and other.birth_on:
        found["birth"] = _birth(one.birth_on, other.birth_on)
    if {one.sex, other.sex} <= {"male", "female"}:
        found["sex"] = "same" if one.sex == other.sex else "other"
    phones = phone_of(one), phone_of(other)
    if all(phones):
        found["phone"] = "same" if phones[0] == phones[1] else "other"
    if one.address and other.address:
        found["address"] = _address(one.address, other.address)
    return found


def _name(one: str, other: str) -> str:
    if spelled(one).upper() == spelled(other).upper():
        return "same"
    if sound(one) == sound(other):
        return "sound"
    return "gaps" if fits(one, other) else "other"


def _birth(one: date, other: date) -> str:
    if one == other:
        return "same"
    first, second = f"{one:%Y%m%d}", f"{other:%Y%m%d}"
    slips = [(a, b) for a, b in zip(first, second, strict=True) if a != b]
    # One digit typed wrong, two in the other order, or day and month.
    swapped = len(slips) == 2 and slips[0] == slips[1][::-1]
    if len(slips) == 1 or swapped or one == _other_way_round(other):
        return "near"
    return "year" if one.year == other.year else "other"


def _other_way_round(day: date) -> date | None:
    """The date with day and month exchanged, where there is one."""
    return day.replace(month=day.day, day=day.month) if day.day <= 12 else None


def _address(one: str, other: str) -> str:
    first, second = _bare(one), _bare(other)
    if first == second:
        return "same"
    pairs = [{text[at : at + 2] for at in range(len(text) - 1)} for text in (first, second)]
    shared, either = len(pairs[0] & pairs[1]), len(pairs[0] | pairs[1])
    return "near" if either and shared / either >= _NEAR_ADDRESS else "other"


def _bare(address: str) -> str:
    return _NO_LETTER.sub("", unicodedata.normalize("NFKC", address)).lower()
