"""What a flag means in plain words. Pure: the words come from here and the table, never a diagnosis."""

from __future__ import annotations

from decimal import Decimal
from enum import StrEnum

from backend.reports.analytes import Analyte


class Flag(StrEnum):
    """How a result lies to what is usual."""

    NORMAL = "normal"
    LOW = "low"
    HIGH = "high"
    VERY_LOW = "very_low"
    VERY_HIGH = "very_high"
    ABNORMAL = "abnormal"
    POSITIVE = "positive"
    NEGATIVE = "negative"
    # The hospital said nothing, and there is no range to compare with.
    UNKNOWN = "unknown"


# HL7 v3 ObservationInterpretation and v2 table 0078; what a letter means, as far as residents are concerned.
_CODES = {
    "N": Flag.NORMAL,
    "L": Flag.LOW,
    "LU": Flag.VERY_LOW,
    "LL": Flag.VERY_LOW,
    "<": Flag.VERY_LOW,
    "H": Flag.HIGH,
    "HU": Flag.VERY_HIGH,
    "HH": Flag.VERY_HIGH,
    ">": Flag.VERY_HIGH,
    "A": Flag.ABNORMAL,
    "AA": Flag.ABNORMAL,
    "POS": Flag.POSITIVE,
    "DET": Flag.POSITIVE,
    "RR": Flag.POSITIVE,
    "WR": Flag.POSITIVE,
    "NEG": Flag.NEGATIVE,
    "ND": Flag.NEGATIVE,
    "NR": Flag.NEGATIVE,
}
CRITICAL = frozenset({"LL", "HH", "AA", "<", ">"})

HIGH_FLAGS = frozenset({Flag.HIGH, Flag.VERY_HIGH})
LOW_FLAGS = frozenset({Flag.LOW, Flag.VERY_LOW})
NOTABLE = HIGH_FLAGS | LOW_FLAGS | {Flag.ABNORMAL, Flag.POSITIVE}

ASK = "请把报告给医生看。"
AT_ONCE = "医院标为危急值，请尽快联系医生。"


def flag_of(codes: list[str]) -> tuple[Flag, bool]:
    """What the hospital's codes say, the most telling first; and whether it called the result critical."""
    known = [code.upper() for code in codes if code.upper() in _CODES]
    critical = any(code in CRITICAL for code in known)
    return (max((_CODES[code] for code in known), key=_weight) if known else Flag.UNKNOWN), critical


def flag_by_range(value: Decimal, low: Decimal | None, high: Decimal | None) -> Flag:
    """Where the hospital said nothing, what its own range says."""
    if low is not None and value < low:
        return Flag.LOW
    if high is not None and value > high:
        return Flag.HIGH
    return Flag.UNKNOWN if low is None and high is None else Flag.NORMAL


_WEIGHT = (
    Flag.UNKNOWN,
    Flag.NEGATIVE,
    Flag.NORMAL,
    Flag.ABNORMAL,
    Flag.POSITIVE,
    Flag.LOW,
    Flag.HIGH,
    Flag.VERY_LOW,
    Flag.VERY_HIGH,
)


def _weight(flag: Flag) -> int:
    return _WEIGHT.index(flag)


def plain_words(flag: Flag, analyte: Analyte | None, *, critical: bool = False) -> str:
    """One or two sentences for somebody who is no doctor; nothing where there is nothing to say."""
    if flag not in NOTABLE:
        return ""
    if critical:
        return f"{_SHORT[flag]}。{AT_ONCE}"
    return f"{_SHORT[flag]}。{_reasons(flag, analyte)}{ASK}"


_SHORT = {
    Flag.HIGH: "偏高",
    Flag.LOW: "偏低",
    Flag.VERY_HIGH: "明显偏高",
    Flag.VERY_LOW: "明显偏低",
    Flag.ABNORMAL: "与通常不同",
    Flag.POSITIVE: "阳性",
}


def _reasons(flag: Flag, analyte: Analyte | None) -> str:
    meaning = analyte.meaning if analyte else None
    if meaning is None:
        return ""
    reasons = meaning.high if flag in HIGH_FLAGS else meaning.low if flag in LOW_FLAGS else ""
    return f"常见原因有{reasons}等，单项结果不能说明问题；" if reasons else ""
