"""After a rotation of the blind-index key, or a change of what is derived: every resource indexed anew.

Only what is found by changes, never the content or its version. Older versions are found by nothing and stay.
"""

from __future__ import annotations

from backend.records.deriving import RULES
from backend.records.store import ResourceStore
from backend.security.fields import BlindIndex
from backend.security.key_file import Use
from backend.security.resealing import Batch


class RecordIndexes:
    """The re-indexing of `resources`."""

    name = "resources indexes"
    use: Use = "blind"

    def __init__(self, store: ResourceStore, blind: BlindIndex) -> None:
        self._store = store
        self._blind = blind

    def target(self) -> str:
        """The active key, and the rules by which bodies are read."""
        return f"{self._blind.current} {RULES}"

    async def batch(self, after: str | None, limit: int) -> Batch:
        """Bring the next resources up to date."""
        last, seen, changed = await self._store.reindex(after, limit)
        return Batch(last if seen == limit else None, seen, changed)

    async def made_with(self, kid: str) -> int:
        """Resources that are found by this key only."""
        return await self._store.count_indexed_with(kid)
