"""Code tables as data: the city's defaults (data/*.toml), a hospital's own rows before them."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache, cached_property
from typing import Any

from backend.exchange.v2.rules import DATA

_LOINC = "http://loinc.org"
_OID = re.compile(r"[0-2](?:\.\d+){2,}")
_TABLE = re.compile(r"(?:HL7|V2-?|HL7-?)?(\d{4})")
_V2_TABLES = "http://terminology.hl7.org/CodeSystem/v2-"
_OWN = "urn:healthycity:codes:"
_UUID = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")


@dataclass(frozen=True)
class Table:
    """One table: what codes become, and what becomes of a code without a row."""

    key: str
    name: str
    rows: Mapping[str, str]
    fallback: str = ""
    # A table of this kind does not replace a code, it adds one of this system to it.
    adds: str = ""
    # What a hospital's rows may lead to besides what the city's lead to; or the form that it has.
    also: tuple[str, ...] = ()
    form: str = ""

    @cached_property
    def folded(self) -> Mapping[str, str]:
        """The rows by code in whatever letters it is written: BOOKED, booked."""
        return {code.casefold(): to for code, to in self.rows.items()}

    @property
    def targets(self) -> frozenset[str]:
        """The codes that rows may lead to; none where only their form is known."""
        return (
            frozenset() if self.form else frozenset({*self.rows.values(), *self.also, self.fallback} - {""})
        )

    def takes(self, to: str) -> bool:
        """Whether a row may lead there."""
        if not self.form:
            return to in self.targets
        code = to.partition(" ")[0]
        checked = self.adds != _LOINC or _is_checked(code)
        return re.fullmatch(self.form, code) is not None and checked


def _is_checked(loinc: str) -> bool:
    """Whether the last digit of a LOINC code is the one that the others make (Luhn)."""
    digits = [int(digit) for digit in loinc if digit.isdigit()]
    doubled = (
        digit * 2 - 9 * (digit > 4) if place % 2 else digit for place, digit in enumerate(digits[::-1])
    )
    return sum(doubled) % 10 == 0


@dataclass(frozen=True)
class Codes:
    """The tables as they hold for one hospital."""

    organization_id: str
    own: Mapping[str, Mapping[str, str]] = field(default_factory=dict)

    def look_up(self, table: str, code: str) -> str | None:
        """What a code becomes; None when no row knows it."""
        rows = self.own.get(table, {})
        found = rows.get(code)
        if found is None:
            said = city_tables()[table]
            found = said.rows.get(code, said.folded.get(code.casefold()))
        return found

    def added(self, table: str, code: str) -> dict[str, str] | None:
        """The coding that a table adds to a hospital's own code: `code` or `code 名称` in its row."""
        said = self.look_up(table, code)
        if not said:
            return None
        value, _, display = said.partition(" ")
        coding = {"system": city_tables()[table].adds, "code": value}
        return {**coding, "display": display} if display else coding

    def system(self, name: str) -> str:
        """The address of a code system by the name a sender gives it."""
        name = name.strip()
        if not name:
            return ""
        known = _systems().get(name.upper())
        if known:
            return known
        if _OID.fullmatch(name):
            return f"urn:oid:{name}"
        table = _TABLE.fullmatch(name.upper())
        if table:
            return f"{_V2_TABLES}{table[1]}"
        return f"{_OWN}{self.organization_id}:{_plain(name)}"

    def namespace(self, namespace: str, universal: str, kind: str) -> str:
        """The address of who gives numbers out (an HD): its OID, else the hospital's own name for it."""
        for said in (universal, namespace):
            if _OID.fullmatch(said):
                return f"urn:oid:{said}"
            if _UUID.fullmatch(said):
                return f"urn:uuid:{said.lower()}"
        if kind.upper() in ("URI", "URL") and ":" in universal:
            return universal
        named = _plain(namespace or universal)
        return f"urn:healthycity:numbers:{self.organization_id}:{named}" if named else ""


def _plain(name: str) -> str:
    return re.sub(r"[^\w.\-]+", "_", name)


@cache
def city_tables() -> dict[str, Table]:
    """The city's tables by key."""
    said: dict[str, Any] = tomllib.loads((DATA / "codes.toml").read_text("utf-8"))
    return {
        key: Table(
            key,
            table["name"],
            table["rows"],
            table.get("fallback", ""),
            table.get("adds", ""),
            tuple(table.get("also", ())),
            table.get("form", ""),
        )
        for key, table in said.items()
    }


@cache
def _systems() -> dict[str, str]:
    said: dict[str, str] = tomllib.loads((DATA / "systems.toml").read_text("utf-8"))
    return {name.upper(): address for name, address in said.items()}


def system_name(address: str) -> str:
    """What HL7 calls a code system by; the way back from `Codes.system`. Empty where it has no name."""
    for name, known in _systems().items():
        if known == address:
            return name
    if address.startswith(_V2_TABLES):
        return f"HL7{address.removeprefix(_V2_TABLES)}"
    if address.startswith(_OWN):
        # Another hospital's own codes: a local system to whoever reads it.
        return "L"
    return address.removeprefix("urn:oid:")
