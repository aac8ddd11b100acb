"""Names as hospitals type them: one spelling, whether two are one person's, and what is no name yet. Pure."""

from __future__ import annotations

import re
import unicodedata

from pypinyin import Style, lazy_pinyin

from backend.residents.names import MIDDLE_DOT, PersonNameError, parse_name

# How maternity wards call a child before it has a name: after its mother.
_NEWBORN = re.compile(
    r"之[长次大小一二三四双甲乙A-Da-d0-9]*(?:子|女|婴|儿|胎|宝)|婴儿|新生儿|宝宝|双胎|^(?:BABY|BB|NEWBORN)\b|女婴|男婴",
    re.IGNORECASE,
)
# What stands where a hospital's system had no character for a rare one.
_UNKNOWN = "?？□■*＊〓"
_LATIN = re.compile(r"[A-Za-z .,'’\-^]+")
# The full stop that some keyboards put for the middle dot; parse_name knows the others.
_FULL_STOP = re.compile(r"(?<=[\u3400-\u9fff])\s*\.\s*(?=[\u3400-\u9fff])")
_JOINTS = re.compile(r"[\s·.,'’\-^]+")


def spelled(name: str) -> str:
    """A name in its one spelling; what is no name at all only without spaces."""
    name = _FULL_STOP.sub(MIDDLE_DOT, name)
    try:
        return parse_name(name)
    except PersonNameError:
        return "".join(unicodedata.normalize("NFKC", name).split())


def is_newborn(name: str) -> bool:
    """Whether this is a mother's name with "her son" or "her daughter" behind it."""
    return _NEWBORN.search(unicodedata.normalize("NFKC", name)) is not None


def sound(name: str) -> str:
    """How a name is read, in letters alone: 张三, 张 三 and ZHANG SAN sound the same."""
    joined = _JOINTS.sub("", spelled(name))
    return "".join(lazy_pinyin(joined, style=Style.NORMAL, v_to_u=False)).lower()


def fits(one: str, other: str) -> bool:
    """Whether two spellings can be one person's name, where the ID number says that they are.

    The same characters; or letters that read like the other's characters; or the same characters but for
    those that one system could not write.
    """
    first, second = spelled(one), spelled(other)
    if first.upper() == second.upper():
        return True
    if _LATIN.fullmatch(first) or _LATIN.fullmatch(second):
        return sound(first) == sound(second)
    return _fits_with_gaps(first, second)


def _fits_with_gaps(first: str, second: str) -> bool:
    pairs = list(zip(first, second, strict=False))
    if len(first) != len(second) or all(a in _UNKNOWN or b in _UNKNOWN for a, b in pairs):
        return False
    return all(a == b or a in _UNKNOWN or b in _UNKNOWN for a, b in pairs)
