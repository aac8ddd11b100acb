"""The city's key ring: named keys per use, read from a file or the environment, rotated without downtime."""

from __future__ import annotations

import base64
import logging
import secrets
import time
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Protocol

from backend import clock
from backend.security.key_file import (
    USES,
    Key,
    KeyManagement,
    KeyringError,
    MasterKeyManagement,
    Use,
    dump_keys,
    locked,
    parse_keys,
    write_private,
)

log = logging.getLogger(__name__)

__all__ = [
    "DEFAULT_ALGORITHMS",
    "Key",
    "KeyManagement",
    "Keyring",
    "KeyringError",
    "MasterKeyManagement",
    "Use",
    "open_keyring",
]

DEFAULT_ALGORITHMS: dict[Use, str] = {
    "token": "Ed25519",
    "code": "Ed25519",
    "code_group": "AES-256",
    "field": "HKDF-SHA256",
    "blind": "HMAC-SHA256",
    "audit": "HMAC-SHA256",
    "csrf": "HMAC-SHA256",
    "national_root": "SM4",
    "national_protection": "SM4",
}
_SECRET_BYTES = {"SM4": 16}
_GROUP_ALGORITHMS = {"Ed25519": "AES-256", "SM2": "SM4"}
# The kid byte of a health code holds 1..255.
_HIGHEST_CODE_NUMBER = 255
# How often the file's time stamp is looked at; a rotation reaches every process within this time.
_LOOK_EVERY_S = 2.0
_LOOK_AGAIN_S = 30.0


def _new_secret(alg: str) -> bytes:
    if alg == "SM2":
        # A scalar in 1..n-1; n begins with ff ff ff fe, so clearing the top bit is always in range.
        return bytes([secrets.randbelow(127) + 1]) + secrets.token_bytes(31)
    return secrets.token_bytes(_SECRET_BYTES.get(alg, 32))


