"""Somebody who has asked for a person."""

from __future__ import annotations

from backend.bootstrap import Services
from backend.conversations.models import Through
from backend.ids import new_id
from backend.permissions import SYSTEM
from bots.engine import Heard


async def make_handover(services: Services, organization_id: str, phone: str) -> str:
    """A talk with a hospital that waits for an answer; its id."""
    engine, inbox = services.bots.engine, services.inbox
    await engine.hear(Heard(Through.SMS, phone, new_id(), "人工"))
    newest = (await inbox.list_open(SYSTEM))[-1]
    await services.db.collection("handovers").update_one(
        {"_id": newest.id}, {"$set": {"organization_id": organization_id}}
    )
    return newest.id
