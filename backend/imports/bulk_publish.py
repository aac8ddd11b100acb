"""Import of a SMART Scheduling Links feed: places become institutions, services departments, slots sessions.

Everything goes in under ids made from the feed's own, through the same services that hospitals use, so a
second run changes nothing. A bad line is reported with file, line and reason and keeps no good line out.
"""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date, datetime
from pathlib import Path
from typing import Any, NamedTuple, TypeVar
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import orjson

from backend import clock
from backend.directory import identity
from backend.directory.codes import HospitalLevel, OrganizationKind
from backend.directory.models import Department, External, Organization, Outcome
from backend.directory.service import DirectoryService
from backend.imports import resources
from backend.imports.feeds import Feed, FeedFile, lines_of, on_the_web, open_feed
from backend.imports.models import (
    BadLineError,
    FeedError,
    FeedLocation,
    FeedSchedule,
    FeedSlot,
    ImportReport,
)
from backend.imports.placing import DayShift, period_of, places_of
from backend.imports.store import FeedStore
from backend.slotpool.schedules import PUBLISH_BATCH, Published, ScheduleService, schedule_id
from backend.slotpool.schedules_models import Schedule, ScheduleState

V = TypeVar("V", FeedLocation, FeedSchedule, FeedSlot)

# Bytes of slots read, bytes in all, and the file under way.
Progress = Callable[[int, int, str], None]
Heard = Callable[[FeedFile, int], None]

_VACCINATION_CODE = "0100"  # 预防保健科
_OTHER_CODE = "6900"  # 其他业务科室
_VACCINATION_NAME = "预防接种门诊"
_OTHER_NAME = "预约门诊"
_PROGRESS_STEPS = 200


class _Placed(NamedTuple):
    """A service with the department it became."""

    schedule: FeedSchedule
    department: Department


class _Line(NamedTuple):
    """Where a value stood."""

    file: str
    number: int


def _no_progress(done: int, total: int, file: str) -> None:
    del done, total, file


def _unheard(file: FeedFile, length: int) -> None:
    del file, length


class ImportService:
    """Imports feeds into the directory and the slot pool."""

    def __init__(self, directory: DirectoryService, schedules: ScheduleService, feeds: FeedStore) -> None:
        self._directory = directory
        self._schedules = schedules
        self._feeds = feeds

    async def import_bulk_publish(
        self,
        source: str | Path,
        *,
        organizations: Mapping[str, str] | None = None,
        start_on: date | None = None,
        time_zone: str | None = None,
        progress: Progress = _no_progress,
    ) -> ImportReport:
        """Read a feed from a folder, a manifest file or an address.

        `organizations` maps a location (by id, identifier or name) to an institution that is already in the
        directory; other locations become institutions. `start_on` moves a historical feed so that its first
        day becomes that day; with `time_zone` its clock on the wall is kept. Raises FeedError when nothing
        can be read at all.
        """
        await self._check_organizations(organizations or {})
        zone = _zone(time_zone)
        report = ImportReport()
        fingerprint, known = await self._feeds.find(str(source)) if start_on is None else ("", {})
        options = orjson.dumps(sorted((organizations or {}).items()))

        def remember(base: Sequence[FeedFile]) -> Mapping[str, dict[str, str]]:
            return known if _fingerprint(base, options) == fingerprint else {}

        async with open_feed(source, report, remember) as feed:
            run = _Run(self._directory, self._schedules, feed, report, organizations or {}, progress)
            await run.everything(start_on, zone)
            report.not_modified += feed.not_modified
            if on_the_web(source) and start_on is None:
                await self._remember(str(source), feed, report, options, known)
        return report

    async def _check_organizations(self, organizations: Mapping[str, str]) -> None:
        known = await self._directory.organizations_by_id(organizations.values())
        unknown = sorted(set(organizations.values()) - known.keys())
        if unknown:
            raise FeedError(f"There is no institution {unknown[0]} to map a location to.")

    async def _remember(
        self,
        source: str,
        feed: Feed,
        report: ImportReport,
        options: bytes,
        known: Mapping[str, dict[str, str]],
    ) -> None:
        # A file with problems is read again next time: its problems must be told again.
        troubled = {problem.file for problem in report.problems}
        kept = {url: validators for url, validators in known.items() if feed.not_modified}
        kept |= {file.url: file.validators for file in feed.of("Slot") if file.name not in troubled}
        base = [*feed.of("Location"), *feed.of("Schedule")]
        await self._feeds.save(source, _fingerprint(base, options), kept)


