"""Commands on the data: migrations, the demo's seed, the audit chain, imports."""

from pathlib import Path

import httpx

from backend.bootstrap import City
from backend.commands.city import in_city, read_settings
from backend.commands.terminal import CommandError, out, progress_bar
from backend.db.migrate import all_migrations
from backend.db.migrate import migrate as run_migrations
from backend.demo.report import write_city_file
from backend.seed.loader import Seeded, seed_city


def migrate() -> None:
    """Bring the database up to date."""

    async def work(city: City) -> int:
        with progress_bar("migrating") as advance:
            total, seen = len(all_migrations()), 0

            def one_more(_name: str) -> None:
                nonlocal seen
                seen += 1
                advance(seen, total)

            return await run_migrations(city.db, report=one_more)

    ran = in_city(work)
    out.print(f"{ran} migrations ran; the database is up to date." if ran else "Nothing to do.")


def seed(sandbox_url: str, city_file: Path) -> None:
    """Make the made-up city and write its logins down, which only a demo may."""
    settings = read_settings()
    if settings.is_production:
        raise CommandError("ENVIRONMENT is production: made-up residents have no place there.")

    async def work(city: City) -> Seeded:
        with progress_bar("seeding") as advance:
            return await seed_city(
                city, sandbox_url, progress=lambda done, total, _what: advance(done, total)
            )

    try:
        seeded = in_city(work, settings)
    except httpx.HTTPError as error:
        raise CommandError(
            f"The sandbox cannot be reached at {sandbox_url}: {type(error).__name__}."
        ) from None
    write_city_file(city_file, settings.public_url, sandbox_url, seeded.logins())
    out.print(f"{len(seeded.hospitals)} hospitals, {len(seeded.residents)} residents; logins in {city_file}.")


def verify_audit() -> None:
    """Check the hash chain of the audit log; every break is a problem."""

    async def work(city: City) -> tuple[int, int, list[str]]:
        with progress_bar("checking the audit log") as advance:
            report = await city.services.audit.verify(advance)
        return report.entries, report.streams, [str(problem) for problem in report.problems]

    entries, streams, problems = in_city(work)
    if problems:
        raise CommandError(*problems)
    out.print(f"{entries} entries in {streams} streams: the chain is whole.")
