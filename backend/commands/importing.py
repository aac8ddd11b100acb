"""`healthycity import`: bring in a feed, say what went in, and list every line that did not."""

from datetime import date

import orjson

from backend.bootstrap import City
from backend.commands.city import in_city
from backend.commands.terminal import CommandError, err, out, progress_bar
from backend.imports.models import FeedError, ImportReport


def bulk_publish(
    source: str, start_on: str | None, time_zone: str | None, strict: bool, as_json: bool
) -> None:
    """Import a SMART Scheduling Links feed from a folder or an address."""
    first_on = _day(start_on) if start_on else None

    async def work(city: City) -> ImportReport:
        with progress_bar("importing") as advance:
            return await city.services.imports.import_bulk_publish(
                source,
                start_on=first_on,
                time_zone=time_zone,
                progress=lambda done, total, file: advance(done, total),
            )

    try:
        report = in_city(work)
    except FeedError as error:
        raise CommandError(str(error)) from None
    if as_json:
        out.print(orjson.dumps(report.to_dict(), option=orjson.OPT_INDENT_2).decode(), markup=False)
    else:
        _tell(report)
    if strict and report.problem_count:
        raise CommandError(f"{report.problem_count} lines did not go in.")


def _tell(report: ImportReport) -> None:
    for problem in report.problems:
        place = f"{problem.file}:{problem.line}" if problem.line else problem.file
        err.print(f"{place}: {problem.reason}", markup=False)
    counts = f"{report.created} created, {report.updated} updated, {report.unchanged} unchanged"
    out.print(f"{counts}; {report.places} places to book; {report.problem_count} lines did not go in.")


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise CommandError(f"{text} is no date: write it as 2026-01-31.") from None
