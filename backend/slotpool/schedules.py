"""Publishing, reading and stopping schedules: twice is as good as once, and nobody loses a sold number."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from backend import clock
from backend.audit.service import AuditService
from backend.directory import identity
from backend.directory.cache import ShortMemory
from backend.directory.models import External, Outcome
from backend.directory.service import DirectoryService, organization_of
from backend.errors import AppError, ErrorCode, not_found
from backend.ids import new_id
from backend.permissions import Actor
from backend.slotpool import schedules_rules as rules
from backend.slotpool.schedules_models import Schedule, ScheduleState
from backend.slotpool.schedules_store import ScheduleStore, Stamp, content_hash
from backend.slotpool.withdrawals import CACHED_S, Withdrawals
from backend.worker.events import Event, EventKind

PUBLISH_BATCH = 500
# A change that keeps meeting other changes of the same schedule gives up after so many.
MAX_TRIES = 4
LONGEST_LIST_DAYS = 62
# On what basis a hospital's system acts on its own schedules, and on the bookings in them.
OWN_POOL = "own pool"


@dataclass(frozen=True, slots=True)
class Published:
    """What became of one schedule of a batch: an outcome, or the reason why not."""

    schedule_id: str
    outcome: Outcome | None
    error: AppError | None = None


def schedule_id(organization_id: str, external: External) -> str:
    """The id of a schedule that its institution publishes under `external`."""
    return identity.member_id("schedule", organization_id, external)


class ScheduleService:
    """Schedules of all institutions."""

    def __init__(
        self,
        store: ScheduleStore,
        directory: DirectoryService,
        withdrawals: Withdrawals,
        audit: AuditService,
    ) -> None:
        self._store = store
        self._directory = directory
        self._withdrawals = withdrawals
        self._audit = audit
        self._known: ShortMemory[Schedule | None] = ShortMemory(seconds=CACHED_S, size=2_000)
        self._days: ShortMemory[list[Schedule]] = ShortMemory(seconds=CACHED_S, size=300)

    # -- reading -------------------------------------------------------------------------------------

    async def get_cached(self, schedule_id: str) -> Schedule:
        """The schedule, at most two seconds old. Raises SCHEDULE_NOT_FOUND."""
        return _there(await self._known.get(schedule_id, lambda: self._reread(schedule_id)))

    async def _reread(self, schedule_id: str) -> Schedule | None:
        # A session of a hundred places costs far more to read than to ask about, and hardly ever changes.
        known = self._known.last(schedule_id)
        if known is not None and await self._store.is_current(known.id, known.version):
            return known
        return await self._store.find(schedule_id)

    async def get(self, schedule_id: str) -> Schedule:
        """The schedule as it is now. Raises SCHEDULE_NOT_FOUND."""
        return _there(await self._store.find(schedule_id))

    async def list_by_id(self, ids: Iterable[str]) -> dict[str, Schedule]:
        """The schedules that exist among `ids`."""
        return {schedule.id: schedule for schedule in await self._store.find_many(list(set(ids)))}

    async def known_ids(self, ids: Iterable[str]) -> set[str]:
        """Which of `ids` have been published."""
        return set(await self._store.stamps(list(ids)))

    async def list_for_department(self, department_id: str, first: date, days: int) -> list[Schedule]:
        """A department's sessions from `first` on, in the order of the clock, at most two seconds old."""
        last = _last_day(first, days)
        key = (department_id, first, last)
        return await self._days.get(key, lambda: self._store.list_of_department(department_id, first, last))

    async def list_for_organization(self, organization_id: str, first: date, days: int = 1) -> list[Schedule]:
        """An institution's sessions from `first` on; the console's and the hospital's view."""
        return await self._store.list_of_organization(organization_id, first, _last_day(first, days))

    async def access(self, actor: Actor, external_id: str) -> Schedule:
        """The hospital's own schedule of that name. Raises SCHEDULE_NOT_FOUND."""
        wanted = schedule_id(organization_of(actor), identity.of_hospital(external_id))
        return await self.get(wanted)

    async def sold_numbers(self, schedule: Schedule) -> set[int]:
        """Numbers that are held or booked now."""
        return (await self._withdrawals.sold_numbers([schedule.pool_key])).get(schedule.id, set())

    # -- publishing ----------------------------------------------------------------------------------

    async def publish(self, actor: Actor, schedule: Schedule) -> Schedule:
        """A hospital states one of its schedules.

        Raises SCHEDULE_INVALID naming every problem, SCHEDULE_HAS_BOOKINGS naming the sold numbers that would
        be lost, SCHEDULE_STOPPED, or NOT_FOUND for another institution's department or practitioner.
        """
        if schedule.organization_id != organization_of(actor):
            raise not_found("organization")
        await self._check_members(schedule)
        stamp = (await self._store.stamps([schedule.id])).get(schedule.id)
        # What has been published before may be said again after its day.
        if stamp is None or stamp.content_hash != content_hash(schedule):
            problems = rules.date_problems(schedule.on)
            if problems:
                raise rules.invalid(problems)
        published = (await self.publish_many([schedule]))[0]
        if published.error is not None:
            raise published.error
        stored = await self.get(schedule.id)
        if published.outcome is not Outcome.UNCHANGED:
            # Hospitals say the same all day long: only what changed something is an entry.
            await self._record(actor, "schedules.publish", stored, OWN_POOL, {"version": stored.version})
        return stored

    async def publish_many(self, schedules: Sequence[Schedule]) -> list[Published]:
        """Create or change schedules in bulk; each stands or falls by itself.

        Departments and practitioners are the caller's to have checked. Past days are taken: a feed may carry
        them.
        """
        results: list[Published] = []
        for start in range(0, len(schedules), PUBLISH_BATCH):
            results += await self._publish_batch(schedules[start : start + PUBLISH_BATCH])
        return results

    async def _publish_batch(self, batch: Sequence[Schedule]) -> list[Published]:
        results: dict[str, Published] = {}
        for schedule in batch:
            problems = rules.problems_of(schedule)
            if problems:
                results[schedule.id] = Published(schedule.id, None, rules.invalid(problems))
        sound = [schedule for schedule in batch if schedule.id not in results]
        for _ in range(MAX_TRIES):
            sound = [schedule for schedule in sound if schedule.id not in results]
            if sound:
                results |= await self._publish_sound(sound)
        for schedule in sound:
            results.setdefault(schedule.id, Published(schedule.id, None, AppError(ErrorCode.CONFLICT)))
        return [results[schedule.id] for schedule in batch]

    async def _publish_sound(self, batch: list[Schedule]) -> dict[str, Published]:
        """One try for each; whatever is left out of the answer met a concurrent change: try it again."""
        stamps = await self._store.stamps([schedule.id for schedule in batch])
        results: dict[str, Published] = {}
        fresh: list[Schedule] = []
        changed: list[Schedule] = []
        for schedule in batch:
            stamp = stamps.get(schedule.id)
            if stamp is None:
                fresh.append(schedule)
            elif stamp.content_hash == content_hash(schedule):
                results[schedule.id] = Published(schedule.id, Outcome.UNCHANGED)
            elif stamp.state is ScheduleState.STOPPED:
                results[schedule.id] = Published(schedule.id, None, _stopped())
            else:
                changed.append(schedule)
        busy = await self._overlapping([*fresh, *changed])
        results |= busy
        results |= await self._create([schedule for schedule in fresh if schedule.id not in busy])
        results |= await self._change([schedule for schedule in changed if schedule.id not in busy], stamps)
        return results

    async def _create(self, fresh: list[Schedule]) -> dict[str, Published]:
        raced = await self._store.insert(fresh)
        created = [schedule for schedule in fresh if schedule.id not in raced]
        self._forget(created)
        return {schedule.id: Published(schedule.id, Outcome.CREATED) for schedule in created}

    async def _change(self, changed: list[Schedule], stamps: dict[str, Stamp]) -> dict[str, Published]:
        before = {schedule.id: schedule for schedule in await self._store.find_many([s.id for s in changed])}
        # Somebody else's change since the stamp was read: look again.
        current = [s for s in changed if s.id in before and before[s.id].version == stamps[s.id].version]
        lost = {s.id: rules.lost_numbers(before[s.id], s, before[s.id].by_number) for s in current}
        change = new_id()
        # From here on nobody can have what is to go, from however old a copy; what somebody has, stays.
        sold = await self._withdrawals.withdraw([before[s.id] for s in current], lost, change)
        allowed = [s for s in current if s.id not in sold]
        await self._store.replace([(s, before[s.id].version) for s in allowed])
        self._forget([*allowed, *before.values()])
        stored = await self._store.find_many([s.id for s in current])
        pools = {schedule.pool_key for schedule in before.values()}
        await self._withdrawals.settle(stored, pools, change)
        now = await self._store.stamps([s.id for s in allowed])
        results = {
            schedule_id: Published(schedule_id, None, rules.has_bookings(sorted(numbers)))
            for schedule_id, numbers in sold.items()
        }
        for s in allowed:
            if s.id in now and now[s.id].content_hash == content_hash(s):
                results[s.id] = Published(s.id, Outcome.UPDATED)
        return results

    # -- stopping ------------------------------------------------------------------------------------

    async def stop(self, actor: Actor, external_id: str, reason: str) -> Schedule:
        """停诊 by the hospital. Everybody who had booked is told; a second call changes nothing."""
        stopped = await self._stop(await self.access(actor, external_id), reason)
        await self._record(actor, "schedules.stop", stopped, reason, {})
        return stopped

    async def stop_by_staff(self, actor: Actor, schedule_id: str, reason: str) -> Schedule:
        """停诊 by staff within their scope. Raises SCHEDULE_NOT_FOUND outside it."""
        schedule = await self.get(schedule_id)
        if not actor.covers(schedule.organization_id):
            raise AppError(ErrorCode.SCHEDULE_NOT_FOUND)
        return await self._stop(schedule, reason)

    async def _stop(self, schedule: Schedule, reason: str) -> Schedule:
        if schedule.state is ScheduleState.STOPPED:
            return schedule
        data = {"schedule_id": schedule.id, "organization_id": schedule.organization_id}
        event = Event(EventKind.SCHEDULE_STOPPED, data)
        stopped = await self._store.stop(schedule.id, reason, clock.now(), event)
        self._forget([schedule])
        return stopped or await self.get(schedule.id)

    # -- within --------------------------------------------------------------------------------------

    async def _record(
        self, actor: Actor, action: str, schedule: Schedule, basis: str, data: dict[str, int]
    ) -> None:
        await self._audit.record(
            actor, action, f"schedule/{schedule.id}", basis, schedule.organization_id, data
        )

    async def _check_members(self, schedule: Schedule) -> None:
        # As they are now: a hospital publishes the department a moment before its schedules.
        department = await self._directory.read_department(schedule.department_id)
        if department is None or department.organization_id != schedule.organization_id:
            raise rules.invalid([{"field": "department", "problem": "unknown"}])
        if schedule.practitioner_id is None:
            return
        practitioner = await self._directory.read_practitioner(schedule.practitioner_id)
        if practitioner is None or practitioner.organization_id != schedule.organization_id:
            raise rules.invalid([{"field": "practitioner", "problem": "unknown"}])
        if schedule.department_id not in practitioner.department_ids:
            raise rules.invalid([{"field": "practitioner", "problem": "not_of_the_department"}])

    async def _overlapping(self, batch: list[Schedule]) -> dict[str, Published]:
        """Refusals of sessions whose practitioner sits elsewhere at that time."""
        mine = [schedule for schedule in batch if schedule.practitioner_id is not None]
        if not mine:
            return {}
        days = [schedule.on for schedule in mine]
        people = sorted({schedule.practitioner_id for schedule in mine if schedule.practitioner_id})
        # A night session may reach into the next day.
        first, last = min(days) - timedelta(days=1), max(days) + timedelta(days=1)
        stored = await self._store.list_of_practitioners(people, first, last)
        replaced = {schedule.id for schedule in mine}
        standing: dict[str, list[Schedule]] = {person: [] for person in people}
        for schedule in stored:
            if schedule.id not in replaced and schedule.practitioner_id is not None:
                standing[schedule.practitioner_id].append(schedule)
        refused: dict[str, Published] = {}
        for schedule in mine:
            others = standing[schedule.practitioner_id or ""]
            met = rules.overlaps(schedule, others)
            if met:
                refused[schedule.id] = Published(schedule.id, None, _overlap(met[0]))
            else:
                others.append(schedule)
        return refused

    def _forget(self, changed: Sequence[Schedule]) -> None:
        """A hospital that publishes all day long must not empty the memory that bookings read from."""
        if not changed:
            return
        ids = {schedule.id for schedule in changed}
        departments = {schedule.department_id for schedule in changed}
        self._known.drop(lambda key: key in ids)
        self._days.drop(lambda key: isinstance(key, tuple) and key[0] in departments)


def _there(schedule: Schedule | None) -> Schedule:
    if schedule is None:
        raise AppError(ErrorCode.SCHEDULE_NOT_FOUND)
    return schedule


def _stopped() -> AppError:
    return AppError(ErrorCode.SCHEDULE_STOPPED, text="该排班已停诊，不能再修改；如需恢复请用新的编号发布。")


def _overlap(other: Schedule) -> AppError:
    return rules.invalid(
        [{"field": "practitioner", "problem": "busy_at_that_time", "schedule": other.external_id}]
    )


def _last_day(first: date, days: int) -> date:
    return first + timedelta(days=min(max(days, 1), LONGEST_LIST_DAYS) - 1)
