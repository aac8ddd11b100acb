"""OBX: single results, by the type of their value."""

from __future__ import annotations

import re

from backend.exchange.v2.mapping.attachments import attachment_of
from backend.exchange.v2.mapping.building import Building, Json, tidy, unique
from backend.exchange.v2.mapping.datatypes import (
    coded,
    coded_all,
    decimal,
    each,
    entity,
    organization,
    period,
    practitioner,
    quantity,
    time_of,
)
from backend.exchange.v2.segments import Rep, Segment

_INTERPRETATION = "http://terminology.hl7.org/CodeSystem/v3-ObservationInterpretation"
_CATEGORY = "http://terminology.hl7.org/CodeSystem/observation-category"
_RANGE = re.compile(r"\s*([+-]?\d+(?:\.\d+)?)\s*(?:-{1,2}|~|—|–|～|至)\s*([+-]?\d+(?:\.\d+)?)\s*")
_BOUND = re.compile(r"\s*(<=|>=|<|>|≤|≥|＜|＞)\s*(\d+(?:\.\d+)?)\s*")
# Of a reference range only: 4.3 to 6.2, 70_105, and the unit behind it once more.
_WORDED = re.compile(r"(?<=\d)\s*(?:\bto\b|_)\s*(?=[+-]?\d)", re.IGNORECASE)
_UNIT_BEHIND = re.compile(r"(?<=\d)\s*[^\d\s.,:;~～—–至_+-][^\d]*$")
_COMPARATORS = {"≤": "<=", "≥": ">=", "＜": "<", "＞": ">"}
_TEXTS = frozenset({"ST", "TX", "FT", "", "VARIES", "TN", "PN"})
_CODED = frozenset({"CE", "CWE", "CNE", "CF", "IS", "ID"})
# Values that are documents rather than results: attachments.py.
ATTACHED = frozenset({"ED", "RP"})


def build_observation(
    b: Building, segment: Segment, key: str, *, more: Json | None = None, notes: list[Json] | None = None
) -> Json:
    """One Observation, and the reference to it."""
    said = segment.text(11)
    body = {
        "status": b.code("observation_status", said, segment, 11) if said else "final",
        "category": [{"coding": [{"system": _CATEGORY, "code": "laboratory"}]}] if more else None,
        "identifier": each(segment.reps(21), lambda rep: entity(b, rep)),
        "code": _name(b, segment),
        "subject": b.subject,
        "encounter": b.encounter,
        "effectiveDateTime": time_of(b, segment, 14),
        "issued": _with_time(time_of(b, segment, 19)),
        "performer": unique([
            *each(segment.reps(16), lambda rep: practitioner(b, rep)),
            *each(segment.reps(25), lambda rep: practitioner(b, rep)),
            *each(segment.reps(23), lambda rep: organization(b, rep)),
        ]),
        "interpretation": _interpretation(b, segment),
        "method": coded(b, segment.rep(17)),
        "bodySite": coded(b, segment.rep(20)),
        "referenceRange": _reference(segment),
        "note": notes,
        **(more or {}),
        **value_of(b, segment),
    }  # fmt: skip
    if not body.get("effectiveDateTime") and more:
        body["effectiveDateTime"] = more.get("effectiveDateTime")
    return b.add("Observation", key, body)


def _name(b: Building, segment: Segment) -> Json:
    said = coded(b, segment.rep(3), "lab_item")
    return said or {"text": "未说明的项目"}


def _with_time(text: str | None) -> str | None:
    return text if text and "T" in text else None


def value_of(b: Building, segment: Segment) -> Json:
    """The value[x], or components where a number comes several times."""
    kind, reps = segment.text(2).upper(), segment.reps(5)
    if not reps or kind in ATTACHED:
        if kind in ATTACHED and segment.has(5) and attachment_of(b, segment) is None:
            b.not_understood("value", segment, 5)
        return {}
    if (kind in _TEXTS and len(reps) > 1) or kind in ("TX", "FT"):
        return {"valueString": "\n".join(rep.whole() for rep in reps)}
    if len(reps) > 1:
        code = _name(b, segment)
        return {"component": [{"code": code, **one} for rep in reps if (one := _one(b, segment, kind, rep))]}
    return _one(b, segment, kind, reps[0])


def _one(b: Building, segment: Segment, kind: str, rep: Rep) -> Json:
    unit = segment.rep(6)
    if kind == "NM":
        found = quantity(rep.c(1), unit, b)
        if not found:
            within = _bounded(rep.c(1), unit, b)
            if not within:
                b.not_understood("value", segment, 5, rep.c(1))
            return within or {"valueString": rep.whole()}
        return {"valueQuantity": found}
    if kind == "SN":
        return _structured(rep, unit, b)
    if kind in _CODED:
        return {"valueCodeableConcept": coded(b, rep)}
    if kind in ("DT", "TS", "DTM"):
        at = b.time(rep.c(1))
        if at is None:
            b.not_understood("value", segment, 5, rep.c(1))
        return {"valueDateTime": at} if at else {"valueString": rep.c(1)}
    if kind == "TM":
        return {"valueTime": _clock_time(rep.c(1))} if _clock_time(rep.c(1)) else {"valueString": rep.c(1)}
    if kind in _TEXTS:
        return _number_in_text(rep.whole(), unit, b) or {"valueString": rep.whole()}
    return _rarer(b, kind, rep, unit) or {
        "valueString": " ".join(filter(None, (rep.said(n) for n in range(1, len(rep) + 1))))
    }


