"""The `healthycity` command: names, options, help. What each does: `backend/commands` and `backend/demo`.

Exit codes: 0 done, 1 could not be done (the reason is the last thing printed), 2 wrong usage.
"""

import sys
from pathlib import Path
from typing import Annotated

import typer

from backend.commands import talking
from backend.commands.terminal import CommandError, say_failure
from backend.demo.errors import DemoError

HELP = """Healthy City 健康城市: one open backend that makes all of a city's hospitals behave like one.

Settings come from the environment, named as in backend/settings.py (MONGODB_URI, BROKER_URL, KEYS_FILE, …).
Exit codes: 0 done, 1 could not be done (the reason is printed last), 2 wrong usage."""
RUN, DATA, PEOPLE, LOOK = "Run a city", "Its data", "Its keys and accounts", "Look at it"


def group(name: str, text: str, panel: str) -> typer.Typer:
    """A command with sub-commands."""
    made = typer.Typer(no_args_is_help=True, help=text)
    app.add_typer(made, name=name, rich_help_panel=panel)
    return made


app = typer.Typer(
    name="healthycity",
    help=HELP,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
keys = group("keys", "The key ring: make, list and rotate keys.", PEOPLE)
staff = group("staff", "Accounts of the console.", PEOPLE)
hospital = group("hospital", "Hospitals and the credentials of their systems.", PEOPLE)
client = group("client", "What may speak for hospitals: their systems, and each terminal.", PEOPLE)
resident = group("resident", "What is done for a person who stands at a window.", PEOPLE)
imports = group("import", "Bring in schedules that others publish.", DATA)
audit = group("audit", "The audit log.", DATA)


@app.command(rich_help_panel=RUN)
def demo(
    port: Annotated[int, typer.Option(help="Where the city listens.")] = 8000,
    sandbox_port: Annotated[int, typer.Option(help="Where the outside world listens.")] = 8100,
    fresh: Annotated[bool, typer.Option("--fresh", help="Throw the data away and start over.")] = False,
    folder: Annotated[Path, typer.Option(help="Where data, keys and logs are kept.")] = Path(".demo"),
) -> None:
    """Run the whole city on this machine, with everything it needs, until Ctrl-C.

    MONGODB_URI, BROKER_URL and REDIS_URL replace the embedded servers. The city has the port
    given, writes city.json for scripts, and keeps its data for the next start.
    """
    from backend.demo.run import run_demo

    run_demo(folder, port, sandbox_port, fresh)


@app.command(rich_help_panel=RUN)
def serve(
    port: Annotated[int | None, typer.Option(help="Port to listen on; else WEB_PORT.")] = None,
    processes: Annotated[int, typer.Option(help="Web processes; 0 means one for each core.")] = 1,
) -> None:
    """Run the web server: resident app, APIs, console, callbacks."""
    if processes != 1:
        from backend.http.forking import share_metrics

        share_metrics()
    from backend.commands import serving

    serving.serve(port, processes)


@app.command(rich_help_panel=RUN)
def worker(
    concurrency: Annotated[int, typer.Option(help="Jobs at the same time.")] = 8,
    queues: Annotated[str, typer.Option(help="Queues to work on, by comma.")] = "urgent,default",
    metrics_port: Annotated[
        int | None, typer.Option(help="Port of /metrics, 0 for none; else METRICS_PORT.")
    ] = None,
) -> None:
    """Run a worker: messages, payment queries, refunds, everything that follows a request."""
    from backend.commands import serving

    serving.work(concurrency, queues, metrics_port)


@app.command(rich_help_panel=RUN)
def beat(
    metrics_port: Annotated[
        int | None, typer.Option(help="Port of /metrics, 0 for none; else METRICS_PORT.")
    ] = None,
) -> None:
    """Run the clock that asks for periodic jobs. One is enough; two do no harm."""
    from backend.commands import serving

    serving.beat(metrics_port)


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


group("wechat-menu", "The menu under the official account's chat.", DATA).command("push")(talking.push_menu)
app.command(rich_help_panel=LOOK)(talking.chat)


@audit.command("verify")
def audit_verify() -> None:
    """Check the hash chain of the audit log from its first entry to its last."""
    from backend.commands import database

    database.verify_audit()


@keys.command("generate")
def keys_generate(file: Annotated[Path, typer.Argument(help="The file to make; never overwritten.")]) -> None:
    """Make a key ring with a first key for every use."""
    from backend.commands import keys as commands

    commands.generate(file)


@keys.command("list")
def keys_list() -> None:
    """List the keys of KEYS_FILE without their secrets."""
    from backend.commands import keys as commands

    commands.list_keys()


@keys.command("rotate")
def keys_rotate(
    use: Annotated[str, typer.Argument(help="token, code, field, blind, audit, csrf, …")],
    algorithm: Annotated[str | None, typer.Option(help="Another algorithm, such as SM2 for code.")] = None,
    ahead_days: Annotated[int, typer.Option(help="Announce the key so many days before it signs.")] = 0,
) -> None:
    """Add a new key for a use; older keys go on opening and verifying.

    Running processes notice the new key by themselves.
    """
    from backend.commands import keys as commands

    commands.rotate(use, algorithm, ahead_days)


@keys.command("wrap")
def keys_wrap() -> None:
    """Wrap every key of KEYS_FILE by the KMS that KEYS_KMS names, so that the file alone opens nothing."""
    from backend.commands import keys as commands

    commands.wrap()


@keys.command("put")
def keys_put(
    use: Annotated[str, typer.Argument(help="national_root or national_protection.")],
    file: Annotated[Path, typer.Argument(help="Holds the key: 32 hex characters, or base64.")],
) -> None:
    """Take in a key that the national authority has issued to the city."""
    from backend.commands import keys as commands

    commands.put(use, file)


@keys.command("reseal")
def keys_reseal(
    status: Annotated[bool, typer.Option("--status", help="Only say how far it has come.")] = False,
) -> None:
    """Seal and index everything with the active keys now.

    After a rotation the worker does it by itself, little by little. This does it at once; cut short, it does
    no harm.
    """
    from backend.commands import keys as commands

    commands.reseal(status)


@keys.command("drop")
def keys_drop(
    use: Annotated[str, typer.Argument(help="token, code, field, blind, csrf, …")],
    kid: Annotated[str, typer.Argument(help="The key's id, such as field-1.")],
) -> None:
    """Forget a retired key for good; refused while anything may still need it.

    What was made with it, in backups too, can then never be opened again.
    """
    from backend.commands import keys as commands

    commands.drop(use, kid)


@staff.command("add")
def staff_add(
    login: Annotated[str, typer.Argument(help="3 to 32 lower-case letters, digits, dots or dashes.")],
    name: Annotated[str, typer.Option(help="The person's name.")],
    role: Annotated[str, typer.Option(help="city_operator, hospital_operator, doctor, finance or auditor.")],
    hospital: Annotated[
        list[str] | None, typer.Option(help="Organisation id it is limited to; may be repeated.")
    ] = None,
) -> None:
    """Open an account of the console; prints the first password and the one-time-code secret, once."""
    from backend.commands import accounts

    accounts.add_staff(login, name, role, hospital or [])


@staff.command("code")
def staff_code(
    login: Annotated[str, typer.Argument(help="A login of city.json.")] = "city",
    city_file: Annotated[Path, typer.Option(help="The demo city's city.json.")] = Path(".demo/city.json"),
) -> None:
    """Print the one-time code that a demo login needs right now, for lack of an authenticator."""
    from backend.commands import demo_code

    demo_code.print_code(city_file, login)


@hospital.command("add")
def hospital_add(
    code: Annotated[
        str, typer.Argument(help="The city's own code of the hospital; the same code is the same one.")
    ],
    name: Annotated[str, typer.Option(help="Full name.")],
    kind: Annotated[
        str,
        typer.Option(
            help="general, tcm, specialist, maternal, community, township, village, clinic, vaccination."
        ),
    ] = "general",
    level: Annotated[
        str, typer.Option(help="National code: 32 is 三级甲等, 22 二级甲等, 9 not graded.")
    ] = "9",
    short_name: Annotated[str, typer.Option(help="Short name; else the full one.")] = "",
    address: Annotated[str, typer.Option(help="Street address.")] = "",
    phone: Annotated[str, typer.Option(help="Telephone.")] = "",
) -> None:
    """Put a hospital into the directory; prints the credentials of its system, once."""
    from backend.commands import accounts

    accounts.add_hospital(code, name, short_name, kind, level, address, phone)


@client.command("list")
def client_list(
    hospital: Annotated[str | None, typer.Option(help="Organisation id; else the whole city.")] = None,
) -> None:
    """List hospitals' systems and terminals with their client ids; never a secret."""
    from backend.commands import clients

    clients.list_clients(hospital)


@client.command("new-secret")
def client_new_secret(
    client_id: Annotated[str, typer.Argument(help="As `healthycity client list` shows it.")],
    reason: Annotated[str, typer.Option(help="Why; it goes into the audit log.")],
    keep_old: Annotated[
        bool, typer.Option("--keep-old", help="Let the present secret work for seven more days.")
    ] = False,
) -> None:
    """Make another secret for a system or a terminal and print it, once.

    Without --keep-old the present secret and every token got by it are void within a second: that is for a
    secret in wrong hands. With it nothing stops while the hospital changes over.
    """
    from backend.commands import clients

    clients.new_secret(client_id, reason, keep_old)


@client.command("deactivate")
def client_deactivate(
    client_id: Annotated[str, typer.Argument(help="As `healthycity client list` shows it.")],
    reason: Annotated[str, typer.Option(help="Why; it goes into the audit log.")],
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask whether it is the right one.")] = False,
) -> None:
    """Shut a system or a terminal out for good: no new token, and those it has are void within a second.

    It cannot be let in again: `healthycity hospital add` with the same code makes new credentials for a
    hospital, and a hospital's system registers a terminal anew.
    """
    from backend.commands import clients

    clients.deactivate(client_id, reason, yes)


@resident.command("restore-phone")
def resident_restore_phone(
    reason: Annotated[str, typer.Option(help="Who saw the ID card, and where; it goes into the audit log.")],
    # Asked for, not given as arguments: those stand in histories and lists of processes.
    id_number: Annotated[str, typer.Option(prompt="ID number", help="On the card; asked for.")],
    phone: Annotated[str, typer.Option(prompt="New phone", help="To sign in with; asked for.")],
) -> None:
    """Let the account of a person be signed in to by a new phone, when phone and WeChat are both lost."""
    from backend.commands import residents

    residents.restore_phone(id_number, phone, reason)


@app.command(rich_help_panel=LOOK)
def check(
    connect: Annotated[
        bool, typer.Option("--connect", help="Also reach the database and the broker.")
    ] = False,
) -> None:
    """Validate a production configuration and list everything that is wrong with it, at once."""
    from backend.commands import check as commands

    commands.check(connect)


@app.command(rich_help_panel=LOOK)
def openapi(
    file: Annotated[Path | None, typer.Argument(help="Where to write; else to the terminal.")] = None,
) -> None:
    """Write the OpenAPI 3.1 description of every JSON route; nothing has to run."""
    from backend.commands import check as commands

    commands.openapi(file)


@app.command(rich_help_panel=LOOK)
def journey(
    city_file: Annotated[Path, typer.Option(help="The running city's city.json.")] = Path(".demo/city.json"),
    within_s: Annotated[
        float, typer.Option(help="How long to wait for whatever happens in the background.")
    ] = 30.0,
) -> None:
    """Walk a resident's whole journey over HTTP against a running city: every step with its time."""
    from backend.commands import journey as commands

    commands.run(city_file, within_s)


def main() -> None:
    """Run a command; what cannot be done is said in a sentence, not in a traceback."""
    try:
        app()
    except CommandError as error:
        say_failure(error.problems)
        sys.exit(1)
    except DemoError as error:
        say_failure((str(error),))
        sys.exit(1)


if __name__ == "__main__":
    main()
