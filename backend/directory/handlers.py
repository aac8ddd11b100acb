"""The directory over HTTP: what residents look up, and what hospitals publish."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Hashable
from typing import TypeVar

from pydantic import BaseModel

from backend.directory import schemas
from backend.directory.schemas import (
    DepartmentOut,
    HospitalDepartmentOut,
    HospitalPractitionerOut,
    IssuedTerminalOut,
    OrganizationOut,
    OrganizationsQuery,
    PractitionerOut,
    PublishDepartment,
    PublishPractitioner,
    RegisterTerminal,
    SearchOut,
    SearchQuery,
    TerminalOut,
    department_out,
    hospital_department_out,
    hospital_practitioner_out,
    issued_terminal_out,
    organization_out,
    practitioner_out,
    search_out,
    terminal_out,
)
from backend.directory.service import organization_of
from backend.errors import AppError, ErrorCode
from backend.http.base import APIHandler
from backend.http.endpoint import operation, public, requires
from backend.http.schema import Items, Page
from backend.permissions import Permission

_PUBLIC = "The directory of the city's hospitals is public information."
_TAG = "directory"
_HOSPITAL_TAG = "hospital"
M = TypeVar("M", bound=BaseModel)


class PublicHandler(APIHandler):
    """Answers that anybody may have and that are kept ready for a few seconds."""

    async def ready(self, key: Hashable, build: Callable[[], Awaitable[BaseModel]]) -> bytes:
        """The JSON of what `build` makes, remembered under `key`."""
        self.set_header("Cache-Control", "public, max-age=5")

        async def made() -> bytes:
            answer = await build()
            return answer.__pydantic_serializer__.to_json(answer)

        return await self.services.directory.ready(key, made)


class OrganizationListHandler(PublicHandler):
    """Institutions."""

    @public(_PUBLIC)
    @operation("List or search the city's institutions", tag=_TAG, rate_limit="search")
    async def get(self, query: OrganizationsQuery) -> Page[OrganizationOut] | bytes:
        """Highest level first. `q` takes a name, pinyin or pinyin initials."""

        async def build() -> Page[OrganizationOut]:
            found, more = await self.services.directory.list_organizations(
                q=query.q, kind=query.kind, limit=query.limit, cursor=query.cursor
            )
            return Page(items=[organization_out(entry) for entry in found], next_cursor=more)

        return await self.ready(("organizations", query.model_dump_json()), build)


class OrganizationHandler(PublicHandler):
    """One institution."""

    @public(_PUBLIC)
    @operation("Read an institution", tag=_TAG, rate_limit="search")
    async def get(self, organization_id: str) -> OrganizationOut | bytes:
        """Address, phone, level and position."""

        async def build() -> OrganizationOut:
            return organization_out(await self.services.directory.get_organization(organization_id))

        return await self.ready(("organization", organization_id), build)


class OrganizationDepartmentListHandler(PublicHandler):
    """An institution's departments."""

    @public(_PUBLIC)
    @operation("List an institution's departments", tag=_TAG, rate_limit="search")
    async def get(self, organization_id: str) -> Items[DepartmentOut] | bytes:
        """In the order of the national list of clinical subjects."""

        async def build() -> Items[DepartmentOut]:
            found = await self.services.directory.list_departments(organization_id)
            return Items(items=[department_out(entry) for entry in found])

        return await self.ready(("departments", organization_id), build)


class DepartmentHandler(PublicHandler):
    """One department."""

    @public(_PUBLIC)
    @operation("Read a department", tag=_TAG, rate_limit="search")
    async def get(self, department_id: str) -> DepartmentOut | bytes:
        """Name, clinical subject and place."""

        async def build() -> DepartmentOut:
            return department_out(await self.services.directory.get_department(department_id))

        return await self.ready(("department", department_id), build)


class DepartmentPractitionerListHandler(PublicHandler):
    """A department's practitioners."""

    @public(_PUBLIC)
    @operation("List a department's practitioners", tag=_TAG, rate_limit="search")
    async def get(self, department_id: str) -> Items[PractitionerOut] | bytes:
        """Senior first."""

        async def build() -> Items[PractitionerOut]:
            found = await self.services.directory.list_practitioners(department_id)
            return Items(items=[practitioner_out(entry) for entry in found])

        return await self.ready(("practitioners", department_id), build)


class PractitionerHandler(PublicHandler):
    """One practitioner."""

    @public(_PUBLIC)
    @operation("Read a practitioner", tag=_TAG, rate_limit="search")
    async def get(self, practitioner_id: str) -> PractitionerOut | bytes:
        """Title, specialty and departments."""

        async def build() -> PractitionerOut:
            return practitioner_out(await self.services.directory.get_practitioner(practitioner_id))

        return await self.ready(("practitioner", practitioner_id), build)


