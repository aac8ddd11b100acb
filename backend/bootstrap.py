"""The composition root: the only place that names adapters, subscribers and periodic jobs.

A new area is a new folder and its lines here: a field of `Services`, a line in `open_city`, its subscriptions
and its periodic jobs.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from redis.asyncio import Redis

from backend.audit.chain import Chain
from backend.audit.service import AuditService
from backend.audit.store import AuditStore
from backend.db.client import Database
from backend.directory.client_store import ClientStore
from backend.directory.clients import ClientService
from backend.directory.service import DirectoryService
from backend.directory.store import DirectoryStore
from backend.security.csrf import CSRFTokens
from backend.security.fields import BlindIndex, FieldCipher
from backend.security.keys import Keyring, open_keyring
from backend.security.limits import RateLimiter
from backend.security.refresh import RefreshTokens
from backend.security.revocations import RevocationList
from backend.security.sessions import SessionService
from backend.security.store import SessionStore
from backend.security.tokens import TokenIssuer
from backend.settings import Settings, production_problems
from backend.slotpool.claims_store import ClaimStore
from backend.slotpool.schedules import ScheduleService
from backend.slotpool.schedules_store import ScheduleStore
from backend.staff.service import StaffService
from backend.staff.sign_in import SignIn
from backend.staff.store import StaffStore
from backend.worker.events import Bus
from backend.worker.nudge import Nudger
from backend.worker.outbox import Outbox
from backend.worker.periodic import PeriodicJob

log = logging.getLogger(__name__)

Close = Callable[[], Awaitable[None]]


@dataclass
class Services:
    """Every area's service, by name; what handlers, console and bots reach."""

    settings: Settings
    outbox: Outbox
    nudger: Nudger
    keyring: Keyring
    cipher: FieldCipher
    blind: BlindIndex
    tokens: TokenIssuer
    sessions: SessionService
    csrf: CSRFTokens
    limiter: RateLimiter
    directory: DirectoryService
    clients: ClientService
    schedules: ScheduleService
    audit: AuditService
    staff: StaffService


@dataclass
class City:
    """One process's hold on the city: settings, database, services. Bound to the loop it was opened in."""

    settings: Settings
    db: Database
    bus: Bus
    services: Services
    check_broker: Callable[[], None]
    closing: bool = False
    _closers: list[Close] = field(default_factory=list)

    async def close(self) -> None:
        """Finish what was begun and let go, in the reverse order of opening."""
        self.closing = True
        for close in reversed(self._closers):
            try:
                await close()
            except Exception as error:
                log.warning("close_failed", exc_info=error)


async def open_city(
    settings: Settings,
    *,
    process: str,
    publish: Callable[[], object] | None = None,
    check_broker: Callable[[], None] = lambda: None,
) -> City:
    """Open everything a process needs. `publish` asks the workers for a sweep; None in tests and tools."""
    if settings.is_production:
        problems = production_problems(settings)
        if problems:
            raise SystemExit("This configuration cannot serve a city:\n  " + "\n  ".join(problems))
    closers: list[Close] = []
    db = Database(
        settings.mongodb_uri.get_secret_value(), settings.mongodb_database, app_name=f"healthycity-{process}"
    )
    closers.append(db.close)
    bus = Bus()
    services = _core(settings, db, bus, publish, closers)
    await _start(services, closers)
    return City(settings, db, bus, services, check_broker, _closers=closers)


def _core(
    settings: Settings, db: Database, bus: Bus, publish: Callable[[], object] | None, closers: list[Close]
) -> Services:
    keyring = open_keyring(settings.keys_file, settings.hc_keys.get_secret_value() or None)
    session_store = SessionStore(db)
    revocations = RevocationList(session_store)
    tokens = TokenIssuer(keyring, revocations)
    redis_url = settings.redis_url.get_secret_value()
    limiter = RateLimiter(keyring, Redis.from_url(redis_url) if redis_url else None)
    nudger = Nudger(publish)
    outbox = Outbox(db, bus)
    outbox.watch("schedules")
    closers += [limiter.close, revocations.stop, nudger.close]
    revocations.start()
    directory = DirectoryService(DirectoryStore(db))
    claim_store = ClaimStore(db)
    chain = Chain(keyring)
    audit = AuditService(AuditStore(db, chain), chain)
    cipher = FieldCipher(keyring, settings.field_algorithm)
    staff_store = StaffStore(db, cipher)
    return Services(
        settings=settings,
        outbox=outbox,
        nudger=nudger,
        keyring=keyring,
        cipher=cipher,
        blind=BlindIndex(keyring),
        tokens=tokens,
        sessions=SessionService(session_store, tokens, revocations, RefreshTokens(keyring)),
        csrf=CSRFTokens(keyring),
        limiter=limiter,
        directory=directory,
        clients=ClientService(ClientStore(db), directory, keyring, tokens, limiter, revocations),
        schedules=ScheduleService(ScheduleStore(db), directory, claim_store),
        audit=audit,
        staff=StaffService(staff_store, audit, SignIn(staff_store, audit, limiter), settings.city_name),
    )


async def _start(services: Services, closers: list[Close]) -> None:
    await asyncio.sleep(0)


# What runs by the clock. The names are stored in the broker: keep them.
PERIODIC_JOBS: tuple[PeriodicJob, ...] = (
    PeriodicJob("outbox.counts", 15, lambda services: services.outbox.counts()),
)
