"""Access tokens: short-lived EdDSA JWTs, answered from memory once their signature was found good."""

from __future__ import annotations

import re
from collections import OrderedDict
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, get_args

import jwt
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from backend import clock
from backend.errors import AppError, ErrorCode
from backend.permissions import Actor, ActorKind, Role
from backend.security.keys import Key, Keyring
from backend.security.lasting import declare_lapse
from backend.security.revocations import RevocationList
from backend.security.signing import Ed25519Signer, signer_for

ACCESS_TTL = timedelta(minutes=30)
declare_lapse("token", "access tokens", ACCESS_TTL)
# Two machines of one city may disagree about the time by this much.
_SKEW = timedelta(seconds=30)
_CACHE_SIZE = 20_000
_LONGEST_TOKEN = 4096
# 64 bytes of signature in base64url: the last character has four bits to spare, and they are zero. Otherwise
# one token would have several texts, and could fill the memory of verified ones.
_ONE_SPELLING = re.compile(r"[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]{85}[AQgw]")
_KINDS = frozenset(get_args(ActorKind)) - {"anonymous", "system"}


@dataclass(frozen=True, slots=True)
class _Verified:
    actor: Actor
    kid: str
    issued_at: datetime
    expires_at: datetime


class TokenIssuer:
    """Issues and verifies access tokens. The algorithm follows from the key, not from the header."""

    def __init__(self, keyring: Keyring, revocations: RevocationList, *, issuer: str = "healthycity") -> None:
        self._keyring = keyring
        self._revocations = revocations
        self._issuer = issuer
        self._verified: OrderedDict[str, _Verified] = OrderedDict()
        self._generation = keyring.generation

    def issue(self, actor: Actor, ttl: timedelta = ACCESS_TTL) -> str:
        """Return an access token that says who `actor` is."""
        key = self._keyring.active("token")
        at = clock.now()
        # Milliseconds matter: who signs in anew right after "sign out everywhere" must not be signed out too.
        claims = _claims(actor) | {"iss": self._issuer, "iat": at.timestamp(), "exp": at + ttl}
        return jwt.encode(claims, _ed25519(key).private, algorithm="EdDSA", headers={"kid": key.kid})

    def verify(self, token: str) -> Actor:
        """Return whose token it is. Raises UNAUTHENTICATED or TOKEN_EXPIRED."""
        if self._generation != self._keyring.generation:
            self._forget_dropped_keys()
        found = self._verified.get(token)
        if found is None:
            if len(token) > _LONGEST_TOKEN:
                raise AppError(ErrorCode.UNAUTHENTICATED, "the token is too long")
            found = self._remember(token, self._verify_signature(token))
        if clock.now() >= found.expires_at:
            self._verified.pop(token, None)
            raise AppError(ErrorCode.TOKEN_EXPIRED)
        if self._revocations.covers(found.actor.session_id, found.actor.id, found.issued_at):
            raise AppError(ErrorCode.UNAUTHENTICATED, "the session of the token is revoked")
        return found.actor

    def _remember(self, token: str, verified: _Verified) -> _Verified:
        # First in, first out: a token lives 30 minutes anyway, and a hit then changes nothing in memory.
        if len(self._verified) >= _CACHE_SIZE:
            self._verified.popitem(last=False)
        self._verified[token] = verified
        return verified

    def _forget_dropped_keys(self) -> None:
        self._generation = self._keyring.generation
        for token, verified in list(self._verified.items()):
            if self._keyring.find("token", verified.kid) is None:
                del self._verified[token]

    def _verify_signature(self, token: str) -> _Verified:
        try:
            kid, key = self._key_of(token)
            claims = jwt.decode(
                token,
                key,
                algorithms=["EdDSA"],
                issuer=self._issuer,
                # Time is asked of our own clock: below, and at every use.
                options={"verify_exp": False, "verify_iat": False, "verify_aud": False},
            )
            verified = _Verified(_actor(claims), kid, _instant(claims["iat"]), _instant(claims["exp"]))
        except (jwt.InvalidTokenError, ValueError, TypeError, KeyError):
            # Not chained: a parser's message may quote the token.
            raise AppError(ErrorCode.UNAUTHENTICATED, "the token is not valid") from None
        if verified.issued_at > clock.now() + _SKEW:
            raise AppError(ErrorCode.UNAUTHENTICATED, "the token comes from the future")
        return verified

    def _key_of(self, token: str) -> tuple[str, Ed25519PublicKey]:
        """The key a token names, if it is ours. Raises KeyError."""
        if not _ONE_SPELLING.fullmatch(token):
            raise KeyError("no token of ours")
        kid = str(jwt.get_unverified_header(token)["kid"])
        key = self._keyring.find("token", kid)
        if key is None:
            raise KeyError("no key of ours")
        return kid, _ed25519(key).public


def _ed25519(key: Key) -> Ed25519Signer:
    signer = signer_for(key)
    if not isinstance(signer, Ed25519Signer):
        raise TypeError("token keys are Ed25519")
    return signer


def _instant(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)


def _claims(actor: Actor) -> dict[str, Any]:
    organizations = None if actor.organization_ids is None else sorted(actor.organization_ids)
    return {
        "sub": actor.id,
        "kind": actor.kind,
        "role": actor.role,
        "org": organizations,
        "sid": actor.session_id,
        "ch": actor.channel,
        "rn": actor.real_name,
    }


def _actor(claims: dict[str, Any]) -> Actor:
    if claims["kind"] not in _KINDS:
        raise ValueError("no such kind of actor")
    organizations = claims["org"]
    return Actor(
        kind=claims["kind"],
        id=claims["sub"],
        role=Role(claims["role"]) if claims["role"] is not None else None,
        organization_ids=None if organizations is None else frozenset(organizations),
        session_id=claims["sid"],
        channel=claims["ch"],
        real_name=bool(claims["rn"]),
    )
