"""Booking: hospital, department, day and session, patient, yes. One sentence may say it all."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import ClassVar

from backend import clock
from backend.appointments.views import AppointmentView
from backend.directory.models import Practitioner
from backend.permissions import Permission
from backend.residents.models import LinkState
from backend.security.masking import mask_name
from backend.slotpool.claims_models import ClaimState
from backend.slotpool.schedules_models import Schedule, ScheduleState
from bots import phrases
from bots.dialogue import Ask, Dialogue, Next, NotUnderstood, Option, Say, Talk
from bots.understanding.values import Intent, Mention

_MOST_OPTIONS = 9
_DAYS_SHOWN = 7
_PERIOD_OF_HALF = {"am": ("am", "day"), "pm": ("pm", "day"), "evening": ("evening", "night")}


@dataclass(frozen=True, slots=True)
class _Session:
    schedule: Schedule
    doctor: Practitioner | None
    free: int

    def line(self) -> str:
        """明天 11月23日（周一）上午 王建国 主任医师 余12 挂号费15元."""
        schedule = self.schedule
        who = f"{self.doctor.name} {self.doctor.title}" if self.doctor else phrases.KINDS[schedule.kind]
        when = f"{phrases.day(schedule.on)}{phrases.PERIODS[schedule.period]}"
        return f"{when} {who.strip()} 余{self.free} {phrases.fee(schedule.fee_fen)}"


class Book(Dialogue):
    """Books the earliest number of a session, for a patient on file."""

    name: ClassVar[str] = "book"
    title: ClassVar[str] = "预约挂号，例如“明天上午市人民医院儿科”"
    intents: ClassVar[tuple[Intent, ...]] = (Intent.BOOK,)
    needs: ClassVar[Permission | None] = Permission.RESIDENT_APPOINTMENTS_BOOK

    def __init__(self, app_url: str) -> None:
        self._app_url = app_url.rstrip("/")

    async def start(self, talk: Talk) -> Next:
        """Whatever the sentence says is taken; what is missing is asked."""
        if not talk.actor.id:
            return Say(f"请先登录并完成实名认证，再来预约：{self._app_url}/")
        _note_when(talk)
        return await self._where(talk, _mentioned(talk.understood.slots.departments))

    async def department(self, talk: Talk) -> Next:
        """The answer to which department."""
        _note_when(talk)
        if talk.chosen:
            talk.data["department_id"] = talk.chosen
            return await self._which_session(talk)
        found = _mentioned(talk.understood.slots.departments)
        if not found and not talk.understood.slots.organizations:
            return NotUnderstood("没有找到这个科室。请回复序号，或换个说法，例如“市人民医院儿科”。")
        return await self._where(talk, found)

    async def session(self, talk: Talk) -> Next:
        """The answer to which session: a number, or another day."""
        if talk.chosen:
            talk.data["schedule_id"] = talk.chosen
            return await self._for_whom(talk)
        if not _note_when(talk):
            return NotUnderstood("请回复序号，或说另一个日期，例如“周五上午”。")
        return await self._which_session(talk)

    async def patient(self, talk: Talk) -> Next:
        """The answer to for whom."""
        if not talk.chosen:
            return NotUnderstood("请回复就诊人前面的序号。")
        talk.data["patient_id"] = talk.chosen
        return await self._sure(talk)

    async def confirm(self, talk: Talk) -> Next:
        """Yes books; anything else does not."""
        if talk.understood.intent is Intent.NO:
            return Say("好的，没有预约。")
        if talk.understood.intent is not Intent.YES:
            return NotUnderstood("请回复“是”确认预约，或“不是”放弃。")
        view = await talk.services.appointments.book(
            talk.actor, talk.data["schedule_id"], None, talk.data["patient_id"], talk.key
        )
        return Say(self._booked(view))

    async def _where(self, talk: Talk, departments: Sequence[str]) -> Next:
        slots = talk.understood.slots
        if len(departments) == 1:
            talk.data["department_id"] = departments[0]
            _note_doctor(talk)
            return await self._which_session(talk)
        if departments:
            return Ask("您要挂哪一个？", "department", await _named(talk, departments))
        suggested = _mentioned(slots.suggestions)
        if suggested:
            return Ask(
                "这些科室一般看这类情况（仅供参考，不是诊断）：", "department", await _named(talk, suggested)
            )
        organizations = _mentioned(slots.organizations)
        if len(organizations) == 1:
            offered = [each.id for each in await talk.services.directory.list_departments(organizations[0])]
            return Ask("您要挂哪个科室？", "department", await _named(talk, offered))
        return Ask("请说医院和科室，例如“市人民医院儿科”。", "department")

    async def _which_session(self, talk: Talk) -> Next:
        first, last = _days(talk)
        sessions = await _sessions(talk, first, last)
        said = "请选择："
        if not sessions and "first" in talk.data:
            said = "您说的时间没有号了，最近有号的是："
            today = clock.today()
            sessions = await _sessions(talk, today, today + timedelta(days=_DAYS_SHOWN - 1), any_time=True)
        if not sessions:
            return Say("近期没有号了。您可以换个科室或过一会儿再看。")
        department = await talk.services.directory.get_department(talk.data["department_id"])
        organization = await talk.services.directory.get_organization(department.organization_id)
        options = [Option(each.schedule.id, each.line()) for each in sessions[:_MOST_OPTIONS]]
        return Ask(f"{organization.name} {department.name}，{said}", "session", options)

    async def _for_whom(self, talk: Talk) -> Next:
        patients = [
            each
            for each in await talk.services.residents.patients.list_patients(talk.actor)
            if each.state is LinkState.ACTIVE
        ]
        if not patients:
            return Say(f"预约前请先完成实名认证：{self._app_url}/")
        if len(patients) > 1:
            options = [Option(each.id, mask_name(each.name)) for each in patients]
            return Ask("为谁预约？", "patient", options)
        talk.data["patient_id"] = patients[0].id
        return await self._sure(talk)

    async def _sure(self, talk: Talk) -> Next:
        schedule = await talk.services.schedules.get_cached(talk.data["schedule_id"])
        department = await talk.services.directory.get_department(schedule.department_id)
        organization = await talk.services.directory.get_organization(schedule.organization_id)
        names = await talk.services.residents.names([talk.data["patient_id"]])
        when = f"{phrases.day(schedule.on)}{phrases.PERIODS[schedule.period]}"
        return Ask(
            f"{organization.name} {department.name}\n{when}，{phrases.fee(schedule.fee_fen)}\n"
            f"就诊人：{names.get(talk.data['patient_id'], '')}\n回复“是”确认预约。",
            "confirm",
        )

    def _booked(self, view: AppointmentView) -> str:
        claim, place = view.claim, view.place
        what = (
            f"{place.organization.name} {place.department.name} "
            f"{phrases.day(claim.on)} {phrases.time_of(claim.start_at)}，{claim.number}号"
        )
        if claim.state is ClaimState.HELD and claim.hold_until is not None:
            page = f"{self._app_url}/#/pages/appointments/detail/index?appointment_id={claim.id}"
            return f"已为您留号：{what}。请在{phrases.time_of(claim.hold_until)}前付款：{page}"
        where = f"就诊地点：{place.department.place}。" if place.department.place else ""
        return f"预约成功：{what}。{where}请提前30分钟到院。不能来请回复“取消预约”。"


def _mentioned(mentions: Sequence[Mention]) -> list[str]:
    return list(dict.fromkeys(found for mention in mentions for found in mention.ids))


def _note_when(talk: Talk) -> bool:
    """Keep what was said of the time; whether anything was."""
    slots = talk.understood.slots
    noted = {
        "first": slots.days.first.isoformat() if slots.days else "",
        "last": slots.days.last.isoformat() if slots.days else "",
        "half": str(slots.half_day) if slots.half_day else "",
        "kind": str(slots.kind) if slots.kind else "",
    }
    said = {name: value for name, value in noted.items() if value}
    if slots.days:
        talk.data.pop("half", None)
    talk.data.update(said)
    return bool(said)


def _note_doctor(talk: Talk) -> None:
    doctors = _mentioned(talk.understood.slots.practitioners)
    if len(doctors) == 1:
        talk.data["practitioner_id"] = doctors[0]


def _days(talk: Talk) -> tuple[date, date]:
    today = clock.today()
    if "first" not in talk.data:
        return today, today + timedelta(days=_DAYS_SHOWN - 1)
    return max(today, date.fromisoformat(talk.data["first"])), date.fromisoformat(talk.data["last"])


async def _named(talk: Talk, department_ids: Sequence[str]) -> list[Option]:
    departments = await talk.services.directory.departments_by_id(department_ids[:_MOST_OPTIONS])
    organizations = await talk.services.directory.organizations_by_id(
        {each.organization_id for each in departments.values()}
    )
    return [
        Option(found, f"{organizations[departments[found].organization_id].name} {departments[found].name}")
        for found in department_ids[:_MOST_OPTIONS]
        if found in departments
    ]


async def _sessions(talk: Talk, first: date, last: date, *, any_time: bool = False) -> list[_Session]:
    """Sessions with free numbers, in the order of the clock."""
    days = (last - first).days + 1
    if days < 1:
        return []
    wanted = {} if any_time else talk.data
    listed = await talk.services.schedules.list_for_department(talk.data["department_id"], first, days)
    fitting = [each for each in listed if each.state is ScheduleState.OPEN and _fits(each, wanted)]
    doctors = await talk.services.directory.practitioners_by_id(
        {each.practitioner_id for each in fitting if each.practitioner_id}
    )
    found = []
    for schedule in fitting:
        taken = (await talk.services.claims.taken(schedule.pool_key)).get(schedule.id, set())
        free = _free(schedule, taken, talk.actor.channel)
        if free:
            found.append(_Session(schedule, doctors.get(schedule.practitioner_id or ""), free))
    return found


def _fits(schedule: Schedule, wanted: dict[str, str]) -> bool:
    periods = _PERIOD_OF_HALF.get(wanted.get("half", ""))
    if periods is not None and schedule.period not in periods:
        return False
    if wanted.get("kind", schedule.kind) != schedule.kind:
        return False
    return wanted.get("practitioner_id", schedule.practitioner_id) == schedule.practitioner_id


def _free(schedule: Schedule, taken: set[int], channel: str) -> int:
    now = clock.now()
    return sum(
        slot.end_at > now and slot.number not in taken and schedule.sells_to(slot.number, channel)
        for slot in schedule.slots
    )
