"""`healthycity wechat-menu`: the menu under the official account's chat, from a file."""

from __future__ import annotations

from pathlib import Path

import orjson

from backend.bootstrap import City
from backend.commands.city import in_city, tell_refusals
from backend.commands.terminal import CommandError, out


def push(file: Path | None) -> None:
    """Put the menu of a file, or our own, under the chat."""
    text = _read(file) if file else None

    async def work(city: City) -> None:
        names = await city.services.bots.official_account.push_menu(text)
        out.print(f"the official account's menu is now: {'  '.join(names)}")

    tell_refusals(lambda: in_city(work))


def _read(file: Path) -> str:
    try:
        text = file.read_text(encoding="utf-8")
        orjson.loads(text)
    except OSError as error:
        raise CommandError(f"{file} cannot be read: {error.strerror}.") from None
    except ValueError as error:
        raise CommandError(f"{file} is no JSON: {error}.") from None
    return text
