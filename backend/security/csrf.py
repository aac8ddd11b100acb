"""Form tokens against cross-site requests, bound to the session and valid as long as it."""

from __future__ import annotations

import hmac
import os

from backend.errors import AppError, ErrorCode
from backend.security.derive import derive_key
from backend.security.keys import Key, Keyring

_SALT = 8


class CSRFTokens:
    """Issues and checks form tokens. Each is salted, so that a compressed page does not give it away."""

    def __init__(self, keyring: Keyring) -> None:
        self._keyring = keyring

    def issue(self, session_id: str) -> str:
        """Return a token for a form or an htmx header of this session."""
        salt = os.urandom(_SALT)
        return salt.hex() + _tag(self._keyring.active("csrf"), session_id, salt)

    def check(self, session_id: str, token: str | None) -> None:
        """Raise CSRF_FAILED unless the token was issued to this session."""
        try:
            salt = bytes.fromhex((token or "")[: 2 * _SALT])
        except ValueError:
            salt = b""
        given = (token or "")[2 * _SALT :].encode()
        keys = self._keyring.all("csrf")
        if not any(hmac.compare_digest(_tag(key, session_id, salt).encode(), given) for key in keys):
            raise AppError(ErrorCode.CSRF_FAILED)


def _tag(key: Key, session_id: str, salt: bytes) -> str:
    return hmac.digest(derive_key(key.secret, "csrf"), salt + session_id.encode(), "sha256").hex()[:32]
