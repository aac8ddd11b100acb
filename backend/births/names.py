"""Whether a child may be registered under a name: the situations a name is in. Pure."""

from __future__ import annotations

import re

from backend.births.rules import NameRules
from backend.residents.names import with_middle_dots

DOT = "·"
# 〇 is a character like others, though Unicode counts it as a number.
_HAN = re.compile(r"[〇\u3400-\u4dbf\u4e00-\u9fff\U00020000-\U0003ffff]+")


def name_situations(name: str, parents: list[str], rules: NameRules) -> list[str]:
    """What stands against a name, or should be known of it."""
    if not name:
        return ["name_missing"]
    parts, parents = name.split(DOT), [with_middle_dots(parent) for parent in parents]
    if not all(_HAN.fullmatch(part) for part in parts):
        return ["name_form"]
    most = rules.most_with_dot if len(parts) > 1 else rules.most
    if not rules.least <= len(name) <= most:
        return ["name_length"]
    found = []
    surnames = {surname(parent, rules) for parent in parents if parent}
    # Names with a dot have no surname in this sense, and neither have the children of those who bear one.
    dotted = len(parts) > 1 or any(DOT in parent for parent in parents)
    if not dotted and surname(name, rules) not in surnames:
        found.append("name_surname")
    if any(not _is_common(character) for part in parts for character in part):
        found.append("name_rare")
    return found


def surname(name: str, rules: NameRules) -> str:
    """The surname of a Chinese name."""
    return name[:2] if name[:2] in rules.compound_surnames else name[:1]


def _is_common(character: str) -> bool:
    """Whether old machines know it too: GB 2312 is what every one of them has."""
    try:
        character.encode("gb2312")
    except UnicodeEncodeError:
        return False
    return True
