"""One-time codes by SMS: made, sent, checked. Nothing here depends on whether a phone has an account."""

from __future__ import annotations

import hmac
import secrets
from collections.abc import Awaitable, Callable, Sequence
from datetime import timedelta

from backend.errors import AppError, ErrorCode
from backend.residents.claim_ids import ClaimIds
from backend.residents.login_store import LoginCodeStore, SentCode
from backend.residents.ports import CodeSender
from backend.security.derive import derive_key
from backend.security.keys import Key, Keyring
from backend.security.limits import RateLimiter

LIFETIME = timedelta(minutes=5)
PAUSE = timedelta(seconds=60)
MOST_ATTEMPTS = 5


Send = Callable[[str], Awaitable[None]]


class OneTimeCodes:
    """Makes codes, sends them to phones, and checks what comes back."""

    def __init__(self, store: LoginCodeStore, keyring: Keyring, limiter: RateLimiter) -> None:
        self._store = store
        self._keyring = keyring
        self._limiter = limiter

    async def send(self, keys: Sequence[str], subject: str, phone: str, ip: str, send: Send) -> int:
        """Send a fresh code about `subject`; returns after how many seconds another may be asked for.

        `keys` are the ids under which the code is kept, the newest first: one code at a time.
        """
        # Before the limits: an impatient second tap must not use up the day's codes.
        self._check_pause(await self._store.pause_left(keys, PAUSE))
        await self._limiter.take("otp_ip", ip)
        await self._limiter.take("otp_phone", phone)
        code = f"{secrets.randbelow(10**6):06d}"
        key = self._keyring.active("blind")
        sent = SentCode(keys[0], key.kid, _hash(key, subject, code), 0)
        self._check_pause(await self._store.put(sent, LIFETIME, PAUSE))
        try:
            await send(code)
        except BaseException:
            # Nobody has this code; let the person ask again at once.
            await self._store.use_up(sent)
            raise
        return int(PAUSE.total_seconds())

    async def check(self, keys: Sequence[str], subject: str, phone: str, code: str) -> None:
        """Use up the code; raise CODE_WRONG or CODE_TOO_MANY_ATTEMPTS. Every call counts as an attempt."""
        await self._limiter.take("login", phone)
        sent = await self._store.count_attempt(keys, MOST_ATTEMPTS)
        if sent is None:
            exhausted = await self._store.is_exhausted(keys, MOST_ATTEMPTS)
            raise AppError(ErrorCode.CODE_TOO_MANY_ATTEMPTS if exhausted else ErrorCode.CODE_WRONG)
        key = self._keyring.find("blind", sent.kid)
        right = key is not None and hmac.compare_digest(_hash(key, subject, code), sent.hash)
        if not right or not await self._store.use_up(sent):
            raise AppError(ErrorCode.CODE_WRONG, data={"attempts_left": MOST_ATTEMPTS - sent.attempts})

    def _check_pause(self, left: timedelta | None) -> None:
        if left is not None:
            seconds = max(1, round(left.total_seconds()))
            raise AppError(ErrorCode.RATE_LIMITED, "code sent just now", data={"retry_after_s": seconds})


class LoginCodes:
    """Codes to sign in: whoever has the phone has the code."""

    def __init__(self, codes: OneTimeCodes, claim_ids: ClaimIds, sender: CodeSender) -> None:
        self._codes = codes
        self._ids = claim_ids
        self._sender = sender

    async def send(self, phone: str, ip: str) -> int:
        """Send a fresh code; returns after how many seconds another may be asked for."""
        return await self._codes.send(
            self._ids.of_phone(phone), phone, phone, ip, lambda code: self._sender.send_code(phone, code)
        )

    async def check(self, phone: str, code: str) -> None:
        """Use up the code; raise CODE_WRONG or CODE_TOO_MANY_ATTEMPTS."""
        await self._codes.check(self._ids.of_phone(phone), phone, phone, code)


def _hash(key: Key, subject: str, code: str) -> str:
    # Six digits are guessed in no time without a key; with one, a copy of the database is worth nothing.
    return hmac.digest(derive_key(key.secret, "login code"), f"{subject}|{code}".encode(), "sha256").hex()
