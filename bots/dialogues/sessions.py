"""Sessions with free places that fit what somebody wishes; what booking, moving and opening hours look at.

A wish is kept in a dialogue's data, as text: `days` (ISO dates), `after` and `before` (minutes of the day),
`kind`, `practitioner_id`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, time, timedelta

from backend import clock
from backend.directory.models import Practitioner
from backend.slotpool.schedules_models import Schedule, ScheduleState, SlotTime
from bots import phrases
from bots.dialogue import Talk
from bots.understanding.values import HalfDay, Intent, Slot, Times

DAYS_SHOWN = 7
MORE = "（还有更多，可说日期或医生姓名）"
_LONGEST_RANGE = 31
_DAY = (0, 24 * 60)
_HALVES = {
    HalfDay.MORNING: (0, 12 * 60),
    HalfDay.NOON: (11 * 60, 14 * 60),
    HalfDay.AFTERNOON: (12 * 60, 18 * 60),
    HalfDay.EVENING: (17 * 60, 24 * 60),
}
# Who says 三点 can come a little earlier, and an hour later.
_A_LITTLE_BEFORE, _A_WHILE_AFTER = 15, 60
_WISH = ("days", "after", "before", "kind", "practitioner_id")
_WHEN = ("days", "after", "before")


@dataclass(frozen=True, slots=True)
class Session:
    """A session and its free places within the wish. `narrow`: the wish leaves some of its places out."""

    schedule: Schedule
    doctor: Practitioner | None
    free: tuple[SlotTime, ...]
    narrow: bool

    @property
    def option(self) -> str:
        """The session, and the place where the time of day matters: what a number in a list stands for."""
        return f"{self.schedule.id}/{self.free[0].number}" if self.narrow else self.schedule.id

    def line(self) -> str:
        """明天11月23日（周一）上午 王建国 主任医师 余12 挂号费15元."""
        schedule = self.schedule
        who = f"{self.doctor.name} {self.doctor.title}" if self.doctor else phrases.KINDS[schedule.kind]
        at = phrases.time_of(self.free[0].start_at) if self.narrow else phrases.PERIODS[schedule.period]
        when = f"{phrases.day(schedule.on)}{at}"
        return f"{when} {who.strip()} 余{len(self.free)} {phrases.fee(schedule.fee_fen)}"


def note_when(talk: Talk) -> bool:
    """Keep what was said of days, hours and the kind of registration; whether anything was."""
    if talk.understood.intent is Intent.UNKNOWN:
        # 今天天气真好 is no wish for today.
        return False
    slots, data = talk.understood.slots, talk.data
    days = _days_said(talk)
    window = _window(slots.half_day, slots.times)
    if days:
        for name in _WHEN:
            data.pop(name, None)
        data["days"] = ",".join(each.isoformat() for each in days)
    if window:
        data["after"], data["before"] = map(str, window)
    if slots.kind:
        data["kind"] = str(slots.kind)
    return bool(days or window or slots.kind or slots.soonest)


def has_wish(data: Mapping[str, str]) -> bool:
    """Whether anything narrows the choice."""
    return any(name in data for name in _WISH)


def without_when(data: Mapping[str, str]) -> dict[str, str]:
    """The same wish at any time."""
    return {name: value for name, value in data.items() if name not in _WHEN}


def without_wish(data: Mapping[str, str]) -> dict[str, str]:
    """No wish at all: whatever is free."""
    return {name: value for name, value in data.items() if name not in _WISH}


def coming_days() -> list[date]:
    """Today and the days after it that are looked through when no day was said."""
    return [clock.today() + timedelta(days=ahead) for ahead in range(DAYS_SHOWN)]


async def find_sessions(talk: Talk, department_id: str, wish: Mapping[str, str]) -> list[Session]:
    """Sessions with free places, in the order of the clock."""
    said = [date.fromisoformat(each) for each in wish.get("days", "").split(",") if each]
    days = sorted(each for each in said or coming_days() if each >= clock.today())
    if not days:
        return []
    span = (days[-1] - days[0]).days + 1
    listed = await talk.services.schedules.list_for_department(department_id, days[0], span)
    fitting = [each for each in listed if each.on in days and _fits(each, wish)]
    doctors = await talk.services.directory.practitioners_by_id(
        {each.practitioner_id for each in fitting if each.practitioner_id}
    )
    found = []
    for schedule in fitting:
        taken = (await talk.services.claims.taken(schedule.pool_key)).get(schedule.id, set())
        free = free_places(schedule, taken, talk.actor.channel)
        within = tuple(slot for slot in free if _is_within(slot, wish))
        if within:
            doctor = doctors.get(schedule.practitioner_id or "")
            found.append(Session(schedule, doctor, within, narrow=len(within) < len(free)))
    return found


def is_to_come(schedule: Schedule) -> bool:
    """Whether anything of it could still be had, were it free."""
    return schedule.state is ScheduleState.OPEN and any(s.end_at > clock.now() for s in schedule.slots)


def free_places(schedule: Schedule, taken: set[int], channel: str) -> list[SlotTime]:
    """What `channel` may still have of a session."""
    now = clock.now()
    return [
        slot
        for slot in schedule.slots
        if slot.end_at > now and slot.number not in taken and schedule.sells_to(slot.number, channel)
    ]


async def half_hours(talk: Talk, schedule: Schedule) -> list[tuple[str, str]]:
    """Half hours of a session with free places: the earliest number in each, and how it is read."""
    taken = (await talk.services.claims.taken(schedule.pool_key)).get(schedule.id, set())
    found: dict[int, list[SlotTime]] = {}
    for slot in free_places(schedule, taken, talk.actor.channel):
        found.setdefault(_minute(slot.start_at.astimezone(clock.CITY_ZONE).time()) // 30, []).append(slot)
    return [
        (str(slots[0].number), f"{phrases.time_of(slots[0].start_at)}起 余{len(slots)}")
        for _, slots in sorted(found.items())
    ]


def read_option(option: str) -> tuple[str, str]:
    """The session and the place that a choice stands for; no place means the earliest."""
    schedule_id, _, number = option.partition("/")
    return schedule_id, number


def _days_said(talk: Talk) -> Sequence[date]:
    """Every day that may be meant: 周三 said on a Wednesday is one of two, and the list shows both."""
    open_days = [found for found in talk.understood.ambiguities if found.slot is Slot.DAYS]
    if open_days:
        return [date.fromisoformat(each[:10]) for each in open_days[0].readings]
    days = talk.understood.slots.days
    if days is None:
        return ()
    span = min((days.last - days.first).days + 1, _LONGEST_RANGE)
    return [days.first + timedelta(days=ahead) for ahead in range(span)]


def _window(half: HalfDay | None, times: Times | None) -> tuple[int, int] | None:
    """First and last minute of the day that suit."""
    if times is None:
        return _HALVES[half] if half else None
    start = _minute(times.start) if times.start else _DAY[0]
    end = _minute(times.end) if times.end else _DAY[1]
    if times.start == times.end:
        return max(start - _A_LITTLE_BEFORE, 0), end + _A_WHILE_AFTER
    return start, end


def _minute(at: time) -> int:
    return at.hour * 60 + at.minute


def _fits(schedule: Schedule, wish: Mapping[str, str]) -> bool:
    if schedule.state is not ScheduleState.OPEN or wish.get("kind", schedule.kind) != schedule.kind:
        return False
    return wish.get("practitioner_id", schedule.practitioner_id) == schedule.practitioner_id


def _is_within(slot: SlotTime, wish: Mapping[str, str]) -> bool:
    here = slot.start_at.astimezone(clock.CITY_ZONE)
    return int(wish.get("after", 0)) <= _minute(here.time()) < int(wish.get("before", _DAY[1]))
