"""Looking after the credentials of hospitals and terminals: seeing them, new secrets, shutting out."""

from __future__ import annotations

import re

from backend.audit.service import AuditService
from backend.directory.clients import ClientService
from backend.directory.models import Client, ClientFilter, IssuedClient, TerminalKind
from backend.errors import AppError, ErrorCode, not_found
from backend.permissions import Actor

MOST_ORIGINS = 10
# A scheme and a host, nothing more: what a browser compares.
_ORIGIN = re.compile(r"https?://[A-Za-z0-9.-]{1,253}(:[0-9]{1,5})?", re.ASCII)


class ClientCare:
    """What staff and the command line do with clients: within the actor's scope, for a reason, on record."""

    def __init__(self, clients: ClientService, audit: AuditService) -> None:
        self._clients = clients
        self._audit = audit

    async def list_clients(
        self, actor: Actor, wanted: ClientFilter, *, after: str = "", limit: int = 50
    ) -> tuple[list[Client], str | None]:
        """Clients within the actor's scope, oldest first, and the cursor of the next page."""
        if wanted.organization_id is None:
            scope = actor.organization_ids
        else:
            scope = frozenset({wanted.organization_id} if actor.covers(wanted.organization_id) else ())
        found = await self._clients.list_clients(scope, wanted, after=after, limit=limit + 1)
        page = found[:limit]
        return page, page[-1].id if len(found) > limit else None

    async def access_client(self, actor: Actor, client_id: str) -> Client:
        """A client within the actor's scope; raises NOT_FOUND for any other."""
        client = await self._clients.get_client(client_id)
        if not actor.covers(client.organization_id):
            raise not_found(f"client {client_id}")
        return client

    async def register_hospital(self, actor: Actor, organization_id: str, name: str) -> IssuedClient:
        """Credentials for a hospital's system; the secret is shown once."""
        issued = await self._clients.register_hospital(organization_id, name)
        await self._record_registered(actor, issued)
        return issued

    async def register_terminal(
        self, actor: Actor, name: str, kind: TerminalKind, department_external_id: str | None
    ) -> IssuedClient:
        """Credentials for one terminal of the caller's institution; the secret is shown once."""
        issued = await self._clients.register_terminal(actor, name, kind, department_external_id)
        await self._record_registered(actor, issued)
        return issued

    async def _record_registered(self, actor: Actor, issued: IssuedClient) -> None:
        client = issued.client
        await self._audit.record(
            actor,
            "client.register",
            f"client/{client.id}",
            "registration",
            client.organization_id,
            {"kind": str(client.terminal_kind or client.kind)},
        )

    async def new_secret(
        self, actor: Actor, client_id: str, reason: str, *, keep_old: bool = False
    ) -> IssuedClient:
        """Another secret, to be shown once. Raises CONFLICT for a client that has been shut out.

        Without `keep_old` the present secret and every token got by it are void at once; with it the present
        secret works on for a while, so that the other side can change over.
        """
        client = await self.access_client(actor, client_id)
        if not client.active:
            raise AppError(ErrorCode.CONFLICT, "the client is shut out")
        secret = await self._clients.new_secret(client_id, keep_old=keep_old)
        await self._audit.record(
            actor,
            "client.new_secret",
            f"client/{client_id}",
            reason,
            client.organization_id,
            {"keep_old": keep_old},
        )
        return IssuedClient(client, secret)

    async def set_origins(self, actor: Actor, client_id: str, text: str) -> Client:
        """Whose pages may show the record browser inside: one origin a line. Raises BAD_REQUEST."""
        client = await self.access_client(actor, client_id)
        origins = list(dict.fromkeys(line.strip().rstrip("/") for line in text.splitlines() if line.strip()))
        if len(origins) > MOST_ORIGINS or not all(_ORIGIN.fullmatch(origin) for origin in origins):
            wrong = "请每行填写一个工作站页面的地址，如 https://his.example.cn:8443，不含路径，最多10个。"
            raise AppError(ErrorCode.BAD_REQUEST, "origins", text=wrong)
        await self._clients.set_origins(client_id, origins)
        await self._audit.record(
            actor,
            "client.origins",
            f"client/{client_id}",
            "registration",
            client.organization_id,
            {"origins": origins},
        )
        return await self._clients.get_client(client_id)

    async def deactivate(self, actor: Actor, client_id: str, reason: str) -> Client:
        """Shut a client out for good: no new token, and those it has are void at once."""
        client = await self.access_client(actor, client_id)
        await self._clients.deactivate(client_id)
        await self._audit.record(
            actor, "client.deactivate", f"client/{client_id}", reason, client.organization_id
        )
        return client
