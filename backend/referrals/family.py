"""Who is told of a patient: himself, and whoever acts for him; and what he is called in a text."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from typing import Protocol


class Names(Protocol):
    """What telling needs of the residents' service."""

    async def names(self, resident_ids: Iterable[str]) -> dict[str, str]:
        """Masked names by id."""


class Family:
    """A patient's people."""

    def __init__(self, names: Names, guardians_of: Callable[[str], Awaitable[list[str]]]) -> None:
        self._names = names
        self._guardians_of = guardians_of

    async def people(self, person_id: str) -> list[str]:
        """The ids of all who are told, each once."""
        return list(dict.fromkeys([person_id, *await self._guardians_of(person_id)]))

    async def called(self, person_id: str) -> str:
        """The masked name."""
        return (await self._names.names([person_id])).get(person_id, "就诊人")
