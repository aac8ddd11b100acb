"""The lists in force, as the decision needs them: made once from an edition of the rulebook."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any, cast

from backend.rulebooks.editions import Edition

LOINC = "http://loinc.org"


@dataclass(frozen=True, slots=True)
class Item:
    """互认项目."""

    code: str
    name: str
    category: str
    form: str
    valid_days: int
    loinc: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Institution:
    """A hospital on the list."""

    level: int
    alliance: str = ""


@dataclass(frozen=True, slots=True)
class Mark:
    """质量标识: an item of a hospital passed external quality assessment of this scope, until a day."""

    scope: str
    area: str
    valid_until: date
    name: str = ""


@dataclass(frozen=True, slots=True)
class Reason:
    """Why a doctor does not recognise; not every one counts as a refusal."""

    code: str
    text: str
    counted: bool


@dataclass(frozen=True, slots=True)
class Lists:
    """Everything of one edition. `codes` is by hospital and its own code, `marks` by hospital and item."""

    edition: int
    items: Mapping[str, Item] = field(default_factory=dict)
    codes: Mapping[tuple[str, str], str] = field(default_factory=dict)
    institutions: Mapping[str, Institution] = field(default_factory=dict)
    marks: Mapping[tuple[str, str], tuple[Mark, ...]] = field(default_factory=dict)
    prices: Mapping[tuple[str, str], int] = field(default_factory=dict)
    levels: Mapping[str, str] = field(default_factory=dict)
    areas: Mapping[str, str] = field(default_factory=dict)
    reasons: Mapping[str, Reason] = field(default_factory=dict)
    by_loinc: Mapping[str, str] = field(default_factory=dict)
    local_of: Mapping[str, tuple[tuple[str, str], ...]] = field(default_factory=dict)

    def item_for(self, organization_id: str, code: str) -> Item | None:
        """The item that a hospital's code means: its own, a LOINC code, or the list's."""
        found = self.codes.get((organization_id, code)) or self.by_loinc.get(code) or code
        return self.items.get(found)

    def search_codes(self, item: Item) -> tuple[str, ...]:
        """Under which codes results of an item lie in the record: LOINC, and whatever hospitals call it."""
        local = {code for _, code in self.local_of.get(item.code, ())}
        return (*(f"{LOINC}|{code}" for code in item.loinc), *sorted(local))

    def is_result_of(self, item: Item, organization_id: str, codings: set[tuple[str, str]]) -> bool:
        """Whether a result with these codings is of this item: a local code counts at its hospital only."""
        for system, code in codings:
            if system == LOINC and code in item.loinc:
                return True
            if system != LOINC and self.codes.get((organization_id, code)) == item.code:
                return True
        return False


def lists_of(edition: Edition) -> Lists:
    """Read an edition."""
    items = {row["code"]: _item(row) for row in _rows(edition, "items")}
    codes = {(row["organization"], row["code"]): row["item"] for row in _rows(edition, "codes")}
    areas = {row["area"]: row["name"] for row in _rows(edition, "areas")}
    marks: dict[tuple[str, str], list[Mark]] = {}
    for row in _rows(edition, "marks"):
        name = "全国HR" if row["scope"] == "national" else f"{areas.get(row['area'], row['area'])}HR"
        mark = Mark(row["scope"], row["area"], date.fromisoformat(row["valid_until"]), name)
        marks.setdefault((row["organization"], row["item"]), []).append(mark)
    local_of: dict[str, list[tuple[str, str]]] = {}
    for place_and_code, item in codes.items():
        local_of.setdefault(item, []).append(place_and_code)
    return Lists(
        edition=edition.number,
        items=items,
        codes=codes,
        institutions={
            row["organization"]: Institution(int(row["level"]), row["alliance"])
            for row in _rows(edition, "institutions")
        },
        marks={place: tuple(found) for place, found in marks.items()},
        prices={(row["organization"], row["item"]): row["fee_fen"] for row in _rows(edition, "prices")},
        levels={row["relation"]: row["treatment"] for row in _rows(edition, "levels")},
        areas=areas,
        reasons={row["code"]: Reason(**row) for row in _rows(edition, "reasons")},
        by_loinc={code: item.code for item in items.values() for code in item.loinc},
        local_of={item: tuple(found) for item, found in local_of.items()},
    )


def _rows(edition: Edition, table: str) -> list[dict[str, Any]]:
    # The rulebook has checked every cell against its column when it was imported.
    return cast(list[dict[str, Any]], list(edition.rows(table)))


def _item(row: Mapping[str, Any]) -> Item:
    return Item(
        row["code"], row["name"], row["category"], row["form"], row["valid_days"], tuple(row["loinc"])
    )
