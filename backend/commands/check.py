"""Looking at a configuration before a city depends on it, and printing the API description."""

import asyncio
from pathlib import Path

import orjson
from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from backend.commands.city import read_settings
from backend.commands.keys import old_keys
from backend.commands.material import app_problems, key_problems
from backend.commands.terminal import CommandError, err, out
from backend.db import migrate
from backend.db.client import Database
from backend.db.failures import DatabaseError, reason_of
from backend.messages.models import MessageKind
from backend.security.key_file import USES, KeyringError, Use
from backend.security.key_source import open_city_keyring, unwrapped_keys
from backend.security.keys import Keyring
from backend.security.redaction import redact
from backend.settings import Settings
from backend.settings_checks import HTTPS_ONLY, OUTSIDE_ADDRESSES, production_problems

TEMPLATE_SETTINGS = (
    "wechat_subscribe_templates",
    "wechat_oa_templates",
    "aliyun_sms_templates",
    "tencent_sms_templates",
)


def check(connect: bool) -> None:
    """Say everything that keeps this configuration from serving a city, at once."""
    settings = read_settings()
    problems = [*_environment_problems(settings), *production_problems(settings)]
    problems += [*app_problems(settings), *key_problems(settings), *_ring_problems(settings)]
    problems += _template_problems(settings)
    for sentence in _doubts(settings):
        err.print(f"warning: {sentence}", markup=False)
    if connect:
        problems += asyncio.run(_connection_problems(settings))
    if problems:
        err.print("What each setting is and where it comes from: docs/going-live.md.")
        raise CommandError(*problems)
    out.print("This configuration can serve a city.")


def _environment_problems(settings: Settings) -> list[str]:
    if settings.is_production:
        return []
    return [f"ENVIRONMENT is {settings.environment}, which turns the strict rules off: leave it out."]


def _template_problems(settings: Settings) -> list[str]:
    kinds = ", ".join(MessageKind)
    return [
        f"{name.upper()} names {kind!r}, which is no kind of message; these are: {kinds}."
        for name in (
            "wechat_subscribe_templates",
            "wechat_oa_templates",
            "aliyun_sms_templates",
            "tencent_sms_templates",
        )
        for kind in getattr(settings, name)
        if kind not in set(MessageKind)
    ]


def _doubts(settings: Settings) -> list[str]:
    """What may be meant, and is a mistake more often."""
    redis, ring = settings.redis_url.get_secret_value(), settings.keys_file
    doubts = {
        "REDIS_URL is empty: every web process counts its limits alone.": not redis,
        "REDIS_URL and BROKER_URL are the same Redis database: give one another number, as in …:6379/1.": (
            redis == settings.broker_url.get_secret_value() != ""
        ),
        "TRUSTED_PROXIES is 0: behind a reverse proxy everybody would share its address and its limits.": (
            "trusted_proxies" not in settings.model_fields_set
        ),
        "HC_KEYS is used; KEYS_FILE is not read.": bool(ring and settings.hc_keys.get_secret_value()),
        f"KEYS_FILE may be read by others than its owner: chmod 600 {ring}.": bool(
            ring and ring.is_file() and ring.stat().st_mode & 0o077
        ),
    }
    for name in OUTSIDE_ADDRESSES:
        sentence = f"{name.upper()} is not https: only within a closed network."
        doubts[sentence] = name not in HTTPS_ONLY and str(getattr(settings, name)).startswith("http://")
    return [sentence for sentence, doubtful in doubts.items() if doubtful]


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
        from backend.worker.app import check_broker, make_celery

        try:
            await asyncio.to_thread(check_broker, make_celery(settings))
        except Exception as error:
            found.append(f"The broker cannot be reached at BROKER_URL: {_said(error)}.")
    if settings.redis_url.get_secret_value():
        try:
            # Whoever looks wants to know about now: no further tries.
            async with Redis.from_url(
                settings.redis_url.get_secret_value(), retry=Retry(NoBackoff(), 0)
            ) as redis:
                await redis.ping()
        except (RedisError, OSError, ValueError) as error:
            found.append(f"Redis cannot be reached at REDIS_URL: {_said(error)}.")
    return found


def _said(error: Exception) -> str:
    """An exception's own words; an address in them shows no password."""
    return redact(str(error) or type(error).__name__)[:200].rstrip(".")


async def _database_problems(settings: Settings) -> list[str]:
    db = None
    try:
        db = Database(settings.mongodb_uri.get_secret_value(), settings.mongodb_database, app_name="check")
        hello = await db.client.admin.command("hello")
        pending = await migrate.pending(db)
    except DatabaseError as error:
        return [f"MongoDB cannot be reached at MONGODB_URI: {reason_of(error)}."]
    except ValueError as error:
        return [f"MONGODB_URI cannot be read: {error}."]
    finally:
        if db is not None:
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
