"""What a medicine contains, by the code or the name that a hospital gives it. Pure; nothing is guessed."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from backend.medication.rules import Product, Rules

ATC_SYSTEM = "http://www.whocc.no/atc"
# What goes on the skin or into the eye does not add up with what is swallowed.
_TOPICAL = re.compile(
    r"乳膏|软膏|凝胶|乳胶|搽剂|洗剂|贴膏|贴片|滴眼|滴耳|滴鼻|眼用|外用|漱口|喷鼻|鼻喷|栓剂|阴道"
)
_TOPICAL_ATC = ("D", "S01", "S02", "M02", "R01A", "G01", "N01BX")
_ATC = re.compile(r"[A-Z]\d{2}[A-Z]{2}\d{2}")
_COMPOUND = "复方"


@dataclass(frozen=True, slots=True)
class Medicine:
    """What is known of a medicine; without ingredients it has not been understood."""

    name: str
    ingredients: frozenset[str] = frozenset()
    atc: frozenset[str] = frozenset()
    topical: bool = False

    @property
    def understood(self) -> bool:
        """Whether anything can be said of it at all."""
        return bool(self.ingredients or self.atc)

    @property
    def classes(self) -> frozenset[str]:
        """The pharmacological classes: the first five characters of an ATC code."""
        return frozenset(code[:5] for code in self.atc if len(code) >= 5)


def understand(
    rules: Rules, organization_id: str, name: str, codings: Iterable[tuple[str, str]] = (), route: str = ""
) -> Medicine:
    """A medicine by its codes, else by its name: the hospital's own code first, then ATC, then words."""
    codings = list(codings)
    topical = bool(_TOPICAL.search(name) or _TOPICAL.search(route))
    for system, code in codings:
        product = rules.codes.get((organization_id, code)) if system != ATC_SYSTEM else None
        if product is not None:
            return _made(rules, name, product.ingredients, topical=product.topical or topical)
    atc = [code for system, code in codings if system == ATC_SYSTEM and _ATC.fullmatch(code)]
    if atc:
        known = tuple(rules.by_atc[code] for code in atc if code in rules.by_atc)
        topical = topical or any(code.startswith(_TOPICAL_ATC) for code in atc)
        return _made(rules, name, known, topical=topical, also=atc)
    product = by_name(rules, name)
    return _made(rules, name, product.ingredients, topical=product.topical or topical)


def by_name(rules: Rules, name: str) -> Product:
    """What a name says: a listed product, else every ingredient that it names, the longest words first."""
    said = name.lower()
    for word, product in rules.products:
        if word in said:
            return product
    found = []
    for word, code in rules.names:
        if word in said:
            found.append(code)
            said = said.replace(word, "\0")
    # A compound of which only one part is in its name would be half understood.
    if _COMPOUND in said and len(found) < 2:
        return Product((), topical=False)
    return Product(tuple(found), topical=False)


def _made(
    rules: Rules, name: str, ingredients: Iterable[str], *, topical: bool, also: Iterable[str] = ()
) -> Medicine:
    codes = frozenset(ingredients)
    atc = {code for each in codes if each in rules.ingredients for code in rules.ingredients[each].atc}
    return Medicine(name, codes, frozenset(atc | set(also)), topical)
