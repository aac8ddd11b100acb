"""`healthycity client`: who may speak for hospitals and terminals, new secrets, shutting one out."""

import sys

import typer
from rich.table import Table

from backend.bootstrap import City
from backend.commands.city import in_city, tell_refusals
from backend.commands.terminal import CommandError, out
from backend.directory.clients import OVERLAP
from backend.directory.models import Client, ClientFilter
from backend.permissions import SYSTEM

_AT_ONCE = 200


def list_clients(hospital: str | None) -> None:
    """Print every system and terminal, or those of one hospital; never a secret."""

    async def work(city: City) -> None:
        found = await _all_clients(city, ClientFilter(organization_id=hospital))
        names = await city.services.directory.organizations_by_id({each.organization_id for each in found})
        table = Table("client id", "name", "kind", "hospital", "state", "since", box=None)
        table.columns[0].no_wrap = True
        for each in found:
            organization = names.get(each.organization_id)
            table.add_row(
                each.id,
                each.name,
                str(each.terminal_kind or each.kind),
                organization.name if organization else each.organization_id,
                "active" if each.active else "shut out",
                f"{each.created_at:%Y-%m-%d}",
            )
        out.print(table)
        out.print(f"{len(found)} clients.")

    tell_refusals(lambda: in_city(work))


def new_secret(client_id: str, reason: str, keep_old: bool) -> None:
    """Make another secret and print it, once."""

    async def work(city: City) -> None:
        issued = await city.services.client_care.new_secret(SYSTEM, client_id, reason, keep_old=keep_old)
        out.print(f"client id     {issued.client.id}  ({issued.client.name})", markup=False)
        out.print(f"client secret {issued.secret}  (shown once)", markup=False)
        if keep_old:
            out.print(f"The present secret works for {OVERLAP.days} more days.")
        else:
            out.print("The former secret and the tokens got by it are void from now on.")

    tell_refusals(lambda: in_city(work))


def deactivate(client_id: str, reason: str, sure: bool) -> None:
    """Shut a client out for good, once the operator has said that it is the right one."""

    async def look(city: City) -> Client:
        return await city.services.client_care.access_client(SYSTEM, client_id)

    async def work(city: City) -> None:
        client = await city.services.client_care.deactivate(SYSTEM, client_id, reason)
        out.print(
            f"{client.id} ({client.name}) is shut out; its tokens are void within a second.", markup=False
        )

    def ask_and_do() -> None:
        if not sure:
            _make_sure(in_city(look))
        in_city(work)

    tell_refusals(ask_and_do)


def _make_sure(client: Client) -> None:
    if not sys.stdin.isatty():
        raise CommandError(
            "Nobody is there to confirm it: say --yes to shut the client out without a question."
        )
    question = f"Shut out {client.kind} {client.name} ({client.id}) for good?"
    if not typer.confirm(question, err=True):
        raise CommandError("Nothing was changed.")


async def _all_clients(city: City, wanted: ClientFilter) -> list[Client]:
    found: list[Client] = []
    after: str | None = ""
    while after is not None:
        page, after = await city.services.client_care.list_clients(
            SYSTEM, wanted, after=after, limit=_AT_ONCE
        )
        found += page
    return found
