"""Commands about people and systems: staff, hospitals, their clients, residents at a window."""

from pathlib import Path
from typing import Annotated

import typer

from backend.cli.panels import PEOPLE, group

app = typer.Typer()
staff = group(app, "staff", "Accounts of the console.", PEOPLE)
hospital = group(app, "hospital", "Hospitals and the credentials of their systems.", PEOPLE)
client = group(app, "client", "What may speak for hospitals: their systems, and each terminal.", PEOPLE)
resident = group(app, "resident", "What is done for a person who stands at a window.", PEOPLE)


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
