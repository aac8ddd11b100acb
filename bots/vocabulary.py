"""The reader of sentences that knows the directory of today: built in a thread, swapped when names change."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time

from backend import clock
from backend.directory.codes import department_codes
from backend.directory.models import Organization
from backend.directory.service import DirectoryService
from bots.understanding.reading import Reader
from bots.understanding.values import Understanding
from bots.understanding.vocabulary import (
    DepartmentWords,
    OrganizationWords,
    PractitionerWords,
    SubjectWords,
    Vocabulary,
)

log = logging.getLogger(__name__)

# So long a new name may go unheard.
CHECK_EVERY_S = 60.0
_PAGE = 100


class CityReader:
    """Understands sentences by the names the directory has now.

    The first sentence waits for the first reader; whoever speaks later never waits: while names are read
    anew, the reader of before goes on.
    """

    def __init__(self, directory: DirectoryService, city_name: str) -> None:
        self._directory = directory
        self._city_name = city_name
        self._reader: Reader | None = None
        self._version = ""
        self._checked_at = float("-inf")
        self._building = asyncio.Lock()
        self._renewing: asyncio.Task[None] | None = None

    async def __call__(self, sentence: str) -> Understanding:
        """What a sentence says."""
        reader = self._reader or await self._first()
        if time.monotonic() - self._checked_at > CHECK_EVERY_S and self._renewing is None:
            self._renewing = asyncio.create_task(self._renew_quietly())
        return reader.read(sentence, clock.now())

    async def renew(self) -> bool:
        """Build another reader if the directory has changed; whether it had."""
        async with self._building:
            version = await self._directory.version()
            self._checked_at = time.monotonic()
            if self._reader is not None and version == self._version:
                return False
            vocabulary = await read_vocabulary(self._directory, self._city_name)
            # A second of work for a large city: nobody else is kept waiting for it.
            self._reader = await asyncio.to_thread(Reader, vocabulary)
            self._version = version
            return True

    async def close(self) -> None:
        """Stop a renewal under way."""
        if self._renewing is not None:
            self._renewing.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._renewing

    async def _first(self) -> Reader:
        if self._reader is None:
            await self.renew()
        if self._reader is None:
            raise RuntimeError("renewing leaves a reader")
        return self._reader

    async def _renew_quietly(self) -> None:
        try:
            await self.renew()
        except Exception as error:
            # The names of before still serve; the next sentence after a pause tries again.
            self._checked_at = time.monotonic()
            log.warning("names_not_renewed", extra={"error": type(error).__name__})
        finally:
            self._renewing = None


async def read_vocabulary(directory: DirectoryService, city_name: str) -> Vocabulary:
    """All names of the city, institution by institution."""
    organizations = await _organizations(directory)
    departments: list[DepartmentWords] = []
    practitioners: list[PractitionerWords] = []
    for place in organizations:
        departments += [
            DepartmentWords(each.id, place.id, each.name, each.code)
            for each in await directory.list_departments(place.id)
        ]
        practitioners += [
            PractitionerWords(each.id, place.id, each.name, each.department_ids)
            for each in await directory.list_practitioners_of(place.id)
            if each.active
        ]
    return Vocabulary(
        organizations=tuple(
            OrganizationWords(each.id, each.name, each.short_name, district=each.district)
            for each in organizations
        ),
        departments=tuple(departments),
        practitioners=tuple(practitioners),
        subjects=tuple(SubjectWords(e.code, e.name, e.aliases) for e in department_codes().values()),
        city_name=city_name,
    )


async def _organizations(directory: DirectoryService) -> list[Organization]:
    found: list[Organization] = []
    cursor: str | None = None
    while True:
        page, cursor = await directory.list_organizations(limit=_PAGE, cursor=cursor)
        found += page
        if cursor is None:
            return found
