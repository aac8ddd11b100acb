"""Fixtures of the HTTP tests.

front   web processes to be started, on the test's database (front.py)
city    the whole city with its sandbox in this process, fresh for each test
"""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from backend.db.client import Database
from tests.backend.http.front import Front, open_front
from tests.support.city import Surroundings, TestCity, open_test_city


@pytest.fixture
async def front(mongo_uri: str, redis_url: str, db: Database, tmp_path: Path) -> AsyncIterator[Front]:
    # A Redis database of its own: another test's tasks are nobody's business here.
    broker = redis_url.rsplit("/", 1)[0] + "/10"
    async with open_front(mongo_uri, broker, db, tmp_path) as opened:
        yield opened


@pytest.fixture
async def city(db: Database, mongo_uri: str, surroundings: Surroundings) -> AsyncIterator[TestCity]:
    async with open_test_city(surroundings, mongo_uri, db) as made:
        yield made
