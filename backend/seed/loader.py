"""Fills a demo city through the same services that hospitals, staff and residents use. Safe to repeat."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

from backend import clock
from backend.bootstrap import City
from backend.directory.models import Outcome
from backend.seed.accounts import DemoSecrets, seed_clients, seed_staff
from backend.seed.clinics import sessions_on
from backend.seed.directory import DemoDirectory, demo_directory
from backend.seed.residents import demo_families, register_people, seed_residents

DAYS = 14
# Steps done, steps in all, and what is being made now.
Progress = Callable[[int, int, str], None]


@dataclass
class Seeded:
    """What there is now: the part of city.json that only a demo may write down, and what was new."""

    hospitals: list[dict[str, Any]] = field(default_factory=list)
    staff: list[dict[str, str]] = field(default_factory=list)
    residents: list[dict[str, str]] = field(default_factory=list)
    outcomes: dict[str, Counter[Outcome]] = field(default_factory=dict)

    def logins(self) -> dict[str, Any]:
        """For city.json."""
        return {"hospitals": self.hospitals, "staff": self.staff, "residents": self.residents}


def _no_progress(done: int, total: int, what: str) -> None:
    del done, total, what


async def seed_city(
    city: City,
    sandbox_url: str,
    *,
    first_on: date | None = None,
    days: int = DAYS,
    progress: Progress = _no_progress,
) -> Seeded:
    """Fill the city from `first_on` (today) for `days` days. What is there already is left as it is."""
    seeded = Seeded()
    directory = demo_directory()
    total = days + 4
    progress(0, total, "hospitals, departments, doctors")
    await _seed_directory(city, directory, seeded)
    first = first_on or clock.today()
    for number in range(days):
        on = first + timedelta(days=number)
        progress(number + 1, total, f"clinics of {on}")
        published = await city.services.schedules.publish_many(list(sessions_on(directory.units, on)))
        seeded.outcomes.setdefault("schedules", Counter()).update(
            result.outcome for result in published if result.outcome is not None
        )
    secrets = DemoSecrets(city)
    progress(days + 1, total, "logins of hospitals and terminals")
    seeded.hospitals = await seed_clients(city, secrets, directory)
    progress(days + 2, total, "staff")
    seeded.staff = await seed_staff(city, secrets, directory.organizations[0])
    progress(days + 3, total, "residents")
    families = demo_families()
    await register_people(sandbox_url, families)
    seeded.residents = await seed_residents(city, families)
    progress(total, total, "done")
    return seeded


async def _seed_directory(city: City, directory: DemoDirectory, seeded: Seeded) -> None:
    service = city.services.directory
    doctors = [doctor.practitioner for unit in directory.units for doctor in unit.doctors]
    seeded.outcomes["organizations"] = Counter(await service.save_organizations(directory.organizations))
    departments = [unit.department for unit in directory.units]
    seeded.outcomes["departments"] = Counter(await service.save_departments(departments))
    seeded.outcomes["practitioners"] = Counter(await service.save_practitioners(doctors))
