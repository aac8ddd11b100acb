"""Passwords of staff: argon2id, and none that is easy to guess."""

from __future__ import annotations

import asyncio
import secrets
from functools import cache

from argon2 import PasswordHasher
from argon2.exceptions import Argon2Error, InvalidHashError

from backend.errors import AppError, ErrorCode

SHORTEST_PASSWORD = 12
_LONGEST_PASSWORD = 256
_COMMON_PARTS = (
    "password", "passw0rd", "p@ssw0rd", "qwerty", "123456", "654321", "abc123", "admin", "letmein", "welcome",
    "111111", "000000", "888888", "666666", "1qaz2wsx", "woaini", "iloveyou", "healthycity", "hospital",
)  # fmt: skip

_hasher = PasswordHasher()


async def hash_password(password: str) -> str:
    """Return the argon2id hash. Runs in a thread: it takes tens of milliseconds on purpose."""
    return await asyncio.to_thread(_hasher.hash, password)


async def verify_password(password_hash: str | None, password: str) -> bool:
    """Whether the password is the one of the hash; None (no such account) takes as long and is False."""
    # Asked for whether it is needed or not: a process's first answer takes long, to everybody alike.
    nobodys = await asyncio.to_thread(_nobodys_hash)
    right = await asyncio.to_thread(_verify, password_hash or nobodys, password[:_LONGEST_PASSWORD])
    return right and password_hash is not None


def check_password(password: str, login: str = "") -> None:
    """Raise PASSWORD_WEAK for a password that is short, monotonous, common, or contains the login."""
    lowered = password.lower()
    common = any(part in lowered and len(lowered) - len(part) < 8 for part in _COMMON_PARTS)
    has_login = len(login) >= 3 and login.lower() in lowered
    if not SHORTEST_PASSWORD <= len(password) <= _LONGEST_PASSWORD or len(set(lowered)) < 6:
        raise AppError(ErrorCode.PASSWORD_WEAK)
    if common or has_login:
        raise AppError(ErrorCode.PASSWORD_WEAK)


@cache
def _nobodys_hash() -> str:
    return _hasher.hash(secrets.token_urlsafe(16))


def _verify(password_hash: str, password: str) -> bool:
    try:
        return _hasher.verify(password_hash, password)
    except (Argon2Error, InvalidHashError):
        return False
