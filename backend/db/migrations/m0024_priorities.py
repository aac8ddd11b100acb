"""Jobs have a priority: what is urgent does not wait behind what is many."""

from __future__ import annotations

from pymongo import ASCENDING, IndexModel

from backend.db.client import Database
from backend.worker.events import NORMAL


async def up(db: Database) -> None:
    """One index, and the usual priority for jobs written before."""
    due = IndexModel(
        [("priority", ASCENDING), ("due_at", ASCENDING)],
        name="priority",
        partialFilterExpression={"state": "due"},
    )
    queued = IndexModel(
        [("queued", ASCENDING), ("priority", ASCENDING)],
        name="queued",
        partialFilterExpression={"state": "due", "queued": True},
    )
    outbox = db.collection("outbox")
    await outbox.create_indexes([due, queued])
    await outbox.update_many({"state": "due", "priority": {"$exists": False}}, {"$set": {"priority": NORMAL}})
