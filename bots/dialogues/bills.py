"""Bills: registration fees to be paid, with the way to pay; and what became of those paid lately."""

from __future__ import annotations

from typing import ClassVar

from backend.appointments.views import AppointmentView
from backend.billing.models import OrderState
from backend.permissions import Permission
from bots import phrases
from bots.dialogue import Dialogue, Next, Say, Talk
from bots.dialogues import mine
from bots.dialogues.book import pay_page
from bots.understanding.values import Intent

_ONLY_FEES = "这里只有预约挂号费；药费、检查费等请到就诊医院查询。"
_MOST_DUE, _MOST_PAST = 3, 3
_LOOKED_THROUGH = 20
_STATES = {
    OrderState.PAID: "已付",
    OrderState.REFUNDING: "退款中",
    OrderState.REFUNDED: "已退回",
    OrderState.REFUND_FAILED: "退款遇到问题，正在处理",
}


class Bills(Dialogue):
    """Reads out what is owed and what was paid."""

    name: ClassVar[str] = "bills"
    title: ClassVar[str] = "缴费和退款"
    intents: ClassVar[tuple[Intent, ...]] = (Intent.BILLS,)
    needs: ClassVar[Permission | None] = Permission.RESIDENT_APPOINTMENTS_READ

    def __init__(self, app_url: str) -> None:
        self._app_url = app_url

    async def start(self, talk: Talk) -> Next:
        """What is due first."""
        due = [view for view in await mine.upcoming(talk) if mine.is_due(view) and view.claim.fee_fen]
        recent, _ = await talk.services.appointments.list_mine(
            talk.actor, upcoming=None, cursor=None, limit=_LOOKED_THROUGH
        )
        settled = [view for view in recent if view.order is not None and view.order.state in _STATES]
        lines = [*map(self._due, due[:_MOST_DUE]), *map(_settled, settled[:_MOST_PAST])]
        if not due:
            lines.insert(0, "没有要付的挂号费。")
        return Say("\n".join([*lines, _ONLY_FEES]))

    def _due(self, view: AppointmentView) -> str:
        until = phrases.time_of(view.claim.hold_until) if view.claim.hold_until else ""
        pay = pay_page(self._app_url, view.claim.id)
        return f"待付{phrases.yuan(view.claim.fee_fen)}（{until}前）：{mine.line(view)}\n付款：{pay}"


def _settled(view: AppointmentView) -> str:
    order = view.order
    if order is None:
        return ""
    day = phrases.day(view.claim.on)
    return (
        f"{day}{view.place.organization.name}挂号费{phrases.yuan(order.amount_fen)}：{_STATES[order.state]}"
    )
