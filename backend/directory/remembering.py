"""A shelf of the directory whose entries are remembered for a few seconds."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Generic, TypeVar

from backend.directory.cache import ShortMemory
from backend.directory.models import Department, Organization, Outcome, Practitioner
from backend.directory.store import Shelf

E = TypeVar("E", bound=Organization | Department | Practitioner)


class RememberedShelf(Generic[E]):
    """Entries come from memory where they are remembered; a write in this process forgets them."""

    def __init__(self, shelf: Shelf[E]) -> None:
        self._shelf = shelf
        self._memory: ShortMemory[E | None] = ShortMemory(seconds=5)

    async def find(self, entry_id: str) -> E | None:
        """One entry, or None."""
        return await self._memory.get(entry_id, lambda: self._shelf.find(entry_id))

    async def known(self, ids: Iterable[str]) -> dict[str, E]:
        """The entries that exist among `ids`: every booking asks for three."""
        found: dict[str, E] = {}
        missing: list[str] = []
        for entry_id in set(ids):
            remembered = self._memory.peek(entry_id)
            if remembered is None:
                missing.append(entry_id)
            else:
                found[entry_id] = remembered
        if missing:
            for entry in await self._shelf.find_many(missing):
                found[entry.id] = entry
                self._memory.put(entry.id, entry)
        return found

    async def save(self, entries: Sequence[E]) -> list[Outcome]:
        """Write what is new or changed."""
        outcomes = await self._shelf.save(entries)
        if any(outcome is not Outcome.UNCHANGED for outcome in outcomes):
            self._memory.clear()
        return outcomes
