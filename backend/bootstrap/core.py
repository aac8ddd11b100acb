"""What every area stands on: database, events, keys, sessions, limits."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from redis.asyncio import Redis

from backend.db.client import Database
from backend.security.csrf import CSRFTokens
from backend.security.fields import BlindIndex, FieldCipher
from backend.security.key_source import open_city_keyring
from backend.security.keys import Keyring
from backend.security.lasting import is_declared
from backend.security.limits import RateLimiter
from backend.security.refresh import RefreshTokens
from backend.security.revocations import RevocationList
from backend.security.sessions import SessionService
from backend.security.store import SessionStore
from backend.security.tokens import TokenIssuer
from backend.settings import Settings
from backend.worker.events import Bus
from backend.worker.nudge import Nudger
from backend.worker.outbox import Outbox

Close = Callable[[], Awaitable[None]]


@dataclass
class Core:
    """What every area stands on."""

    settings: Settings
    db: Database
    bus: Bus
    outbox: Outbox
    nudger: Nudger
    keyring: Keyring
    cipher: FieldCipher
    blind: BlindIndex
    revocations: RevocationList
    tokens: TokenIssuer
    sessions: SessionService
    csrf: CSRFTokens
    limiter: RateLimiter


def make_core(
    settings: Settings, process: str, publish: Callable[[], object] | None, closers: list[Close]
) -> Core:
    db = Database(
        settings.mongodb_uri.get_secret_value(), settings.mongodb_database, app_name=f"healthycity-{process}"
    )
    bus = Bus()
    keyring = open_city_keyring(settings)
    session_store = SessionStore(db)
    revocations = RevocationList(session_store)
    tokens = TokenIssuer(keyring, revocations)
    redis_url = settings.redis_url.get_secret_value()
    limiter = RateLimiter(keyring, Redis.from_url(redis_url) if redis_url else None)
    nudger = Nudger(publish)
    closers += [db.close, limiter.close, revocations.stop, nudger.close]
    revocations.start()
    return Core(
        settings=settings,
        db=db,
        bus=bus,
        outbox=Outbox(db, bus),
        nudger=nudger,
        keyring=keyring,
        cipher=FieldCipher(keyring, settings.field_algorithm, may_seal=is_declared),
        blind=BlindIndex(keyring),
        revocations=revocations,
        tokens=tokens,
        sessions=SessionService(session_store, tokens, revocations, RefreshTokens(keyring)),
        csrf=CSRFTokens(keyring),
        limiter=limiter,
    )
