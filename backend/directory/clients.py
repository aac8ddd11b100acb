"""OAuth2 clients: who may speak for a hospital, each terminal's own identity, and the tokens they get."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from backend import clock
from backend.db.client import Document
from backend.directory.cache import ShortMemory
from backend.directory.client_store import ClientStore
from backend.directory.errors import TokenRefusedError
from backend.directory.models import Client, ClientFilter, ClientKind, IssuedClient, TerminalKind
from backend.directory.service import DirectoryService, organization_of
from backend.errors import not_found
from backend.ids import new_id
from backend.permissions import ROLE_GRANTS, Actor, Role
from backend.security.derive import derive_key
from backend.security.keys import Keyring
from backend.security.tokens import ACCESS_TTL, TokenIssuer

# How long a replaced secret works on when it is meant to: time enough to change over a hospital's systems.
OVERLAP = timedelta(days=7)
# No token of before is about any more after this; the minute is for machines whose clocks differ.
_TOKENS_LAST = ACCESS_TTL + timedelta(minutes=1)
_ROLES = {ClientKind.HOSPITAL: Role.HOSPITAL_CLIENT, ClientKind.TERMINAL: Role.TERMINAL}


class Limiter(Protocol):
    """What the token endpoint needs of the rate limiter."""

    async def take(self, bucket: str, key: str) -> None:
        """Take a token from the bucket or raise RATE_LIMITED."""


class Revocations(Protocol):
    """What revoking a client needs of the revocation list."""

    async def revoke_account(self, account_id: str, keep: timedelta) -> None:
        """Void every token issued to an account until now."""

    async def revoke_session(self, session_id: str, keep: timedelta) -> None:
        """Void every token of a session."""


@dataclass(frozen=True, slots=True)
class TokenGrant:
    """An access token and what it allows."""

    access_token: str
    expires_in: int
    scope: str


class ClientService:
    """Registers clients and gives them tokens. A secret is shown once and stored as a keyed hash.

    Secrets are 256 random bits, so a fast hash protects them as well as a slow one would.
    """

    def __init__(
        self,
        store: ClientStore,
        directory: DirectoryService,
        keyring: Keyring,
        tokens: TokenIssuer,
        limiter: Limiter,
        revocations: Revocations,
    ) -> None:
        self._store = store
        self._directory = directory
        self._keyring = keyring
        self._tokens = tokens
        self._limiter = limiter
        self._revocations = revocations
        self._known: ShortMemory[Client | None] = ShortMemory(seconds=5)

    # -- tokens --------------------------------------------------------------------------------------

    async def grant(
        self, grant_type: str, client_id: str, client_secret: str, scope: str = "", *, address: str = ""
    ) -> TokenGrant:
        """A token for a client that knows its secret. Raises TokenRefusedError or RATE_LIMITED."""
        if not grant_type:
            missing = "grant_type is missing; send a form (application/x-www-form-urlencoded), not JSON"
            raise TokenRefusedError("invalid_request", missing)
        if grant_type != "client_credentials":
            raise TokenRefusedError("unsupported_grant_type", "only client_credentials is supported")
        await self._limiter.take("client_token", client_id or address)
        client = await self._authenticate(client_id, client_secret)
        allowed = {str(permission) for permission in ROLE_GRANTS[_ROLES[client.kind]]}
        if not set(scope.split()) <= allowed:
            raise TokenRefusedError("invalid_scope", "the scope is unknown or not granted to this client")
        token = self._tokens.issue(_actor(client))
        return TokenGrant(token, int(ACCESS_TTL.total_seconds()), " ".join(sorted(allowed)))

    async def _authenticate(self, client_id: str, client_secret: str) -> Client:
        found = await self._store.find_with_secrets(client_id) if client_id and client_secret else None
        if found is None or not found[0].active:
            raise TokenRefusedError("invalid_client", "unknown client or wrong secret")
        client, hashes = found[0], _working(found[1], clock.now())
        matching = next((each for each in hashes if self._matches(client_id, client_secret, each)), None)
        if matching is None:
            raise TokenRefusedError("invalid_client", "unknown client or wrong secret")
        if len(hashes) < len(found[1]):
            await self._store.drop_lapsed_secrets(client_id, clock.now())
        if matching["kid"] != self._keyring.active("blind").kid:
            # The key has been rotated: only now, with the secret at hand, can it be hashed anew.
            await self._store.replace_secret(client_id, matching, self._hash(client_id, client_secret))
        return client

    # -- registry ------------------------------------------------------------------------------------

    async def register_hospital(
        self, organization_id: str, name: str, *, client_id: str | None = None, secret: str | None = None
    ) -> IssuedClient:
        """Make credentials for a hospital's system. Given ones (the demo's) are taken as they are."""
        await self._directory.get_organization(organization_id)
        client = Client(
            id=client_id or new_id(),
            kind=ClientKind.HOSPITAL,
            organization_id=organization_id,
            name=name,
            created_at=clock.now(),
        )
        return await self._register(client, secret)

    async def register_terminal(
        self,
        actor: Actor,
        name: str,
        kind: TerminalKind,
        department_external_id: str | None = None,
        *,
        client_id: str | None = None,
        secret: str | None = None,
    ) -> IssuedClient:
        """Make credentials for one terminal of the caller's institution."""
        department = None
        if department_external_id is not None:
            department = await self._directory.access_department(actor, department_external_id)
        client = Client(
            id=client_id or new_id(),
            kind=ClientKind.TERMINAL,
            organization_id=organization_of(actor),
            name=name,
            created_at=clock.now(),
            terminal_kind=kind,
            department_id=department.id if department else None,
        )
        return await self._register(client, secret)

    async def new_secret(self, client_id: str, *, keep_old: bool = False) -> str:
        """Give a client another secret; `keep_old` lets the present one work on beside it for a while.

        Without it the present secret may be in wrong hands: tokens got by it are void too.
        """
        found = await self._store.find_with_secrets(client_id)
        if found is None:
            raise not_found("client")
        secret, now = _random_secret(), clock.now()
        kept = [{**old, "until_at": now + OVERLAP} for old in _working(found[1], now)[-1:] if keep_old]
        await self._store.replace_secrets(client_id, [*kept, self._hash(client_id, secret)])
        if not keep_old:
            await self._revocations.revoke_account(client_id, _TOKENS_LAST)
        return secret

    async def set_origins(self, client_id: str, origins: Sequence[str]) -> None:
        """Say whose pages may show the record browser inside. Raises NOT_FOUND."""
        if not await self._store.set_origins(client_id, origins):
            raise not_found("client")
        self._known.clear()

    async def deactivate(self, client_id: str) -> None:
        """Shut a client out at once and for good: no new token, and those it has are void.

        By its session, which all its tokens carry: one that is being issued at this moment, or by a machine
        whose clock is ahead, is void too.
        """
        if not await self._store.shut_out(client_id):
            raise not_found("client")
        self._known.clear()
        await self._revocations.revoke_session(client_id, _TOKENS_LAST)

    async def list_clients(
        self, organization_ids: frozenset[str] | None, wanted: ClientFilter, *, after: str, limit: int
    ) -> list[Client]:
        """Clients of these institutions (None: of all), oldest first, beyond the id `after`."""
        return await self._store.list_page(organization_ids, wanted, after=after, limit=limit)

    async def get_client(self, client_id: str) -> Client:
        """A client as it is now. Raises NOT_FOUND."""
        client = await self._store.find(client_id)
        if client is None:
            raise not_found(f"client {client_id}")
        return client

    async def list_terminals(self, organization_id: str) -> list[Client]:
        """An institution's terminals."""
        return await self._store.list_of(organization_id, ClientKind.TERMINAL)

    async def find_client(self, client_id: str) -> Client | None:
        """A client, at most five seconds old."""
        return await self._known.get(client_id, lambda: self._store.find(client_id))

    # -- within --------------------------------------------------------------------------------------

    async def _register(self, client: Client, secret: str | None) -> IssuedClient:
        secret = secret or _random_secret()
        hashed = self._hash(client.id, secret)
        if not await self._store.add(client, [hashed]):
            await self._store.replace_secrets(client.id, [hashed])
        return IssuedClient(client, secret)

    def _hash(self, client_id: str, secret: str) -> Document:
        key = self._keyring.active("blind")
        return {"kid": key.kid, "hash": _digest(key.secret, client_id, secret), "created_at": clock.now()}

    def _matches(self, client_id: str, secret: str, stored: Document) -> bool:
        key = self._keyring.find("blind", stored["kid"])
        return key is not None and hmac.compare_digest(
            _digest(key.secret, client_id, secret), bytes(stored["hash"])
        )


def _working(secrets: Sequence[Document], now: datetime) -> list[Document]:
    return [each for each in secrets if each.get("until_at") is None or each["until_at"] > now]


def _digest(key: bytes, client_id: str, secret: str) -> bytes:
    message = f"{client_id}\x1f{secret}".encode()
    return hmac.digest(derive_key(key, "client-secret"), message, hashlib.sha256)


def _random_secret() -> str:
    return secrets.token_urlsafe(32)


def _actor(client: Client) -> Actor:
    return Actor(
        kind="terminal" if client.kind is ClientKind.TERMINAL else "client",
        id=client.id,
        role=_ROLES[client.kind],
        organization_ids=frozenset({client.organization_id}),
        session_id=client.id,
    )
