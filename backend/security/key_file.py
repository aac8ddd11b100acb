"""The form of a key and of the key file: read and written whole, wrapped by a KMS if there is one."""

from __future__ import annotations

import base64
import fcntl
import json
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, Literal, Protocol, get_args

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

Use = Literal[
    "token", "code", "code_group", "field", "blind", "audit", "csrf", "national_root", "national_protection"
]
State = Literal["active", "retired"]
USES: tuple[Use, ...] = get_args(Use)


class KeyringError(Exception):
    """The key ring is missing, damaged, or lacks a key that is needed. Never carries key material."""


class KeyManagement(Protocol):
    """A KMS or HSM that wraps the secrets of the key file, so that the file alone opens nothing."""

    name: str

    def wrap(self, secret: bytes, context: str) -> bytes:
        """Return the secret wrapped; `context` must be given again to unwrap."""

    def unwrap(self, wrapped: bytes, context: str) -> bytes:
        """Return the secret, or raise when the wrapping or the context is not right."""


class MasterKeyManagement:
    """Wraps with one 32-byte master key held outside the key file (an environment secret, a mounted file)."""

    name = "master"

    def __init__(self, master: bytes) -> None:
        self._cipher = AESGCM(master)

    def wrap(self, secret: bytes, context: str) -> bytes:
        nonce = os.urandom(12)
        return nonce + self._cipher.encrypt(nonce, secret, context.encode())

    def unwrap(self, wrapped: bytes, context: str) -> bytes:
        return self._cipher.decrypt(wrapped[:12], wrapped[12:], context.encode())


@dataclass(frozen=True, slots=True)
class Key:
    """One key. A retired key still opens and verifies; it never seals or signs."""

    kid: str
    use: Use
    alg: str
    state: State
    created_at: datetime
    # A key may be published before it signs, so that terminals with yesterday's list know it in time.
    active_from_at: datetime
    secret: bytes = field(repr=False)

    @property
    def number(self) -> int:
        return int(self.kid.rpartition("-")[2])


def _key_to_doc(key: Key, kms: KeyManagement | None) -> dict[str, Any]:
    doc: dict[str, Any] = {
        "kid": key.kid,
        "use": key.use,
        "alg": key.alg,
        "state": key.state,
        "created_at": key.created_at.isoformat(),
        "active_from_at": key.active_from_at.isoformat(),
    }
    if kms is None:
        doc["secret"] = base64.b64encode(key.secret).decode()
    else:
        doc["wrapped"] = base64.b64encode(kms.wrap(key.secret, f"{key.use}|{key.kid}")).decode()
        doc["wrapped_by"] = kms.name
    return doc


def _secret_of(doc: dict[str, Any], kms: KeyManagement | None) -> bytes:
    if "secret" in doc:
        return base64.b64decode(doc["secret"])
    if kms is None:
        raise KeyringError(
            f"key {doc['kid']} is wrapped by {doc.get('wrapped_by')!r}, which is not configured"
        )
    return kms.unwrap(base64.b64decode(doc["wrapped"]), f"{doc['use']}|{doc['kid']}")


def _key_from_doc(doc: dict[str, Any], kms: KeyManagement | None) -> Key:
    created_at = datetime.fromisoformat(doc["created_at"])
    return Key(
        kid=doc["kid"],
        use=doc["use"],
        alg=doc["alg"],
        state=doc["state"],
        created_at=created_at,
        active_from_at=datetime.fromisoformat(doc.get("active_from_at", doc["created_at"])),
        secret=_secret_of(doc, kms),
    )


def parse_keys(text: str, kms: KeyManagement | None) -> tuple[Key, ...]:
    """Read the text of a key file; raises KeyringError without quoting any of it."""
    try:
        docs = json.loads(text)["keys"]
        return tuple(_key_from_doc(doc, kms) for doc in docs)
    except KeyringError:
        raise
    except Exception:
        # The cause is not chained: a parser's message may quote the text, and the text is secret.
        raise KeyringError(
            "the key ring cannot be read: it is not valid, or its wrapping key is another"
        ) from None


def write_private(path: Path, text: str) -> None:
    """Write through a temporary file: a reader sees the old ring or the new one, a crash loses neither."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(6)}")
    handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(handle, "w") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold the ring's lock file, so that two rotations at once do not lose one of the keys."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle = os.open(path.with_name(f".{path.name}.lock"), os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def dump_keys(keys: tuple[Key, ...], kms: KeyManagement | None) -> str:
    """Return the text of a key file."""
    return json.dumps({"version": 1, "keys": [_key_to_doc(key, kms) for key in keys]}, indent=1) + "\n"
