"""Signed-in sessions: opened, refreshed with rotating tokens, ended, revoked when a used token comes back."""

from __future__ import annotations

import hmac
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from backend import clock
from backend.errors import AppError, ErrorCode
from backend.ids import new_id
from backend.permissions import Actor, ActorKind
from backend.security.lasting import declare_lapse
from backend.security.refresh import RefreshToken, RefreshTokens
from backend.security.revocations import RevocationList
from backend.security.store import Session, SessionStore
from backend.security.tokens import ACCESS_TTL, TokenIssuer

log = logging.getLogger(__name__)

# How long a session lasts without being refreshed, and at the longest.
_IDLE: dict[ActorKind, timedelta] = {"staff": timedelta(hours=2)}
_LONGEST: dict[ActorKind, timedelta] = {"staff": timedelta(hours=12)}
_RESIDENT_IDLE, _RESIDENT_LONGEST = timedelta(days=30), timedelta(days=180)
# Every refresh is sealed anew, so a session that has not been refreshed for so long has ended by itself.
declare_lapse("csrf", "refresh tokens", _RESIDENT_IDLE)
# A client whose answer got lost on the way may ask once more with the same token.
_GRACE = timedelta(seconds=20)
# A revocation outlives every access token it is meant for.
_KEEP_REVOKED = ACCESS_TTL + timedelta(minutes=5)

Renew = Callable[[Actor], Awaitable[Actor]]


@dataclass(frozen=True, slots=True)
class IssuedTokens:
    """What a client gets at sign-in and at each refresh."""

    actor: Actor
    access_token: str
    refresh_token: str
    expires_in: int = int(ACCESS_TTL.total_seconds())


class SessionService:
    """Opens, refreshes and ends sessions."""

    def __init__(
        self, store: SessionStore, issuer: TokenIssuer, revocations: RevocationList, tokens: RefreshTokens
    ) -> None:
        self._store = store
        self._issuer = issuer
        self._revocations = revocations
        self._tokens = tokens

    async def open(self, actor: Actor, device: str = "") -> IssuedTokens:
        """Begin a session for somebody who has just proved who he is. `device` is for the session list."""
        at = clock.now()
        signed_in = replace(actor, session_id=new_id())
        token = self._tokens.first(signed_in.session_id)
        session = Session(
            id=signed_in.session_id,
            actor=signed_in,
            device=device[:120],
            generation=0,
            refresh_hash=token.hash,
            previous_hash=None,
            created_at=at,
            rotated_at=at,
            expires_at=at + _IDLE.get(actor.kind, _RESIDENT_IDLE),
            ended_at=None,
            end_reason=None,
        )
        await self._store.add(session)
        return self._issued(signed_in, token)

    async def refresh(self, refresh_token: str, renew: Renew | None = None) -> IssuedTokens:
        """Exchange a refresh token for new tokens; the old one is used up.

        `renew` may return the actor as of today (role, organisations), or raise when the account is closed.
        Raises UNAUTHENTICATED, TOKEN_EXPIRED, or REFRESH_REUSED after revoking the session.
        """
        token = self._tokens.parse(refresh_token)
        session = await self._store.find(token.session_id) if token else None
        if token is None or session is None:
            raise AppError(ErrorCode.UNAUTHENTICATED, "not a refresh token, or of a forgotten session")
        self._check_open(session)
        successor = self._tokens.after(token)
        at = clock.now()
        rotated = await self._store.rotate(session.id, token.hash, successor.hash, at, _expiry(session, at))
        if rotated is None:
            rotated = await self._repeated(token, successor, at)
        actor = rotated.actor
        if renew is not None:
            actor = replace(await renew(actor), session_id=session.id)
            if actor != rotated.actor:
                await self._store.set_actor(session.id, actor)
        return self._issued(actor, successor)

    async def upgrade(self, actor: Actor) -> str:
        """Store what has become true of the account (`real_name`), and return a token that says so."""
        await self._store.set_actor(actor.session_id, actor)
        return self._issuer.issue(actor)

    async def is_open(self, session_id: str) -> bool:
        """Whether the session has neither been ended nor expired."""
        session = await self._store.find(session_id)
        return session is not None and session.ended_at is None and session.expires_at > clock.now()

    async def list_open(self, actor: Actor) -> list[Session]:
        """Return where the actor is signed in, newest first."""
        return await self._store.list_open(actor.id, clock.now())

    async def end(self, session_id: str, reason: str = "signed out") -> None:
        """Sign out: the refresh token is refused at once, access tokens within a second everywhere."""
        if not session_id:
            return
        await self._store.end(session_id, clock.now(), reason)
        await self._revocations.revoke_session(session_id, _KEEP_REVOKED)

    async def end_all(self, account_id: str, reason: str = "signed out everywhere") -> None:
        """End every session of an account (deleted, locked, password changed)."""
        await self._store.end_all(account_id, clock.now(), reason)
        await self._revocations.revoke_account(account_id, _KEEP_REVOKED)

    async def renew_all(self, account_id: str) -> None:
        """Void an account's access tokens but no session: the next refresh says what is true now."""
        await self._revocations.revoke_account(account_id, _KEEP_REVOKED)

    async def _repeated(self, token: RefreshToken, successor: RefreshToken, at: datetime) -> Session:
        """Tell a repeated request from a stolen token, and revoke the session for the latter."""
        session = await self._store.find(token.session_id)
        if session is None:
            raise AppError(ErrorCode.UNAUTHENTICATED, "the session is forgotten")
        self._check_open(session)
        is_latest = hmac.compare_digest(session.refresh_hash, successor.hash)
        if is_latest and at - session.rotated_at <= _GRACE:
            return session
        await self.end(session.id, "refresh token reused")
        log.warning("refresh_token_reused", extra={"session_id": session.id, "account_id": session.actor.id})
        raise AppError(ErrorCode.REFRESH_REUSED, f"session {session.id} revoked")

    def _check_open(self, session: Session) -> None:
        if session.ended_at is not None:
            raise AppError(ErrorCode.UNAUTHENTICATED, f"session {session.id} was ended: {session.end_reason}")
        if session.expires_at <= clock.now():
            raise AppError(ErrorCode.TOKEN_EXPIRED, f"session {session.id} has expired")

    def _issued(self, actor: Actor, token: RefreshToken) -> IssuedTokens:
        return IssuedTokens(actor, self._issuer.issue(actor), token.text)


def _expiry(session: Session, at: datetime) -> datetime:
    kind = session.actor.kind
    longest = session.created_at + _LONGEST.get(kind, _RESIDENT_LONGEST)
    return min(at + _IDLE.get(kind, _RESIDENT_IDLE), longest)