def _rarer(b: Building, kind: str, rep: Rep, unit: Rep) -> Json:
    """DR, NR, CQ, XCN: a period, two numbers, a number with its own unit, somebody."""
    if kind == "DR":
        return tidy({"valuePeriod": period(b.time(rep.c(1)), b.time(rep.c(2)))})
    if kind == "NR":
        return tidy({"valueRange": {"low": quantity(rep.c(1), unit, b), "high": quantity(rep.c(2), unit, b)}})
    if kind == "CQ":
        code, display, system = (rep.c(2, part) for part in (1, 2, 3))
        address = b.codes.system(system) if code else ""
        return tidy({
            "valueQuantity": {
                **quantity(rep.c(1)),
                "unit": display or code,
                "system": address,
                "code": code if address else None,
            } if quantity(rep.c(1)) else None
        })  # fmt: skip
    return tidy({"valueString": practitioner(b, rep).get("display")}) if kind == "XCN" else {}


def _clock_time(text: str) -> str | None:
    found = re.fullmatch(r"([01]\d|2[0-3])([0-5]\d)([0-5]\d)?(?:\.\d+)?(?:[+-]\d{4})?", text)
    return f"{found[1]}:{found[2]}:{found[3] or '00'}" if found else None


def _number_in_text(text: str, unit: Rep, b: Building) -> Json:
    """What laboratories here send as text: 5.6, <0.5, ≥200; with a unit it is a number."""
    if not unit:
        return {}
    found = quantity(text, unit, b)
    if found:
        return {"valueQuantity": found}
    if between := _RANGE.fullmatch(text):
        low, high = (quantity(between[side], unit, b) for side in (1, 2))
        # Cells in a field are counted as 0-3; what falls is no range.
        rises = low and high and low["value"] <= high["value"]
        return {"valueRange": {"low": low, "high": high}} if rises else {}
    return _bounded(text, unit, b)


def _bounded(text: str, unit: Rep, b: Building) -> Json:
    """<0.5."""
    bound = _BOUND.fullmatch(text)
    if bound is None:
        return {}
    comparator = _COMPARATORS.get(bound[1], bound[1])
    return {"valueQuantity": {**quantity(bound[2], unit, b), "comparator": comparator}}


def _structured(rep: Rep, unit: Rep, b: Building) -> Json:
    """SN: comparator ^ number ^ separator ^ number."""
    comparator, first, mark, second = (rep.c(n) for n in range(1, 5))
    low, high = quantity(first, unit, b), quantity(second, unit, b)
    if mark == "-" and low and high and not comparator:
        return {"valueRange": {"low": low, "high": high}}
    known = comparator if comparator in ("<", "<=", ">", ">=") else None
    if mark in (":", "/") and low and high and comparator in (known, "", "="):
        top = tidy({"value": low["value"], "comparator": known})
        return {"valueRatio": {"numerator": top, "denominator": {"value": high["value"]}}}
    if low and mark in ("", ".") and not second and comparator in (known, "", "="):
        return {"valueQuantity": tidy({**low, "comparator": known})}
    # 2+ is no 2, and <>5 no 5.
    return {"valueString": "".join((comparator, first, mark, second))}


def _interpretation(b: Building, segment: Segment) -> list[Json]:
    found = []
    for rep in segment.reps(8):
        code = b.code("interpretation", rep.c(1), segment, 8)
        if code:
            found.append({"coding": [{"system": _INTERPRETATION, "code": code}]})
        else:
            found.append(coded(b, rep))
    return unique(found)


def _reference(segment: Segment) -> list[Json]:
    text = segment.whole(7)
    if not text:
        return []
    plainly = _UNIT_BEHIND.sub("", _WORDED.sub("-", text))
    low_high, bound = _RANGE.fullmatch(plainly), _BOUND.fullmatch(plainly)
    found: Json = {"text": text}
    if low_high:
        found["low"], found["high"] = ({"value": decimal(low_high[1])}, {"value": decimal(low_high[2])})
    elif bound:
        side = "high" if bound[1] in ("<", "<=", "≤", "＜") else "low"
        found[side] = {"value": decimal(bound[2])}
    unit = segment.rep(6)
    for side in ("low", "high"):
        if side in found and unit:
            found[side]["unit"] = unit.c(2) or unit.c(1)
    return [found]


def observation_keys(order: str, segments: list[Segment]) -> list[tuple[Segment, str]]:
    """A key for each result of an order: its code and sub-id, and which of several alike."""
    seen: dict[str, int] = {}
    found = []
    for segment in segments:
        what = segment.rep(3)
        key = f"{order}|{what.c(1) or what.c(2)}|{segment.text(4)}"
        seen[key] = seen.get(key, 0) + 1
        found.append((segment, key if seen[key] == 1 else f"{key}|{seen[key]}"))
    return found


def codes_of(b: Building, segment: Segment) -> list[Json]:
    """The codes of OBX-3 in every repetition."""
    return coded_all(b, segment, 3)
