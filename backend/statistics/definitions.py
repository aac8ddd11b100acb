"""The definitions of the board's figures, read from their data file: what people read is what is reckoned."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any

from backend.statistics.board_models import Assumption, Definition, Formula
from backend.statistics.models import Measure


@dataclass(frozen=True, slots=True)
class Book:
    """Every definition in its order, the assumptions, and the names of parts."""

    figures: tuple[Definition, ...]
    assumptions: Mapping[str, Assumption]
    names: Mapping[str, Mapping[str, str]]

    def find(self, code: str) -> Definition | None:
        """One definition."""
        return next((each for each in self.figures if each.code == code), None)

    def name_of(self, kind: str, key: str) -> str:
        """What a part (of kind channel or extra) is called."""
        return self.names.get(kind, {}).get(key, key)


@cache
def book() -> Book:
    """The book. A definition that cannot be read keeps the process from starting, not a page from opening."""
    text = (resources.files("backend.statistics") / "data" / "definitions.json").read_text("utf-8")
    raw = json.loads(text)
    return Book(
        figures=tuple(_definition(each) for each in raw["figures"]),
        assumptions={
            code: Assumption(code, each["text"], each["amounts"]) for code, each in raw["assumptions"].items()
        },
        names=raw["names"],
    )


def _definition(raw: dict[str, Any]) -> Definition:
    made = {
        "formula": Formula(raw["formula"]),
        "measure": Measure(raw["measure"]),
        "of": Measure(raw["of"]) if "of" in raw else None,
        "extras": tuple(raw.get("extras", ())),
    }
    return Definition(**{**raw, **made})
