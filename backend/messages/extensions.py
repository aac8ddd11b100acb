"""Numbers behind the sender's own: a reply that comes to one of them says what it answers. Pure.

Where the provider lets us lengthen the number, all messages of one matter come from the same one, so that
somebody who was asked two things at once answers the one whose thread he writes in.
"""

from __future__ import annotations

import hashlib
from datetime import timedelta

# A question by SMS is open for so long.
OPEN_FOR = timedelta(hours=72)
# The matter of everything that a conversation says.
TALK = "talk"
_DIGITS = 3
_FIRST, _MATTERS = 101, 899


def extension_of(topic: str) -> str:
    """Three digits for a matter, always the same; nothing for what expects no answer.

    Two matters may share a number, once in nine hundred: then the latest counts, as without numbers.
    """
    if not topic:
        return ""
    if topic == TALK:
        return str(_FIRST - 1)
    digest = hashlib.blake2b(topic.encode(), digest_size=8).digest()
    return str(_FIRST + int.from_bytes(digest) % _MATTERS)


def own_part(extension: str) -> str:
    """Ours of the digits a provider tells: some tell the whole number that was written to."""
    return extension[-_DIGITS:] if extension.isascii() and extension.isdigit() else ""
