"""Fixtures of the security tests.

city    the whole city with its sandbox, fresh for each test
town    a city with people and things that one module's tests share, rate limits out of the way (town.py)
"""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from backend.db.client import Database
from tests.judges.judging import Answers
from tests.security.town import Town, build_town, open_own_city, without_limits
from tests.support.city import Surroundings, TestCity, open_test_city
from tests.support.databases import Shelf


@pytest.fixture
async def city(db: Database, mongo_uri: str, surroundings: Surroundings) -> AsyncIterator[TestCity]:
    async with open_test_city(surroundings, mongo_uri, db) as made:
        yield made


@pytest.fixture(scope="module")
async def town(mongo_uri: str, surroundings: Surroundings, databases: Shelf) -> AsyncIterator[Town]:
    async with open_own_city(surroundings, mongo_uri, databases) as city:
        # Whoever asks /fhir/R4 here, also the wrong caller and with nonsense, is answered in good FHIR.
        with without_limits(), Answers().listening(city.http):
            yield await build_town(city)
