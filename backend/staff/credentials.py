"""First passwords: random, and easy to read out and type once."""

from __future__ import annotations

import secrets

# No letters or digits that a person reading them aloud over a telephone would confuse.
_ALPHABET = "abcdefghjkmnpqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789"
_GROUPS = 4
_GROUP_LENGTH = 4


def new_password() -> str:
    """Four groups of four, about 92 bits, to be changed at the first sign-in."""
    return "-".join("".join(secrets.choice(_ALPHABET) for _ in range(_GROUP_LENGTH)) for _ in range(_GROUPS))
