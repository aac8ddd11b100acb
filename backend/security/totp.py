"""One-time passwords of staff (RFC 6238). A step that was used once is refused the second time."""

from __future__ import annotations

import hmac
from datetime import datetime

import pyotp

STEP_S = 30
_DRIFT_STEPS = 1


def new_totp_secret() -> str:
    """Return a fresh base32 secret of 160 bits."""
    return pyotp.random_base32()


def totp_uri(secret: str, login: str, issuer: str) -> str:
    """Return the address that an authenticator app reads from a QR code."""
    return pyotp.TOTP(secret).provisioning_uri(name=login, issuer_name=issuer)


def match_totp(secret: str, code: str, at: datetime, last_step: int | None) -> int | None:
    """Return the step whose password this is, or None.

    Steps up to `last_step` do not count any more. The caller stores the returned step by a conditional write
    (`last_step < step`), so that of two sign-ins with one password only the first succeeds.
    """
    code = code.strip().replace(" ", "")
    if not (code.isascii() and code.isdigit()):
        return None
    totp = pyotp.TOTP(secret)
    now = int(at.timestamp()) // STEP_S
    matched = None
    for step in range(now - _DRIFT_STEPS, now + _DRIFT_STEPS + 1):
        same = hmac.compare_digest(totp.generate_otp(step), code)
        if same and (last_step is None or step > last_step):
            matched = step
    return matched
