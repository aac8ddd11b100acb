"""Commands on the data: migrations, the demo's seed, the audit chain, imports."""

from backend.bootstrap import City
from backend.commands.city import in_city
from backend.commands.terminal import CommandError, out, progress_bar
from backend.db.migrate import all_migrations
from backend.db.migrate import migrate as run_migrations


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
