"""The words of what is written rather than coded: narratives in XHTML, documents that are text. Pure."""

from __future__ import annotations

import base64
import binascii
import html
import re
from typing import Any

from backend.records.apart import named

_TAG = re.compile(r"<[^>]*>")
_CHARSET = re.compile(r"charset=\"?([\w\-]+)")
_MARKUP = ("xml", "html")
# How "%PDF-" and "{\rtf" begin in base64: some senders call every file a stream of bytes.
_PDF, _RTF = "JVBERi", "e1xydGY"
# Base64 of as many bytes as are looked through at most.
_MOST_BASE64 = 4_000_000
# A letter by its number (with what stands in for it), letters by their bytes, a control word, and text.
_OF_RTF = re.compile(
    r"\\u(-?\d{1,6}) ?(?:\\'[0-9a-f]{2}|[^\\{}])?"
    r"|((?:\\'[0-9a-f]{2})+)"
    r"|\\([a-z]{1,32})(?:-?\d{1,10})? ?"
    r"|\\[^a-z]|[{}\r\n]"
    r"|([^\\{}\r\n]+)",
    re.IGNORECASE,
)
_BREAKS = frozenset({"par", "line", "tab", "cell", "row", "page", "sect"})


def words_of_markup(markup: str) -> str:
    """What a reader of XHTML or XML sees: tags may cut a word, a character may be written as a number."""
    return html.unescape(_TAG.sub("", markup))


def words_of_rtf(text: str) -> str:
    """What a reader of RTF sees; letters that are written as bytes are of the character set usual here."""
    return "".join(_of_rtf(match) for match in _OF_RTF.finditer(text))


def is_paper(value: dict[str, Any]) -> bool:
    """Whether an Attachment or a Binary carries a PDF, here or apart."""
    data, kind = value.get("data"), value.get("contentType")
    if isinstance(data, str) and data.startswith(_PDF):
        return True
    is_pdf = isinstance(kind, str) and "pdf" in kind.lower()
    return is_pdf and (isinstance(data, str) or named(value) is not None)


def words_of_attachment(value: dict[str, Any]) -> str:
    """The words of an Attachment or a Binary that carries text; empty for anything else."""
    data, kind = value.get("data"), value.get("contentType")
    if not isinstance(data, str):
        return ""
    kind = kind.lower() if isinstance(kind, str) else ""
    rtf = data.startswith(_RTF) or "rtf" in kind
    markup = any(name in kind for name in _MARKUP)
    if not (kind.startswith("text/") or markup or rtf):
        return ""
    try:
        packed = base64.b64decode(data[:_MOST_BASE64])
    except (binascii.Error, ValueError):
        return ""
    text = decoded(packed, _CHARSET.search(kind))
    if rtf:
        return words_of_rtf(text)
    return words_of_markup(text) if markup else text


def decoded(packed: bytes, charset: re.Match[str] | None = None) -> str:
    """By the character set that is named, else UTF-8, else the one that is usual here."""
    for name in (*((charset[1],) if charset else ()), "utf-8"):
        try:
            return packed.decode(name)
        except (UnicodeDecodeError, LookupError):
            continue
    return packed.decode("gb18030", errors="replace")


def _of_rtf(match: re.Match[str]) -> str:
    number, packed, word, text = match.groups()
    if number:
        return chr(int(number) % 0x10000)
    if packed:
        return bytes.fromhex(packed.replace("\\'", "")).decode("gb18030", errors="replace")
    if word:
        return "\n" if word.lower() in _BREAKS else ""
    return text or ""
