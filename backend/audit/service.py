"""The audit log's service: write down who did what and why, read it within one's scope, and check it."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from backend import clock, context
from backend.audit.chain import Chain, StreamCheck
from backend.audit.models import AuditEntry, AuditFilter, AuditReport, Finding, Problem
from backend.audit.store import AuditStore
from backend.errors import AppError, ErrorCode
from backend.permissions import Actor
from backend.security.redaction import redact, redact_fields

log = logging.getLogger(__name__)

# What concerns no single organisation. A stream for each organisation keeps writers out of each other's way.
CITY_STREAM = "city"
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
Progress = Callable[[int, int], None]


class AuditService:
    """Records, lists, anchors and verifies."""

    def __init__(self, store: AuditStore, chain: Chain) -> None:
        self._store = store
        self._chain = chain

    async def record(
        self,
        actor: Actor,
        action: str,
        object: str,
        basis: str,
        organization_id: str | None = None,
        data: Mapping[str, Any] | None = None,
    ) -> None:
        """Write down that `actor` did `action` (`area.verb`) to `object` (`kind/id`), and on what basis.

        Returns when the entry is durable. Personal data that slips in is taken out before it is sealed.
        """
        await self._store.append(
            organization_id or CITY_STREAM,
            {
                "actor_kind": actor.kind,
                "actor_id": actor.id,
                "role": str(actor.role) if actor.role else "",
                "action": action,
                "object": object,
                "basis": redact(basis),
                "organization_id": organization_id,
                "request_id": context.request_id(),
                "data": redact_fields(data or {}),
            },
        )

    async def list_entries(
        self, actor: Actor, wanted: AuditFilter, *, cursor: str | None = None, limit: int = 50
    ) -> tuple[list[AuditEntry], str | None]:
        """Entries newest first, within the actor's organisations, and the cursor of the next page."""
        after = _read_cursor(cursor) if cursor else None
        found = await self._store.list_entries(wanted, actor.organization_ids, after, limit + 1)
        page = found[:limit]
        return page, _cursor(page[-1]) if len(found) > limit else None

    async def find_entry(self, entry_id: str) -> AuditEntry | None:
        """One entry by its id, for whoever may see what it is about."""
        return await self._store.find_entry(entry_id)

    async def streams(self) -> list[str]:
        """Names of the streams that have entries."""
        return await self._store.entry_streams()

    async def after(self, stream: str, number: int, limit: int) -> list[AuditEntry]:
        """Entries of a stream with numbers above `number`, in order: for whoever counts what it says."""
        return await self._store.after(stream, number, limit)

    async def verify(self, progress: Progress = lambda done, total: None) -> AuditReport:
        """Check every stream against its chain, its end on record and its anchors."""
        total = await self._store.count()
        done = 0

        def one_more(count: int) -> None:
            nonlocal done
            done += count
            progress(done, max(total, done))

        streams = await self._store.streams()
        problems: list[Problem] = []
        for stream in streams:
            problems += await self._verify_stream(stream, one_more)
        return AuditReport(streams=len(streams), entries=done, problems=tuple(problems))

    async def anchor(self) -> int:
        """Fix the end of every stream for today, here and in the log; the daily job. Returns how many.

        The log leaves this machine: whoever rewinds the whole database still meets the line in the archive.
        """
        made = 0
        for stream in await self._store.streams():
            last = await self._store.last(stream)
            if last is None:
                continue
            fixed = self._chain.head(f"{stream}|{last['hash']}", last["number"])
            anchor = fixed | {"hash": last["hash"], "at": clock.now()}
            if await self._store.add_anchor(stream, clock.today(), anchor):
                log.info(
                    "audit_anchor", extra={"stream": stream, "number": last["number"], "hash": last["hash"]}
                )
                made += 1
        return made

    async def _verify_stream(self, stream: str, progress: Callable[[int], None]) -> list[Problem]:
        anchors = await self._genuine_anchors(stream)
        # Before the walk: what is appended meanwhile only lies beyond it.
        head = await self._store.head(stream)
        known = head is not None and self._chain.is_genuine_head(stream, head)
        reached = max([head["number"] if head and known else 0, *anchors])
        check = StreamCheck(self._chain, stream, reached, anchors)
        await check.run(self._store.walk(stream), progress)
        unknown = [] if known else [Problem(stream, check.entries, Finding.END_UNKNOWN)]
        return check.problems + unknown

    async def _genuine_anchors(self, stream: str) -> dict[int, str]:
        """Hashes by number that the stream had at the end of some day."""
        return {
            anchor["number"]: anchor["hash"]
            for anchor in await self._store.anchors(stream)
            if self._chain.is_genuine_head(f"{stream}|{anchor['hash']}", anchor)
        }


def _cursor(entry: AuditEntry) -> str:
    return f"{int(entry.at.timestamp() * 1000)}.{entry.id}"


def _read_cursor(cursor: str) -> tuple[datetime, str]:
    milliseconds, _, entry_id = cursor.partition(".")
    if not milliseconds.isdecimal() or len(milliseconds) > 14 or not entry_id:
        raise AppError(ErrorCode.BAD_REQUEST, "audit cursor")
    return _EPOCH + timedelta(milliseconds=int(milliseconds)), entry_id
