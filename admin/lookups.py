"""Names for the ids that pages show, and the institutions an actor may choose from."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from backend.directory.models import Organization
from backend.errors import not_found
from backend.permissions import Actor

if TYPE_CHECKING:
    from backend.bootstrap import Services

# A city has tens of institutions, a few hundred with its health centres: one list is enough to choose from.
MOST_ORGANIZATIONS = 500


async def organization_names(services: Services, ids: Iterable[str]) -> dict[str, str]:
    """Names of institutions by id."""
    wanted = {entry_id for entry_id in ids if entry_id}
    if not wanted:
        return {}
    found = await services.directory.organizations_by_id(wanted)
    return {entry.id: entry.name for entry in found.values()}


async def organizations_in_scope(services: Services, actor: Actor) -> list[Organization]:
    """The institutions an actor works with, in the directory's order."""
    if actor.organization_ids is not None:
        found = await services.directory.organizations_by_id(actor.organization_ids)
        return sorted(found.values(), key=lambda entry: entry.name)
    listed, _ = await services.directory.list_organizations(limit=MOST_ORGANIZATIONS)
    return listed


async def access_organization(services: Services, actor: Actor, organization_id: str) -> Organization:
    """An institution within the actor's scope; any other looks like none."""
    if not actor.covers(organization_id):
        raise not_found(f"organization {organization_id}")
    return await services.directory.get_organization(organization_id)
