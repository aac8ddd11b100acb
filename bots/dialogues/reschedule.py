"""Moving an appointment: the new place is taken first and the old one given back after, so nothing is lost.

Two cases are different. A new place with a fee is only kept until it is paid: the old one is given back when
the money is there. And a patient can have one appointment a day in a department: within the same day the old
one has to go first, and is taken back if the new one is gone meanwhile. The resident is told before.
"""

from __future__ import annotations

from typing import ClassVar

from backend.appointments.views import AppointmentView
from backend.errors import AppError
from backend.permissions import Permission
from backend.slotpool.claims_models import ClaimState
from bots import phrases
from bots.dialogue import Ask, Dialogue, Next, NotUnderstood, Option, Say, Talk
from bots.dialogues import mine, sessions
from bots.dialogues.asking import ask_which, remark, said_no, said_yes, yes_or_no
from bots.dialogues.book import booked, pay_page
from bots.dialogues.cancel import KEPT, money_back
from bots.dialogues.my_appointments import NOTHING
from bots.dialogues.sessions import Session
from bots.understanding.values import Intent

_REASON = "改期"
_NONE_MOVABLE = "现在没有可以改期的预约：离就诊太近的请联系医院，没付款的请先取消再重新预约。"
_SAME_DAY = "（同一天改时间要先退掉原号再约新号；新号万一被别人约走，会尽量帮您留回原号。）"


