"""Compares our resources of a message with those another converter makes of it: fact by fact, five kinds.

A fact is one identifier, name, date, code or value of one resource. Those of resources that we do not keep
apart (doctors stand as references with number and name in what mentions them) are looked for anywhere; all
others in a resource of the same kind.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from backend import clock
from backend.exchange.v2.charsets import decode
from backend.exchange.v2.mapping.building import Draft
from backend.exchange.v2.mapping.codes import Codes
from backend.exchange.v2.mapping.mapper import map_message
from backend.exchange.v2.parsing import open_envelope, read_header, take_apart
from backend.exchange.v2.segments import Content

CHART = "01ARZ3NDEKTSV4RRFFQ69G5FAV"
HOSPITAL = "01ARZ3NDEKTSV4RRFFQ69G5FAW"
# What is about the converter or about nobody: envelope, software, and its catalogue, where every assigning
# authority is an organization and every part of a place a location with the kind of place as its code.
_ASIDE = frozenset(
    {"MessageHeader", "Provenance", "Device", "Linkage", "Bundle"}
    | {"Organization", "Location", "PractitionerRole"}
)
# Kept as references or inside of other resources.
_WITHIN = frozenset({"Practitioner", "Medication", "Account"})
_DATE = re.compile(r"\d{4}(-\d\d(-\d\d(T\d\d:\d\d(:\d\d)?(\.\d+)?(Z|[+-]\d\d:\d\d)?)?)?)?")
_DATED = re.compile(r"(date|time|start|end|issued|on|period|creation|recorded|authored|birth)", re.IGNORECASE)
# Where ours mention a person by name.
_MENTIONS = frozenset(
    {"individual", "actor", "performer", "requester", "asserter", "author", "authenticator", "enterer",
     "generalPractitioner", "resultsInterpreter", "serviceProvider", "participant", "payor"}
)  # fmt: skip
_VALUES = frozenset(
    {"valueQuantity", "valueString", "valueDateTime", "valueTime", "valueInteger", "valueRange", "valueRatio"}
)

Fact = tuple[str, str, str]


@dataclass
class Agreement:
    """How many of the other's facts are among ours, by kind; and which are not."""

    agreed: dict[str, int] = field(default_factory=dict)
    of: dict[str, int] = field(default_factory=dict)
    missing: list[Fact] = field(default_factory=list)

    @property
    def share(self) -> float:
        """All kinds together."""
        return sum(self.agreed.values()) / max(sum(self.of.values()), 1)

    def add(self, other: Agreement) -> None:
        """Take another message's figures in."""
        for kind, count in other.of.items():
            self.of[kind] = self.of.get(kind, 0) + count
            self.agreed[kind] = self.agreed.get(kind, 0) + other.agreed.get(kind, 0)
        self.missing += other.missing


def mapped(file: Path) -> list[Draft]:
    """Our resources of a message file."""
    text, _ = decode(file.read_bytes())
    message = open_envelope(text).messages[0]
    content = Content(take_apart(message))
    codes = Codes(HOSPITAL)
    header = read_header(message)
    return map_message(header, content, chart_id=CHART, codes=codes, received_at=clock.now()).drafts


def compare(file: Path) -> Agreement:
    """One message's figures."""
    theirs = json.loads(file.with_suffix(".fhir.json").read_text("utf-8-sig"))
    ours: dict[str, set[tuple[str, str]]] = {}
    anywhere: set[tuple[str, str]] = set()
    for draft in mapped(file):
        facts = {(kind, value) for kind, value in _facts(draft.body)}
        ours.setdefault(draft.type, set()).update(facts)
        anywhere |= facts
    result = Agreement()
    for entry in theirs["entry"]:
        resource = entry["resource"]
        type_ = resource["resourceType"]
        if type_ in _ASIDE:
            continue
        mine = anywhere if type_ in _WITHIN else ours.get(type_, set())
        for kind, value in sorted(set(_facts(resource))):
            result.of[kind] = result.of.get(kind, 0) + 1
            if (kind, value) in mine or (kind in ("identifier", "name") and (kind, value) in anywhere):
                result.agreed[kind] = result.agreed.get(kind, 0) + 1
            else:
                result.missing.append((type_, kind, value))
    return result


def _facts(resource: dict[str, Any]) -> Iterator[tuple[str, str]]:
    yield from _walk(resource, "", "")


def _walk(value: Any, key: str, parent: str) -> Iterator[tuple[str, str]]:
    if isinstance(value, list):
        for one in value:
            yield from _walk(one, key, parent)
    elif isinstance(value, dict):
        if key in ("identifier", "masterIdentifier", "preAdmissionIdentifier") and value.get("value"):
            yield "identifier", str(value["value"]).strip().lower()
        if key in _VALUES:
            yield from _number(value)
        for name, one in value.items():
            if name not in ("resourceType", "id", "meta", "reference", "url", "system", "version"):
                yield from _walk(one, name, key)
    elif isinstance(value, str | int | float) and not isinstance(value, bool):
        yield from _leaf(str(value).strip(), key, parent)


def _leaf(text: str, key: str, parent: str) -> Iterator[tuple[str, str]]:
    if key in ("family", "given", "display", "name") and (parent in ("name",) or key in ("display", "name")):
        if key != "display" or parent not in ("coding", "class"):
            for word in text.split():
                yield "name", word.lower()
    elif key == "code" and parent in ("coding", "class"):
        yield "code", text.lower()
    elif key in _VALUES and parent != "extension":
        yield "value", _plain(text)
    elif _DATED.search(key) and _DATE.fullmatch(text) and len(text) > 4:
        yield from (("date", said) for said in [_moment(text)])


def _number(value: dict[str, Any]) -> Iterator[tuple[str, str]]:
    if "value" in value:
        yield "value", _plain(str(value["value"]))


def _plain(text: str) -> str:
    try:
        return repr(float(text))
    except ValueError:
        return " ".join(text.split()).lower()


def _moment(text: str) -> str:
    """An instant in UTC; where a sender gave no zone, each of us took another: the day is what can agree."""
    if "T" not in text:
        return text[:10]
    at = datetime.fromisoformat(text)
    return at.astimezone(clock.CITY_ZONE).strftime("%Y-%m-%dT%H:%M")