class _Run:
    """One import under way."""

    def __init__(
        self,
        directory: DirectoryService,
        schedules: ScheduleService,
        feed: Feed,
        report: ImportReport,
        organizations: Mapping[str, str],
        progress: Progress,
    ) -> None:
        self._directory = directory
        self._schedules = schedules
        self._feed = feed
        self._report = report
        self._organizations = organizations
        self._progress = progress

    async def everything(self, start_on: date | None, zone: ZoneInfo | None) -> None:
        """Places, then services, then slots."""
        locations = dict(self._unique("Location", resources.location_of))
        services = dict(self._unique("Schedule", resources.schedule_of))
        homes = await self._save_organizations(locations, services)
        placed = await self._save_departments(services, locations, homes)
        shift = None
        if start_on is not None:
            first = self._first_start(placed)
            shift = DayShift(first, start_on, zone) if first else None
        await self._save_slots(placed, shift)

    # -- reading -------------------------------------------------------------------------------------

    def _unique(
        self, kind: str, parse: Callable[[dict[str, Any]], V], heard: Heard = _unheard
    ) -> Iterator[tuple[str, tuple[V, _Line]]]:
        """The good lines of a kind by id; the second line under an id is refused."""
        seen: set[str] = set()
        for file in self._feed.of(kind):
            for number, value in _values(file, parse, self._report, heard):
                if value.id in seen:
                    self._report.complain(file.name, number, f"the id {value.id} has been used before")
                else:
                    seen.add(value.id)
                    yield value.id, (value, _Line(file.name, number))

    def _first_start(self, placed: Mapping[str, _Placed]) -> datetime | None:
        """When the first good slot begins; problems are told when the slots are read for good."""
        unheard = ImportReport()
        starts = (
            value.start_at
            for file in self._feed.of("Slot")
            for _, value in _values(file, resources.slot_of, unheard)
            if value.schedule_id in placed
        )
        return min(starts, default=None)

    # -- institutions and departments ----------------------------------------------------------------

    async def _save_organizations(
        self,
        locations: Mapping[str, tuple[FeedLocation, _Line]],
        services: Mapping[str, tuple[FeedSchedule, _Line]],
    ) -> dict[str, str]:
        """The institution of each location, by the location's id."""
        homes: dict[str, str] = {}
        fresh: list[Organization] = []
        self._report.unused = set(self._organizations)
        vaccinating = {service.location_id for service, _ in services.values() if service.vaccination}
        for location, _ in locations.values():
            mapped = self._mapped(location)
            if mapped is not None:
                homes[location.id] = mapped
                self._report.count("Location", Outcome.UNCHANGED)
                continue
            external = External(self._feed.system, f"Location/{location.id}")
            organization = _organization(location, external, vaccinating=location.id in vaccinating)
            homes[location.id] = organization.id
            fresh.append(organization)
        for outcome in await self._directory.save_organizations(fresh):
            self._report.count("Location", outcome)
        return homes

    def _mapped(self, location: FeedLocation) -> str | None:
        names = {location.id, f"Location/{location.id}", *location.identifiers, location.name}
        named = [name for name in self._organizations if name in names]
        self._report.unused.difference_update(named)
        return self._organizations[named[0]] if named else None

    async def _save_departments(
        self,
        services: Mapping[str, tuple[FeedSchedule, _Line]],
        locations: Mapping[str, tuple[FeedLocation, _Line]],
        homes: Mapping[str, str],
    ) -> dict[str, _Placed]:
        """The department of each service, by the service's id."""
        placed: dict[str, _Placed] = {}
        for service, line in services.values():
            home = homes.get(service.location_id)
            if home is None:
                reason = f"its Location/{service.location_id} is not in the feed, or was refused"
                self._report.complain(*line, reason)
                continue
            external = External(self._feed.system, f"Schedule/{service.id}")
            place = locations[service.location_id][0].address
            placed[service.id] = _Placed(service, _department(service, home, external, place))
        entries = [entry.department for entry in placed.values()]
        for outcome in await self._directory.save_departments(entries):
            self._report.count("Schedule", outcome)
        return placed

    # -- slots ---------------------------------------------------------------------------------------

    async def _save_slots(self, placed: Mapping[str, _Placed], shift: DayShift | None) -> None:
        batch: list[tuple[Schedule, _Line]] = []
        for slot, line in self._slots_with_progress():
            service = placed.get(slot.schedule_id)
            if service is None:
                reason = f"its Schedule/{slot.schedule_id} is not in the feed, or was refused"
                self._report.complain(*line, reason)
                continue
            moved = shift.moved(slot) if shift else slot
            batch.append((_session(moved, service, self._feed.system), line))
            if len(batch) == PUBLISH_BATCH:
                await self._publish(batch)
                batch = []
        await self._publish(batch)

    def _slots_with_progress(self) -> Iterator[tuple[FeedSlot, _Line]]:
        total = sum(file.size for file in self._feed.of("Slot"))
        done = told = 0

        def heard(file: FeedFile, length: int) -> None:
            nonlocal done, told
            done += length
            # A packed file holds more than its size.
            if done - told >= total / _PROGRESS_STEPS:
                told = done
                self._progress(min(done, total), total, file.name)

        for _, found in self._unique("Slot", resources.slot_of, heard):
            yield found
        self._progress(total, total, "")

    async def _publish(self, batch: Sequence[tuple[Schedule, _Line]]) -> None:
        if not batch:
            return
        published = await self._schedules.publish_many([schedule for schedule, _ in batch])
        for (schedule, line), result in zip(batch, published, strict=True):
            if result.outcome is None:
                self._report.complain(*line, _reason(result))
            else:
                self._report.count("Slot", result.outcome)
                self._report.places += len(schedule.slots)


