"""Makes the demo's database a city: migrations, then the made-up hospitals, staff and residents."""

import asyncio
from collections.abc import Callable
from typing import Any

from backend.bootstrap import open_city
from backend.db.migrate import migrate
from backend.demo.environment import DemoPlaces
from backend.seed.loader import seed_city
from backend.settings import Settings


def fill(
    settings: Settings, places: DemoPlaces, say: Callable[[str], None], on_migrated: Callable[[], None]
) -> dict[str, Any]:
    """Bring the database up to date and see to it that there is a city in it; returns the logins.

    `on_migrated` is called when the city's processes may start: they come up while the seed goes in.
    """
    return asyncio.run(_fill(settings, places, say, on_migrated))


async def _fill(
    settings: Settings, places: DemoPlaces, say: Callable[[str], None], on_migrated: Callable[[], None]
) -> dict[str, Any]:
    city = await open_city(settings, process="demo")
    try:
        say("migrations")
        await migrate(city.db)
        on_migrated()
        seeded = await seed_city(city, places.sandbox_url, progress=lambda done, total, what: say(what))
        await city.services.bots.official_account.push_menu()
        return seeded.logins()
    finally:
        await city.close()
