"""When and how often something is to be done: TQ1, and TQ in ORC-7, OBR-27 and RXE-1 up to 2.4."""

from __future__ import annotations

import re
from dataclasses import dataclass

from backend.exchange.v2.mapping.building import Building, Json, tidy
from backend.exchange.v2.mapping.datatypes import period, time_of
from backend.exchange.v2.mapping.groups import Group
from backend.exchange.v2.segments import Segment

_UCUM = "http://unitsofmeasure.org"
# Times in a day, and times between: BID, 6ID; Q6H, QD, QOD. Table 0335.
_DAILY = {"BID": 2, "TID": 3, "QID": 4}
_TIMES_A_DAY = re.compile(r"(\d{1,2})ID")
_EVERY = re.compile(r"Q(\d{0,3})([SMHDWL])")
_UNITS = {"S": "s", "M": "min", "H": "h", "D": "d", "W": "wk", "L": "mo"}
_LASTING = re.compile(r"([SMHDWL])(\d{1,4})")


@dataclass(frozen=True)
class Timing:
    """What is said of an order's times, wherever it is said first."""

    rhythm: str = ""
    lasting: str = ""
    start: str | None = None
    end: str | None = None
    priority: str | None = None

    def as_dosage(self) -> Json:
        """FHIR's Timing."""
        lasts = _LASTING.fullmatch(self.lasting.upper())
        bounds: Json = {"boundsPeriod": period(self.start, self.end)}
        if lasts and not self.start and not self.end:
            unit = _UNITS[lasts[1]]
            bounds = {"boundsDuration": {"value": int(lasts[2]), "unit": unit, "system": _UCUM, "code": unit}}
        words = " ".join(filter(None, (self.rhythm, self.lasting)))
        repeat = {**bounds, **_repeated(self.rhythm.upper())}
        return tidy({"repeat": repeat, "code": {"text": words} if self.rhythm else None})


def timing_of(b: Building, group: Group) -> Timing:
    """The group's times: TQ1, else the first of the older fields that says it."""
    said = [_of_segment(b, segment) for segment in group.each("TQ1")[:1]]
    places = (("RXE", 1), ("ORC", 7), ("OBR", 27))
    said += [_of_field(b, one, at) for name, at in places if (one := group.first(name)) is not None]
    return Timing(
        next(filter(None, (one.rhythm for one in said)), ""),
        next(filter(None, (one.lasting for one in said)), ""),
        next(filter(None, (one.start for one in said)), None),
        next(filter(None, (one.end for one in said)), None),
        next(filter(None, (one.priority for one in said)), None),
    )


def _of_segment(b: Building, segment: Segment) -> Timing:
    priority = segment.text(9)
    return Timing(
        segment.text(3),
        "",
        time_of(b, segment, 7),
        time_of(b, segment, 8),
        b.code("priority", priority, segment, 9) if priority else None,
    )


def _of_field(b: Building, segment: Segment, number: int) -> Timing:
    """TQ: how much, rhythm, how long, from, until, priority."""
    told = segment.rep(number)
    priority = told.c(6)
    return Timing(
        told.c(2),
        told.c(3),
        time_of(b, segment, number, told, 4),
        time_of(b, segment, number, told, 5),
        b.code("priority", priority, segment, number) if priority else None,
    )


def _repeated(rhythm: str) -> Json:
    if rhythm == "QOD":
        return {"frequency": 1, "period": 2, "periodUnit": "d"}
    several = _TIMES_A_DAY.fullmatch(rhythm)
    if times := int(several[1]) if several else _DAILY.get(rhythm):
        return {"frequency": times, "period": 1, "periodUnit": "d"}
    every = _EVERY.fullmatch(rhythm)
    # QM and QS are no minute and no second: without a number only these are said.
    if every and (every[1] or every[2] in "HDW") and every[1] != "0":
        return {"frequency": 1, "period": int(every[1] or 1), "periodUnit": _UNITS[every[2]]}
    return {}
