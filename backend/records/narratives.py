"""The words of what is written rather than coded: narratives in XHTML, documents that are text. Pure."""

from __future__ import annotations

import base64
import binascii
import html
import re
from typing import Any

_TAG = re.compile(r"<[^>]*>")
_CHARSET = re.compile(r"charset=\"?([\w\-]+)")
_MARKUP = ("xml", "html")
# Base64 of as many bytes as are looked through at most.
_MOST_BASE64 = 4_000_000


def words_of_markup(markup: str) -> str:
    """What a reader of XHTML or XML sees: tags may cut a word, a character may be written as a number."""
    return html.unescape(_TAG.sub("", markup))


def words_of_attachment(value: dict[str, Any]) -> str:
    """The words of an Attachment or a Binary that carries text; empty for anything else."""
    data, kind = value.get("data"), value.get("contentType")
    if not isinstance(data, str) or not isinstance(kind, str):
        return ""
    kind = kind.lower()
    markup = any(name in kind for name in _MARKUP)
    if not (kind.startswith("text/") or markup):
        return ""
    try:
        packed = base64.b64decode(data[:_MOST_BASE64])
    except (binascii.Error, ValueError):
        return ""
    text = _decoded(packed, _CHARSET.search(kind))
    return words_of_markup(text) if markup else text


def _decoded(packed: bytes, charset: re.Match[str] | None) -> str:
    """By the character set that is named, else UTF-8, else the one that is usual here."""
    for name in (*((charset[1],) if charset else ()), "utf-8"):
        try:
            return packed.decode(name)
        except (UnicodeDecodeError, LookupError):
            continue
    return packed.decode("gb18030", errors="replace")
