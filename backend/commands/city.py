"""Opening the city for the length of one command."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

from pydantic import ValidationError

from backend.bootstrap import City, open_city
from backend.commands.terminal import CommandError
from backend.db.failures import DatabaseError, reason_of
from backend.errors import AppError
from backend.security.keys import KeyringError
from backend.settings import Settings, load_settings

T = TypeVar("T")


def read_settings() -> Settings:
    """The settings, or every wrong variable by name; values are not repeated, they may be secrets."""
    try:
        return load_settings()
    except ValidationError as error:
        raise CommandError(*_setting_problems(error)) from None


def _setting_problems(error: ValidationError) -> list[str]:
    """A sentence for each setting that cannot be read."""
    return [f"{str(item['loc'][0]).upper()} {_wish(item['type'], item['msg'])}." for item in error.errors()]


def _wish(kind: str, said: str) -> str:
    if kind == "string_pattern_mismatch":
        return "must be six digits"
    if kind == "int_parsing":
        return "must be a whole number"
    return said.replace("Input should", "must").partition(", unable")[0]


def in_city(work: Callable[[City], Awaitable[T]], settings: Settings | None = None) -> T:
    """Open the city, do the work, close it."""
    known = settings or read_settings()
    if not known.mongodb_uri.get_secret_value():
        raise CommandError("MONGODB_URI is not set: it names the replica set the city's data is in.")

    # What goes wrong is raised and said in a sentence; a server's warnings would only stand before it.
    logging.basicConfig(level=logging.ERROR)

    async def run() -> T:
        city = await open_city(known, process="command")
        try:
            return await work(city)
        finally:
            await city.close()

    with plain_failures():
        return asyncio.run(run())


def tell_refusals(work: Callable[[], None]) -> None:
    """Do the work; what a service refuses is said with its code and its text."""
    try:
        work()
    except AppError as refusal:
        why = f" ({refusal.log})" if refusal.log else ""
        raise CommandError(f"{refusal.code}: {refusal.text}{why}") from None


@contextmanager
def plain_failures() -> Iterator[None]:
    """Turn what a missing database or key ring raises into a sentence."""
    try:
        yield
    except KeyringError as error:
        raise CommandError(f"The key ring cannot be used: {error}.") from None
    except DatabaseError as error:
        raise CommandError(f"MongoDB cannot be reached at MONGODB_URI: {reason_of(error)}.") from None
