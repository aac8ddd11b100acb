"""Passwords of staff (argon2id) and secrets of clients and terminals (random, so hashed plainly)."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import secrets

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
# Verified when there is no such account, so that the answer takes as long as for a known one.
_NOBODY = _hasher.hash(secrets.token_urlsafe(16))


async def hash_password(password: str) -> str:
    """Return the argon2id hash. Runs in a thread: it takes tens of milliseconds on purpose."""
    return await asyncio.to_thread(_hasher.hash, password)


async def verify_password(password_hash: str | None, password: str) -> bool:
    """Whether the password is the one of the hash; None (no such account) takes as long and is False."""
    right = await asyncio.to_thread(_verify, password_hash or _NOBODY, password[:_LONGEST_PASSWORD])
    return right and password_hash is not None


def needs_rehash(password_hash: str) -> bool:
    """Whether the hash was made with weaker parameters than today's; replace it at the next sign-in."""
    return _hasher.check_needs_rehash(password_hash)


def check_password(password: str, login: str = "") -> None:
    """Raise PASSWORD_WEAK for a password that is short, monotonous, common, or contains the login."""
    lowered = password.lower()
    common = any(part in lowered and len(lowered) - len(part) < 8 for part in _COMMON_PARTS)
    has_login = len(login) >= 3 and login.lower() in lowered
    if not SHORTEST_PASSWORD <= len(password) <= _LONGEST_PASSWORD or len(set(lowered)) < 6:
        raise AppError(ErrorCode.PASSWORD_WEAK)
    if common or has_login:
        raise AppError(ErrorCode.PASSWORD_WEAK)


def _verify(password_hash: str, password: str) -> bool:
    try:
        return _hasher.verify(password_hash, password)
    except (Argon2Error, InvalidHashError):
        return False


def new_client_secret() -> str:
    """Return a fresh secret for a client or a terminal: 256 random bits."""
    return secrets.token_urlsafe(32)


def hash_client_secret(secret: str) -> str:
    """Return what is stored of a client's secret. It is random, so a slow hash would add nothing."""
    return hashlib.sha256(secret.encode()).hexdigest()


def client_secret_matches(secret_hash: str | None, secret: str) -> bool:
    """Whether this is the client's secret; as slow for None (no such client) as for a wrong one."""
    known = secret_hash or hash_client_secret("")
    return hmac.compare_digest(known, hash_client_secret(secret)) and secret_hash is not None
