"""Credentials of hospitals' systems and terminals: who has them, new secrets, shutting out."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from admin.base import PageHandler, page
from admin.forms import Filters, Form, ReasonForm
from admin.lookups import organization_names, organizations_in_scope
from backend.directory.models import Client, ClientFilter, ClientKind
from backend.errors import ErrorCode, not_found
from backend.http.endpoint import requires
from backend.permissions import Permission

PAGE_SIZE = 50


class ClientFilters(Filters):
    """Which clients the list shows."""

    organization: str = Field("", max_length=64, title="机构")
    kind: ClientKind | None = Field(None, title="类型")
    state: Literal["active", "disabled"] | None = Field(None, title="状态")

    def wanted(self) -> ClientFilter:
        """As the service asks."""
        active = None if self.state is None else self.state == "active"
        return ClientFilter(self.organization or None, self.kind, active)


class NewSecretForm(ReasonForm):
    """Why, and what becomes of the present secret."""

    old: Literal["keep", "void"] = Field("void", title="现有密钥")


class ClientListHandler(PageHandler):
    """Every system and terminal within the actor's scope."""

    @requires(Permission.STAFF_CLIENTS_MANAGE)
    @page("Hospitals' systems and terminals")
    async def get(self, query: ClientFilters) -> None:
        """One page of the list."""
        clients, following = await self.services.client_care.list_clients(
            self.actor, query.wanted(), after=query.cursor, limit=PAGE_SIZE
        )
        self.show_page(
            "clients/list.html",
            clients=clients,
            following=following,
            organizations=await organizations_in_scope(self.services, self.actor),
            names=await organization_names(self.services, {client.organization_id for client in clients}),
        )


class ClientHandler(PageHandler):
    """One system or terminal."""

    template = "clients/show.html"

    @requires(Permission.STAFF_CLIENTS_MANAGE)
    @page("A system or terminal")
    async def get(self, client_id: str) -> None:
        """What is known and what can be done."""
        await self.show(client_id=client_id)

    async def show(self, **path: str) -> None:
        """Show it, never with a secret."""
        client = await self.services.client_care.access_client(self.actor, path["client_id"])
        await self.show_client(self.template, client)

    async def show_client(self, template: str, client: Client, secret: str = "") -> None:
        """Show it in one of its templates."""
        names = await organization_names(self.services, {client.organization_id})
        department = ""
        if client.department_id is not None:
            department = (await self.services.directory.get_department(client.department_id)).name
        self.show_page(
            template,
            client=client,
            organization=names.get(client.organization_id, ""),
            department=department,
            secret=secret,
        )


class OriginsForm(Form):
    """Whose pages may show the record window inside."""

    origins: str = Field("", max_length=3000, title="工作站地址")


class OriginsHandler(ClientHandler):
    """The addresses of a hospital's workstations."""

    @requires(Permission.STAFF_CLIENTS_MANAGE)
    @page("Say whose pages may show the record window", errors=(ErrorCode.BAD_REQUEST,), again=True)
    async def post(self, body: OriginsForm, client_id: str) -> None:
        """Effective at once."""
        await self.services.client_care.set_origins(self.actor, client_id, body.origins)
        self.go(f"/admin/clients/{client_id}", "saved")


class ClientSecretHandler(ClientHandler):
    """Another secret."""

    template = "clients/secret.html"

    @requires(Permission.STAFF_CLIENTS_MANAGE)
    @page("Ask why and how the secret is replaced")
    async def get(self, client_id: str) -> None:
        """Show the form."""
        if not (await self.services.client_care.access_client(self.actor, client_id)).active:
            raise not_found("the client is shut out")
        await self.show(client_id=client_id)

    @requires(Permission.STAFF_CLIENTS_MANAGE)
    @page("Make another secret", errors=(ErrorCode.REASON_REQUIRED, ErrorCode.CONFLICT), again=True)
    async def post(self, body: NewSecretForm, client_id: str) -> None:
        """Make it and show it, this once."""
        issued = await self.services.client_care.new_secret(
            self.actor, client_id, body.given(), keep_old=body.old == "keep"
        )
        await self.show_client("clients/issued.html", issued.client, issued.secret)


class DeactivateClientHandler(ClientHandler):
    """Shutting a system or a terminal out."""

    template = "clients/deactivate.html"

    @requires(Permission.STAFF_CLIENTS_MANAGE)
    @page("Ask why it is shut out")
    async def get(self, client_id: str) -> None:
        """Show the form."""
        await self.show(client_id=client_id)

    @requires(Permission.STAFF_CLIENTS_MANAGE)
    @page("Shut a system or terminal out", errors=(ErrorCode.REASON_REQUIRED,), again=True)
    async def post(self, body: ReasonForm, client_id: str) -> None:
        """Shut it out; its tokens are void at once."""
        await self.services.client_care.deactivate(self.actor, client_id, body.given())
        self.go(f"/admin/clients/{client_id}", "client-deactivated")


routes = [
    (r"/admin/clients", ClientListHandler),
    (r"/admin/clients/(?P<client_id>[^/]+)", ClientHandler),
    (r"/admin/clients/(?P<client_id>[^/]+)/secret", ClientSecretHandler),
    (r"/admin/clients/(?P<client_id>[^/]+)/origins", OriginsHandler),
    (r"/admin/clients/(?P<client_id>[^/]+)/deactivate", DeactivateClientHandler),
]