class Keyring:
    """Keys by use and kid. A ring read from a file notices when the file has been replaced."""

    def __init__(
        self, keys: tuple[Key, ...], *, path: Path | None = None, kms: KeyManagement | None = None
    ) -> None:
        self._path = path
        self._kms = kms
        self._stamp = self._file_stamp()
        self._look_at = time.monotonic() + _LOOK_EVERY_S
        self._generation = 0
        self._take(keys)

    # -- opening ---------------------------------------------------------------------------------------

    @classmethod
    def from_file(cls, path: Path, kms: KeyManagement | None = None) -> Keyring:
        if not path.is_file():
            raise KeyringError(
                f"there is no key file at {path}: `healthycity keys generate` makes the city's only one, "
                "other machines get a copy"
            )
        try:
            text = path.read_text()
        except OSError as error:
            raise KeyringError(f"the key file at {path} cannot be read: {error.strerror}") from None
        return cls(parse_keys(text, kms), path=path, kms=kms)

    @classmethod
    def from_text(cls, text: str, kms: KeyManagement | None = None) -> Keyring:
        """Read a ring from JSON (or its base64), as an environment variable carries it."""
        if not text.lstrip().startswith("{"):
            try:
                text = base64.b64decode(text, validate=True).decode()
            except ValueError:
                raise KeyringError("the key ring is neither JSON nor base64 of JSON") from None
        return cls(parse_keys(text, kms), kms=kms)

    @classmethod
    def generate(
        cls,
        path: Path | None = None,
        *,
        kms: KeyManagement | None = None,
        algorithms: dict[Use, str] | None = None,
    ) -> Keyring:
        """Make a first key for every use; with a path, write them there. An existing file is left alone."""
        at = clock.now()
        chosen = DEFAULT_ALGORITHMS | _with_group(algorithms or {})
        keys = tuple(
            Key(f"{use}-1", use, chosen[use], "active", at, at, _new_secret(chosen[use])) for use in USES
        )
        if path is not None:
            with locked(path):
                if path.exists():
                    raise KeyringError(f"{path} exists already")
                write_private(path, dump_keys(keys, kms))
        return cls(keys, path=path, kms=kms)

    # -- reading ---------------------------------------------------------------------------------------

    def active(self, use: Use) -> Key:
        """Return the key that seals or signs now: the newest active one whose time has come."""
        self._reload_if_changed()
        at = clock.now()
        for key in self._ordered[use]:
            if key.state == "active" and key.active_from_at <= at:
                return key
        raise KeyringError(f"there is no active key for {use}")

    def get(self, use: Use, kid: str) -> Key:
        """Return one key, active or retired."""
        key = self.find(use, kid)
        if key is None:
            raise KeyringError(f"there is no key of that id for {use}")
        return key

    def find(self, use: Use, kid: str) -> Key | None:
        self._reload_if_changed()
        return self._by_kid.get((use, kid))

    def all(self, use: Use) -> tuple[Key, ...]:
        """Return every key of a use, newest first."""
        self._reload_if_changed()
        return self._ordered[use]

    @property
    def generation(self) -> int:
        """Grows whenever the set of keys changes; whoever caches something made from keys compares it."""
        self._reload_if_changed()
        return self._generation

    # -- changing --------------------------------------------------------------------------------------

    def rotate(self, use: Use, *, alg: str | None = None, ahead: timedelta = timedelta(0)) -> Key:
        """Add a new active key; the old one signs until the new one's time has come, and verifies afterwards.

        Health codes name one number for their signature and group keys, so these two rotate together.
        """
        if use in ("code", "code_group"):
            return self._rotate_code_pair(use, alg, ahead)
        return self._change(lambda keys: self._added(keys, use, alg, ahead, None))

    def put(self, use: Use, secret: bytes, *, alg: str | None = None) -> Key:
        """Take in a key made elsewhere (the national root and protection keys come from the authority)."""
        return self._change(lambda keys: self._added(keys, use, alg, timedelta(0), secret))

    def drop(self, use: Use, kid: str) -> None:
        """Forget a retired key for good: what it signed is refused, what it sealed is lost."""
        dropped = self.get(use, kid)
        if dropped == self.active(use):
            raise KeyringError(f"{kid} is the active key of {use}: rotate first")
        uses = ("code", "code_group") if use in ("code", "code_group") else (use,)

        def without(keys: tuple[Key, ...]) -> tuple[tuple[Key, ...], Key]:
            return tuple(k for k in keys if k.use not in uses or k.number != dropped.number), dropped

        self._change(without)

    def rewrite(self) -> None:
        """Write the file anew with the same keys, each wrapped by the ring's KMS."""
        self._change(lambda keys: (keys, keys[0]))

    def _rotate_code_pair(self, use: Use, alg: str | None, ahead: timedelta) -> Key:
        chosen = _with_group({use: alg}) if alg is not None else {}
        code_alg, group_alg = chosen.get("code"), chosen.get("code_group")

        def add_both(keys: tuple[Key, ...]) -> tuple[tuple[Key, ...], Key]:
            number = _next_code_number(keys)
            with_code, code = self._added(keys, "code", code_alg, ahead, None, number)
            with_both, group = self._added(with_code, "code_group", group_alg, ahead, None, number)
            return with_both, code if use == "code" else group

        return self._change(add_both)

    def _added(
        self,
        keys: tuple[Key, ...],
        use: Use,
        alg: str | None,
        ahead: timedelta,
        secret: bytes | None,
        number: int | None = None,
    ) -> tuple[tuple[Key, ...], Key]:
        at = clock.now()
        same = [key for key in keys if key.use == use]
        alg = alg or (max(same, key=_from).alg if same else DEFAULT_ALGORITHMS[use])
        kid = f"{use}-{number or max((k.number for k in same), default=0) + 1}"
        new = Key(kid, use, alg, "active", at, at + ahead, secret or _new_secret(alg))
        # With a lead time the key of today goes on signing until then; those before it are done.
        signing = [k for k in same if k.state == "active" and k.active_from_at <= at]
        keeps = max(signing, key=_from).kid if signing and ahead else None
        kept = tuple(replace(k, state="retired") if k.use == use and k.kid != keeps else k for k in keys)
        return (*kept, new), new

    def _change(self, edit: Edit) -> Key:
        if self._path is None:
            keys, key = edit(self._keys)
            self._take(keys)
            return key
        with locked(self._path):
            keys, key = edit(parse_keys(self._path.read_text(), self._kms))
            write_private(self._path, dump_keys(keys, self._kms))
            self._stamp = self._file_stamp()
            self._take(keys)
            return key

    # -- keeping up with the file ----------------------------------------------------------------------

    def _take(self, keys: tuple[Key, ...]) -> None:
        self._keys = keys
        self._generation += 1
        self._by_kid = {(key.use, key.kid): key for key in keys}
        self._ordered: dict[Use, tuple[Key, ...]] = {
            use: tuple(sorted((k for k in keys if k.use == use), key=_from, reverse=True)) for use in USES
        }

    def _reload_if_changed(self) -> None:
        if self._path is None or time.monotonic() < self._look_at:
            return
        self._look_at = time.monotonic() + _LOOK_EVERY_S
        stamp = self._file_stamp()
        # A missing or half-copied file is no reason to stop a running city: the keys in memory go on serving.
        if stamp is None or stamp == self._stamp:
            return
        try:
            self._take(parse_keys(self._path.read_text(), self._kms))
        except (KeyringError, OSError) as error:
            # A KMS that is away holds everybody up while it is asked: not again so soon.
            self._look_at = time.monotonic() + _LOOK_AGAIN_S
            log.error("key_ring_not_reloaded", extra={"reason": str(error)})
            return
        self._stamp = stamp

    def _file_stamp(self) -> tuple[int, int, int] | None:
        try:
            found = self._path.stat() if self._path else None
        except OSError:
            return None
        return (found.st_mtime_ns, found.st_size, found.st_ino) if found else None


