"""HL7's points in time to FHIR's, and back. Without a zone the header's is meant, else the city's."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta, timezone
from functools import lru_cache

from backend import clock

_STAMP = re.compile(
    r"(?P<y>\d{4})(?:(?P<m>\d{2})(?:(?P<d>\d{2})"
    r"(?:(?P<H>\d{2})(?P<M>\d{2})?(?:(?P<S>\d{2})(?P<f>\.\d{1,6})?)?)?)?)?(?P<z>[+-]\d{4})?"
)

# As screens write it, and as many systems send it: 1949-12-31, 2026/3/1 8:05, 2026-03-01T08:05:00Z.
_WRITTEN = re.compile(
    r"(?P<y>\d{4})(?P<mark>[-/.])(?P<m>\d{1,2})(?P=mark)(?P<d>\d{1,2})"
    r"(?:[T ]+(?P<H>\d{1,2}):(?P<M>\d{2})(?::(?P<S>\d{2})(?P<f>\.\d{1,6})?)?(?P<z>Z|[+-]\d{2}:?\d{2})?)?"
)


@lru_cache(maxsize=4096)
def fhir_time(text: str, zone: str = "") -> str | None:
    """A date or dateTime in FHIR's form, as exact as it was said; None when it is no point in time.

    `zone` is meant where the text names none, as +0800.
    """
    found = _STAMP.fullmatch(_stamp(text))
    if found is None or (found["m"] is None and found["z"]):
        return None
    try:
        if found["H"] is None:
            said = date(int(found["y"]), int(found["m"] or 1), int(found["d"] or 1))
            return said.isoformat()[: 4 if not found["m"] else 7 if not found["d"] else 10]
        at = _instant(found, zone)
    except (ValueError, OverflowError):
        return None
    return at.isoformat(timespec="milliseconds" if found["f"] else "seconds")


def fhir_date(text: str) -> str | None:
    """Only the date of it."""
    said = fhir_time(text)
    return said[:10] if said else None


def instant(text: str) -> datetime | None:
    """An aware instant; a date is its midnight in the city."""
    found = _STAMP.fullmatch(_stamp(text))
    if found is None:
        return None
    try:
        return _instant(found).astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def birth_date(text: str) -> date | None:
    """A whole date, or None."""
    said = fhir_date(text)
    return date.fromisoformat(said) if said and len(said) == 10 else None


def _stamp(text: str) -> str:
    """A point in time as HL7 writes it, however it was written."""
    text = text.strip()
    found = _WRITTEN.fullmatch(text)
    if found is None:
        return text
    day = found["y"] + found["m"].zfill(2) + found["d"].zfill(2)
    if found["H"] is None:
        return day
    zone = (found["z"] or "").replace("Z", "+0000").replace(":", "")
    fraction = found["f"] or ""
    return f"{day}{found['H'].zfill(2)}{found['M']}{found['S'] or '00'}{fraction}{zone}"


def zone_of(text: str) -> str:
    """The zone that a point in time names, as +0800; empty where it names none that there is."""
    found = _STAMP.fullmatch(_stamp(text))
    said = found["z"] or "" if found else ""
    return said if said and int(said[1:3]) <= 14 and int(said[3:]) <= 59 else ""


def _instant(found: re.Match[str], default: str = "") -> datetime:
    part = {key: int(found[key] or (1 if key in "md" else 0)) for key in "ymdHMS"}
    micro = int(float(found["f"] or 0) * 1_000_000)
    zone: timezone | None = None
    if said := found["z"] or default:
        hours, minutes = int(said[1:3]), int(said[3:])
        if hours > 14 or minutes > 59:
            raise ValueError("no zone")
        away = timedelta(hours=hours, minutes=minutes)
        zone = timezone(-away if said[0] == "-" else away)
    at = datetime(
        part["y"], part["m"], part["d"], part["H"], part["M"], min(part["S"], 59), micro, tzinfo=zone or UTC
    )
    return at if zone else at.replace(tzinfo=clock.CITY_ZONE)


def hl7_time(at: datetime) -> str:
    """An instant as our own messages write it."""
    return at.astimezone(clock.CITY_ZONE).strftime("%Y%m%d%H%M%S%z")
