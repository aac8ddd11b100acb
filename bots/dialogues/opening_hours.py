"""Opening hours: when clinics are held, from the sessions that have been published; nothing else is known."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, timedelta
from typing import ClassVar

from backend import clock
from backend.directory.models import Organization
from backend.permissions import Permission
from backend.slotpool.schedules_models import Schedule, ScheduleState
from bots import phrases
from bots.dialogue import Dialogue, Next, Say, Talk
from bots.dialogues import places
from bots.dialogues.asking import remark
from bots.understanding.values import Intent

_DAYS_TOLD = 3
_MOST_DAYS = 7


class OpeningHours(Dialogue):
    """Tells when a hospital or a department sees patients."""

    name: ClassVar[str] = "opening_hours"
    title: ClassVar[str] = "门诊时间"
    intents: ClassVar[tuple[Intent, ...]] = (Intent.OPENING_HOURS,)
    keeps: ClassVar[tuple[Intent, ...]] = (Intent.BOOK,)
    needs: ClassVar[Permission | None] = None

    async def start(self, talk: Talk) -> Next:
        """The hours of what was named, or which hospital."""
        days = talk.understood.slots.days
        if days is not None:
            talk.data["first"], talk.data["last"] = days.first.isoformat(), days.last.isoformat()
        return await self._where(talk)

    async def place(self, talk: Talk) -> Next:
        """The answer to which hospital or department."""
        return await self._where(talk)

    async def _where(self, talk: Talk) -> Next:
        before = dict(talk.data)
        asked = await places.choose(talk, "place")
        organization_id, department_id = talk.data.get("organization_id"), talk.data.get("department_id")
        if department_id:
            return Say(await self._of_department(talk, department_id))
        if organization_id and (asked is None or "organization_id" not in before or talk.chosen):
            return Say(await self._of_organization(talk, organization_id))
        return asked or await places.ask_department(talk, "place")

    async def _of_department(self, talk: Talk, department_id: str) -> str:
        directory = talk.services.directory
        department = await directory.get_department(department_id)
        organization = await directory.get_organization(department.organization_id)
        first, count = _span(talk)
        listed = await talk.services.schedules.list_for_department(department_id, first, count)
        return _told(talk, f"{organization.name} {department.name}", organization, listed, count)

    async def _of_organization(self, talk: Talk, organization_id: str) -> str:
        organization = await talk.services.directory.get_organization(organization_id)
        first, count = _span(talk)
        listed = await talk.services.schedules.list_for_organization(organization_id, first, count)
        return _told(talk, organization.name, organization, listed, count)


def _span(talk: Talk) -> tuple[date, int]:
    first = max(date.fromisoformat(talk.data.get("first") or str(clock.today())), clock.today())
    if "last" not in talk.data:
        return first, _DAYS_TOLD
    return first, min(max((date.fromisoformat(talk.data["last"]) - first).days + 1, 1), _MOST_DAYS)


def _told(talk: Talk, name: str, organization: Organization, listed: Iterable[Schedule], count: int) -> str:
    by_day: dict[date, list[Schedule]] = {}
    for schedule in listed:
        if schedule.state is not ScheduleState.STOPPED and schedule.slots:
            by_day.setdefault(schedule.on, []).append(schedule)
    call = f"其他情况请致电{organization.phone}。" if organization.phone else "其他情况请咨询医院。"
    first, _ = _span(talk)
    days = [first + timedelta(days=ahead) for ahead in range(count)]
    lines = [f"{phrases.day(day)}：{_hours(by_day[day]) if day in by_day else '没有放号'}" for day in days]
    return "\n".join([f"{remark(talk)}{name}（按已放出的号）：", *lines, call])


def _hours(held: list[Schedule]) -> str:
    """上午08:00-12:00，下午14:00-17:00."""
    spans: dict[str, list[Schedule]] = {}
    for schedule in sorted(held, key=lambda each: each.start_at):
        spans.setdefault(schedule.period, []).append(schedule)
    return "，".join(
        f"{phrases.PERIODS[period]}{phrases.time_of(min(each.start_at for each in those))}-"
        f"{phrases.time_of(max(each.end_at for each in those))}"
        for period, those in spans.items()
    )
