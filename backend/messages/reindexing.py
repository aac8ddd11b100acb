"""After a rotation of the blind-index key: the phones that replies came from, indexed with the new key."""

from __future__ import annotations

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
