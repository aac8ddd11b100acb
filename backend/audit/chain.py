"""The hash chain: how an entry is sealed to the one before it, and how a stream is checked. No database here.

The seal is an HMAC over the entry, its place and the hash of the entry before it; without the key nobody can
make an entry that fits, and with the database alone nobody can take one away unseen.
"""

from __future__ import annotations

import hmac
from collections.abc import AsyncIterator, Callable, Mapping
from datetime import UTC, datetime
from typing import Any

import orjson

from backend.audit.models import Finding, Problem
from backend.security.keys import Keyring

Document = dict[str, Any]

START = "0" * 64
# What the journal puts around an entry, and the hash itself, are not part of what the hash covers: the number
# is covered by `place`, which a renumbered entry still carries.
_OUTSIDE = frozenset({"_id", "number", "hash"})
_CANONICAL = orjson.OPT_SORT_KEYS | orjson.OPT_PASSTHROUGH_DATETIME


class Chain:
    """Seals entries with the ring's active audit key and checks them with the key that sealed them."""

    def __init__(self, keyring: Keyring) -> None:
        self._keyring = keyring

    def seal(self, before: Document | None, entry: Document) -> Document:
        """Journal's seal: the entry with its place, the hash before it, and its own hash."""
        key = self._keyring.active("audit")
        sealed = entry | {
            "place": entry["number"],
            "before": before["hash"] if before else START,
            "kid": key.kid,
        }
        return sealed | {"hash": _digest(key.secret, sealed)}

    def is_genuine(self, entry: Document) -> bool:
        """Whether the entry is, letter by letter, one that this system sealed."""
        key = self._keyring.find("audit", str(entry.get("kid")))
        if key is None:
            return False
        try:
            return hmac.compare_digest(_digest(key.secret, entry), str(entry.get("hash")))
        except TypeError:
            return False  # A value of a kind that is never written.

    def head(self, stream: str, number: int) -> Document:
        """What says that a stream once reached `number`, so that a cut-off end shows."""
        key = self._keyring.active("audit")
        return {"number": number, "kid": key.kid, "mark": _mark(key.secret, stream, number)}

    def is_genuine_head(self, stream: str, head: Document) -> bool:
        """Whether the mark of a stream's end is one that this system made."""
        key = self._keyring.find("audit", str(head.get("kid")))
        return key is not None and hmac.compare_digest(
            _mark(key.secret, stream, head.get("number")), str(head.get("mark"))
        )


def _digest(secret: bytes, entry: Document) -> str:
    covered = {name: value for name, value in entry.items() if name not in _OUTSIDE}
    canonical = orjson.dumps(covered, default=_plain, option=_CANONICAL)
    return hmac.digest(secret, b"entry|" + canonical, "sha256").hex()


def _plain(value: object) -> str:
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat(timespec="milliseconds")
    raise TypeError


def _mark(secret: bytes, stream: str, number: object) -> str:
    return hmac.digest(secret, f"head|{stream}|{number}".encode(), "sha256").hex()


class StreamCheck:
    """Walks one stream in order of its numbers and collects what is wrong with it.

    `reached` is the highest number the stream is known to have had; `anchors` are hashes it had, by number.
    """

    def __init__(self, chain: Chain, stream: str, reached: int, anchors: Mapping[int, str]) -> None:
        self._chain = chain
        self._stream = stream
        self._reached = reached
        self._anchors = anchors
        self._expected = 1
        # The hash the next entry must name; None when it cannot be known.
        self._before: str | None = START
        self.problems: list[Problem] = []
        self.entries = 0

    async def run(self, entries: AsyncIterator[Document], progress: Callable[[int], None]) -> None:
        """Check every entry, then the end."""
        async for entry in entries:
            self.entries += 1
            self._check(entry)
            progress(1)
        self._missing_until(self._reached + 1)

    def _check(self, entry: Document) -> None:
        number = entry.get("number")
        if not isinstance(number, int) or number < self._expected:
            # Before the first, between two, or twice the same: nothing the journal ever does.
            self._report(int(number or 0), Finding.INSERTED)
            return
        genuine = self._chain.is_genuine(entry)
        in_place = genuine and entry["place"] == number
        if number > self._reached and not in_place:
            self._report(number, Finding.INSERTED)
            return
        self._missing_until(number)
        self._expected = number + 1
        if in_place:
            self._follow(number, entry)
            return
        self._before = None
        if genuine:
            self._report(number, Finding.REORDERED, was=entry["place"])
        else:
            self._report(number, Finding.CHANGED)

    def _follow(self, number: int, entry: Document) -> None:
        if self._before is not None and entry["before"] != self._before:
            self._report(number, Finding.BROKEN_CHAIN)
        elif self._anchors.get(number, entry["hash"]) != entry["hash"]:
            self._report(number, Finding.CHANGED)
        self._before = entry["hash"]

    def _missing_until(self, number: int) -> None:
        if number > self._expected:
            self._report(self._expected, Finding.REMOVED, last=number - 1)
            self._expected = number
            self._before = None

    def _report(
        self, number: int, finding: Finding, *, last: int | None = None, was: int | None = None
    ) -> None:
        self.problems.append(Problem(self._stream, number, finding, last, was))
