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
_SAID: list[str] = [word for group in _TABLE["groups"] for word in group["words"]]
_WORDS = re.compile("|".join(_SAID), re.IGNORECASE | re.ASCII)
_RUN = re.compile(r"[^\W\d_]{2,}")
_ESCAPE = re.compile(r"\\[a-z]|.\?|\[.*?\]")


def _run_of(word: str) -> str:
    """The longest letters that stand in every text which a word of the table fits."""
    runs: list[str] = _RUN.findall(_ESCAPE.sub(" ", word))
    return max(runs, key=len).lower()


# Looking for fixed letters first is ten times as fast as the expression, and most texts have none of them.
_RUNS = sorted({_run_of(word) for word in _SAID})
# Some five hundred pages; what is longer is a scan written out as text, and is not to hold up others.
_FAR_ENOUGH = 1_000_000
_OFTEN = 64


@lru_cache(maxsize=4096)
def is_special(system: str, code: str) -> bool:
    """Whether a code of this system belongs to a group that needs more than an ordinary basis."""
    family = _family(system)
    return family is not None and code.upper().replace(".", "").startswith(_PREFIXES[family])


def is_special_text(text: str) -> bool:
    """Whether words name such a group: hospitals' own codes say nothing, their names do."""
    return _is_special_name(text) if len(text) <= _OFTEN else _names_special(text[:_FAR_ENOUGH])


def _names_special(text: str) -> bool:
    low = text.lower()
    return any(run in low for run in _RUNS) and _WORDS.search(text) is not None


# What results and medicines are called is said again and again.
_is_special_name = lru_cache(maxsize=4096)(_names_special)


@lru_cache(maxsize=512)
def _family(system: str) -> str | None:
    lowered = system.lower()
    for family, parts in _TABLE["families"].items():
        if any(part in lowered for part in parts):
            return str(family)
    return None
