"""Links for screens in halls: who has one sees the city's figures, never a person's, until it is ended."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field, replace
from datetime import timedelta

from backend import clock
from backend.audit.service import AuditService
from backend.errors import AppError, ErrorCode, not_found
from backend.ids import named_id
from backend.permissions import Actor
from backend.statistics.wall_store import WallLink, WallStore

# How long a link may be given out for.
LASTS = {30: "30 天", 180: "半年", 365: "一年"}


@dataclass(frozen=True, slots=True)
class NewWall:
    """A link just made; its secret is told once."""

    link: WallLink
    secret: str = field(repr=False)


class Walls:
    """Makes links, opens them, ends them."""

    def __init__(self, store: WallStore, audit: AuditService) -> None:
        self._store = store
        self._audit = audit

    async def make(self, actor: Actor, label: str, days: int) -> NewWall:
        """A link for one screen. Raises FORBIDDEN: what it shows is the whole city's to give out."""
        _of_the_city(actor)
        secret, now = secrets.token_urlsafe(24), clock.now()
        link = WallLink(_id(secret), label, actor.id, now, now + timedelta(days=days))
        await self._store.insert(link)
        await self._record(actor, "walls.made", link)
        return NewWall(link, secret)

    async def list_all(self, actor: Actor) -> list[WallLink]:
        """Every link, the newest first, also those that are over. Raises FORBIDDEN."""
        _of_the_city(actor)
        return await self._store.newest()

    async def revoke(self, actor: Actor, link_id: str) -> None:
        """End a link at once. Twice is no error. Raises FORBIDDEN, NOT_FOUND."""
        _of_the_city(actor)
        link = await self._store.find(link_id)
        if link is None:
            raise not_found(f"wall link {link_id}")
        now = clock.now()
        if await self._store.revoke(link_id, now):
            await self._record(actor, "walls.revoked", replace(link, revoked_at=now))

    async def open(self, secret: str) -> Actor:
        """Who looks through this link: somebody who may read the whole city's figures and do nothing.

        Raises NOT_FOUND for a link that never was or is over.
        """
        link, now = await self._store.find(_id(secret)), clock.now()
        if link is None or not link.is_live(now):
            raise not_found("a wall link that is over")
        await self._store.seen(link, now)
        return Actor(kind="anonymous", id=link.id, organization_ids=None)

    async def _record(self, actor: Actor, action: str, link: WallLink) -> None:
        await self._audit.record(
            actor, action, f"wall/{link.id}", "大屏链接", None, {"until": link.expires_at.isoformat()}
        )


def _of_the_city(actor: Actor) -> None:
    if actor.organization_ids is not None:
        raise AppError(ErrorCode.FORBIDDEN, "walls are the whole city's")


def _id(secret: str) -> str:
    return named_id("wall", secret)
