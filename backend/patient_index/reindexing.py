"""After a rotation of the blind-index key: every chart's indexes made with the new key."""

from __future__ import annotations

from backend.patient_index.indexes import Indexes
from backend.patient_index.store import ChartStore
from backend.security.key_file import Use
from backend.security.resealing import Batch


class ChartIndexes:
    """The re-indexing of `charts`. The indexes under older keys stay as long as these are in the ring."""

    name = "charts indexes"
    use: Use = "blind"

    def __init__(self, store: ChartStore, indexes: Indexes) -> None:
        self._store = store
        self._indexes = indexes

    def target(self) -> str:
        """The active key."""
        return self._indexes.current

    async def batch(self, after: str | None, limit: int) -> Batch:
        """Bring the next charts up to date."""
        last, seen, changed = await self._store.reindex(after, limit)
        return Batch(last if seen == limit else None, seen, changed)

    async def made_with(self, kid: str) -> int:
        """Charts that are found by this key alone."""
        return await self._store.count_made_with(kid)
