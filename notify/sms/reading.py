"""How pushes and answers of SMS providers are read: strictly as to form, whatever their size or depth.

A push carries no signature, so nothing in it is trusted: every text is cut to what our books have room for,
and an entry that cannot be read loses no good one beside it.
"""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta, timezone
from typing import Any, TypeVar

from notify.ports import InvalidNoticeError

log = logging.getLogger(__name__)

T = TypeVar("T")
Entry = Mapping[str, Any]
Reader = Callable[[Entry], Iterator[T]]

BEIJING = timezone(timedelta(hours=8))
# What providers' own fields never pass; a longer text is cut.
LONGEST_ID, LONGEST_CODE, LONGEST_EXTENSION, LONGEST_TEXT = 64, 40, 20, 2000
_MOST_DIGITS = 30
_PHONE = re.compile(r"\+?[0-9]{5,20}", re.ASCII)
_MAINLAND = re.compile(r"(?:\+86|0086|86)?(1[0-9]{10})", re.ASCII)
# The last second datetime can tell in UTC.
_LATEST_S = 253_402_300_799


def read_json(text: bytes) -> Any:
    """JSON from outside, however deep, huge or broken. Raises InvalidNoticeError."""
    try:
        return json.loads(text, parse_int=_integer)
    except (ValueError, RecursionError) as error:
        raise InvalidNoticeError("UNREADABLE", "not JSON") from error


def _integer(digits: str) -> int | str:
    # Python refuses to read thousands of digits; as a text they spoil their own entry only.
    return int(digits) if len(digits) <= _MOST_DIGITS else digits


def entries_of(data: Any) -> list[Any]:
    """A list as it is, anything else as a list of one."""
    return data if isinstance(data, list) else [data]


def readable(entries: Sequence[Any], read: Reader[T], provider: str) -> tuple[tuple[T, ...], int]:
    """What can be read, and how many entries hold nothing that can."""
    found: list[T] = []
    refused = 0
    for entry in entries:
        items = list(read(entry)) if isinstance(entry, dict) else []
        found += items
        refused += not items
    if refused:
        fields = {"provider": provider, "refused": refused, "kept": len(found)}
        log.warning("sms_entries_refused", extra=fields)
    return tuple(found), refused


def pushed(body: bytes, read: Reader[T], provider: str) -> tuple[T, ...]:
    """The good entries of a push; it is refused when there is something in it and none can be read."""
    found, refused = readable(entries_of(read_json(body)), read, provider)
    if refused and not found:
        raise InvalidNoticeError("UNREADABLE", "no entry can be read")
    return found


def plain(value: Any) -> str:
    """A text or a number as a text that can be stored: half a character becomes U+FFFD; else nothing."""
    if isinstance(value, bool) or not isinstance(value, str | int):
        return ""
    return str(value).encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def text_of(entry: Entry, name: str, longest: int) -> str:
    """One field as a text of bounded length; empty when there is none."""
    return plain(entry.get(name))[:longest]


def phone_of(value: Any) -> str:
    """A number that can be called, as it stands; empty when it is none."""
    text = plain(value)
    return text if _PHONE.fullmatch(text) else ""


def mainland_phone_of(value: Any) -> str:
    """The same, and a mainland number without its country code, as we keep them."""
    phone = phone_of(value)
    mainland = _MAINLAND.fullmatch(phone)
    return mainland[1] if mainland else phone


def beijing_time_of(entry: Entry, name: str, form: str) -> datetime | None:
    """An instant written as Beijing's clock shows it; what has no readable time is still worth reading.

    Fractions of a second, which some write behind it, are left out.
    """
    length = len(f"{datetime(2000, 1, 1, tzinfo=BEIJING):{form}}")
    try:
        local = datetime.strptime(text_of(entry, name, length), form).replace(tzinfo=BEIJING)
        return local.astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def unix_time_of(entry: Entry, name: str) -> datetime | None:
    """An instant in seconds since 1970, as a number or as its digits."""
    digits = text_of(entry, name, LONGEST_CODE)
    if not (digits.isascii() and digits.isdigit()) or not 0 < int(digits) <= _LATEST_S:
        return None
    return datetime.fromtimestamp(int(digits), UTC)
