"""Commands that look at a city and change nothing in its settings."""

from pathlib import Path
from typing import Annotated

import typer

from backend.cli.panels import LOOK

app = typer.Typer()


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


@app.command(rich_help_panel=LOOK)
def chat(
    phone: Annotated[str, typer.Argument(help="Whose phone; any number, or a resident's of city.json.")],
    through: Annotated[str, typer.Option(help="wechat (the official account) or sms.")] = "wechat",
    sandbox: Annotated[str, typer.Option(help="Where the sandbox is.")] = "http://127.0.0.1:8100",
) -> None:
    """Talk with a running demo city from this terminal, a line at a time.

    It talks through the sandbox: what you type is what the person of this phone types in the official
    account's chat or as a text message, and what is printed is what arrives on the phone. So the whole way is
    used, and a production city is never spoken to.
    """
    from backend.commands import chat as chatting

    chatting.talk(phone, through, sandbox)
