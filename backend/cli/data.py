"""Commands that put data into a city or look it over."""

from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from backend.cli.panels import DATA, group

_DAY = ["%Y-%m-%d"]
app = typer.Typer()
imports = group(app, "import", "Bring in schedules that others publish.", DATA)
fhir = group(app, "fhir", "FHIR R4 resources.", DATA)
statistics = group(app, "statistics", "The city's figures.", DATA)
audit = group(app, "audit", "The audit log.", DATA)
menu = group(app, "wechat-menu", "The menu under the official account's chat.", DATA)


@app.command(rich_help_panel=DATA)
def migrate() -> None:
    """Bring the database up to date: collections, validators, indexes. Safe to repeat."""
    from backend.commands import database

    database.migrate()


@app.command(rich_help_panel=DATA)
def seed(
    sandbox_url: Annotated[
        str, typer.Option(help="The sandbox whose register has to know the residents.")
    ] = "http://127.0.0.1:8100",
    city_file: Annotated[Path, typer.Option(help="Where to write addresses and logins.")] = Path(
        ".demo/city.json"
    ),
) -> None:
    """Fill a demo city with hospitals, doctors, schedules and residents. Refuses in production."""
    from backend.commands import database

    database.seed(sandbox_url, city_file)


@fhir.command("load")
def fhir_load(
    file: Annotated[
        Path, typer.Argument(exists=True, dir_okay=False, help="NDJSON: one resource a line, patients first.")
    ],
    client_id: Annotated[str, typer.Option(envvar="CLIENT_ID", help="The hospital system's id.")],
    client_secret: Annotated[
        str, typer.Option(envvar="CLIENT_SECRET", help="Its secret; better in the environment.")
    ],
    url: Annotated[str, typer.Option(help="Where the city is.")] = "http://127.0.0.1:8000",
) -> None:
    """Send a hospital's file of resources to a city.

    Running it again goes on where it ended. Refused lines are listed; the others go in.
    """
    from backend.commands import fhir_load

    fhir_load.load(file, url, client_id, client_secret)


@imports.command("bulk-publish")
def import_bulk_publish(
    source: Annotated[str, typer.Argument(help="A folder, a manifest file or an https address.")],
    organizations: Annotated[
        Path | None,
        typer.Option(help="CSV or JSON: which locations are hospitals of the directory already."),
    ] = None,
    start_on: Annotated[
        str | None, typer.Option(help="Move an old feed: its first day becomes this one (2026-01-31).")
    ] = None,
    time_zone: Annotated[
        str | None, typer.Option(help="With --start-on: keep the clock of this zone.")
    ] = None,
    strict: Annotated[bool, typer.Option("--strict", help="Exit with 1 when a line did not go in.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the report as JSON.")] = False,
) -> None:
    """Import a SMART Scheduling Links feed.

    Bad lines are reported with file, line and reason; good lines go in. Running it again changes nothing.
    A location becomes an institution of its own unless --organizations names the one that it is: in each
    line a location (its id, identifier or name) and an institution's id.
    """
    from backend.commands import importing

    importing.bulk_publish(source, organizations, start_on, time_zone, strict, as_json)


@audit.command("verify")
def audit_verify() -> None:
    """Check the hash chain of the audit log from its first entry to its last."""
    from backend.commands import database

    database.verify_audit()


@statistics.command("recount")
def statistics_recount(
    from_on: Annotated[datetime, typer.Option("--from", formats=_DAY, help="The first day (2026-01-31).")],
    to_on: Annotated[datetime, typer.Option("--to", formats=_DAY, help="The last day.")],
) -> None:
    """Count a period anew from what was written when things happened, and name every counter that differs.

    Nothing is changed. What waits to be counted at this moment differs too: ask about days that are over.
    """
    from backend.commands import statistics as commands

    commands.recount(from_on.date(), to_on.date())


@statistics.command("backfill")
def statistics_backfill() -> None:
    """Bring figures that are new in this version up to date with the past, at once.

    The city does it by itself, a little every minute; this is for whoever does not want to wait.
    """
    from backend.commands import statistics as commands

    commands.backfill()


@statistics.command("publish")
def statistics_publish() -> None:
    """Publish as open data, at once, what has changed in months that were published before.

    The city looks by itself whenever the next month is published. What was published stays as it is; a figure
    that differs by fewer than five anywhere waits until it differs by more.
    """
    from backend.commands import statistics as commands

    commands.publish()


@menu.command("push")
def push_menu(
    file: Annotated[
        Path | None,
        typer.Argument(help="JSON as WeChat takes it; {app} is the city's address. Else our own."),
    ] = None,
) -> None:
    """Put a menu under the official account's chat, in place of the one that is there."""
    from backend.commands import wechat_menu

    wechat_menu.push(file)
