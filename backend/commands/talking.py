"""The commands about chats as the terminal shows them; what each does is beside this file."""

from pathlib import Path
from typing import Annotated

import typer


def push_menu(
    file: Annotated[
        Path | None,
        typer.Argument(help="JSON as WeChat takes it; {app} is the city's address. Else our own."),
    ] = None,
) -> None:
    """Put a menu under the official account's chat, in place of the one that is there."""
    from backend.commands import wechat_menu

    wechat_menu.push(file)


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
