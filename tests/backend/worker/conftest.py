"""Fixtures of the worker's tests.

city    the composition root on the test's database: a look at what processes are about to do there
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from pydantic import SecretStr

from backend.bootstrap import City, open_city
from backend.db.client import Database
from backend.security.keys import Keyring
from backend.settings import Settings


@pytest.fixture
async def city(mongo_uri: str, db: Database, tmp_path: Path) -> AsyncIterator[City]:
    keys = tmp_path / "keys.json"
    Keyring.generate(keys)
    settings = Settings(
        environment="test", mongodb_uri=SecretStr(mongo_uri), mongodb_database=db.name, keys_file=keys
    )
    opened = await open_city(settings, process="test")
    yield opened
    await opened.close()
