"""`healthycity import`: bring in a feed, say what went in, and list every line that did not."""

from datetime import date
from pathlib import Path

import orjson

from backend.bootstrap import City
from backend.commands.city import in_city
from backend.commands.terminal import CommandError, err, out, progress_bar
from backend.imports.mapping import LocationMapping, MappingError, read_mapping, told
from backend.imports.models import FeedError, ImportReport


def bulk_publish(
    source: str,
    organizations: Path | None,
    start_on: str | None,
    time_zone: str | None,
    strict: bool,
    as_json: bool,
) -> None:
    """Import a SMART Scheduling Links feed from a folder or an address."""
    first_on = _day(start_on) if start_on else None
    mapping = _mapping(organizations) if organizations else None

    async def work(city: City) -> ImportReport:
        if mapping is not None:
            wanted = mapping.organizations()
            mapping.check_known(await city.services.directory.organizations_by_id(wanted.values()))
        with progress_bar("importing") as advance:
            return await city.services.imports.import_bulk_publish(
                source,
                organizations=mapping.organizations() if mapping else None,
                start_on=first_on,
                time_zone=time_zone,
                progress=lambda done, total, file: advance(done, total),
            )

    try:
        report = in_city(work)
    except MappingError as error:
        raise _unusable(error) from None
    except FeedError as error:
        raise CommandError(str(error)) from None
    for problem in mapping.problems_of_unused(report.unused) if mapping else ():
        report.complain(problem.file, problem.line, problem.reason)
    if as_json:
        out.print(orjson.dumps(report.to_dict(), option=orjson.OPT_INDENT_2).decode(), markup=False)
    else:
        _tell(report)
    if strict and report.problem_count:
        raise CommandError(f"{report.problem_count} lines did not go in.")


def _tell(report: ImportReport) -> None:
    for problem in report.problems:
        err.print(told(problem), markup=False)
    counts = f"{report.created} created, {report.updated} updated, {report.unchanged} unchanged"
    out.print(f"{counts}; {report.places} places to book; {report.problem_count} lines did not go in.")


def _mapping(file: Path) -> LocationMapping:
    try:
        return read_mapping(file)
    except MappingError as error:
        raise _unusable(error) from None


def _unusable(error: MappingError) -> CommandError:
    """Nothing goes in by a list that is partly wrong: hospitals would come up twice."""
    return CommandError(*map(told, error.problems))


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise CommandError(f"{text} is no date: write it as 2026-01-31.") from None
