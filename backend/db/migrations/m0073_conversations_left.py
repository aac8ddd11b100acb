"""Conversations: the index by which dialogues that were left alone are found, only of those that wait."""

from __future__ import annotations

from pymongo import ASCENDING, IndexModel

from backend.db.client import Database


async def up(db: Database) -> None:
    """Index what waits by when it was last spoken in."""
    wanted = IndexModel(
        [("through", ASCENDING), ("updated_at", ASCENDING)],
        name="waiting",
        partialFilterExpression={"run.state": "waiting"},
    )
    await db.collection("conversations").create_indexes([wanted])
