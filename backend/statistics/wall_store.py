"""The `wall_links` collection: which screens may show the city's figures without anybody signed in."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from pymongo import DESCENDING

from backend.db.client import Database, Document

# A screen asks every few seconds; that it is alive is worth a write now and then.
SEEN_EVERY = timedelta(minutes=5)
_MOST = 100


@dataclass(frozen=True, slots=True)
class WallLink:
    """One screen's link; its id is a hash of the secret in its address, which is kept nowhere."""

    id: str
    label: str
    made_by: str
    made_at: datetime
    expires_at: datetime
    revoked_at: datetime | None = None
    seen_at: datetime | None = None

    def is_live(self, now: datetime) -> bool:
        """Whether it still opens."""
        return self.revoked_at is None and now < self.expires_at


class WallStore:
    """Links by id."""

    def __init__(self, db: Database) -> None:
        self._links = db.collection("wall_links")

    async def insert(self, link: WallLink) -> None:
        """Keep a new link."""
        doc: Document = {name: getattr(link, name) for name in link.__slots__ if name != "id"}
        await self._links.insert_one({"_id": link.id, **doc})

    async def find(self, link_id: str) -> WallLink | None:
        """A link, also one that is over."""
        doc = await self._links.find_one({"_id": link_id})
        return _link(doc) if doc else None

    async def newest(self) -> list[WallLink]:
        """The newest first."""
        found = self._links.find().sort("made_at", DESCENDING).limit(_MOST)
        return [_link(doc) async for doc in found]

    async def revoke(self, link_id: str, now: datetime) -> bool:
        """End a link; False when it had been ended before."""
        ended = await self._links.update_one(
            {"_id": link_id, "revoked_at": None}, {"$set": {"revoked_at": now}}
        )
        return ended.modified_count == 1

    async def seen(self, link: WallLink, now: datetime) -> None:
        """Note that a screen shows it; seldom, for it asks all the time."""
        if link.seen_at is None or now - link.seen_at >= SEEN_EVERY:
            await self._links.update_one({"_id": link.id}, {"$set": {"seen_at": now}})


def _link(doc: Document) -> WallLink:
    return WallLink(
        doc["_id"],
        doc["label"],
        doc["made_by"],
        doc["made_at"],
        doc["expires_at"],
        doc["revoked_at"],
        doc["seen_at"],
    )
