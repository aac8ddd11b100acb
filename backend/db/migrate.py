"""Run the numbered migrations in order, each once, one process at a time."""

from __future__ import annotations

import importlib
import logging
import pkgutil
import re
from collections.abc import Awaitable, Callable
from typing import NamedTuple

from pymongo.errors import DuplicateKeyError

from backend import clock
from backend.db import migrations
from backend.db.client import Database

log = logging.getLogger(__name__)
_NAME = re.compile(r"^m?(\d{4})_\w+$")


class Migration(NamedTuple):
    """One numbered step."""

    number: int
    name: str
    up: Callable[[Database], Awaitable[None]]


def all_migrations() -> list[Migration]:
    """Every migration module in order of its number."""
    found = []
    for module in pkgutil.iter_modules(migrations.__path__):
        match = _NAME.match(module.name)
        if match:
            up = importlib.import_module(f"{migrations.__name__}.{module.name}").up
            found.append(Migration(int(match[1]), module.name, up))
    return sorted(found)


async def migrate(db: Database, *, report: Callable[[str], None] = lambda _: None) -> int:
    """Bring the database up to date; returns how many migrations ran.

    Migrations only state what must be there, so two processes that run one at the same time do no harm.
    """
    ran = 0
    done = {doc["_id"] async for doc in db.collection("migrations").find({}, {"_id": 1})}
    for step in all_migrations():
        if step.name in done:
            continue
        report(step.name)
        await step.up(db)
        try:
            await db.collection("migrations").insert_one({"_id": step.name, "at": clock.now()})
        except DuplicateKeyError:
            log.info("migration_already_recorded", extra={"migration": step.name})
        ran += 1
    return ran


async def pending(db: Database) -> list[str]:
    """Names of migrations that have not run; what `/readyz` asks."""
    done = {doc["_id"] async for doc in db.collection("migrations").find({}, {"_id": 1})}
    return [step.name for step in all_migrations() if step.name not in done]
