"""Makes the demo's database a city: migrations, then the made-up hospitals, staff and residents."""

import asyncio
import logging
from collections.abc import Callable
from typing import Any

from backend.bootstrap import open_city
from backend.db.failures import DatabaseError, reason_of
from backend.db.migrate import migrate
from backend.demo.environment import DemoPlaces
from backend.demo.errors import DemoError
from backend.seed.loader import seed_city
from backend.seed.messages import seed_target
from backend.settings import Settings


def fill(
    settings: Settings, places: DemoPlaces, say: Callable[[str], None], on_migrated: Callable[[], None]
) -> dict[str, Any]:
    """Bring the database up to date and see to it that there is a city in it; returns the logins.

    `on_migrated` is called when the city's processes may start: they come up while the seed goes in.
    """
    # What goes wrong is raised and said in a sentence; a server's warnings would only stand before it.
    logging.basicConfig(level=logging.ERROR)
    try:
        return asyncio.run(_fill(settings, places, say, on_migrated))
    except DatabaseError as error:
        raise DemoError(f"MongoDB cannot be reached at MONGODB_URI: {reason_of(error)}.") from None


async def _fill(
    settings: Settings, places: DemoPlaces, say: Callable[[str], None], on_migrated: Callable[[], None]
) -> dict[str, Any]:
    city = await open_city(settings, process="demo")
    try:
        say("migrations")
        await migrate(city.db)
        on_migrated()
        # Before anything happens of which the hospital is to be told.
        await seed_target(city, "127.0.0.1", places.his_port)
        seeded = await seed_city(city, places.sandbox_url, progress=lambda done, total, what: say(what))
        await city.services.bots.official_account.push_menu()
        return seeded.logins()
    finally:
        await city.close()
