"""Break-glass: reading in an emergency, for a stated reason and a while, looked at by somebody later."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from backend import clock
from backend.audit.service import AuditService
from backend.directory.models import Practitioner
from backend.errors import AppError, ErrorCode, not_found
from backend.ids import new_id
from backend.permissions import Actor, Permission
from backend.records.glass_store import GlassStore
from backend.records.sharing_models import BrokenGlass, Review, Verdict
from backend.records.sharing_ports import StaffNames
from backend.worker.events import URGENT, Event, EventKind

REASONS: dict[str, str] = {
    "01": "患者昏迷或意识不清，无法授权",
    "02": "危重抢救，来不及办理授权",
    "03": "中毒、过敏或用药反应，急需既往用药史",
    "04": "急诊手术或输血，急需既往病史",
    "05": "无陪同的儿童、老人或精神障碍患者急诊",
    "99": "其他紧急情况",
}
OTHER = "99"
# Enough to tell a reason from a keystroke.
SHORTEST_REASON, LONGEST_REASON = 4, 500
TALLIED = timedelta(days=90)


@dataclass(frozen=True, slots=True)
class Tally:
    """What one institution has broken in the last months."""

    organization_id: str
    all: int
    unjustified: int
    waiting: int


class BreakGlass:
    """Opens the time box, and has it looked at."""

    def __init__(
        self,
        store: GlassStore,
        staff: StaffNames,
        audit: AuditService,
        *,
        lasts: timedelta,
        nudge: Callable[[], None],
    ) -> None:
        self._store = store
        self._staff = staff
        self._audit = audit
        self._lasts = lasts
        self._nudge = nudge

    async def open(
        self, actor: Actor, person_id: str, organization_id: str, doctor: Practitioner, stated: str
    ) -> BrokenGlass:
        """The glass this practitioner has broken already, or breaks now. Raises REASON_REQUIRED."""
        now, practitioner = clock.now(), doctor.external.value
        glass = await self._store.open_for(person_id, organization_id, practitioner, now)
        if glass is not None:
            return glass
        code, reason = read_reason(stated)
        glass = BrokenGlass(
            id=new_id(),
            person_id=person_id,
            organization_id=organization_id,
            practitioner=practitioner,
            client_id=actor.id,
            reason_code=code,
            reason=reason,
            opened_at=now,
            expires_at=now + self._lasts,
        )
        # Two emergencies at once are one: who comes second reads through the first one's glass.
        glass_id, expires_at = await self._store.claim(glass, now)
        glass = replace(glass, id=glass_id, expires_at=expires_at)
        event = Event(
            EventKind.RECORD_GLASS_BROKEN,
            {
                "glass_id": glass.id,
                "person_id": person_id,
                "organization_id": organization_id,
                "practitioner_id": doctor.id,
            },
            priority=URGENT,
        )
        if not await self._store.insert(glass, event):
            return await self._store.find(glass_id) or glass
        data = {
            "glass_id": glass.id,
            "practitioner": practitioner,
            "expires_at": glass.expires_at.isoformat(),
        }
        about = f"person/{person_id}"
        await self._audit.record(actor, "records.break_glass", about, f"{code}", organization_id, data)
        self._nudge()
        return glass

    # -- looking at it afterwards ----------------------------------------------------------------------

    async def list_glasses(
        self, actor: Actor, *, reviewed: bool = False, cursor: str = "", limit: int = 50
    ) -> tuple[list[BrokenGlass], str]:
        """Within the actor's institutions, newest first, and the cursor of the next page."""
        found = await self._store.list_of(actor.organization_ids, reviewed, cursor, limit + 1)
        page = found[:limit]
        return page, page[-1].id if len(found) > limit else ""

    async def access(self, actor: Actor, glass_id: str) -> BrokenGlass:
        """One within the actor's institutions. Raises NOT_FOUND."""
        glass = await self._store.find(glass_id)
        if glass is None or not actor.covers(glass.organization_id):
            raise not_found("glass")
        return glass

    async def review(
        self, actor: Actor, glass_id: str, verdict: Verdict, note: str, practitioner_name: str
    ) -> BrokenGlass:
        """Say whether it was right; nobody judges what he has done. Raises REASON_REQUIRED, CONFLICT."""
        if not actor.may(Permission.STAFF_RECORD_ACCESS_REVIEW):
            raise AppError(ErrorCode.FORBIDDEN, Permission.STAFF_RECORD_ACCESS_REVIEW)
        glass = await self.access(actor, glass_id)
        if not note.strip():
            raise AppError(ErrorCode.REASON_REQUIRED)
        names = await self._staff.names({actor.id})
        if practitioner_name and names.get(actor.id) == practitioner_name:
            text = "紧急调阅须由另一人复核，不能复核本人的调阅。"
            raise AppError(ErrorCode.FORBIDDEN, "own glass", text=text)
        review = Review(verdict, actor.id, clock.now(), note.strip()[:LONGEST_REASON])
        if not await self._store.set_review(glass, review):
            raise AppError(ErrorCode.CONFLICT, "reviewed already", text="该紧急调阅已复核。")
        await self._audit.record(
            actor,
            "records.review_glass",
            f"glass/{glass.id}",
            str(verdict),
            glass.organization_id,
            {"person_id": glass.person_id, "practitioner": glass.practitioner},
        )
        return await self.access(actor, glass_id)

    async def count_waiting(self, actor: Actor) -> int:
        """How many within the actor's institutions nobody has looked at."""
        return await self._store.count_waiting(actor.organization_ids)

    async def tally(self, actor: Actor, now: datetime) -> list[Tally]:
        """Per institution within the actor's scope, of the last months; the busiest first."""
        rows = await self._store.tally(actor.organization_ids, now - TALLIED)
        return [Tally(row["_id"], row["all"], row["unjustified"], row["waiting"]) for row in rows]


def read_reason(stated: str) -> tuple[str, str]:
    """Code and words of a stated reason; without a code it is another one. Raises REASON_REQUIRED."""
    text = stated.strip()
    code, _, words = text.partition(" ")
    if code not in REASONS:
        code, words = OTHER, text
    words = words.strip()
    if len(words) < SHORTEST_REASON:
        raise AppError(
            ErrorCode.REASON_REQUIRED,
            data={"codes": REASONS, "form": "<code> <words>", "shortest": SHORTEST_REASON},
            text="请选择紧急调阅的原因并简要说明（至少4个字）。",
        )
    return code, words[:LONGEST_REASON]
