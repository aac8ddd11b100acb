"""After a rotation of the blind-index key: phones of replies and opt-outs, indexed with the new key."""

from __future__ import annotations

from backend.messages.optout_store import OptOutStore
from backend.messages.receipt_store import ReceiptStore
from backend.security.fields import BlindIndex
from backend.security.key_file import Use
from backend.security.resealing import Batch


class ReplyIndexes:
    """The re-indexing of `message_replies`."""

    name = "message replies indexes"
    use: Use = "blind"

    def __init__(self, receipts: ReceiptStore, blind: BlindIndex) -> None:
        self._receipts = receipts
        self._blind = blind

    def target(self) -> str:
        """The active key."""
        return self._blind.current

    async def batch(self, after: str | None, limit: int) -> Batch:
        """Bring the next replies up to date."""
        replies = await self._receipts.page_of_replies(after, limit)
        changed = 0
        for reply_id, index, phone in replies:
            if index != self._blind.of("phone", phone):
                await self._receipts.set_reply_index(reply_id, self._blind.of("phone", phone))
                changed += 1
        return Batch(replies[-1][0] if len(replies) == limit else None, len(replies), changed)

    async def made_with(self, kid: str) -> int:
        """Replies that are not indexed with the active key."""
        after: str | None = None
        count = 0
        while replies := await self._receipts.page_of_replies(after, 500):
            count += sum(index != self._blind.of("phone", phone) for _, index, phone in replies)
            after = replies[-1][0]
        return count


class OptOutIndexes:
    """The re-indexing of opt-outs: for good means through every rotation of keys."""

    name = "message opt-outs indexes"
    use: Use = "blind"

    def __init__(self, optouts: OptOutStore, blind: BlindIndex) -> None:
        self._optouts = optouts
        self._blind = blind

    def target(self) -> str:
        """The active key."""
        return self._blind.current

    async def batch(self, after: str | None, limit: int) -> Batch:
        """Bring the next ones up to date."""
        found = await self._optouts.page(after, limit)
        stale = [(optout_id, phone) for optout_id, index, phone in found if self._is_stale(index, phone)]
        for optout_id, phone in stale:
            await self._optouts.set_index(optout_id, self._blind.of("phone", phone))
        return Batch(found[-1][0] if len(found) == limit else None, len(found), len(stale))

    async def made_with(self, kid: str) -> int:
        """Those that are not indexed with the active key."""
        after: str | None = None
        count = 0
        while found := await self._optouts.page(after, 500):
            count += sum(self._is_stale(index, phone) for _, index, phone in found)
            after = found[-1][0]
        return count

    def _is_stale(self, index: str, phone: str) -> bool:
        return index != self._blind.of("phone", phone)
