"""The queue: how many are before one, as of the hospital's last call, or by the booking alone."""

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


class Queue(Dialogue):
    """Reads out today's number, which one is being called and how many are in between."""

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
        return Say("\n".join([await _position(talk, view) for view in mine.meant(talk, today, None)]))


async def _position(talk: Talk, view: AppointmentView) -> str:
    claim, place = view.claim, view.place
    position = await talk.services.queues.position(claim)
    where = f"，{place.department.place}" if place.department.place else ""
    about = f"约{phrases.time_of(claim.start_at)}就诊{where}"
    mine_is = f"{place.organization.name} {place.department.name}：您是{claim.number}号，"
    if position is None:
        return f"{mine_is}{about}。"
    if position.called is None:
        return f"{mine_is}{about}；您前面约出{position.ahead}个号，医院还没有开始叫号。"
    if position.is_over:
        return f"{mine_is}现在叫到{position.called}号，您的号已经叫过了，请尽快到诊区{where}，向导诊台说明。"
    return f"{mine_is}现在叫到{position.called}号，前面还有{position.ahead}人{where}，请留意叫号。"
