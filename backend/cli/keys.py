"""Commands of the key ring."""

from pathlib import Path
from typing import Annotated

import typer

from backend.cli.panels import PEOPLE, group

app = typer.Typer()
keys = group(app, "keys", "The key ring: make, list and rotate keys.", PEOPLE)


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
