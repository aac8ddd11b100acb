"""A city with its agencies."""

from collections.abc import AsyncIterator

import pytest

from backend.db.client import Database
from tests.support.city import Surroundings, TestCity, open_test_city


@pytest.fixture
async def town(surroundings: Surroundings, mongo_uri: str, db: Database) -> AsyncIterator[TestCity]:
    async with open_test_city(surroundings, mongo_uri, db, agency_query_after_seconds=2) as opened:
        yield opened
