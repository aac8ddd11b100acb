"""Waiting for a place of a full day: which department, which day, for whom; and taking what is offered."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import ClassVar

from backend.appointments.waitlist_models import OFFER_FOR, Waiting, WaitState
from backend.permissions import Permission
from backend.slotpool.claims_models import Claim
from bots import phrases
from bots.dialogue import Ask, Dialogue, Next, NotUnderstood, Option, Say, Talk
from bots.dialogues import places, sessions
from bots.dialogues.asking import patients_meant, patients_of, remark, said_no, said_yes, yes_or_no
from bots.dialogues.book import booked, pay_page
from bots.understanding.values import Intent

LEFT = "好的，已退出候补。"
_HOW = "要候补，请说“候补”加医院、科室和日期，例如“候补明天市人民医院儿科”。"


class Waitlist(Dialogue):
    """Puts a patient on the list of a department's day."""

    name: ClassVar[str] = "waitlist"
    title: ClassVar[str] = "候补：号满了等退号"
    intents: ClassVar[tuple[Intent, ...]] = (Intent.WAITLIST,)
    keeps: ClassVar[tuple[Intent, ...]] = (Intent.BOOK, Intent.CANCEL)
    needs: ClassVar[Permission | None] = Permission.RESIDENT_APPOINTMENTS_BOOK

    def __init__(self, app_url: str) -> None:
        self._app_url = app_url

    async def start(self, talk: Talk) -> Next:
        """A place that is kept for somebody comes first; then what was asked for."""
        if not talk.said:
            return await self._open_question(talk)
        _note_day(talk)
        if places.names_place(talk):
            return await self._where(talk)
        offered = await talk.services.waitlist.offered(talk.actor)
        if offered:
            return await self._offer(talk, *offered[0])
        waiting = await talk.services.waitlist.list_mine(talk.actor)
        if waiting and "on" not in talk.data:
            return Say(await _told(talk, waiting))
        return await places.ask_department(talk, "place")

    async def place(self, talk: Talk) -> Next:
        """The answer to which hospital or department."""
        if not talk.said:
            return await self._open_question(talk)
        if _gives_up(talk):
            return Say("好的，没有候补。")
        _note_day(talk)
        if not talk.chosen and not places.names_place(talk) and not said_yes(talk):
            return NotUnderstood("没有找到。请回复序号，或说医院和科室，例如“市人民医院儿科”。")
        return await self._where(talk)

    async def day(self, talk: Talk) -> Next:
        """The answer to which day."""
        if not talk.said:
            return await self._open_question(talk)
        if _gives_up(talk):
            return Say("好的，没有候补。")
        if talk.chosen:
            talk.data["on"] = talk.chosen
        elif not _note_day(talk):
            return NotUnderstood(f"{remark(talk)}请回复序号，或说一个日期，例如“明天”。")
        return await self._is_full(talk)

    async def patient(self, talk: Talk) -> Next:
        """The answer to for whom."""
        if not talk.said:
            return await self._open_question(talk)
        if _gives_up(talk):
            return Say("好的，没有候补。")
        meant = await patients_meant(talk)
        if len(meant) == 1:
            return await self._join(talk, meant[0].value)
        return Ask("为谁候补？", "patient", meant) if meant else NotUnderstood("请回复就诊人前面的序号。")

    async def take(self, talk: Talk) -> Next:
        """Whether the place that is kept is wanted."""
        offered = await talk.services.waitlist.offered(talk.actor)
        mine = next((each for each in offered if each[0].id == talk.data.get("entry_id")), None)
        if mine is None:
            return Say("保留的时间已过，号给了下一位。还想等，请重新候补。")
        entry, claim = mine
        if said_yes(talk):
            view = await talk.services.appointments.book_hold(talk.actor, claim.id)
            await talk.services.waitlist.take(talk.actor, entry)
            return Say(booked(view, self._app_url))
        if _gives_up(talk):
            await talk.services.waitlist.leave(talk.actor, entry)
            return Say(LEFT)
        return (
            NotUnderstood("请回复1领取，或回复2不要。")
            if talk.said
            else await self._offer(talk, entry, claim)
        )

    async def _offer(self, talk: Talk, entry: Waiting, claim: Claim) -> Next:
        talk.data["entry_id"] = entry.id
        directory = talk.services.directory
        organization = await directory.get_organization(claim.organization_id)
        department = await directory.get_department(claim.department_id)
        until = phrases.time_of(claim.hold_until) if claim.hold_until else ""
        text = (
            f"为您保留到{until}：{organization.name} {department.name} "
            f"{phrases.day(claim.on)}{phrases.time_of(claim.start_at)}，{claim.number}号"
        )
        if claim.fee_fen:
            pay = pay_page(self._app_url, claim.id)
            return Say(f"{text}。付{phrases.fee(claim.fee_fen)}后就是您的：{pay}")
        return yes_or_no(text, "take", "领取", "不要了")

    async def _open_question(self, talk: Talk) -> Next:
        if "department_id" not in talk.data:
            return await places.ask_department(talk, "place")
        return await self._is_full(talk) if "on" in talk.data else _which_day()

    async def _where(self, talk: Talk) -> Next:
        asked = await places.choose(talk, "place")
        if asked is not None:
            return asked
        return await self._is_full(talk) if "on" in talk.data else _which_day()

    async def _is_full(self, talk: Talk) -> Next:
        """Nobody is to wait for what can be had, or for what will never come."""
        on, department_id = date.fromisoformat(talk.data["on"]), talk.data["department_id"]
        name = await _name(talk, department_id)
        listed = await talk.services.schedules.list_for_department(department_id, on, 1)
        if not any(sessions.is_to_come(each) for each in listed):
            return Say(f"{name}{phrases.day(on)}没有号可等了。请换一天。")
        if await sessions.find_sessions(talk, department_id, {"days": on.isoformat()}):
            return Say(f"{name}{phrases.day(on)}还有号，不用候补：直接说科室和日期就能预约。")
        patients = await patients_of(talk)
        if not patients:
            return Say(f"请先完成实名认证：{phrases.page(self._app_url, 'realname')}")
        if len(patients) > 1:
            return Ask("为谁候补？", "patient", patients)
        return await self._join(talk, patients[0].value)

    async def _join(self, talk: Talk, patient_id: str) -> Next:
        on, department_id = date.fromisoformat(talk.data["on"]), talk.data["department_id"]
        _, before = await talk.services.waitlist.join(talk.actor, department_id, on, patient_id)
        kept = int(OFFER_FOR.total_seconds()) // 60
        return Say(
            f"已候补：{await _name(talk, department_id)}{phrases.day(on)}，前面有{before}人。"
            f"有人退号会按顺序发短信给您，号只保留{kept}分钟。不等了请回复“取消候补”。"
        )