class Edit(Protocol):
    """A change to the set of keys: the new set, and the key the caller asked about."""

    def __call__(self, keys: tuple[Key, ...], /) -> tuple[tuple[Key, ...], Key]: ...


def _with_group(algorithms: dict[Use, str]) -> dict[Use, str]:
    """A city that signs its codes nationally encrypts within them nationally too, unless told otherwise."""
    if algorithms.get("code") not in _GROUP_ALGORITHMS:
        return algorithms
    paired: dict[Use, str] = {"code_group": _GROUP_ALGORITHMS[algorithms["code"]]}
    return paired | algorithms


def _from(key: Key) -> tuple[datetime, int]:
    # Keys of one instant (tests, quick rotations) keep the order of their numbers.
    return (key.active_from_at, key.number)


def _next_code_number(keys: tuple[Key, ...]) -> int:
    """Return the next number that neither a code key nor a group key has, beginning again after 255."""
    pairs = [key for key in keys if key.use in ("code", "code_group")]
    newest = max(pairs, key=_from).number if pairs else 0
    taken = {key.number for key in pairs}
    for step in range(_HIGHEST_CODE_NUMBER):
        number = (newest + step) % _HIGHEST_CODE_NUMBER + 1
        if number not in taken:
            return number
    raise KeyringError("all 255 code key numbers are taken: drop retired keys first")


def open_keyring(
    keys_file: Path | None, keys_text: str | None = None, kms: KeyManagement | None = None
) -> Keyring:
    """Open the city's ring: the text of HC_KEYS when given, else the key file."""
    if keys_text:
        return Keyring.from_text(keys_text, kms)
    if keys_file is None:
        raise KeyringError("no keys: set KEYS_FILE or HC_KEYS")
    return Keyring.from_file(keys_file, kms)
