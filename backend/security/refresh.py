"""The text of a refresh token: opaque to the client, and recognisable to us long after it was replaced."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import os
from dataclasses import dataclass

from ulid import ULID

from backend.security.derive import derive_key
from backend.security.keys import Key, Keyring

PREFIX = "hcr_"
_ID, _COUNT, _SECRET, _TAG = 16, 4, 24, 12


@dataclass(frozen=True, slots=True)
class RefreshToken:
    """One refresh token, proved to have been made here."""

    session_id: str
    generation: int
    raw: bytes

    @property
    def text(self) -> str:
        """What the client holds."""
        return PREFIX + base64.urlsafe_b64encode(self.raw).decode().rstrip("=")

    @property
    def hash(self) -> str:
        """What the database holds. The token has 192 random bits, so a plain hash says nothing about it."""
        return hashlib.sha256(self.raw).hexdigest()


class RefreshTokens:
    """Makes refresh tokens.

    Every token carries a tag, so a used-up one is told from an invention: only the former revokes a session.
    Its successor is derived from it with a server key: a client that lost the answer and asks again within
    the grace period gets the very same successor, without the successor being stored anywhere.
    """

    def __init__(self, keyring: Keyring) -> None:
        self._keyring = keyring
        self._keys: dict[str, bytes] = {}

    def first(self, session_id: str) -> RefreshToken:
        """Return the first token of a session."""
        return self._make(session_id, 0, os.urandom(_SECRET))

    def after(self, token: RefreshToken) -> RefreshToken:
        """Return the one successor of a token."""
        key = self._key(self._keyring.active("csrf"))
        return self._make(
            token.session_id,
            token.generation + 1,
            hmac.digest(key, b"next|" + token.raw, "sha256")[:_SECRET],
        )

    def parse(self, text: str) -> RefreshToken | None:
        """Return the token of a text that was made here, else None."""
        if not text.startswith(PREFIX) or len(text) > 100:
            return None
        try:
            raw = base64.urlsafe_b64decode(text[len(PREFIX) :] + "==")
        except (binascii.Error, ValueError):
            return None
        if len(raw) != _ID + _COUNT + _SECRET + _TAG or not self._is_ours(raw):
            return None
        session_id = str(ULID.from_bytes(raw[:_ID]))
        token = RefreshToken(session_id, int.from_bytes(raw[_ID : _ID + _COUNT], "big"), raw)
        # The last character has two bits that say nothing: only the form that we gave out is ours.
        return token if token.text == text else None

    def _make(self, session_id: str, generation: int, secret: bytes) -> RefreshToken:
        body = ULID.from_str(session_id).bytes + generation.to_bytes(_COUNT, "big") + secret
        tag = self._tag(self._keyring.active("csrf"), body)
        return RefreshToken(session_id, generation, body + tag)

    def _is_ours(self, raw: bytes) -> bool:
        body, tag = raw[:-_TAG], raw[-_TAG:]
        return any(hmac.compare_digest(self._tag(key, body), tag) for key in self._keyring.all("csrf"))

    def _tag(self, key: Key, body: bytes) -> bytes:
        return hmac.digest(self._key(key), b"tag|" + body, "sha256")[:_TAG]

    def _key(self, key: Key) -> bytes:
        own = self._keys.get(key.kid)
        if own is None:
            own = self._keys[key.kid] = derive_key(key.secret, "refresh")
        return own
