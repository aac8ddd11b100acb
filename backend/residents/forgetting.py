"""Files of people without account end when nobody has needed them for a stated time."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta

from backend import clock
from backend.audit.service import AuditService
from backend.permissions import SYSTEM
from backend.residents.link_store import PatientLinkStore
from backend.residents.store import ResidentStore
from backend.worker.events import Event, EventKind

# When a person's last appointment ended, or will end. Appointments live above this area.
LastVisit = Callable[[str], Awaitable[datetime | None]]

_BATCH = 200
# A file that is still needed is not looked at again every time.
_LOOK_AGAIN = timedelta(days=30)


class Forgetting:
    """Looks at old files and erases those that are over."""

    def __init__(
        self,
        residents: ResidentStore,
        links: PatientLinkStore,
        audit: AuditService,
        last_visit: LastVisit,
        keep: timedelta | None,
    ) -> None:
        self._residents = residents
        self._links = links
        self._audit = audit
        self._last_visit = last_visit
        self._keep = keep

    async def run(self) -> int:
        """Periodic: returns how many files went. What hangs on them follows by the event."""
        if self._keep is None:
            return 0
        before = clock.now() - self._keep
        gone = 0
        for file_id in await self._residents.list_old_files(before, _BATCH):
            if await self._is_needed(file_id, before):
                await self._residents.look_again(file_id, clock.now() + _LOOK_AGAIN)
            elif await self._erase(file_id):
                gone += 1
        return gone

    async def _is_needed(self, file_id: str, before: datetime) -> bool:
        if await self._links.list_of_patient(file_id):
            return True
        ended_at = await self._links.last_ended_at(file_id)
        visited_at = await self._last_visit(file_id)
        return any(at is not None and at >= before for at in (ended_at, visited_at))

    async def _erase(self, file_id: str) -> bool:
        # Events name what happens to a person, account or not: codes, cards and messages go with it.
        event = Event(EventKind.RESIDENT_DELETED, {"resident_id": file_id})
        if not await self._residents.erase_file(file_id, event):
            return False
        await self._audit.record(SYSTEM, "resident.forget", f"resident/{file_id}", "retention period")
        return True
