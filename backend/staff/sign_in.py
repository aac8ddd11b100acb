"""Signing in to the console: password, one-time code, lockout, sessions and the tokens of their forms."""

from __future__ import annotations

import hashlib
import hmac
import logging
import secrets
from datetime import datetime, timedelta

from backend import clock
from backend.audit.service import AuditService
from backend.errors import AppError, ErrorCode
from backend.security.keys import Keyring
from backend.security.limits import RateLimiter
from backend.staff import passwords
from backend.staff.models import (
    ATTEMPTS_ALLOWED,
    HALF_SESSION_LIFETIME,
    SESSION_IDLE,
    SESSION_LIFETIME,
    SessionStage,
    SignedIn,
    StaffMember,
    StaffSession,
)
from backend.staff.store import StaffStore

log = logging.getLogger(__name__)

TOKEN_BYTES = 32
CODE_DIGITS = 6
# The idle end is written at most this often, not on every click.
_TOUCH_EVERY = timedelta(minutes=1)


class SignIn:
    """Sessions are random tokens kept as hashes; a new one is made at every step up, so none can be planted."""

    def __init__(self, store: StaffStore, audit: AuditService, keys: Keyring, limiter: RateLimiter) -> None:
        self._store = store
        self._audit = audit
        self._keys = keys
        self._limiter = limiter

    async def begin(self, login: str, password: str, address: str) -> str:
        """Check login and password; returns the token of a half session that waits for the code.

        An unknown login, a closed account and a wrong password answer alike, at the same cost, and an unknown
        login locks like a known one: nothing tells which accounts exist.
        """
        login = login.strip().lower()
        await self._limiter.take("staff_sign_in", address)
        await self._count(login)
        found = await self._store.find_by_login(login)
        if found is None:
            await passwords.spend_a_verification()
            raise AppError(ErrorCode.SIGN_IN_FAILED, "unknown login")
        member, known = found
        matches = await passwords.password_matches(known.password_hash, password)
        if not matches or not member.is_active:
            raise AppError(ErrorCode.SIGN_IN_FAILED, "wrong password" if not matches else "disabled")
        await self._store.forgive_attempt(login)
        return await self._open(member, SessionStage.CODE_DUE, HALF_SESSION_LIFETIME)

    async def complete(self, half_token: str, code: str, address: str) -> tuple[str, StaffMember]:
        """Check the one-time code; the half session ends and a fresh token of an open session is returned."""
        session = await self._store.find_session(_hash(half_token))
        if session is None or session.stage is not SessionStage.CODE_DUE:
            raise AppError(
                ErrorCode.UNAUTHENTICATED, "no half session", text="登录已超时，请重新输入账号和密码。"
            )
        await self._limiter.take("staff_sign_in", address)
        await self._count(session.login)
        found = await self._store.find_by_login(session.login)
        if found is None or not found[0].is_active:
            raise AppError(ErrorCode.SIGN_IN_FAILED, "account gone")
        member, known = found
        step = _step(known.totp_secret, code)
        if step is None or not await self._store.spend_totp_step(member, step):
            raise AppError(
                ErrorCode.SIGN_IN_FAILED, "wrong code", text="动态口令不正确或已用过，请输入新的6位口令。"
            )
        await self._store.clear_attempts(session.login)
        await self._store.delete_session(session.id)
        token = await self._open(member, SessionStage.OPEN, SESSION_IDLE)
        actor = SignedIn(await self._session_of(token), member).actor
        await self._audit.record(
            actor, "staff.sign_in", f"staff/{member.id}", "own account", None, {"address": address}
        )
        return token, member

    async def half_session(self, token: str) -> StaffSession | None:
        """The session of a sign-in that waits for its code."""
        session = await self._store.find_session(_hash(token))
        return session if session and session.stage is SessionStage.CODE_DUE else None

    async def find(self, token: str) -> SignedIn | None:
        """Who sits behind this cookie; None when nobody, idle too long, or the account was closed."""
        session = await self._store.find_session(_hash(token))
        if session is None or session.stage is not SessionStage.OPEN:
            return None
        member = await self._store.member_of(session)
        if member is None or not member.is_active:
            return None
        now = clock.now()
        if now - session.seen_at >= _TOUCH_EVERY:
            await self._store.touch_session(session.id, now, _end(session.created_at, now))
        return SignedIn(session, member)

    async def end(self, signed_in: SignedIn) -> None:
        """Sign out."""
        if await self._store.delete_session(signed_in.session.id):
            object_ = f"staff/{signed_in.member.id}"
            await self._audit.record(signed_in.actor, "staff.sign_out", object_, "own account", None, {})

    async def check_password(self, login: str, password_hash: str, password: str) -> None:
        """The password again, before something that matters; wrong ones count like any others."""
        await self._count(login)
        if not await passwords.password_matches(password_hash, password):
            raise AppError(ErrorCode.SIGN_IN_FAILED, "wrong password", text="当前密码不正确。")
        await self._store.forgive_attempt(login)

    def form_token(self, binding: str) -> str:
        """What a form carries to show that this browser's page made it. `binding` is the session's own secret."""
        return _sign(self._keys.active("csrf").secret, binding)

    def check_form_token(self, binding: str, token: str) -> None:
        """Raise CSRF_FAILED unless `token` was made for `binding`, by this key or one just retired."""
        given = token.encode()
        keys = self._keys.all("csrf")
        if not binding or not any(
            hmac.compare_digest(_sign(k.secret, binding).encode(), given) for k in keys
        ):
            raise AppError(ErrorCode.CSRF_FAILED)

    async def _count(self, login: str) -> None:
        failed = await self._store.count_attempt(login)
        if failed == ATTEMPTS_ALLOWED + 1:
            log.warning("staff_account_locked")
        if failed > ATTEMPTS_ALLOWED:
            raise AppError(ErrorCode.ACCOUNT_LOCKED)

    async def _open(self, member: StaffMember, stage: SessionStage, lifetime: timedelta) -> str:
        token = secrets.token_urlsafe(TOKEN_BYTES)
        now = clock.now()
        await self._store.insert_session(
            StaffSession(_hash(token), member.id, member.login, stage, now, now, now + lifetime)
        )
        return token

    async def _session_of(self, token: str) -> StaffSession:
        session = await self._store.find_session(_hash(token))
        if session is None:
            raise AppError(ErrorCode.UNAUTHENTICATED, "session vanished")
        return session


def _end(created_at: datetime, seen_at: datetime) -> datetime:
    return min(seen_at + SESSION_IDLE, created_at + SESSION_LIFETIME)


def _hash(token: str) -> str:
    # The token has 256 random bits: a plain hash is enough, and a dump of the sessions opens none.
    return hashlib.sha256(token.encode()).hexdigest()


def _sign(secret: bytes, binding: str) -> str:
    return hmac.new(secret, f"console-form|{binding}".encode(), hashlib.sha256).hexdigest()


def _step(secret: str, code: str) -> int | None:
    digits = code.replace(" ", "")
    if len(digits) != CODE_DIGITS or not (digits.isascii() and digits.isdigit()):
        return None
    return passwords.totp_step_of(secret, digits, clock.now())
