"""My appointments: what is to come, for everybody the resident acts for."""

from __future__ import annotations

from typing import ClassVar

from backend.permissions import Permission
from bots.dialogue import Dialogue, Next, Say, Talk
from bots.dialogues import mine
from bots.dialogues.asking import most_options
from bots.understanding.values import Intent

NOTHING = "您没有未就诊的预约。要挂号，直接说医院、科室和时间就行。"


class MyAppointments(Dialogue):
    """Reads out the appointments to come."""

    name: ClassVar[str] = "my_appointments"
    title: ClassVar[str] = "我的预约"
    intents: ClassVar[tuple[Intent, ...]] = (Intent.MY_APPOINTMENTS,)
    needs: ClassVar[Permission | None] = Permission.RESIDENT_APPOINTMENTS_READ

    async def start(self, talk: Talk) -> Next:
        """Those that were asked about, or all."""
        views = await mine.upcoming(talk)
        if not views:
            return Say(NOTHING)
        shown = mine.meant(talk, views, talk.understood.slots.days)
        most = most_options(talk)
        lines = "\n".join(f"· {mine.line(view)}" for view in shown[:most])
        more = f"\n另有{len(shown) - most}个，请到小程序查看。" if len(shown) > most else ""
        return Say(f"您的预约：\n{lines}{more}\n不能去请回复“取消预约”，改时间请回复“改期”。")
