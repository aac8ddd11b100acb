"""Finding the city's institutions, departments and practitioners, and publishing them again without harm."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Awaitable, Callable, Hashable, Iterable, Sequence
from typing import TypeVar

from backend.directory import identity, searching
from backend.directory.cache import ShortMemory
from backend.directory.codes import OrganizationKind, find_department_code
from backend.directory.models import Department, Found, Organization, Outcome, Practitioner
from backend.directory.pinyin import search_terms
from backend.directory.remembering import RememberedShelf
from backend.directory.store import DirectoryStore
from backend.errors import AppError, ErrorCode, not_found
from backend.permissions import Actor

E = TypeVar("E", bound=Organization | Department | Practitioner)

# No institution has more departments, no department more practitioners, than fit on one answer.
MEMBERS_SHOWN = 500


class DirectoryService:
    """Reads are remembered for a few seconds; a write in this process forgets them."""

    def __init__(self, store: DirectoryStore) -> None:
        self._store = store
        self._organizations = RememberedShelf(store.organizations)
        self._departments = RememberedShelf(store.departments)
        self._practitioners = RememberedShelf(store.practitioners)
        self._ready: ShortMemory[bytes] = ShortMemory(seconds=3, size=2048)

    # -- finding -------------------------------------------------------------------------------------

    async def list_organizations(
        self, *, q: str = "", kind: OrganizationKind | None = None, limit: int = 20, cursor: str | None = None
    ) -> tuple[list[Organization], str | None]:
        """Institutions in use, highest level first, and the cursor of the next page."""
        where = searching.active_named(search_terms(q)) | ({"kind": str(kind)} if kind else {})
        after = _read_cursor(cursor) if cursor else None
        found, more = await self._store.organizations.list_where(where, limit=limit, after=after)
        return found, _write_cursor(more) if more else None

    async def list_departments(self, organization_id: str) -> list[Department]:
        """The departments of an institution in use, by clinical subject. Raises NOT_FOUND."""
        await self.get_organization(organization_id)
        where = {"organization_id": organization_id, "active": True}
        return (await self._store.departments.list_where(where, limit=MEMBERS_SHOWN))[0]

    async def list_practitioners(self, department_id: str) -> list[Practitioner]:
        """The practitioners of a department, senior first. Raises NOT_FOUND."""
        await self.get_department(department_id)
        where = {"department_ids": department_id, "active": True}
        return (await self._store.practitioners.list_where(where, limit=MEMBERS_SHOWN))[0]

    async def list_practitioners_of(self, organization_id: str) -> list[Practitioner]:
        """Every practitioner of an institution, senior first; the console's list."""
        where = {"organization_id": organization_id}
        return (await self._store.practitioners.list_where(where, limit=10_000))[0]

    async def search(self, query: str) -> Found:
        """What the words of a query name: in characters, pinyin or pinyin initials."""
        return await searching.search(self._store, query)

    async def find_organization(self, organization_id: str) -> Organization | None:
        """An institution, or None."""
        return await self._organizations.find(organization_id)

    async def find_department(self, department_id: str) -> Department | None:
        """A department, or None."""
        return await self._departments.find(department_id)

    async def find_practitioner(self, practitioner_id: str) -> Practitioner | None:
        """A practitioner, or None."""
        return await self._practitioners.find(practitioner_id)

    async def get_organization(self, organization_id: str) -> Organization:
        """An institution. Raises NOT_FOUND."""
        return _there(await self.find_organization(organization_id), "organization")

    async def get_department(self, department_id: str) -> Department:
        """A department. Raises NOT_FOUND."""
        return _there(await self.find_department(department_id), "department")

    async def get_practitioner(self, practitioner_id: str) -> Practitioner:
        """A practitioner. Raises NOT_FOUND."""
        return _there(await self.find_practitioner(practitioner_id), "practitioner")

    async def read_department(self, department_id: str) -> Department | None:
        """A department as it is at this moment, for whoever decides by it."""
        return await self._store.departments.find(department_id)

    async def read_practitioner(self, practitioner_id: str) -> Practitioner | None:
        """A practitioner as they are at this moment, for whoever decides by it."""
        return await self._store.practitioners.find(practitioner_id)

    async def organizations_by_id(self, ids: Iterable[str]) -> dict[str, Organization]:
        """The institutions that exist among `ids`."""
        return await self._organizations.known(ids)

    async def departments_by_id(self, ids: Iterable[str]) -> dict[str, Department]:
        """The departments that exist among `ids`."""
        return await self._departments.known(ids)

    async def practitioners_by_id(self, ids: Iterable[str]) -> dict[str, Practitioner]:
        """The practitioners that exist among `ids`."""
        return await self._practitioners.known(ids)

    async def ready(self, key: Hashable, build: Callable[[], Awaitable[bytes]]) -> bytes:
        """A ready answer, remembered for a few seconds."""
        return await self._ready.get(key, build)

    async def version(self) -> str:
        """Another text whenever anything in the directory has changed."""
        shelves = (self._store.organizations, self._store.departments, self._store.practitioners)
        return " ".join([await shelf.version() for shelf in shelves])

    # -- publishing ----------------------------------------------------------------------------------

    async def save_organizations(self, entries: Sequence[Organization]) -> list[Outcome]:
        """Create or update institutions; equal ones are left alone."""
        return await self._save(self._organizations, entries)

    async def save_departments(self, entries: Sequence[Department]) -> list[Outcome]:
        """Create or update departments; equal ones are left alone."""
        return await self._save(self._departments, entries)

    async def save_practitioners(self, entries: Sequence[Practitioner]) -> list[Outcome]:
        """Create or update practitioners; equal ones are left alone."""
        return await self._save(self._practitioners, entries)

    async def publish_department(
        self, actor: Actor, external_id: str, *, name: str, code: str, place: str, active: bool = True
    ) -> Department:
        """A hospital states one of its departments. Raises BAD_REQUEST for a code that is not national."""
        organization_id = organization_of(actor)
        known = find_department_code(code)
        if known is None:
            raise _bad_field("code", "unknown_department_code")
        external = identity.of_hospital(external_id)
        entry = Department(
            id=identity.department_id(organization_id, external),
            external=external,
            organization_id=organization_id,
            name=name,
            code=known.code,
            place=place,
            active=active,
        )
        await self.save_departments([entry])
        return entry

    async def publish_practitioner(
        self,
        actor: Actor,
        external_id: str,
        *,
        name: str,
        title: str,
        specialty: str,
        intro: str,
        department_external_ids: Sequence[str],
        active: bool = True,
    ) -> Practitioner:
        """A hospital states one of its practitioners. Raises BAD_REQUEST naming unknown departments."""
        organization_id = organization_of(actor)
        external = identity.of_hospital(external_id)
        entry = Practitioner(
            id=identity.practitioner_id(organization_id, external),
            external=external,
            organization_id=organization_id,
            name=name,
            title=title,
            specialty=specialty,
            intro=intro,
            department_ids=await self._own_departments(organization_id, department_external_ids),
            active=active,
        )
        await self.save_practitioners([entry])
        return entry

    async def access_department(self, actor: Actor, external_id: str) -> Department:
        """The hospital's own department of that name. Raises NOT_FOUND."""
        organization_id = organization_of(actor)
        entry_id = identity.department_id(organization_id, identity.of_hospital(external_id))
        return _there(await self._store.departments.find(entry_id), "department")

    async def access_practitioner(self, actor: Actor, external_id: str) -> Practitioner:
        """The hospital's own practitioner of that name. Raises NOT_FOUND."""
        organization_id = organization_of(actor)
        entry_id = identity.practitioner_id(organization_id, identity.of_hospital(external_id))
        return _there(await self._store.practitioners.find(entry_id), "practitioner")

    # -- within --------------------------------------------------------------------------------------

    async def _own_departments(self, organization_id: str, external_ids: Sequence[str]) -> tuple[str, ...]:
        wanted = {
            identity.department_id(organization_id, identity.of_hospital(value)): value
            for value in external_ids
        }
        known = await self.departments_by_id(wanted)
        unknown = [value for entry_id, value in wanted.items() if entry_id not in known]
        if unknown:
            raise _bad_field("department_external_ids", "unknown_department", unknown=unknown)
        return tuple(wanted)

    async def _save(self, shelf: RememberedShelf[E], entries: Sequence[E]) -> list[Outcome]:
        outcomes = await shelf.save(entries)
        if any(outcome is not Outcome.UNCHANGED for outcome in outcomes):
            self._ready.clear()
        return outcomes


def organization_of(actor: Actor) -> str:
    """The one institution a hospital client or terminal speaks for. Raises FORBIDDEN for anybody else."""
    if actor.organization_ids is None or len(actor.organization_ids) != 1:
        raise AppError(ErrorCode.FORBIDDEN, "not one organization")
    return next(iter(actor.organization_ids))


def _there(entry: E | None, what: str) -> E:
    if entry is None:
        raise not_found(what)
    return entry


def _bad_field(name: str, problem: str, **more: object) -> AppError:
    return AppError(ErrorCode.BAD_REQUEST, data={"fields": [{"field": name, "problem": problem}], **more})


def _write_cursor(place: tuple[str, str]) -> str:
    return base64.urlsafe_b64encode("\x1f".join(place).encode()).decode().rstrip("=")


def _read_cursor(cursor: str) -> tuple[str, str]:
    try:
        order, entry_id = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)).decode().split("\x1f")
    except (ValueError, binascii.Error):
        raise _bad_field("cursor", "not_a_cursor") from None
    return order, entry_id
