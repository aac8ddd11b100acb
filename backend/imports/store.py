"""What was read of feeds on the web, so that unchanged files need not be read again."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping

from backend import clock
from backend.db.client import Database


class FeedStore:
    """One document for each feed's address."""

    def __init__(self, db: Database) -> None:
        self._feeds = db.collection("import_feeds")

    async def find(self, source: str) -> tuple[str, dict[str, dict[str, str]]]:
        """The fingerprint of the last reading and its files' validators; empty when there was none."""
        doc = await self._feeds.find_one({"_id": _key(source)})
        if doc is None:
            return "", {}
        return doc["fingerprint"], {file["url"]: file["validators"] for file in doc["files"]}

    async def save(self, source: str, fingerprint: str, files: Mapping[str, dict[str, str]]) -> None:
        """Remember a reading that went through."""
        listed = [{"url": url, "validators": validators} for url, validators in files.items()]
        await self._feeds.update_one(
            {"_id": _key(source)},
            {"$set": {"source": source, "fingerprint": fingerprint, "files": listed, "at": clock.now()}},
            upsert=True,
        )


def _key(source: str) -> str:
    return hashlib.blake2b(source.encode(), digest_size=16).hexdigest()
