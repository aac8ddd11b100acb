"""Patients may agree by a code sent to their phone."""

from __future__ import annotations

from backend.db.client import Database
from backend.db.migrations.m0002_residents import ensure_links


async def up(db: Database) -> None:
    """State the collection of links with one more basis."""
    await ensure_links(db, bases=["register", "small_child", "accepted", "sms_code", "none"])
