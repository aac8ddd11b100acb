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
from backend.seed.births import demo_couples, seed_births
from backend.seed.clinical import seed_rulebooks
from backend.seed.clinics import sessions_on
from backend.seed.directory import DemoDirectory, demo_directory
from backend.seed.figures import seed_figures
from backend.seed.history import seed_history
from backend.seed.messages import seed_messages
from backend.seed.quality import seed_quality
from backend.seed.referrals import seed_referrals
from backend.seed.residents import demo_families, register_people, seed_residents
from backend.seed.sharing import seed_sharing
from backend.seed.surveys import seed_surveys
from backend.seed.visits import seed_talks, seed_visits

DAYS = 14
# Steps done, steps in all, and what is being made now.
Progress = Callable[[int, int, str], None]


@dataclass
class Seeded:
    """What there is now: the part of city.json that only a demo may write down, and what was new."""

    hospitals: list[dict[str, Any]] = field(default_factory=list)
    staff: list[dict[str, str]] = field(default_factory=list)
    residents: list[dict[str, str]] = field(default_factory=list)
    made: Counter[str] = field(default_factory=Counter)

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
    total = days + 7
    progress(0, total, "hospitals, departments, doctors")
    await _seed_directory(city, directory, seeded)
    first = first_on or clock.today()
    open_days = [first + timedelta(days=number) for number in range(days)]
    for number, on in enumerate(open_days, start=1):
        progress(number, total, f"clinics of {on}")
        await _seed_clinics(city, directory, on, seeded)
    secrets = DemoSecrets(city)
    seeded.made["lists and rules"] = await seed_rulebooks(city, directory.organizations)
    progress(days + 1, total, "logins of hospitals and terminals")
    seeded.hospitals = await seed_clients(city, secrets, directory)
    progress(days + 2, total, "staff")
    seeded.staff = await seed_staff(city, secrets, directory)
    progress(days + 3, total, "residents")
    families = demo_families()
    couples = demo_couples()
    await register_people(sandbox_url, [*families, *couples])
    seeded.residents = await seed_residents(city, families)
    # One of each of two families: a first hospital that has sent something.
    patients = [families[0].father, families[1].mother]
    await seed_messages(city, directory.organizations[0].id, patients)
    tokens = city.services.tokens
    actors = [tokens.verify(seeded.residents[number]["access_token"]) for number in (0, 3, 4)]
    told = list(zip([*patients, families[2].father], actors, strict=True))
    seeded.made["consents and readings"] = await seed_sharing(city, directory, told)
    progress(days + 4, total, "surveys")
    await _seed_surveys(city, directory, seeded)
    progress(days + 5, total, "referrals, births")
    seeded.made["referrals"] = await seed_referrals(city, directory, families)
    actors = [tokens.verify(resident["access_token"]) for resident in seeded.residents]
    seeded.made["appointments"] = await seed_visits(city, sandbox_url, directory, actors, open_days)
    seeded.made["talks"] = await seed_talks(city, [resident["phone"] for resident in seeded.residents[5:]])
    progress(days + 6, total, "figures of a year")
    await _seed_figures(city, directory, seeded)
    first_id = directory.organizations[0].id
    seeded.made["births"] = await seed_births(city, first_id, families[1:4], couples)
    progress(total, total, "done")
    return seeded


async def _seed_figures(city: City, directory: DemoDirectory, seeded: Seeded) -> None:
    """What nobody has documents of."""
    places = directory.organizations
    seeded.made["days of figures"] = await seed_figures(city, places)
    seeded.made["days of clinical figures"] = await seed_history(city, places)
    seeded.made["days of quality"] = await seed_quality(city, places)
    # The levels of today, which else would stand there with the next turn of the clock.
    await city.services.statistics.gauges.run()


async def _seed_surveys(city: City, directory: DemoDirectory, seeded: Seeded) -> None:
    """What patients of the first hospital have said."""
    first = directory.organizations[0].id
    doctors = [doctor.practitioner for unit in directory.units for doctor in unit.doctors]
    people = [resident["id"] for resident in seeded.residents]
    own = [doctor for doctor in doctors if doctor.organization_id == first]
    seeded.made["survey answers"] = await seed_surveys(city, own, people)


async def _seed_directory(city: City, directory: DemoDirectory, seeded: Seeded) -> None:
    """Whoever is there already stays as somebody may have changed them by hand."""
    service = city.services.directory
    departments = [unit.department for unit in directory.units]
    doctors = [doctor.practitioner for unit in directory.units for doctor in unit.doctors]
    hospitals_known = await service.organizations_by_id(entry.id for entry in directory.organizations)
    departments_known = await service.departments_by_id(entry.id for entry in departments)
    doctors_known = await service.practitioners_by_id(entry.id for entry in doctors)
    new_hospitals = [entry for entry in directory.organizations if entry.id not in hospitals_known]
    new_departments = [entry for entry in departments if entry.id not in departments_known]
    new_doctors = [entry for entry in doctors if entry.id not in doctors_known]
    await service.save_organizations(new_hospitals)
    await service.save_departments(new_departments)
    await service.save_practitioners(new_doctors)
    seeded.made["organizations"] = len(new_hospitals)
    seeded.made["departments"] = len(new_departments)
    seeded.made["practitioners"] = len(new_doctors)


async def _seed_clinics(city: City, directory: DemoDirectory, on: date, seeded: Seeded) -> None:
    sessions = list(sessions_on(directory.units, on))
    known = await city.services.schedules.known_ids(session.id for session in sessions)
    new = [session for session in sessions if session.id not in known]
    published = await city.services.schedules.publish_many(new)
    seeded.made["schedules"] += sum(result.outcome is Outcome.CREATED for result in published)
