"""Access tokens: short-lived EdDSA JWTs, answered from memory once their signature was found good."""

from __future__ import annotations

import base64
from collections import OrderedDict
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, get_args

import jwt
import orjson

from backend import clock
from backend.errors import AppError, ErrorCode
from backend.permissions import Actor, ActorKind, Role
from backend.security.keys import Key, Keyring
from backend.security.lasting import declare_lapse
from backend.security.revocations import RevocationList
from backend.security.signing import Ed25519Signer, Verifier, signer_for, verifier_for

ACCESS_TTL = timedelta(minutes=30)
declare_lapse("token", "access tokens", ACCESS_TTL)
# Two machines of one city may disagree about the time by this much.
_SKEW = timedelta(seconds=30)
_CACHE_SIZE = 20_000
_LONGEST_TOKEN = 4096
_LONGEST_HEADER = 256
_MOST_HEADERS = 64
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
        self._headers: dict[str, str] = {}

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
        self._headers.clear()
        for token, verified in list(self._verified.items()):
            if self._keyring.find("token", verified.kid) is None:
                del self._verified[token]

    def _verify_signature(self, token: str) -> _Verified:
        try:
            signed, _, signature = token.rpartition(".")
            header, _, payload = signed.partition(".")
            kid = self._kid_of(header)
            if kid is None or not self._verifier(kid).verify(_decoded(signature), signed.encode("ascii")):
                raise AppError(ErrorCode.UNAUTHENTICATED, "the token is not signed by a key of ours")
            claims = orjson.loads(_decoded(payload))
            if claims["iss"] != self._issuer:
                raise AppError(ErrorCode.UNAUTHENTICATED, "the token is of another issuer")
            verified = _Verified(_actor(claims), kid, _instant(claims["iat"]), _instant(claims["exp"]))
        except (ValueError, TypeError, KeyError):
            # Not chained: a parser's message may quote the token.
            raise AppError(ErrorCode.UNAUTHENTICATED, "the token is not valid") from None
        if verified.issued_at > clock.now() + _SKEW:
            raise AppError(ErrorCode.UNAUTHENTICATED, "the token comes from the future")
        return verified

    def _kid_of(self, header: str) -> str | None:
        """The key a header names, if it is ours and the header says EdDSA. Headers are few: they are kept."""
        kid = self._headers.get(header)
        if kid is None:
            fields = orjson.loads(_decoded(header[:_LONGEST_HEADER]))
            kid = str(fields["kid"])
            if fields["alg"] != "EdDSA":
                return None
        if self._keyring.find("token", kid) is None:
            return None
        if len(self._headers) < _MOST_HEADERS:
            self._headers[header] = kid
        return kid

    def _verifier(self, kid: str) -> Verifier:
        signer = _ed25519(self._keyring.get("token", kid))
        return verifier_for(signer.alg, signer.public_key)


def _decoded(segment: str) -> bytes:
    """Unpadded base64url, strictly: every value has one text, and a token therefore one spelling."""
    raw = base64.b64decode(segment + "=" * (-len(segment) % 4), altchars=b"-_", validate=True)
    if base64.urlsafe_b64encode(raw).rstrip(b"=") != segment.encode():
        raise ValueError("not canonical base64url")
    return raw


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
