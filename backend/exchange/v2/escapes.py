"""Escape sequences in a field's text. python-hl7's own function writes what it cannot read into the log."""

from __future__ import annotations

import re
from functools import lru_cache

# Formatting (highlighting, indents) is left out; line breaks stay.
_BREAKS = re.compile(r"\.(?:br|sp)\d*", re.IGNORECASE)
_FORMAT = re.compile(r"[HN]|\.(?:in|ti|fi|nf|ce|sk)[+-]?\d*", re.IGNORECASE)
_HEX = re.compile(r"X((?:[0-9A-Fa-f]{2})+)")


@lru_cache(64)
def _sequences(mark: str) -> re.Pattern[str]:
    escaped = re.escape(mark)
    return re.compile(f"{escaped}([^{escaped}\r]{{1,200}}){escaped}")


def unescape(text: str, separators: str, mark: str) -> str:
    """The text that was meant. `separators` are field, repetition, component, part as python-hl7 has them."""
    if not mark or mark not in text:
        return text
    meant = {"E": mark, "F": separators[0], "R": separators[1], "S": separators[2], "T": separators[3]}
    return _sequences(mark).sub(lambda found: _meant(found, meant), text)


def _meant(found: re.Match[str], meant: dict[str, str]) -> str:
    said = found[1]
    if said in meant:
        return meant[said]
    if _BREAKS.fullmatch(said):
        return "\n"
    if _FORMAT.fullmatch(said):
        return ""
    if hexadecimal := _HEX.fullmatch(said):
        return _characters(bytes.fromhex(hexadecimal[1]))
    return found[0]


def _characters(data: bytes) -> str:
    for codec in ("utf-8", "gb18030"):
        try:
            return data.decode(codec)
        except UnicodeDecodeError:
            continue
    return data.decode("latin-1")