async def leave_all(talk: Talk) -> Say:
    """取消候补."""
    waiting = await talk.services.waitlist.list_mine(talk.actor)
    for entry in waiting:
        await talk.services.waitlist.leave(talk.actor, entry)
    return Say(LEFT if waiting else f"您没有候补。{_HOW}")


async def _told(talk: Talk, waiting: Sequence[Waiting]) -> str:
    lines = [
        f"· {await _name(talk, entry.department_id)}{phrases.day(entry.on)}"
        f"{'（已通知）' if entry.state is WaitState.OFFERED else ''}"
        for entry in waiting
    ]
    return "\n".join(["您正在候补：", *lines, "不等了请回复“取消候补”。", _HOW])


async def _name(talk: Talk, department_id: str) -> str:
    department = await talk.services.directory.get_department(department_id)
    organization = await talk.services.directory.get_organization(department.organization_id)
    return f"{organization.name}{department.name}"


def _note_day(talk: Talk) -> bool:
    """Keep the one day that was said."""
    days = talk.understood.slots.days
    if days is None or days.first != days.last or talk.understood.intent is Intent.UNKNOWN:
        return False
    talk.data["on"] = days.first.isoformat()
    return True


def _which_day() -> Ask:
    options = [Option(day.isoformat(), phrases.day(day)) for day in sessions.coming_days()]
    return Ask("您要等哪一天的号？", "day", options)


def _gives_up(talk: Talk) -> bool:
    return said_no(talk) or (talk.understood.intent is Intent.CANCEL and not talk.chosen)
