"""Openings of the record browser in a doctor's workstation: a signed address that works once, a session."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from dataclasses import dataclass, replace
from datetime import timedelta

from backend import clock
from backend.audit.service import AuditService
from backend.errors import AppError, ErrorCode
from backend.ids import ID_LENGTH, is_id, new_id
from backend.permissions import Actor, Role
from backend.records.launch_store import LaunchStore
from backend.records.models import Purpose
from backend.records.sharing_models import Launch
from backend.records.sharing_ports import Clients
from backend.security.derive import derive_key
from backend.security.keys import Key, Keyring
from backend.security.lasting import declare_lapse

# From the doctor's click to the page: no address lies about for longer.
OPEN_WITHIN = timedelta(minutes=2)
_MARK = 32
declare_lapse("blind", "the address of a record window", OPEN_WITHIN)


@dataclass(frozen=True, slots=True)
class Opened:
    """An opening in a browser, and the secret that browser holds."""

    launch: Launch
    secret: str


class Launches:
    """Makes addresses, opens them once, and knows whose browser holds which."""

    def __init__(
        self,
        store: LaunchStore,
        keyring: Keyring,
        clients: Clients,
        audit: AuditService,
        *,
        public_url: str,
        lasts: timedelta,
    ) -> None:
        self._store = store
        self._keyring = keyring
        self._clients = clients
        self._audit = audit
        self._public_url = public_url.rstrip("/")
        self._lasts = lasts

    async def make(
        self,
        actor: Actor,
        organization_id: str,
        person_id: str,
        *,
        practitioner: str,
        encounter: str,
        purpose: Purpose,
        presented: bool,
    ) -> Launch:
        """An opening for somebody at a screen of this institution."""
        if not practitioner.strip():
            raise AppError(ErrorCode.PRACTITIONER_UNKNOWN, "nobody is named")
        now = clock.now()
        launch = Launch(
            id=new_id(),
            organization_id=organization_id,
            client_id=actor.id,
            person_id=person_id,
            practitioner=practitioner.strip(),
            encounter=encounter.strip(),
            purpose=purpose,
            presented=presented,
            created_at=now,
            open_until=now + OPEN_WITHIN,
        )
        await self._store.insert(launch)
        data = {"launch_id": launch.id, "practitioner": launch.practitioner, "purpose": str(purpose)}
        data |= {"encounter": launch.encounter} if launch.encounter else {}
        about = f"person/{person_id}"
        await self._audit.record(actor, "records.launch", about, "launch", organization_id, data)
        return launch

    def address(self, launch: Launch) -> str:
        """The whole address, to be opened in the workstation."""
        mark = _mark(self._keyring.active("blind"), launch.id)
        return f"{self._public_url}/workstation/open/{launch.id}{mark}"

    async def open(self, token: str) -> Opened:
        """Use an address up. Raises LAUNCH_ENDED for one that was used, has aged, or was never made."""
        launch_id, mark = token[:ID_LENGTH], token[ID_LENGTH:]
        right = [_mark(key, launch_id) for key in self._keyring.all("blind")]
        if not is_id(launch_id) or not mark.isascii():
            raise AppError(ErrorCode.LAUNCH_ENDED, "form of the address")
        if not sum(hmac.compare_digest(mark, each) for each in right):
            raise AppError(ErrorCode.LAUNCH_ENDED, "forged address")
        secret, now = secrets.token_urlsafe(32), clock.now()
        launch = await self._store.open(launch_id, _hash(secret), now, now + self._lasts)
        if launch is None:
            raise AppError(ErrorCode.LAUNCH_ENDED, "used or old address")
        return Opened(launch, secret)

    async def find(self, launch_id: str, secret: str) -> Launch:
        """The opening that a browser holds. Raises LAUNCH_ENDED, also when the hospital's system is out."""
        launch = await self._store.find(launch_id, _hash(secret), clock.now()) if secret else None
        if launch is None:
            raise AppError(ErrorCode.LAUNCH_ENDED, "no session")
        client = await self._clients.find_client(launch.client_id)
        if client is not None and not client.active:
            raise AppError(ErrorCode.LAUNCH_ENDED, "the client is shut out")
        return launch

    async def break_glass(self, launch: Launch) -> Launch:
        """From now on the window reads through the broken glass."""
        await self._store.set_purpose(launch, Purpose.BREAK_GLASS)
        return replace(launch, purpose=Purpose.BREAK_GLASS)

    async def origins(self, launch: Launch) -> tuple[str, ...]:
        """The addresses of workstations that may show the browser inside their own pages."""
        client = await self._clients.find_client(launch.client_id)
        return client.origins if client else ()


def actor_of(launch: Launch) -> Actor:
    """Who reads: the hospital's system that has made the opening."""
    return Actor(
        kind="client",
        id=launch.client_id,
        role=Role.HOSPITAL_CLIENT,
        organization_ids=frozenset({launch.organization_id}),
        session_id=launch.id,
    )


def _mark(key: Key, launch_id: str) -> str:
    return hmac.digest(derive_key(key.secret, "record launch"), launch_id.encode(), "sha256").hex()[:_MARK]


def _hash(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()
