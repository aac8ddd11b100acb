"""Signing in to the console: password, one-time code, lockout and sessions."""

from __future__ import annotations

import hashlib
import logging
import secrets
from datetime import datetime, timedelta

from backend import clock
from backend.audit.service import AuditService
from backend.errors import AppError, ErrorCode
from backend.permissions import ANONYMOUS
from backend.security.limits import RateLimiter
from backend.security.passwords import verify_password
from backend.security.totp import match_totp
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
OWN_ACCOUNT = "own account"
# The idle end is written at most this often, not on every click.
_TOUCH_EVERY = timedelta(minutes=1)


class SignIn:
    """Sessions are random tokens kept as hashes; every step up makes a new one, so none can be planted."""

    def __init__(self, store: StaffStore, audit: AuditService, limiter: RateLimiter) -> None:
        self._store = store
        self._audit = audit
        self._limiter = limiter

    async def begin(self, login: str, password: str, address: str) -> str:
        """Check login and password; returns the token of a half session that waits for the code.

        An unknown login, a closed account and a wrong password answer alike, at the same cost, and an unknown
        login locks like a known one: nothing tells which accounts exist.
        """
        login = login.strip().lower()
        await self._limiter.take("staff_address", address)
        last = await self._count_attempt(login)
        found = await self._store.find_by_login(login)
        member, known = found or (None, None)
        matches = await verify_password(known.password_hash if known else None, password)
        if member is None or not matches or not member.is_active:
            await self._note_lock(member, last=last, address=address)
            raise AppError(ErrorCode.SIGN_IN_FAILED, "unknown, closed or wrong password")
        await self._store.forgive_attempt(login)
        token, _ = await self._open(member, SessionStage.CODE_DUE, HALF_SESSION_LIFETIME)
        return token

    async def complete(self, half_token: str, code: str, address: str) -> tuple[str, SignedIn]:
        """Check the one-time code; the half session ends and a fresh token of an open session is returned."""
        half = await self.half_session(half_token)
        if half is None:
            raise AppError(
                ErrorCode.UNAUTHENTICATED, "no half session", text="登录已超时，请重新输入账号和密码。"
            )
        await self._limiter.take("staff_address", address)
        last = await self._count_attempt(half.login)
        member = await self._spend_code(half, code)
        if member is None:
            await self._note_lock(await self._store.member_of(half), last=last, address=address)
            raise AppError(
                ErrorCode.SIGN_IN_FAILED, "wrong code", text="动态口令不正确或已用过，请等待新的6位口令。"
            )
        await self._store.clear_attempts(half.login)
        await self._store.delete_session(half.id)
        token, session = await self._open(member, SessionStage.OPEN, SESSION_IDLE)
        signed_in = SignedIn(session, member)
        await self._record(signed_in, "staff.sign_in", {"address": address})
        return token, signed_in

    async def half_session(self, token: str) -> StaffSession | None:
        """The session of a sign-in that waits for its code."""
        session = await self._store.find_session(_hash(token))
        return session if session and session.stage is SessionStage.CODE_DUE else None

    async def find(self, token: str, *, in_use: bool = True) -> SignedIn | None:
        """Who sits behind this cookie; None when nobody, idle too long, or the account was closed.

        `in_use` False looks without keeping the session awake: a page that renews itself is nobody there.
        """
        session = await self._store.find_session(_hash(token))
        if session is None or session.stage is not SessionStage.OPEN:
            return None
        member = await self._store.member_of(session)
        if member is None or not member.is_active:
            return None
        now = clock.now()
        if in_use and now - session.seen_at >= _TOUCH_EVERY:
            await self._store.touch_session(session.id, now, _end(session.created_at, now))
        return SignedIn(session, member)

    async def end(self, signed_in: SignedIn) -> None:
        """Sign out."""
        if await self._store.delete_session(signed_in.session.id):
            await self._record(signed_in, "staff.sign_out", {})

    async def check_password(self, login: str, password_hash: str, password: str) -> None:
        """The password again, before something that matters; wrong ones count like any others."""
        await self._count_attempt(login)
        if not await verify_password(password_hash, password):
            raise AppError(ErrorCode.SIGN_IN_FAILED, "wrong password", text="当前密码不正确。")
        await self._store.forgive_attempt(login)

    async def _spend_code(self, half: StaffSession, code: str) -> StaffMember | None:
        found = await self._store.find_by_login(half.login)
        if found is None or not found[0].is_active:
            return None
        member, known = found
        step = match_totp(known.totp_secret, code, clock.now(), known.totp_step)
        spent = step is not None and await self._store.spend_totp_step(member, step)
        return member if spent else None

    async def _count_attempt(self, login: str) -> bool:
        """Count before checking. True for the last attempt that is still let in; ACCOUNT_LOCKED after it."""
        failed = await self._store.count_attempt(login)
        if failed > ATTEMPTS_ALLOWED:
            raise AppError(ErrorCode.ACCOUNT_LOCKED)
        return failed == ATTEMPTS_ALLOWED

    async def _note_lock(self, member: StaffMember | None, *, last: bool, address: str) -> None:
        """The attempt that locks an account goes on record: someone may be guessing."""
        if not last:
            return
        log.warning("staff_account_locked", extra={"known": member is not None})
        if member is not None:
            data = {"address": address}
            object_ = f"staff/{member.id}"
            await self._audit.record(ANONYMOUS, "staff.lock", object_, "failed sign-ins", None, data)

    async def _open(
        self, member: StaffMember, stage: SessionStage, lifetime: timedelta
    ) -> tuple[str, StaffSession]:
        token = secrets.token_urlsafe(TOKEN_BYTES)
        now = clock.now()
        session = StaffSession(_hash(token), member.id, member.login, stage, now, now, now + lifetime)
        await self._store.insert_session(session)
        return token, session

    async def _record(self, signed_in: SignedIn, action: str, data: dict[str, str]) -> None:
        object_ = f"staff/{signed_in.member.id}"
        await self._audit.record(signed_in.actor, action, object_, OWN_ACCOUNT, None, data)


def _end(created_at: datetime, seen_at: datetime) -> datetime:
    return min(seen_at + SESSION_IDLE, created_at + SESSION_LIFETIME)


def _hash(token: str) -> str:
    # The token has 256 random bits: a plain hash is enough, and a dump of the sessions opens none.
    return hashlib.sha256(token.encode()).hexdigest()