class SearchHandler(PublicHandler):
    """One search box for everything."""

    @public(_PUBLIC)
    @operation("Search institutions, departments and practitioners", tag=_TAG, rate_limit="search")
    async def get(self, query: SearchQuery) -> SearchOut | bytes:
        """In characters, pinyin or pinyin initials; several words must all be found."""

        async def build() -> SearchOut:
            found = await self.services.directory.search(query.q)
            owners = {department.organization_id for department in found.departments}
            owners |= {practitioner.organization_id for practitioner in found.practitioners}
            return search_out(found, await self.services.directory.organizations_by_id(owners))

        return await self.ready(("search", query.q), build)


class HospitalDepartmentHandler(APIHandler):
    """A department under the hospital's own id."""

    @requires(Permission.HOSPITAL_DIRECTORY_WRITE)
    @operation("Publish a department", tag=_HOSPITAL_TAG, rate_limit="hospital_write")
    async def put(self, body: PublishDepartment, external_id: str) -> HospitalDepartmentOut:
        """Creates or updates; the same body twice changes nothing."""
        department = await self.services.directory.publish_department(
            self.actor,
            checked_external_id(external_id),
            name=body.name,
            code=body.code,
            place=body.place,
            active=body.active,
        )
        return hospital_department_out(department)

    @requires(Permission.HOSPITAL_DIRECTORY_WRITE)
    @operation("Read a department", tag=_HOSPITAL_TAG)
    async def get(self, external_id: str) -> HospitalDepartmentOut:
        """As it stands in the city's directory."""
        return hospital_department_out(
            await self.services.directory.access_department(self.actor, external_id)
        )


class HospitalPractitionerHandler(APIHandler):
    """A practitioner under the hospital's own id."""

    @requires(Permission.HOSPITAL_DIRECTORY_WRITE)
    @operation("Publish a practitioner", tag=_HOSPITAL_TAG, rate_limit="hospital_write")
    async def put(self, body: PublishPractitioner, external_id: str) -> HospitalPractitionerOut:
        """Creates or updates; the same body twice changes nothing."""
        practitioner = await self.services.directory.publish_practitioner(
            self.actor,
            checked_external_id(external_id),
            name=body.name,
            title=body.title,
            specialty=body.specialty,
            intro=body.intro,
            department_external_ids=body.department_external_ids,
            active=body.active,
        )
        return hospital_practitioner_out(practitioner)

    @requires(Permission.HOSPITAL_DIRECTORY_WRITE)
    @operation("Read a practitioner", tag=_HOSPITAL_TAG)
    async def get(self, external_id: str) -> HospitalPractitionerOut:
        """As they stand in the city's directory."""
        return hospital_practitioner_out(
            await self.services.directory.access_practitioner(self.actor, external_id)
        )


class TerminalListHandler(APIHandler):
    """The terminals of the caller's institution."""

    @requires(Permission.HOSPITAL_TERMINALS_WRITE)
    @operation("Register a terminal", status=201, tag=_HOSPITAL_TAG, rate_limit="hospital_write")
    async def post(self, body: RegisterTerminal) -> IssuedTerminalOut:
        """Every terminal gets an OAuth2 client of its own; the secret is shown once."""
        issued = await self.services.client_care.register_terminal(
            self.actor, body.name, body.kind, body.department
        )
        return issued_terminal_out(issued)

    @requires(Permission.HOSPITAL_TERMINALS_WRITE)
    @operation("List the terminals", tag=_HOSPITAL_TAG)
    async def get(self) -> Items[TerminalOut]:
        """Without their secrets."""
        terminals = await self.services.clients.list_terminals(organization_of(self.actor))
        return Items(items=[terminal_out(client) for client in terminals])


def checked_external_id(text: str) -> str:
    """An external id as it may be stored. Raises BAD_REQUEST."""
    if not schemas.EXTERNAL_ID.fullmatch(text):
        raise AppError(
            ErrorCode.BAD_REQUEST, data={"fields": [{"field": "external_id", "problem": "pattern"}]}
        )
    return text


routes = [
    (r"/api/v1/organizations", OrganizationListHandler),
    (r"/api/v1/organizations/(?P<organization_id>[^/]+)", OrganizationHandler),
    (r"/api/v1/organizations/(?P<organization_id>[^/]+)/departments", OrganizationDepartmentListHandler),
    (r"/api/v1/departments/(?P<department_id>[^/]+)", DepartmentHandler),
    (r"/api/v1/departments/(?P<department_id>[^/]+)/practitioners", DepartmentPractitionerListHandler),
    (r"/api/v1/practitioners/(?P<practitioner_id>[^/]+)", PractitionerHandler),
    (r"/api/v1/search", SearchHandler),
    (r"/hospital/v1/departments/(?P<external_id>[^/]+)", HospitalDepartmentHandler),
    (r"/hospital/v1/practitioners/(?P<external_id>[^/]+)", HospitalPractitionerHandler),
    (r"/hospital/v1/terminals", TerminalListHandler),
]