class Reschedule(Dialogue):
    """Moves an appointment to another session of its department."""

    name: ClassVar[str] = "reschedule"
    title: ClassVar[str] = "改期"
    intents: ClassVar[tuple[Intent, ...]] = (Intent.RESCHEDULE,)
    keeps: ClassVar[tuple[Intent, ...]] = (Intent.BOOK, Intent.CANCEL, Intent.BILLS, Intent.MY_APPOINTMENTS)
    needs: ClassVar[Permission | None] = Permission.RESIDENT_APPOINTMENTS_BOOK

    def __init__(self, app_url: str) -> None:
        self._app_url = app_url

    async def start(self, talk: Talk) -> Next:
        """The appointment that is meant, and where to."""
        if not talk.said and "appointment_id" in talk.data:
            return await self._which_session(talk)
        sessions.note_when(talk)
        views = await mine.upcoming(talk)
        movable = [v for v in views if v.claim.state is ClaimState.BOOKED and mine.can_change(v)]
        if not movable:
            return Say(_NONE_MOVABLE if views else NOTHING)
        found = mine.meant(talk, movable, talk.understood.slots.moved_from)
        if len(found) > 1:
            options = [Option(view.claim.id, mine.line(view)) for view in found]
            return ask_which(talk, "您要改哪一个？", "which", options, mine.MORE)
        return await self._take(talk, found[0].claim.id)

    async def which(self, talk: Talk) -> Next:
        """The answer to which appointment."""
        if not talk.said:
            return (
                await self._which_session(talk) if "appointment_id" in talk.data else await self.start(talk)
            )
        if gives_up(talk):
            return Say(KEPT)
        if not talk.chosen:
            return NotUnderstood("请回复要改的预约前面的序号；不改请回复“退出”。")
        return await self._take(talk, talk.chosen)

    async def session(self, talk: Talk) -> Next:
        """The answer to where to."""
        if not talk.said and "schedule_id" not in talk.data:
            return await self._which_session(talk)
        if gives_up(talk):
            return Say(KEPT)
        if talk.chosen:
            talk.data["schedule_id"], talk.data["number"] = sessions.read_option(talk.chosen)
        elif talk.said:
            if sessions.note_when(talk) or remark(talk):
                return await self._which_session(talk)
            return NotUnderstood("请回复序号，或说另一个日期，例如“周五上午”。")
        return await self._sure(talk)

    async def confirm(self, talk: Talk) -> Next:
        """Yes moves it."""
        if said_yes(talk):
            return await self._move(talk)
        if gives_up(talk):
            return Say(KEPT)
        if sessions.note_when(talk):
            return await self._which_session(talk)
        return NotUnderstood("请回复1确认改期，或回复2不改。") if talk.said else await self._sure(talk)

    async def paid(self, talk: Talk) -> Next:
        """Whether the new place has been paid; only then the old one goes."""
        if gives_up(talk):
            await talk.services.appointments.cancel(talk.actor, talk.data["new_id"], _REASON)
            return Say(KEPT)
        new = await talk.services.appointments.refresh_payment(talk.actor, talk.data["new_id"])
        if new.claim.state is ClaimState.BOOKED:
            return await self._give_back(talk, new)
        if mine.is_due(new):
            return Ask(f"还没有收到付款。{self._how_to_pay(new)}", "paid")
        return Say("新号没有付款，已经放回；您原来的预约没有变。")

    async def _take(self, talk: Talk, appointment_id: str) -> Next:
        talk.data["appointment_id"] = appointment_id
        return await self._which_session(talk)

    async def _which_session(self, talk: Talk, said: str = "") -> Next:
        for settled in ("schedule_id", "number"):
            talk.data.pop(settled, None)
        old = await self._old(talk)
        found, how = await _nearest(talk, old)
        if not found:
            return Say(f"{said}{old.place.department.name}近期没有可以改的号。原来的预约没有变。")
        options = [Option(each.option, each.line()) for each in found]
        text = f"{said or remark(talk)}原预约：{mine.line(old)}\n{how}"
        return ask_which(talk, text, "session", options, sessions.MORE)

    async def _sure(self, talk: Talk) -> Next:
        old, schedule = await self._old(talk), await talk.services.schedules.get(talk.data["schedule_id"])
        slot = schedule.by_number.get(int(talk.data["number"] or 0))
        at = phrases.time_of(slot.start_at) if slot else phrases.PERIODS[schedule.period]
        warned = _SAME_DAY if schedule.pool_key == old.claim.pool_key else ""
        text = (
            f"原预约：{mine.line(old)}\n"
            f"改到：{phrases.day(schedule.on)}{at}，{phrases.fee(schedule.fee_fen)}{warned}"
        )
        return yes_or_no(text, "confirm", "确认改期", "不改了")

    async def _move(self, talk: Talk) -> Next:
        old = await self._old(talk)
        schedule = await talk.services.schedules.get(talk.data["schedule_id"])
        if schedule.pool_key == old.claim.pool_key:
            return await self._swap(talk, old)
        try:
            new = await self._book(talk, old)
        except AppError as error:
            if error.status >= 500:
                raise
            return await self._which_session(talk, f"{error.text}原来的预约没有变。")
        if new.claim.state is not ClaimState.HELD:
            return await self._give_back(talk, new)
        talk.data["new_id"] = new.claim.id
        return Ask(f"新号已留。{self._how_to_pay(new)}", "paid")

    async def _book(self, talk: Talk, old: AppointmentView) -> AppointmentView:
        number = int(talk.data["number"] or 0) or None
        return await talk.services.appointments.book(
            talk.actor, talk.data["schedule_id"], number, old.claim.patient_id, talk.key
        )

    async def _give_back(self, talk: Talk, new: AppointmentView) -> Next:
        """The new place is theirs; the old one is not needed any more."""
        try:
            old = await talk.services.appointments.cancel(talk.actor, talk.data["appointment_id"], _REASON)
        except AppError as error:
            if error.status >= 500:
                raise
            return Say(f"{booked(new, self._app_url)}\n原来的预约没能取消：{error.text}")
        return Say(f"改好了。{booked(new, self._app_url)}{money_back(old)}")

    async def _swap(self, talk: Talk, old: AppointmentView) -> Next:
        """Within one day: the old place first, and back to it when the new one is gone."""
        await talk.services.appointments.cancel(talk.actor, old.claim.id, _REASON)
        try:
            new = await self._book(talk, old)
        except AppError as error:
            if error.status >= 500:
                raise
            return Say(f"{error.text}{await self._taken_back(talk, old)}")
        return Say(f"改好了。{booked(new, self._app_url)}")

    async def _taken_back(self, talk: Talk, old: AppointmentView) -> str:
        claim = old.claim
        try:
            await talk.services.appointments.book(
                talk.actor, claim.schedule_id, claim.number, claim.patient_id, f"{talk.key}-back"
            )
        except AppError as error:
            if error.status >= 500:
                raise
            return "很抱歉，原来的号也被别人约走了。请直接说科室和时间，重新预约。"
        return "原来的号已帮您留回，没有变。"

    async def _old(self, talk: Talk) -> AppointmentView:
        return await talk.services.appointments.get(talk.actor, talk.data["appointment_id"])

    def _how_to_pay(self, new: AppointmentView) -> str:
        until = phrases.time_of(new.claim.hold_until) if new.claim.hold_until else ""
        return (
            f"请在{until}前付{phrases.fee(new.claim.fee_fen)}：{pay_page(self._app_url, new.claim.id)}\n"
            "付好后回复“已付款”，原来的号才会取消。"
        )


def gives_up(talk: Talk) -> bool:
    """不改了, 算了, 取消: nothing is moved."""
    return said_no(talk) or (talk.understood.intent is Intent.CANCEL and not talk.chosen)


async def _nearest(talk: Talk, old: AppointmentView) -> tuple[list[Session], str]:
    """Other sessions that fit the wish, else at any time."""
    data = talk.data
    tries = ((data, "请选择新的时间："), (sessions.without_when(data), "您说的时间没有号，可以改到："))
    for wish, how in (*tries, (sessions.without_wish(data), "可以改到：")):
        found = await sessions.find_sessions(talk, old.claim.department_id, wish)
        fitting = [each for each in found if _can_move_to(each, old)]
        if fitting:
            return fitting, how
    return [], ""


def _can_move_to(session: Session, old: AppointmentView) -> bool:
    """Not where it is; and within the same day nothing that has to be paid, for that could lose both."""
    schedule, claim = session.schedule, old.claim
    if schedule.pool_key != claim.pool_key:
        return True
    return schedule.id != claim.schedule_id and schedule.fee_fen == claim.fee_fen == 0
