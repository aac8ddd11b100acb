"""The composition root: the only place that names adapters, subscribers and periodic jobs.

A new area is a new folder and its lines here: a field and its making in `areas.py`, its subscriptions and
periodic jobs in `subscriptions.py`; a new provider is an adapter in `outside.py`.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass, field

from backend.bootstrap.areas import Services, make_areas
from backend.bootstrap.birth_papers import fill_births
from backend.bootstrap.core import Close, make_core
from backend.bootstrap.figures import fill_statistics
from backend.bootstrap.outside import make_outside
from backend.bootstrap.subscriptions import PERIODIC_JOBS, subscribe
from backend.db.client import Database
from backend.settings import Settings
from backend.settings_checks import production_problems
from backend.worker.events import Bus

__all__ = ["PERIODIC_JOBS", "City", "Services", "open_city"]

log = logging.getLogger(__name__)


@dataclass
class City:
    """One process's hold on the city. Bound to the event loop it was opened in."""

    settings: Settings
    db: Database
    bus: Bus
    services: Services
    check_broker: Callable[[], None]
    closing: bool = False
    _closers: list[Close] = field(default_factory=list)

    async def close(self) -> None:
        """Finish what was begun and let go, in the reverse order of opening."""
        self.closing = True
        for close in reversed(self._closers):
            try:
                await close()
            except Exception as error:
                log.warning("close_failed", exc_info=error)


async def open_city(
    settings: Settings,
    *,
    process: str,
    publish: Callable[[], object] | None = None,
    check_broker: Callable[[], None] = lambda: None,
) -> City:
    """Open everything a process needs. `publish` asks the workers for a sweep; None in tests and tools."""
    if settings.is_production:
        problems = production_problems(settings)
        if problems:
            raise SystemExit("This configuration cannot serve a city:\n  " + "\n  ".join(problems))
    closers: list[Close] = []
    core = make_core(settings, process, publish, closers)
    services = make_areas(core, make_outside(settings, core.keyring, closers), closers)
    fill_statistics(services)
    fill_births(services)
    subscribe(services)
    return City(settings, core.db, core.bus, services, check_broker, _closers=closers)
