"""Booking: hospital, department, day and session, patient, yes. One sentence may say it all."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import ClassVar

from backend.appointments.views import AppointmentView
from backend.errors import AppError, ErrorCode
from backend.permissions import Permission
from backend.slotpool.claims_models import ClaimState
from bots import phrases
from bots.dialogue import Ask, Dialogue, Next, NotUnderstood, Option, Say, Talk
from bots.dialogues import places, sessions
from bots.dialogues.asking import (
    ask_which,
    patients_meant,
    patients_of,
    remark,
    said_no,
    said_yes,
    typed,
    yes_or_no,
)
from bots.dialogues.sessions import Session
from bots.understanding.values import Intent

NOT_BOOKED = "好的，没有预约。要取消已有的预约，请回复“取消预约”。"
_TIME = "time"
_GONE = frozenset(
    {
        ErrorCode.SOLD_OUT,
        ErrorCode.SLOT_TAKEN,
        ErrorCode.SLOT_PAST,
        ErrorCode.SLOT_NOT_FOUND,
        ErrorCode.SCHEDULE_STOPPED,
        ErrorCode.SCHEDULE_NOT_FOUND,
    }
)


class Book(Dialogue):
    """Books a number of a session, for a patient on file."""

    name: ClassVar[str] = "book"
    title: ClassVar[str] = "预约挂号，例如“明天上午市人民医院儿科”"
    intents: ClassVar[tuple[Intent, ...]] = (Intent.BOOK,)
    keeps: ClassVar[tuple[Intent, ...]] = (Intent.CANCEL, Intent.RESCHEDULE)
    needs: ClassVar[Permission | None] = Permission.RESIDENT_APPOINTMENTS_BOOK

    def __init__(self, app_url: str) -> None:
        self._app_url = app_url

    async def start(self, talk: Talk) -> Next:
        """Whatever the sentence says is taken; what is missing is asked."""
        if not talk.said:
            return await self._open_question(talk)
        sessions.note_when(talk)
        return await self._where(talk)

    async def place(self, talk: Talk) -> Next:
        """The answer to which hospital, department or doctor."""
        if not talk.said:
            return await self._open_question(talk)
        if _gives_up(talk):
            return Say(NOT_BOOKED)
        if not talk.chosen and not places.names_place(talk) and not said_yes(talk):
            if sessions.note_when(talk):
                return await places.ask_department(talk, "place")
            return NotUnderstood("没有找到。请回复序号，或说医院和科室，例如“市人民医院儿科”。")
        sessions.note_when(talk)
        return await self._where(talk)

    async def session(self, talk: Talk) -> Next:
        """The answer to which session: a number, another day, or another place."""
        if not talk.said:
            return await self._open_question(talk)
        if _gives_up(talk):
            return Say(NOT_BOOKED)
        if talk.chosen:
            talk.data["schedule_id"], talk.data["number"] = sessions.read_option(talk.chosen)
            return await self._open_question(talk)
        noted = sessions.note_when(talk)
        if places.names_place(talk):
            return await self._where(talk)
        if noted or remark(talk):
            return await self._which_session(talk)
        return NotUnderstood("请回复序号，或说另一个日期，例如“周五上午”。")

    async def patient(self, talk: Talk) -> Next:
        """The answer to for whom."""
        if not talk.said:
            return await self._open_question(talk)
        if _gives_up(talk):
            return Say(NOT_BOOKED)
        meant = await patients_meant(talk)
        if len(meant) == 1:
            talk.data["patient_id"] = meant[0].value
            return await self._sure(talk)
        return Ask("为谁预约？", "patient", meant) if meant else NotUnderstood("请回复就诊人前面的序号。")

    async def confirm(self, talk: Talk) -> Next:
        """Yes books; anything else does not."""
        if not talk.said:
            return await self._open_question(talk)
        if talk.chosen == _TIME or typed(talk).startswith("选时间"):
            return await self._which_time(talk)
        if said_yes(talk):
            return await self._book(talk)
        if said_no(talk) or _gives_up(talk):
            return Say(NOT_BOOKED)
        if sessions.note_when(talk) or places.names_place(talk):
            return await self._where(talk) if places.names_place(talk) else await self._which_session(talk)
        return NotUnderstood("请回复1确认预约，或回复2放弃。")

    async def time(self, talk: Talk) -> Next:
        """The answer to which half hour of the session."""
        if not talk.said:
            return await self._which_time(talk)
        if _gives_up(talk):
            return Say(NOT_BOOKED)
        if talk.chosen:
            talk.data["number"] = talk.chosen
            return await self._sure(talk)
        if sessions.note_when(talk):
            return await self._which_session(talk)
        return NotUnderstood("请回复时间前面的序号，或说一个钟点，例如“九点以后”。")

    async def _open_question(self, talk: Talk) -> Next:
        """What is still to be known, for who has gone back."""
        if "department_id" not in talk.data:
            return await places.ask_department(talk, "place")
        if "schedule_id" not in talk.data:
            return await self._which_session(talk)
        return await (self._sure(talk) if "patient_id" in talk.data else self._for_whom(talk))

    async def _where(self, talk: Talk) -> Next:
        asked = await places.choose(talk, "place")
        if asked is not None:
            return replace(asked, text=remark(talk) + asked.text)
        return await self._which_session(talk)

    async def _which_session(self, talk: Talk, said: str = "") -> Next:
        for settled in ("schedule_id", "number"):
            talk.data.pop(settled, None)
        said = said or remark(talk)
        directory = talk.services.directory
        department = await directory.get_department(talk.data["department_id"])
        organization = await directory.get_organization(department.organization_id)
        found, how = await _nearest(talk)
        name = f"{organization.name} {department.name}"
        if not found:
            return Say(f"{said}{name}近期没有号了。您可以换个科室，或说“候补”加科室和日期等退号。")
        options = [Option(each.option, each.line()) for each in found]
        return ask_which(talk, f"{said}{name}，{how}", "session", options, sessions.MORE)

    async def _for_whom(self, talk: Talk) -> Next:
        patients = await patients_of(talk)
        if not patients:
            return Say(f"预约前请先完成实名认证：{phrases.page(self._app_url, 'realname')}")
        if len(patients) > 1:
            return Ask("为谁预约？", "patient", patients)
        talk.data["patient_id"] = patients[0].value
        return await self._sure(talk)

    async def _sure(self, talk: Talk) -> Next:
        schedule = await talk.services.schedules.get_cached(talk.data["schedule_id"])
        department = await talk.services.directory.get_department(schedule.department_id)
        organization = await talk.services.directory.get_organization(schedule.organization_id)
        names = await talk.services.residents.names([talk.data["patient_id"]])
        slot = schedule.by_number.get(int(talk.data["number"] or 0))
        at = f"{phrases.time_of(slot.start_at)}" if slot else phrases.PERIODS[schedule.period]
        asked = yes_or_no(
            f"{organization.name} {department.name}\n"
            f"{phrases.day(schedule.on)}{at}，{phrases.fee(schedule.fee_fen)}\n"
            f"就诊人：{names.get(talk.data['patient_id'], '')}",
            "confirm", "确认预约", "不约了",
        )  # fmt: skip
        if len(schedule.slots) == 1:
            return asked
        return replace(asked, options=(*asked.options, Option(_TIME, "选时间（不选为最早的号）")))

    async def _which_time(self, talk: Talk) -> Next:
        schedule = await talk.services.schedules.get_cached(talk.data["schedule_id"])
        times = await sessions.half_hours(talk, schedule)
        if not times:
            return await self._which_session(talk)
        options = [Option(number, text) for number, text in times]
        return ask_which(talk, "请选择时间：", "time", options, "（还有更多，可说钟点，例如“十点以后”）")

    async def _book(self, talk: Talk) -> Next:
        number = int(talk.data["number"] or 0) or None
        try:
            view = await talk.services.appointments.book(
                talk.actor, talk.data["schedule_id"], number, talk.data["patient_id"], talk.key
            )
        except AppError as error:
            if error.code is ErrorCode.ALREADY_BOOKED:
                return Say(f"{error.text}回复“我的预约”查看，回复“改期”改时间。")
            if error.code not in _GONE:
                raise
            return await self._which_session(talk, error.text)
        return Say(booked(view, self._app_url))


def booked(view: AppointmentView, app_url: str) -> str:
    """What has been booked, or is kept until it is paid."""
    claim, place = view.claim, view.place
    what = (
        f"{place.organization.name} {place.department.name} "
        f"{phrases.day(claim.on)}{phrases.time_of(claim.start_at)}，{claim.number}号"
    )
    if claim.state is ClaimState.HELD and claim.hold_until is not None:
        until, pay = phrases.time_of(claim.hold_until), pay_page(app_url, claim.id)
        return f"已留号：{what}。请在{until}前付{phrases.fee(claim.fee_fen)}：{pay}"
    where = f"地点：{place.department.place}。" if place.department.place else ""
    return f"预约成功：{what}。{where}不能来请回复“取消预约”。"


def pay_page(app_url: str, claim_id: str) -> str:
    """Where the fee of an appointment is paid."""
    return phrases.page(app_url, "booking/pay", appointment_id=claim_id)


def _gives_up(talk: Talk) -> bool:
    """取消 in the middle of a booking means the booking."""
    return talk.understood.intent is Intent.CANCEL and not talk.chosen


async def _nearest(talk: Talk) -> tuple[Sequence[Session], str]:
    """What fits the wish; else the same at another time; else whatever is free."""
    department_id, data = talk.data["department_id"], talk.data
    wishes = (
        (data, "请选择："),
        (sessions.without_when(data), "您说的时间没有号了，要等退号可说“候补”加科室和日期。最近有号的是："),
    )
    for wish, how in (*wishes, (sessions.without_wish(data), "没有您要的号了，最近有号的是：")):
        found = await sessions.find_sessions(talk, department_id, wish)
        if found:
            return found, how
    return [], ""
