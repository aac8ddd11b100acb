"""Log-ins by the phone of an account that was idle for long have tickets of their own."""

from __future__ import annotations

from backend.db.client import Database
from backend.db.collections import STRING
from backend.db.migrations.m0002_residents import OPTIONAL_OBJECT, ensure_tickets


async def up(db: Database) -> None:
    """State the collection of tickets; residents' documents may have `last_seen_at` without further ado."""
    await ensure_tickets(
        db,
        kinds=["oauth_state", "oauth_done", "phone_needed", "identity_needed"],
        phone=OPTIONAL_OBJECT,
        resident_id=STRING,
    )
