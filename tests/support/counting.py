"""A second connection to a test's database that remembers the name of every command sent over it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from pymongo import monitoring

from backend.db.client import Database


class Commands(monitoring.CommandListener):
    """Names of commands in the order in which they were sent."""

    def __init__(self) -> None:
        self.names: list[str] = []

    def started(self, event: monitoring.CommandStartedEvent) -> None:
        self.names.append(event.command_name)

    def succeeded(self, event: monitoring.CommandSucceededEvent) -> None:
        """Nothing to remember."""

    def failed(self, event: monitoring.CommandFailedEvent) -> None:
        """Nothing to remember."""


@asynccontextmanager
async def counting(uri: str, name: str) -> AsyncIterator[tuple[Database, Commands]]:
    """Open it; the driver hands listeners only to clients that are made after them."""
    commands = Commands()
    listeners = monitoring._LISTENERS.command_listeners
    listeners.append(commands)
    try:
        db = Database(uri, name)
    finally:
        listeners.remove(commands)
    try:
        yield db, commands
    finally:
        await db.close()
