"""city: the whole city with its sandbox, in which the samples of the docs run."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from backend.db.client import Database
from tests.support.city import Surroundings, TestCity, open_test_city


@pytest.fixture
async def city(db: Database, mongo_uri: str, surroundings: Surroundings) -> AsyncIterator[TestCity]:
    async with open_test_city(surroundings, mongo_uri, db) as made:
        yield made
