"""Cancelling: which appointment, yes; what was paid goes back."""

from __future__ import annotations

from typing import ClassVar

from backend.appointments.views import AppointmentView
from backend.billing.models import OrderState
from backend.errors import AppError, ErrorCode
from backend.permissions import Permission
from bots import phrases
from bots.dialogue import Dialogue, Next, NotUnderstood, Option, Say, Talk
from bots.dialogues import mine
from bots.dialogues.asking import ask_which, said_no, said_yes, yes_or_no
from bots.dialogues.my_appointments import NOTHING
from bots.dialogues.places import names_place
from bots.dialogues.waitlist import leave_all
from bots.understanding.values import Intent

KEPT = "好的，预约没有变。"
_REASON = "本人取消"


class Cancel(Dialogue):
    """Gives an appointment back."""

    name: ClassVar[str] = "cancel"
    title: ClassVar[str] = "取消预约"
    intents: ClassVar[tuple[Intent, ...]] = (Intent.CANCEL,)
    keeps: ClassVar[tuple[Intent, ...]] = (Intent.BOOK, Intent.MY_APPOINTMENTS)
    needs: ClassVar[Permission | None] = Permission.RESIDENT_APPOINTMENTS_BOOK

    async def start(self, talk: Talk) -> Next:
        """The appointment that was named, or which."""
        if "appointment_id" in talk.data:
            return await self._sure(talk)
        if Intent.WAITLIST in talk.understood.other_intents:
            return await leave_all(talk)
        views = await mine.upcoming(talk)
        if not views:
            return Say(NOTHING)
        slots = talk.understood.slots
        days = slots.moved_from or slots.days
        found = mine.meant(talk, views, days)
        other = mine.not_there(talk, views, days)
        if len(found) > 1:
            talk.data["listed"] = ",".join(view.claim.id for view in found)
            options = [Option(view.claim.id, mine.line(view)) for view in found]
            return ask_which(talk, f"{other}您要取消哪一个？", "which", options, mine.MORE)
        talk.data["appointment_id"] = found[0].claim.id
        return await self._sure(talk, other)

    async def which(self, talk: Talk) -> Next:
        """The answer to which."""
        if talk.chosen:
            talk.data["appointment_id"] = talk.chosen
            return await self._sure(talk)
        if said_no(talk):
            return Say(KEPT)
        if not talk.said:
            return await self.start(talk)
        listed = talk.data.get("listed", "").split(",")
        views = [view for view in await mine.upcoming(talk) if view.claim.id in listed]
        found = mine.meant(talk, views, talk.understood.slots.days)
        if len(found) != 1:
            return NotUnderstood("请回复要取消的预约前面的序号；不取消请回复“退出”。")
        talk.data["appointment_id"] = found[0].claim.id
        return await self._sure(talk)

    async def confirm(self, talk: Talk) -> Next:
        """Yes gives it back; 确认取消 is a yes."""
        if said_no(talk):
            return Say(KEPT)
        if said_yes(talk):
            return Say(await self._cancel(talk))
        if talk.understood.intent is Intent.CANCEL and not talk.chosen:
            if not _names_one(talk):
                return Say(await self._cancel(talk))
            # 取消后天的: that may be another than the one that was read out.
            talk.data.clear()
            return await self.start(talk)
        return NotUnderstood("请回复1确认取消，或回复2保留预约。") if talk.said else await self._sure(talk)

    async def _sure(self, talk: Talk, said: str = "") -> Next:
        view = await talk.services.appointments.get(talk.actor, talk.data["appointment_id"])
        if not mine.is_due(view) and not mine.can_change(view):
            return Say(too_late(view))
        return yes_or_no(f"{said}要取消的预约：\n{mine.line(view)}", "confirm", "确认取消", "不取消")

    async def _cancel(self, talk: Talk) -> str:
        appointment_id = talk.data["appointment_id"]
        try:
            view = await talk.services.appointments.cancel(talk.actor, appointment_id, _REASON)
        except AppError as error:
            if error.code is not ErrorCode.APPOINTMENT_NOT_CANCELLABLE:
                raise
            return too_late(await talk.services.appointments.get(talk.actor, appointment_id))
        return f"已取消：{mine.line(view)}。{money_back(view)}"


def _names_one(talk: Talk) -> bool:
    slots = talk.understood.slots
    return names_place(talk) or slots.days is not None or slots.ordinal is not None


def money_back(view: AppointmentView) -> str:
    """What happens with what was paid; nothing to say where nothing was."""
    order = view.order
    if order is None or order.state in (OrderState.CREATED, OrderState.CLOSED):
        return ""
    return f"已付的{phrases.yuan(order.amount_fen)}会原路退回。"


def too_late(view: AppointmentView) -> str:
    """Why it can no longer be given back here."""
    phone = view.place.organization.phone
    return f"离就诊时间太近，不能在这里取消了，请联系医院{f'：{phone}' if phone else ''}。"
