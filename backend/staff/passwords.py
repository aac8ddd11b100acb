"""Passwords and one-time codes: hashing, strength, and the step a code belongs to. No storage here."""

from __future__ import annotations

import asyncio
import hmac
import secrets
from datetime import datetime, timedelta
from functools import cache

import pyotp
from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError, VerifyMismatchError

from backend.errors import AppError, ErrorCode

MINIMUM_LENGTH = 12
MAXIMUM_LENGTH = 128
TOTP_STEP_S = 30
# No letters or digits that a person reading them aloud over a telephone would confuse.
_ALPHABET = "abcdefghjkmnpqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789"
# What people choose when made to choose twelve; anything containing one of these and little else is refused.
_COMMON = (
    "password",
    "123456",
    "qwerty",
    "111111",
    "000000",
    "abc123",
    "admin",
    "88888",
    "66666",
    "hospital",
    "yiyuan",
)
_LEFT_OVER = 6

_hasher = PasswordHasher()
# Argon2 takes 64 MiB a piece: a burst of sign-ins queues here instead of exhausting the machine.
_hashing = asyncio.Semaphore(4)


async def hash_password(password: str) -> str:
    """The argon2id hash, made off the event loop."""
    async with _hashing:
        return await asyncio.to_thread(_hasher.hash, password)


async def password_matches(password_hash: str, password: str) -> bool:
    """Whether `password` is the one hashed; off the event loop."""
    async with _hashing:
        return await asyncio.to_thread(_verify, password_hash, password)


async def spend_a_verification() -> None:
    """Cost what a real check costs, so that unknown logins cannot be told by the clock."""
    await password_matches(_hash_of_nobody(), "nobody")


def check_password_strength(password: str, login: str) -> None:
    """Raise PASSWORD_WEAK unless it is long, varied and not one of the usual ones."""
    lowered = password.lower()
    weak = (
        not MINIMUM_LENGTH <= len(password) <= MAXIMUM_LENGTH
        or len(set(lowered)) < 6
        or (login.lower() in lowered and len(lowered) - len(login) < _LEFT_OVER)
        or any(word in lowered and len(lowered) - len(word) < _LEFT_OVER for word in _COMMON)
    )
    if weak:
        raise AppError(ErrorCode.PASSWORD_WEAK)


def new_password() -> str:
    """A first password in four groups, to be read out or typed once and then changed."""
    return "-".join("".join(secrets.choice(_ALPHABET) for _ in range(4)) for _ in range(4))


def new_totp_secret() -> str:
    """A fresh base32 secret of 160 bits."""
    return pyotp.random_base32()


def totp_uri(secret: str, login: str, issuer: str) -> str:
    """What the authenticator app's QR code says."""
    return pyotp.TOTP(secret).provisioning_uri(name=login, issuer_name=issuer)


def totp_step_of(secret: str, code: str, at: datetime) -> int | None:
    """The time step whose code this is, one step of clock drift either way; None when it is nobody's."""
    totp = pyotp.TOTP(secret)
    for drift in (0, -1, 1):
        instant = at + timedelta(seconds=drift * TOTP_STEP_S)
        if hmac.compare_digest(totp.at(instant), code):
            return int(instant.timestamp()) // TOTP_STEP_S
    return None


def _verify(password_hash: str, password: str) -> bool:
    try:
        return _hasher.verify(password_hash, password)
    except (VerifyMismatchError, VerificationError, InvalidHashError):
        return False


@cache
def _hash_of_nobody() -> str:
    return _hasher.hash(secrets.token_urlsafe())
