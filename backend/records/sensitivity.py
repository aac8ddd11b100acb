"""Which codes and words give away what needs a basis that says so: the table in data/sensitivity.json."""

from __future__ import annotations

import re
from functools import lru_cache
from importlib.resources import files
from typing import Any

import orjson

_TABLE: dict[str, Any] = orjson.loads((files("backend.records") / "data" / "sensitivity.json").read_bytes())
VERSION: str = _TABLE["version"]
_PREFIXES: dict[str, tuple[str, ...]] = {
    family: tuple(
        prefix.replace(".", "") for group in _TABLE["groups"] for prefix in group["codes"].get(family, ())
    )
    for family in _TABLE["families"]
}
_WORDS = re.compile(
    "|".join(word for group in _TABLE["groups"] for word in group["words"]), re.IGNORECASE | re.ASCII
)


def is_special(system: str, code: str) -> bool:
    """Whether a code of this system belongs to a group that needs more than an ordinary basis."""
    family = _family(system)
    return family is not None and code.upper().replace(".", "").startswith(_PREFIXES[family])


def is_special_text(text: str) -> bool:
    """Whether words name such a group: hospitals' own codes say nothing, their names do."""
    return _WORDS.search(text) is not None


@lru_cache(maxsize=512)
def _family(system: str) -> str | None:
    lowered = system.lower()
    for family, parts in _TABLE["families"].items():
        if any(part in lowered for part in parts):
            return str(family)
    return None
