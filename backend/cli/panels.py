"""The panels in which help shows the commands, and how a command with sub-commands is made."""

import typer

RUN, DATA, PEOPLE, LOOK = "Run a city", "Its data", "Its keys and accounts", "Look at it"


def group(parent: typer.Typer, name: str, text: str, panel: str) -> typer.Typer:
    """A command of `parent` that has sub-commands; said alone it lists them."""
    made = typer.Typer(no_args_is_help=True, help=text)
    parent.add_typer(made, name=name, rich_help_panel=panel)
    return made
