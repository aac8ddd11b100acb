"""The one place that takes personal data and secrets out of whatever is about to be logged."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

HIDDEN = "[redacted]"

# One alternation, one pass over the text. Order matters: longer and more certain shapes come first.
_SHAPES = re.compile(
    r"""
    (?P<pem>-----BEGIN[ A-Z0-9]+-----.*?-----END[ A-Z0-9]+-----)
  | (?P<jwt>\beyJ[\w-]{8,}\.[\w-]{8,}\.[\w-]*)
  | (?P<bearer>\b(?:Bearer|Basic)\s+[\w.~+/=-]{8,})
  | (?P<refresh>\bhcr_[\w-]{20,})
  | (?P<code>\b[EeSs][12]?:[0-9A-Za-z $%*+\-./:]{20,})
  | (?P<card>\b[0-9A-Fa-f]{64}(?::\d{1,2}(?::[0-9A-Fa-f]{32})?)?\b)
  | (?P<assigned>["']?\b(?P<label>[\w-]*(?:password|passwd|secret|token|authorization|cookie|api_?v3_?key
      |private_?key|session_key|openid|unionid|js_code|phone_code|totp|otp|id_number|phone|mobile|id_card
      |name_on_id))["']?\s*[=:]\s*)(?P<value>"[^"]*"|'[^']*'|(?:Bearer|Basic)\s+\S+|[^\s,;&}\])]+)
  | (?P<id_number>(?<![0-9A-Za-z])[1-9]\d{5}(?:18|19|20)\d{2}(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])
      \d{3}[0-9Xx](?![0-9A-Za-z]))
  | (?P<old_id>(?<!\d)[1-9]\d{5}\d{2}(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])\d{3}(?!\d))
  | (?P<phone>(?<!\d)(?:\+?86[ -]?|0086[ -]?)?1[3-9]\d(?:[ -]?\d{4}){2}(?!\d))
  | (?P<openid>\bo[\w-]{27}\b)
    """,
    # ASCII: a Chinese character beside a token is a boundary.
    re.VERBOSE | re.DOTALL | re.IGNORECASE | re.ASCII,
)

_SECRET_WORDS = (
    "password", "passwd", "secret", "token", "authorization", "cookie", "private_key", "session_key",
    "openid", "unionid", "js_code", "totp", "otp", "credential", "signature",
)  # fmt: skip
_PERSONAL_WORDS = frozenset({
    "name", "patient_name", "resident_name", "phone", "mobile", "id_number", "id_card", "card_id", "address",
    "code_text", "text", "qr", "body", "sms_code", "phone_code", "birth_on",
})  # fmt: skip
# A digest of ours has the form of a card id; under this name it is wanted, and says nothing about anybody.
_DIGEST_FIELD = "hash"
_DIGEST = re.compile(r"[0-9a-f]{64}")
_LARGEST_NUMBER = 2**63


def _hide(match: re.Match[str]) -> str:
    if match["assigned"] is not None:
        return f"{match['assigned']}{HIDDEN}"
    if match["bearer"] is not None:
        return f"{match['bearer'].split(None, 1)[0]} {HIDDEN}"
    return f"[{match.lastgroup}]"


def redact(text: str) -> str:
    """Return the text without phones, ID numbers, card ids, health codes, tokens, openids and secrets."""
    return _SHAPES.sub(_hide, text)


def is_secret_field(field: str) -> bool:
    """Whether a field of this name is hidden whatever its value."""
    lowered = field.lower().replace("-", "_")
    return lowered in _PERSONAL_WORDS or any(word in lowered for word in _SECRET_WORDS)


def redact_value(field: str, value: Any) -> Any:
    """Return one log field's value as it may be written."""
    if is_secret_field(field) and value is not None and not isinstance(value, bool):
        return HIDDEN
    if isinstance(value, str):
        return value if field == _DIGEST_FIELD and _DIGEST.fullmatch(value) else redact(value)
    if isinstance(value, bytes | bytearray | memoryview):
        return "[bytes]"
    if isinstance(value, Mapping):
        return redact_fields(value)
    if isinstance(value, list | tuple | set | frozenset):
        return [redact_value("", item) for item in value]
    if isinstance(value, int | float | bool) or value is None:
        return _redact_number(value)
    return redact(str(value))


def redact_fields(fields: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fields of a structured log line as they may be written."""
    return {redact(str(key)): redact_value(str(key), value) for key, value in fields.items()}


def _redact_number(value: Any) -> Any:
    # A phone or an ID number that somebody passed as a number is as personal as its text.
    if isinstance(value, int) and not isinstance(value, bool) and 10**10 <= abs(value) < 10**18:
        shown = redact(str(value))
        return shown if shown.startswith("[") else value
    # JSON's integers end at 64 bits.
    return str(value) if isinstance(value, int) and abs(value) >= _LARGEST_NUMBER else value
