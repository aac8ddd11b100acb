"""Answers to what residents say is wrong in a chart are told to who has asked: the relay finds them."""

from __future__ import annotations

from backend.db.client import Database
from backend.db.collections import events_due


async def up(db: Database) -> None:
    """An index over the few wishes whose answer nobody has been told of yet."""
    await db.collection("record_corrections").create_indexes([events_due()])
