"""Institutions by whatever a file calls them: our id, the publisher's code, the full or the short name."""

from __future__ import annotations

from collections.abc import Callable

from backend.directory.service import DirectoryService

MOST = 1000


async def organization_resolver(directory: DirectoryService) -> Callable[[str], str | None]:
    """Look up an institution's id; None for a name that nobody or more than one has."""
    known: dict[str, str | None] = {}
    listed, cursor = await directory.list_organizations(limit=MOST)
    while True:
        for place in listed:
            for name in {place.id, place.external.value, place.name, place.short_name} - {""}:
                known[name] = None if known.get(name, place.id) != place.id else place.id
        if cursor is None:
            return known.get
        listed, cursor = await directory.list_organizations(limit=MOST, cursor=cursor)
