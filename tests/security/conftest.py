"""Fixtures of the security tests.

city    the whole city with its sandbox, fresh for each test
town    a city with people and things that one module's tests share, rate limits out of the way (town.py)
"""

from __future__ import annotations

import os
from collections.abc import AsyncIterator

import pytest

from backend.db.client import Database
from backend.db.migrate import migrate
from tests.security.town import Town, build_town, without_limits
from tests.support.city import Surroundings, TestCity, open_test_city
from tests.support.databases import open_database


@pytest.fixture
async def city(db: Database, mongo_uri: str, surroundings: Surroundings) -> AsyncIterator[TestCity]:
    async with open_test_city(surroundings, mongo_uri, db) as made:
        yield made


@pytest.fixture(scope="module")
async def town(mongo_uri: str, surroundings: Surroundings) -> AsyncIterator[Town]:
    name = f"security_{os.environ.get('PYTEST_XDIST_WORKER', 'main')}_{os.getpid()}"
    async with open_database(mongo_uri, name) as database:
        await migrate(database)
        async with open_test_city(surroundings, mongo_uri, database) as city:
            with without_limits():
                yield await build_town(city)
