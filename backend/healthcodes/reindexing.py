"""After a rotation of the blind-index key, or another national root key: every card's index made anew."""

from __future__ import annotations

from backend import clock
from backend.healthcodes.cards import Cards
from backend.healthcodes.ports import Residents
from backend.healthcodes.store import HealthCodeStore
from backend.security.key_file import Use
from backend.security.resealing import Batch


class CardIndexes:
    """The re-indexing of `health_cards`: a card id is made anew from its person's name and number."""

    name = "health cards"
    use: Use = "blind"

    def __init__(self, store: HealthCodeStore, cards: Cards, residents: Residents) -> None:
        self._store = store
        self._cards = cards
        self._residents = residents

    def target(self) -> str:
        """The active keys."""
        return self._cards.current

    async def batch(self, after: str | None, limit: int) -> Batch:
        """Bring the next cards up to date."""
        stale, last, seen = await self._stale(after, limit)
        for patient_id, index in stale.items():
            await self._store.save_card(patient_id, index, clock.now())
        return Batch(last if seen == limit else None, seen, len(stale))

    async def made_with(self, kid: str) -> int:
        """Cards that are not indexed with the active keys."""
        after: str | None = None
        count, seen, limit = 0, 500, 500
        while seen == limit:
            stale, after, seen = await self._stale(after, limit)
            count += len(stale)
        return count

    async def _stale(self, after: str | None, limit: int) -> tuple[dict[str, str], str | None, int]:
        """Of the next cards: those with a wrong index, the id of the last one, how many they are."""
        kept = await self._store.page_of_cards(after, limit)
        people = await self._residents.identities(kept)
        wanted = {person_id: self._cards.index_of(person) for person_id, person in people.items()}
        stale = {
            person_id: index
            for person_id, index in wanted.items()
            if index is not None and index != kept[person_id]
        }
        return stale, max(kept, default=None), len(kept)
