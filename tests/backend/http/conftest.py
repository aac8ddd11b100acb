"""front: web processes to be started, on a migrated database of their own (front.py)."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from backend.db.client import Database
from backend.db.migrate import migrate
from tests.backend.http.front import Front, open_front


@pytest.fixture
async def front(mongo_uri: str, redis_url: str, bare_db: Database, tmp_path: Path) -> AsyncIterator[Front]:
    await migrate(bare_db)
    # A Redis database of its own: another test's tasks are nobody's business here.
    broker = redis_url.rsplit("/", 1)[0] + "/6"
    async with open_front(mongo_uri, broker, bare_db, tmp_path) as opened:
        yield opened