def _values(
    file: FeedFile,
    parse: Callable[[dict[str, Any]], V],
    report: ImportReport,
    heard: Heard = _unheard,
) -> Iterator[tuple[int, V]]:
    """The good lines of a file; the others go to the report."""
    try:
        for number, line in lines_of(file):
            heard(file, len(line) + 1)
            try:
                yield number, parse(resources.resource_of(line, file.kind))
            except BadLineError as error:
                report.complain(file.name, number, str(error))
    except (OSError, EOFError, zlib.error) as error:
        report.complain(file.name, 0, f"it cannot be read to its end: {error}"[:160])


def _organization(location: FeedLocation, external: External, *, vaccinating: bool) -> Organization:
    return Organization(
        id=identity.organization_id(external),
        external=external,
        name=location.name,
        short_name=location.name,
        kind=OrganizationKind.VACCINATION if vaccinating else OrganizationKind.CLINIC,
        level=HospitalLevel.UNGRADED,
        address=location.address,
        district=location.district,
        phone=location.phone,
        lat=location.lat,
        lng=location.lng,
        active=location.active,
    )


def _department(service: FeedSchedule, organization_id: str, external: External, place: str) -> Department:
    name = _VACCINATION_NAME if service.vaccination else service.service_name or _OTHER_NAME
    products = "、".join(product.display or product.code for product in service.offer.products)
    doses = "、".join(f"第{dose}剂" for dose in service.offer.doses)
    detail = " ".join(part for part in (products, doses) if part)
    return Department(
        id=identity.department_id(organization_id, external),
        external=external,
        organization_id=organization_id,
        name=f"{name}（{detail}）"[:80] if detail else name[:80],
        code=_VACCINATION_CODE if service.vaccination else _OTHER_CODE,
        place=place,
        offer=service.offer,
        active=service.active,
    )


def _session(slot: FeedSlot, placed: _Placed, system: str) -> Schedule:
    department = placed.department
    external = External(system, f"Slot/{slot.id}")
    places = places_of(slot)
    return Schedule(
        id=schedule_id(department.organization_id, external),
        organization_id=department.organization_id,
        department_id=department.id,
        practitioner_id=None,
        external_id=external.value,
        external_system=external.system,
        on=clock.civil_date(slot.start_at),
        period=period_of(slot),
        kind="vaccination" if placed.schedule.vaccination else "general",
        fee_fen=0,
        slots=places,
        state=ScheduleState.OPEN if slot.free else ScheduleState.CLOSED,
        booking_url=slot.booking_url,
        booking_phone=slot.booking_phone,
    )


def _reason(result: Published) -> str:
    error = result.error
    if error is None:
        return "it could not be written"
    detail = orjson.dumps(error.data).decode() if error.data else ""
    return f"{error.code}: {error.text} {detail}".strip()[:300]


def _fingerprint(base: Sequence[FeedFile], options: bytes) -> str:
    """What slots are read against: places, services and the mapping of the institutions."""
    digest = hashlib.blake2b(options, digest_size=16)
    for file in base:
        digest.update(file.path.read_bytes())
    return digest.hexdigest()


def _zone(name: str | None) -> ZoneInfo | None:
    try:
        return ZoneInfo(name) if name else None
    except (ZoneInfoNotFoundError, ValueError):
        raise FeedError(f"There is no time zone {name!r}.") from None
