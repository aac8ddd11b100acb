"""Long answers in text messages: cut to a few segments each, the rest for whoever asks for it."""

from __future__ import annotations

import itertools
import re

# One text message holds 70 characters; of several that a phone puts together, each holds 67.
ALONE, JOINED = 70, 67
MOST_SEGMENTS = 3
# The gateway puts the city's signature in front.
SIGNATURE = 10
LONGEST = MOST_SEGMENTS * JOINED - SIGNATURE
HINT = "\n回复M看更多"
_LINK = re.compile(r"https?://\S+")


def length(text: str) -> int:
    """In the characters that are counted and paid: most emoji are two."""
    return len(text.encode("utf-16-be", "surrogatepass")) // 2


def segments(text: str) -> int:
    """How many text messages it takes with the signature."""
    whole = length(text) + SIGNATURE
    return 1 if whole <= ALONE else -(-whole // JOINED)


def parts(text: str) -> list[str]:
    """The text in parts, each short enough to be sent at once, all but the last saying that there is more."""
    if length(text) <= LONGEST:
        return [text]
    found: list[str] = []
    room = LONGEST - length(HINT)
    for line in itertools.chain.from_iterable(_pieces(whole, room) for whole in text.split("\n")):
        if found and length(found[-1]) + 1 + length(line) <= room:
            found[-1] += f"\n{line}"
        else:
            found.append(line)
    return [part + HINT for part in found[:-1]] + found[-1:]


def _pieces(line: str, room: int) -> list[str]:
    """A line in pieces; a link is never cut unless it is longer than a part itself."""
    pieces = []
    while length(line) > room:
        end = _fitting(line, room)
        link = next((found for found in _LINK.finditer(line) if found.start() < end < found.end()), None)
        end = link.start() if link is not None and link.start() > 0 else end
        pieces.append(line[:end])
        line = line[end:]
    return [*pieces, line]


def _fitting(line: str, room: int) -> int:
    """How many characters of a line fit."""
    end = min(len(line), room)
    while length(line[:end]) > room:
        end -= 1
    return end
