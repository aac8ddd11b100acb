"""Access tokens: short-lived EdDSA JWTs, answered from memory once their signature was found good."""

from __future__ import annotations

import base64
import json
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
from backend.security.revocations import RevocationList
from backend.security.signing import Ed25519Signer, signer_for

ACCESS_TTL = timedelta(minutes=30)
# Two machines of one city may disagree about the time by this much.
_SKEW = timedelta(seconds=30)
_CACHE_SIZE = 20_000
_LONGEST_TOKEN = 4096
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
        self._public_keys: dict[str, Ed25519PublicKey] = {}

    def issue(self, actor: Actor, ttl: timedelta = ACCESS_TTL) -> str:
        """Return an access token that says who `actor` is."""
        key = self._keyring.active("token")
        at = clock.now()
        # Milliseconds matter: who signs in anew right after "sign out everywhere" must not be signed out too.
        claims = _claims(actor) | {"iss": self._issuer, "iat": at.timestamp(), "exp": at + ttl}
        return jwt.encode(claims, _ed25519(key).private, algorithm="EdDSA", headers={"kid": key.kid})

    def verify(self, token: str) -> Actor:
        """Return whose token it is. Raises UNAUTHENTICATED or TOKEN_EXPIRED."""
        found = self._verified.get(token)
        if found is None:
            found = self._remember(token, self._verify_signature(token))
        if clock.now() >= found.expires_at:
            self._verified.pop(token, None)
            raise AppError(ErrorCode.TOKEN_EXPIRED)
        if self._revocations.covers(found.actor.session_id, found.actor.id, found.issued_at):
            raise AppError(ErrorCode.UNAUTHENTICATED, "the session of the token is revoked")
        if self._generation != self._keyring.generation:
            self._forget_dropped_keys()
        return found.actor

    def _public_key(self, key: Key) -> Ed25519PublicKey:
        """The key as an object, made once: making it costs as much as a third of a verification."""
        public = self._public_keys.get(key.kid)
        if public is None:
            public = Ed25519PublicKey.from_public_bytes(_ed25519(key).public_key)
            self._public_keys[key.kid] = public
        return public

    def _remember(self, token: str, verified: _Verified) -> _Verified:
        # First in, first out: a token lives 30 minutes anyway, and a hit then changes nothing in memory.
        if len(self._verified) >= _CACHE_SIZE:
            self._verified.popitem(last=False)
        self._verified[token] = verified
        return verified

    def _forget_dropped_keys(self) -> None:
        self._generation = self._keyring.generation
        self._public_keys.clear()
        for token, verified in list(self._verified.items()):
            if self._keyring.find("token", verified.kid) is None:
                del self._verified[token]

    def _verify_signature(self, token: str) -> _Verified:
        if len(token) > _LONGEST_TOKEN:
            raise AppError(ErrorCode.UNAUTHENTICATED, "the token is too long")
        try:
            kid = _kid_of(token)
            key = self._keyring.find("token", kid)
            if key is None:
                raise AppError(ErrorCode.UNAUTHENTICATED, "the token names no key of ours")
            claims = jwt.decode(
                token,
                self._public_key(key),
                algorithms=["EdDSA"],
                issuer=self._issuer,
                # The times are checked below, by the city's one clock.
                options={"require": ["exp", "iat", "sub"], "verify_exp": False, "verify_iat": False},
            )
            verified = _Verified(_actor(claims), kid, _instant(claims["iat"]), _instant(claims["exp"]))
        except (jwt.PyJWTError, ValueError, TypeError, KeyError):
            # Not chained: the library's messages may quote the token.
            raise AppError(ErrorCode.UNAUTHENTICATED, "the token is not valid") from None
        if verified.issued_at > clock.now() + _SKEW:
            raise AppError(ErrorCode.UNAUTHENTICATED, "the token comes from the future")
        return verified


def _kid_of(token: str) -> str:
    """The key the token names. Only a choice among our own keys: PyJWT verifies the header with the rest."""
    head = token.partition(".")[0]
    header = json.loads(base64.urlsafe_b64decode(head + "=" * (-len(head) % 4)))
    return str(header.get("kid", "")) if isinstance(header, dict) else ""


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
