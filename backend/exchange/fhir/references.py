"""References between resources: what forms they have, where they stand, what they are rewritten to."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

_RELATIVE = re.compile(r"([A-Z][A-Za-z]+)/([A-Za-z0-9\-.]{1,64})(?:/_history/([A-Za-z0-9\-.]{1,64}))?")
_CONDITIONAL = re.compile(r"([A-Z][A-Za-z]+)\?(.+)")
# Where the person stands of whom a resource is; the first that is there counts.
SUBJECTS = ("subject", "patient", "beneficiary", "for", "individual")


@dataclass(frozen=True, slots=True)
class Reference:
    """A reference read: `type/id` on this server, a search for one, or something else entirely."""

    text: str
    type: str = ""
    id: str = ""
    query: str = ""
    version: str = ""

    @property
    def relative(self) -> str:
        """As it stands below an address."""
        return f"{self.type}/{self.id}" + (f"/_history/{self.version}" if self.version else "")


def read(text: str, base: str) -> Reference:
    """A reference's text; one that begins with our own address is relative."""
    short = text.removeprefix(f"{base}/") if text.startswith(f"{base}/") else text
    if match := _RELATIVE.fullmatch(short):
        return Reference(text, match[1], match[2], version=match[3] or "")
    if match := _CONDITIONAL.fullmatch(short):
        return Reference(text, match[1], query=match[2])
    return Reference(text)


def places(node: Any, where: str) -> Iterator[tuple[dict[str, Any], str]]:
    """Every object with a reference below, and its place; not those within contained resources' own ids."""
    if isinstance(node, dict):
        if isinstance(node.get("reference"), str):
            yield node, where
        for name, value in node.items():
            if isinstance(value, dict | list):
                yield from places(value, f"{where}.{name}")
    elif isinstance(node, list):
        for number, item in enumerate(node):
            yield from places(item, f"{where}[{number}]")


def rewritten(node: Any, new: Callable[[str], str | None]) -> Any:
    """A copy with every reference, and every address of a `urn:uuid`, as `new` says; None leaves it."""
    if isinstance(node, dict):
        return {name: _rewritten_value(name, value, new) for name, value in node.items()}
    if isinstance(node, list):
        return [rewritten(item, new) for item in node]
    return node


def _rewritten_value(name: str, value: Any, new: Callable[[str], str | None]) -> Any:
    if isinstance(value, str):
        if name == "reference" or (name in ("url", "uri") and value.startswith("urn:")):
            return new(value) or value
        return value
    return rewritten(value, new)


def subject_of(body: dict[str, Any]) -> tuple[str, str] | None:
    """The reference to the person and the element it stands in; None where there is none."""
    for name in SUBJECTS:
        value = body.get(name)
        first = value[0] if isinstance(value, list) and value else value
        if isinstance(first, dict) and isinstance(first.get("reference"), str):
            return first["reference"], name
    for name in ("participant", "securityContext", "actor", "target"):
        for each in _listed(body.get(name)):
            inner = each.get("actor", each)
            text = inner.get("reference") if isinstance(inner, dict) else None
            if isinstance(text, str) and (
                "Patient" in text or name in ("target", "securityContext") or text.startswith("urn:")
            ):
                return text, name
    return None


def _listed(value: Any) -> list[dict[str, Any]]:
    items = value if isinstance(value, list) else [value]
    return [item for item in items if isinstance(item, dict)]
