"""What is measured, by which codes and in which units: the table behind trends and plain words. Pure."""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from functools import cache
from importlib import resources
from typing import Any

LOINC = "http://loinc.org"


@dataclass(frozen=True, slots=True)
class Conversion:
    """From a unit into the analyte's own: value × factor + offset."""

    factor: Decimal
    offset: Decimal = Decimal(0)

    def of(self, value: Decimal) -> Decimal:
        """The value in the analyte's own unit."""
        return value * self.factor + self.offset


@dataclass(frozen=True, slots=True)
class Meaning:
    """Common reasons for being out of range, and who says so."""

    high: str
    low: str
    source: str


@dataclass(frozen=True, slots=True)
class Analyte:
    """One thing that hospitals measure, whatever they call it."""

    key: str
    name: str
    group: str
    unit: str
    units: Mapping[str, Conversion]
    loinc: tuple[str, ...]
    local: tuple[str, ...]
    meaning: Meaning | None = None

    def convert(self, value: Decimal, unit: str) -> Decimal | None:
        """The value in the analyte's own unit, to four significant digits; None for a unit nobody listed."""
        conversion = self.units.get(plain_unit(unit))
        if conversion is None:
            return None
        if conversion.factor == 1 and not conversion.offset:
            return value
        return significant(conversion.of(value))


class Analytes:
    """The table, found by key or by a result's codes."""

    def __init__(self, rows: Iterable[Analyte]) -> None:
        self._by_key = {row.key: row for row in rows}
        self._by_loinc = {code: row for row in self._by_key.values() for code in row.loinc}
        self._by_name = {_plain_name(name): row for row in self._by_key.values() for name in row.local}

    def __iter__(self) -> Iterator[Analyte]:
        return iter(self._by_key.values())

    def get(self, key: str) -> Analyte | None:
        """By its key."""
        return self._by_key.get(key)

    def of(self, codings: Iterable[tuple[str, str]], name: str = "") -> Analyte | None:
        """What a result is, by (system, code) pairs: LOINC decides; a hospital's own codes come after it."""
        codings = list(codings)
        coded = [code for system, code in codings if system == LOINC]
        if coded:
            # A LOINC code that is not in the table is another thing, however it is called.
            return next((self._by_loinc[code] for code in coded if code in self._by_loinc), None)
        names = [*(code for _, code in codings), name]
        return next((self._by_name[n] for n in map(_plain_name, names) if n in self._by_name), None)


@cache
def analytes() -> Analytes:
    """The table that comes with the software."""
    text = resources.files("backend.reports").joinpath("data/analytes.json").read_text(encoding="utf-8")
    return Analytes(
        _analyte(row) for row in json.loads(text, parse_float=Decimal, parse_int=Decimal)["analytes"]
    )


def _analyte(row: dict[str, Any]) -> Analyte:
    meaning = row.get("meaning")
    return Analyte(
        key=row["key"],
        name=row["name"],
        group=row["group"],
        unit=row["unit"],
        units={plain_unit(unit): _conversion(how) for unit, how in row["units"].items()},
        loinc=tuple(row["loinc"]),
        local=tuple(row["local"]),
        meaning=Meaning(meaning["high"], meaning["low"], meaning["source"]) if meaning else None,
    )


def _conversion(how: Decimal | dict[str, Decimal]) -> Conversion:
    return Conversion(how["factor"], how["offset"]) if isinstance(how, dict) else Conversion(how)


# How hospitals write one unit: UCUM, print, and keyboards without a micro sign.
_SPELLINGS = {
    "mm[hg]": "mmhg",
    "mm hg": "mmhg",
    "毫米汞柱": "mmhg",
    "℃": "cel",
    "°c": "cel",
    "c": "cel",
    "[degf]": "degf",
    "°f": "degf",
    "℉": "degf",
    "[lb_av]": "lb",
    "[in_i]": "in",
    "bpm": "/min",
    "次/分": "/min",
    "次/min": "/min",
    "[iu]/l": "iu/l",
    "m[iu]/l": "miu/l",
    "u[iu]/ml": "uiu/ml",
    "{inr}": "1",
    "{ratio}": "1",
    "": "1",
    "公斤": "kg",
    "千克": "kg",
    "kg/m^2": "kg/m2",
    "degrees c": "cel",
    "giga.l-1": "10*9/l",
    "tera.l-1": "10*12/l",
    "thou/ul": "10*3/ul",
    "thousand/ul": "10*3/ul",
    "mil/ul": "10*6/ul",
    "million/ul": "10*6/ul",
    "x10e3/ul": "10*3/ul",
    "x10e6/ul": "10*6/ul",
    "x10e9/l": "10*9/l",
    "x10e12/l": "10*12/l",
}
_POWER = re.compile(r"^[x×*]?\s*10\s*(?:\^|\*\*|\*|e)\s*(\d+)\s*/\s*")
_MM3 = re.compile(r"/(?:mm\^?3|cmm)$")


def plain_unit(unit: str) -> str:
    """One spelling of a unit, to look it up by."""
    # NFKC makes a superscript a plain digit ("10⁹" would read 109) and the micro sign a Greek mu.
    text = unit.strip().replace("⁹", "^9").replace("¹²", "^12").replace("³", "^3").replace("⁶", "^6")
    text = unicodedata.normalize("NFKC", text).replace("μ", "u").lower()
    text = _MM3.sub("/ul", _SPELLINGS.get(text, text))
    text = _POWER.sub(lambda found: f"10*{found[1]}/", text)
    return _SPELLINGS.get(text, text)


def significant(value: Decimal, digits: int = 4) -> Decimal:
    """Rounded to so many significant digits, without trailing zeros."""
    if not value:
        return Decimal(0)
    rounded = round(value, digits - 1 - value.adjusted())
    return Decimal(format(rounded.normalize(), "f"))


def _plain_name(name: str) -> str:
    return unicodedata.normalize("NFKC", name).strip().casefold()
