"""The rules in force, as the check needs them: made once from an edition of the rulebook."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, cast

from backend.rulebooks.editions import Edition


@dataclass(frozen=True, slots=True)
class Ingredient:
    """成分."""

    code: str
    name: str
    atc: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Product:
    """What a name or a hospital's code stands for."""

    ingredients: tuple[str, ...]
    topical: bool


@dataclass(frozen=True, slots=True)
class Interaction:
    """Two medicines that do not go together: each an ingredient's code, or the beginning of an ATC."""

    code: str
    first: str
    second: str
    severity: str
    text: str
    source: str


@dataclass(frozen=True, slots=True)
class AllergyRule:
    """What somebody who is allergic to one of these words should not be given."""

    code: str
    words: tuple[str, ...]
    classes: tuple[str, ...]
    severity: str
    text: str
    source: str


@dataclass(frozen=True, slots=True)
class Rules:
    """Everything of one edition. `names` are words of medicines' names, the longest first."""

    edition: int
    ingredients: Mapping[str, Ingredient] = field(default_factory=dict)
    names: tuple[tuple[str, str], ...] = ()
    products: tuple[tuple[str, Product], ...] = ()
    codes: Mapping[tuple[str, str], Product] = field(default_factory=dict)
    by_atc: Mapping[str, str] = field(default_factory=dict)
    exceptions: frozenset[frozenset[str]] = frozenset()
    interactions: tuple[Interaction, ...] = ()
    allergies: tuple[AllergyRule, ...] = ()
    reasons: Mapping[str, str] = field(default_factory=dict)


def rules_of(edition: Edition) -> Rules:
    """Read an edition."""
    ingredients = {row["code"]: _ingredient(row) for row in _rows(edition, "ingredients")}
    words = [
        (word.lower(), row["code"])
        for row in _rows(edition, "ingredients")
        for word in (row["name"], row["code"], *row["aliases"])
    ]
    products = [(row["name"].lower(), _product(row)) for row in _rows(edition, "products")]
    return Rules(
        edition=edition.number,
        ingredients=ingredients,
        names=tuple(sorted(words, key=lambda pair: (-len(pair[0]), pair))),
        products=tuple(sorted(products, key=lambda pair: (-len(pair[0]), pair[0]))),
        codes={(row["organization"], row["code"]): _product(row) for row in _rows(edition, "codes")},
        by_atc={atc: each.code for each in ingredients.values() for atc in each.atc if len(atc) == 7},
        exceptions=frozenset(
            frozenset({row["first"], row["second"]}) for row in _rows(edition, "exceptions")
        ),
        interactions=tuple(Interaction(**row) for row in _rows(edition, "interactions")),
        allergies=tuple(_allergy(row) for row in _rows(edition, "allergies")),
        reasons={row["code"]: row["text"] for row in _rows(edition, "reasons")},
    )


def _rows(edition: Edition, table: str) -> list[dict[str, Any]]:
    # The rulebook has checked every cell against its column when it was imported.
    return cast(list[dict[str, Any]], list(edition.rows(table)))


def _ingredient(row: Mapping[str, Any]) -> Ingredient:
    return Ingredient(row["code"], row["name"], tuple(row["atc"]))


def _product(row: Mapping[str, Any]) -> Product:
    return Product(tuple(row["ingredients"]), row["route"] == "topical")


def _allergy(row: Mapping[str, Any]) -> AllergyRule:
    lists = {name: tuple(row[name]) for name in ("words", "classes")}
    return AllergyRule(**{**row, **lists})
