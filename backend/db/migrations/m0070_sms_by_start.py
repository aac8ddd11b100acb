"""What a phone was sent, by when it left; template messages of the official account by WeChat's number."""

from __future__ import annotations

from pymongo import ASCENDING, DESCENDING, IndexModel

from backend.db.client import Database


async def up(db: Database) -> None:
    """One index for replies and the day's count, one for what WeChat reports."""
    began = IndexModel(
        [("deliveries.sms.phone_blind", ASCENDING), ("deliveries.sms.started_at", DESCENDING)],
        name="phone_by_start",
        partialFilterExpression={"deliveries.sms.phone_blind": {"$exists": True}},
    )
    reported = IndexModel(
        [("deliveries.wechat.provider_id", ASCENDING)],
        name="wechat_report",
        partialFilterExpression={"deliveries.wechat.provider_id": {"$gt": ""}},
    )
    await db.collection("messages").create_indexes([began, reported])
