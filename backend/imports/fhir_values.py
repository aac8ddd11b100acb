"""Reading single values out of FHIR JSON as publishers really write it. Pure functions; no resource here."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone
from typing import Any
from urllib.parse import urlsplit

from backend.directory.models import Coding
from backend.imports.models import BadLineError

# The extensions began in one registry and moved to HL7 with the published guide; both are in use.
EXTENSION_BASES = (
    "http://fhir-registry.smarthealthit.org/StructureDefinition/",
    "https://fhir-registry.smarthealthit.org/StructureDefinition/",
    "http://hl7.org/fhir/uv/smart-scheduling-links/StructureDefinition/",
    "https://hl7.org/fhir/uv/smart-scheduling-links/StructureDefinition/",
)
_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")
_REFERENCE = re.compile(
    r"(?:^|/)(?P<kind>[A-Z][A-Za-z]+)/(?P<id>[A-Za-z0-9._-]{1,64})(?:/_history/[^/]+)?/?$"
)
_INSTANT = re.compile(
    r"(?P<date>\d{4}-\d\d-\d\d)[Tt ](?P<hour>\d\d):(?P<minute>\d\d)(?::(?P<second>\d\d)(?:\.(?P<part>\d+))?)?"
    r"(?P<zone>[Zz]|[+-]\d\d(?::?\d\d)?)?"
)
_FIRST_YEAR, _LAST_YEAR = 2000, 2100
_MAX_URL = 2_000


def resource_id(resource: dict[str, Any]) -> str:
    """The resource's id. A number is taken as its text: some publishers forget the quotes."""
    value = resource.get("id")
    if isinstance(value, int) and not isinstance(value, bool):
        value = str(value)
    if value is None or value == "":
        raise BadLineError("it has no id")
    if not isinstance(value, str) or not _ID.fullmatch(value):
        raise BadLineError(f"its id {_shown(value)} is not a FHIR id")
    return value


def reference_id(value: Any, kind: str, what: str) -> str:
    """The id behind a reference to a `kind`: relative, absolute, versioned, or by UUID."""
    text = value.get("reference") if isinstance(value, dict) else None
    if not isinstance(text, str) or not text:
        raise BadLineError(f"{what} has no reference to a {kind}")
    if text.startswith("urn:uuid:"):
        return text.removeprefix("urn:uuid:")
    match = _REFERENCE.search(text)
    if match is None or match["kind"] != kind:
        raise BadLineError(f"{what} refers to {_shown(text)}, not to a {kind}")
    return match["id"]


def find_reference_id(values: Any, kind: str, what: str) -> str:
    """The first reference to a `kind` in a list that may hold others (a practitioner, a service)."""
    reasons = f"{what} has no reference to a {kind}"
    for value in as_list(values):
        try:
            return reference_id(value, kind, what)
        except BadLineError as error:
            reasons = str(error)
    raise BadLineError(reasons)


def instant(value: Any, what: str) -> datetime:
    """A FHIR instant in UTC, cut to milliseconds. Without a zone it would be a guess, so it is refused."""
    if not isinstance(value, str) or not value:
        raise BadLineError(f"{what} is missing")
    match = _INSTANT.fullmatch(value.strip())
    if match is None:
        raise BadLineError(f"{what} {_shown(value)} is not an instant")
    if match["zone"] is None:
        raise BadLineError(f"{what} {_shown(value)} has no time zone")
    try:
        found = _instant(match)
    except (ValueError, OverflowError):
        raise BadLineError(f"{what} {_shown(value)} does not exist") from None
    if not _FIRST_YEAR <= found.year <= _LAST_YEAR:
        raise BadLineError(f"{what} {_shown(value)} is not in this century")
    return found


def _instant(match: re.Match[str]) -> datetime:
    day = datetime.fromisoformat(match["date"])
    hour, minute, second = int(match["hour"]), int(match["minute"]), int(match["second"] or 0)
    midnight = (hour, minute, second) == (24, 0, 0)
    if minute > 59 or second > 60 or (hour > 23 and not midnight):
        raise ValueError("no such time of day")
    # 24:00 is the end of the day and second 60 a leap second; datetime knows neither.
    milliseconds = int((match["part"] or "0")[:3].ljust(3, "0"))
    at = day + timedelta(hours=hour, minutes=minute, seconds=second, milliseconds=milliseconds)
    return at.replace(tzinfo=_zone(match["zone"])).astimezone(UTC)


def _zone(text: str) -> timezone:
    if text in "Zz":
        return UTC
    digits = text[1:].replace(":", "")
    offset = timedelta(hours=int(digits[:2]), minutes=int(digits[2:] or 0))
    return timezone(-offset if text[0] == "-" else offset)


def extension_values(resource: dict[str, Any], name: str) -> list[Any]:
    """Every value of an extension, whichever of the registries its URL names."""
    found: list[Any] = []
    for extension in as_list(resource.get("extension")):
        url = extension.get("url") if isinstance(extension, dict) else None
        if not isinstance(url, str):
            continue
        plain = url.partition("|")[0]
        if any(plain == base + name for base in EXTENSION_BASES):
            found += [value for key, value in extension.items() if key.startswith("value")]
    return found


def whole_number(value: Any, what: str) -> int:
    """An integer that may have come as `3.0` or `"3"`."""
    if isinstance(value, str) and re.fullmatch(r"\s*[+-]?\d{1,9}\s*", value):
        return int(value)
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, bool) or not isinstance(value, int):
        raise BadLineError(f"{what} {_shown(value)} is not a whole number")
    return value


def codings(value: Any) -> tuple[Coding, ...]:
    """The codings of one or more codeable concepts; a bare text counts as a coding without a code."""
    found: list[Coding] = []
    for concept in as_list(value):
        if not isinstance(concept, dict):
            continue
        inner = [coding for coding in as_list(concept.get("coding")) if isinstance(coding, dict)]
        found += [coding_of(coding) for coding in inner]
        if not inner and isinstance(concept.get("text"), str):
            found.append(Coding("", "", text(concept["text"], 200)))
    return tuple(found)


def coding_of(value: dict[str, Any]) -> Coding:
    """One coding, with whatever of it is there."""
    system, code, display = value.get("system"), value.get("code"), value.get("display")
    return Coding(text(system, 200), text(code, 100), text(display, 200))


def text(value: Any, longest: int) -> str:
    """A string within bounds and without control characters; anything else is an empty string."""
    if not isinstance(value, str):
        return ""
    return " ".join("".join(" " if ord(c) < 32 or ord(c) == 127 else c for c in value).split())[:longest]


def web_address(value: Any) -> str | None:
    """An http(s) address, or None: a link is shown to people, so nothing else will do."""
    if not isinstance(value, str) or len(value) > _MAX_URL:
        return None
    try:
        parts = urlsplit(value.strip())
    except ValueError:
        return None
    return value.strip() if parts.scheme in ("http", "https") and parts.netloc else None


def number_within(value: Any, lowest: float, highest: float) -> float | None:
    """A number in the range, or None."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value) if lowest <= value <= highest else None


def as_list(value: Any) -> list[Any]:
    """FHIR's arrays, also where a publisher wrote a lone element without its brackets."""
    if value is None:
        return []
    return value if isinstance(value, list) else [value]


def _shown(value: Any) -> str:
    shown = repr(value)
    return shown if len(shown) <= 60 else shown[:57] + "..."
