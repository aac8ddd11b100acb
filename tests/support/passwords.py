"""Passwords hashed in no time: at full strength signing in would cost more than the test that needs it."""

from __future__ import annotations

import pytest
from argon2 import PasswordHasher

from backend.security import passwords

FULL_STRENGTH = passwords._hasher


def hash_quickly(patch: pytest.MonkeyPatch) -> None:
    """Make this process hash with the weakest parameters there are."""
    quick = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
    patch.setattr(passwords, "_hasher", quick)
    patch.setattr(passwords, "_NOBODY", quick.hash("nobody"))
