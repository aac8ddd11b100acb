"""Looking at a configuration before a city depends on it, and printing the API description."""

import asyncio
from pathlib import Path

import orjson
from pydantic import ValidationError

from backend.commands.city import setting_problems
from backend.commands.keys import old_keys
from backend.commands.material import app_problems, key_problems
from backend.commands.terminal import CommandError, err, out
from backend.db import migrate
from backend.db.client import Database
from backend.db.failures import DatabaseError, reason_of
from backend.security.key_file import USES, KeyringError, Use
from backend.security.key_source import open_city_keyring, unwrapped_keys
from backend.security.keys import Keyring
from backend.settings import Settings, load_settings, production_problems


def check(connect: bool) -> None:
    """Say everything that keeps this configuration from serving a city, at once."""
    try:
        settings = load_settings()
    except ValidationError as error:
        raise CommandError(*setting_problems(error)) from None
    problems = [*_environment_problems(settings), *production_problems(settings)]
    problems += [*app_problems(settings), *key_problems(settings), *_ring_problems(settings)]
    if connect:
        problems += asyncio.run(_connection_problems(settings))
    if problems:
        raise CommandError(*problems)
    out.print("This configuration can serve a city.")


def _environment_problems(settings: Settings) -> list[str]:
    if settings.is_production:
        return []
    return [f"ENVIRONMENT is {settings.environment}: with anything but production the strict rules are off."]


def _ring_problems(settings: Settings) -> list[str]:
    """What is wrong with the key ring; keys that are only old are warned of."""
    if not settings.keys_file and not settings.hc_keys.get_secret_value():
        return []  # said already
    try:
        ring = open_city_keyring(settings)
    except KeyringError as error:
        return [f"The key ring cannot be used: {error}."]
    problems = [problem for use in USES for problem in _key_problems_of(ring, use)]
    if not problems:
        for sentence in old_keys(ring):
            err.print(f"warning: {sentence}", markup=False)
    bare = unwrapped_keys(settings) if settings.keys_kms else []
    if bare:
        problems.append(
            f"{len(bare)} keys stand in the ring as they are although KEYS_KMS is set: "
            "run `healthycity keys wrap`."
        )
    return problems


def _key_problems_of(ring: Keyring, use: Use) -> list[str]:
    try:
        ring.active(use)
    except KeyringError as error:
        return [f"The key ring is not complete: {error}; `healthycity keys rotate {use}` makes one."]
    return []


async def _connection_problems(settings: Settings) -> list[str]:
    found = []
    if settings.mongodb_uri.get_secret_value():
        found += await _database_problems(settings)
    if settings.broker_url.get_secret_value():
        from backend.worker.app import check_broker

        try:
            await asyncio.to_thread(check_broker)
        except Exception as error:
            found.append(f"The broker cannot be reached at BROKER_URL: {type(error).__name__}.")
    return found


async def _database_problems(settings: Settings) -> list[str]:
    db = Database(settings.mongodb_uri.get_secret_value(), settings.mongodb_database, app_name="check")
    try:
        hello = await db.client.admin.command("hello")
        pending = await migrate.pending(db)
    except DatabaseError as error:
        return [f"MongoDB cannot be reached at MONGODB_URI: {reason_of(error)}."]
    finally:
        await db.close()
    problems = []
    if not hello.get("setName") and hello.get("msg") != "isdbgrid":
        problems.append("MONGODB_URI names a single server: a replica set or a sharded cluster is needed.")
    if pending:
        problems.append(f"{len(pending)} migrations have not run: run `healthycity migrate`.")
    return problems


def openapi(file: Path | None) -> None:
    """Write the API description; nothing has to run for it."""
    from backend.app import VERSION, api_routes
    from backend.http.openapi import openapi as describe

    described = describe(api_routes(), title="Healthy City API", version=VERSION, server="/")
    text = orjson.dumps(described, option=orjson.OPT_INDENT_2).decode()
    if file is None:
        out.print(text, markup=False)
    else:
        file.write_text(text + "\n")
