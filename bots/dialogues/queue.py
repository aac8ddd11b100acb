"""The queue: no hospital's calling system is connected, so only what the booking itself says is told."""

from __future__ import annotations

from typing import ClassVar

from backend import clock
from backend.appointments.views import AppointmentView
from backend.permissions import Permission
from backend.slotpool.claims_models import ClaimState
from bots import phrases
from bots.dialogue import Dialogue, Next, Say, Talk
from bots.dialogues import mine
from bots.understanding.values import Intent

_NOT_CALLED_HERE = "医院的叫号还没有接入这里，现在叫到几号请看候诊区屏幕或问导诊台。"


class Queue(Dialogue):
    """Reads out today's number and how many were booked before it."""

    name: ClassVar[str] = "queue"
    title: ClassVar[str] = "今天的号排在第几"
    intents: ClassVar[tuple[Intent, ...]] = (Intent.QUEUE,)
    needs: ClassVar[Permission | None] = Permission.RESIDENT_APPOINTMENTS_READ

    async def start(self, talk: Talk) -> Next:
        """Today's appointments, or the next one."""
        views = [view for view in await mine.upcoming(talk) if view.claim.state is ClaimState.BOOKED]
        today = [view for view in views if view.claim.on == clock.today()]
        if not today:
            after = f"最近的预约：{mine.line(views[0])}。" if views else ""
            return Say(f"您今天没有预约。{after}")
        lines = [await _position(talk, view) for view in mine.meant(talk, today, None)]
        return Say("\n".join([*lines, _NOT_CALLED_HERE]))


async def _position(talk: Talk, view: AppointmentView) -> str:
    claim, place = view.claim, view.place
    taken = (await talk.services.claims.taken(claim.pool_key)).get(claim.schedule_id, set())
    before = sum(number < claim.number for number in taken)
    where = f"，{place.department.place}" if place.department.place else ""
    return (
        f"{place.organization.name} {place.department.name}：您是{claim.number}号，"
        f"约{phrases.time_of(claim.start_at)}就诊{where}；您前面约出{before}个号（不含现场取号）。"
    )
