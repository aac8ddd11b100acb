"""What takes long and shows nothing by it is made quick: at full length it would cost more than the tests."""

from __future__ import annotations

import functools
from pathlib import Path

import certifi
import pytest
import wechatpayv3.async_.core
from argon2 import PasswordHasher

from backend.security import passwords

FULL_STRENGTH = passwords._hasher
_END = "-----END CERTIFICATE-----\n"


def hash_quickly(patch: pytest.MonkeyPatch) -> None:
    """Passwords: the weakest parameters there are."""
    patch.setattr(passwords, "_hasher", PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))


def trust_one_authority(patch: pytest.MonkeyPatch, folder: Path) -> None:
    """Certificates: every client of httpx reads all of the world's, and none is ever asked for one here."""
    one = folder / "authority.pem"
    one.write_text(certifi.contents().partition(_END)[0] + _END)
    patch.setenv("SSL_CERT_FILE", str(one))


def read_merchant_keys_once(patch: pytest.MonkeyPatch) -> None:
    """The merchant's key: every city of a run has the sandbox's, and reading it checks its primes."""
    core = wechatpayv3.async_.core
    patch.setattr(core, "load_private_key", functools.cache(core.load_private_key))
