"""The directory: institutions, their departments and practitioners; finding, viewing, small corrections."""

from __future__ import annotations

from pydantic import Field

from admin.base import PageHandler, page
from admin.forms import Filters, Form
from admin.lookups import access_organization, organizations_in_scope
from backend.directory.codes import KIND_NAMES, LEVEL_NAMES, OrganizationKind
from backend.directory.models import Department, Organization, Practitioner
from backend.errors import not_found
from backend.http.endpoint import requires
from backend.permissions import Permission

PAGE_SIZE = 50


class DirectoryFilters(Filters):
    """Which institutions the list shows."""

    q: str = Field("", max_length=50, title="名称或拼音")
    kind: OrganizationKind | None = Field(None, title="类型")


class PeopleFilters(Filters):
    """Which practitioners of an institution."""

    department: str = Field("", max_length=64, title="科室")


class OrganizationForm(Form):
    """How to reach an institution."""

    short_name: str = Field("", max_length=30, title="简称")
    address: str = Field("", max_length=120, title="地址")
    district: str = Field("", max_length=30, title="区县")
    phone: str = Field("", max_length=40, title="电话")


class DepartmentForm(Form):
    """Where a department is."""

    place: str = Field("", max_length=60, title="位置")


class PractitionerForm(Form):
    """What a doctor does."""

    title: str = Field("", max_length=30, title="职称")
    specialty: str = Field("", max_length=200, title="擅长")
    intro: str = Field("", max_length=1000, title="简介")


class DirectoryHandler(PageHandler):
    """Institutions."""

    @requires(Permission.STAFF_DIRECTORY_READ)
    @page("Institutions")
    async def get(self, query: DirectoryFilters) -> None:
        """One page; an actor of few institutions sees those, searched among themselves."""
        if self.actor.organization_ids is None:
            found, following = await self.services.directory.list_organizations(
                q=query.q, kind=query.kind, limit=PAGE_SIZE, cursor=query.cursor or None
            )
        else:
            mine, following = await organizations_in_scope(self.services, self.actor), None
            found = [o for o in mine if query.q in o.name and query.kind in (None, o.kind)]
        self.show_page(
            "directory/list.html",
            organizations=found,
            following=following,
            kinds=KIND_NAMES,
            levels=LEVEL_NAMES,
        )


class OrganizationHandler(PageHandler):
    """One institution."""

    @requires(Permission.STAFF_DIRECTORY_READ)
    @page("An institution with its departments and practitioners")
    async def get(self, query: PeopleFilters, organization_id: str) -> None:
        """Show it."""
        organization = await access_organization(self.services, self.actor, organization_id)
        directory = self.services.directory
        departments = await directory.list_departments(organization.id)
        people = await directory.list_practitioners_of(organization.id)
        if query.department:
            people = [person for person in people if query.department in person.department_ids]
        self.show_page(
            "directory/organization.html",
            organization=organization,
            departments=departments,
            people=people,
            department_names={department.id: department.name for department in departments},
            kinds=KIND_NAMES,
            levels=LEVEL_NAMES,
        )


class EditOrganizationHandler(PageHandler):
    """Correcting how to reach an institution."""

    @requires(Permission.STAFF_DIRECTORY_WRITE)
    @page("Ask what to correct")
    async def get(self, organization_id: str) -> None:
        """Show the form."""
        await self.show(organization_id=organization_id)

    async def show(self, **path: str) -> None:
        """Show the form."""
        organization = await access_organization(self.services, self.actor, path["organization_id"])
        self.show_page("directory/edit_organization.html", entry=organization)

    @requires(Permission.STAFF_DIRECTORY_WRITE)
    @page("Correct an institution", again=True)
    async def post(self, body: OrganizationForm, organization_id: str) -> None:
        """Save it."""
        await self.services.directory_editing.edit_organization(
            self.actor, organization_id, **body.model_dump()
        )
        self.go(f"/admin/directory/{organization_id}", "saved")


class EditDepartmentHandler(PageHandler):
    """Correcting where a department is."""

    @requires(Permission.STAFF_DIRECTORY_WRITE)
    @page("Ask what to correct")
    async def get(self, department_id: str) -> None:
        """Show the form."""
        await self.show(department_id=department_id)

    async def show(self, **path: str) -> None:
        """Show the form."""
        entry: Department = await self.services.directory.get_department(path["department_id"])
        self.show_page("directory/edit_department.html", entry=entry, organization=await _place(self, entry))

    @requires(Permission.STAFF_DIRECTORY_WRITE)
    @page("Correct a department", again=True)
    async def post(self, body: DepartmentForm, department_id: str) -> None:
        """Save it."""
        saved = await self.services.directory_editing.edit_department(
            self.actor, department_id, place=body.place
        )
        self.go(f"/admin/directory/{saved.organization_id}", "saved")


class EditPractitionerHandler(PageHandler):
    """Correcting what a doctor does."""

    @requires(Permission.STAFF_DIRECTORY_WRITE)
    @page("Ask what to correct")
    async def get(self, practitioner_id: str) -> None:
        """Show the form."""
        await self.show(practitioner_id=practitioner_id)

    async def show(self, **path: str) -> None:
        """Show the form."""
        entry: Practitioner = await self.services.directory.get_practitioner(path["practitioner_id"])
        self.show_page(
            "directory/edit_practitioner.html", entry=entry, organization=await _place(self, entry)
        )

    @requires(Permission.STAFF_DIRECTORY_WRITE)
    @page("Correct a practitioner", again=True)
    async def post(self, body: PractitionerForm, practitioner_id: str) -> None:
        """Save it."""
        saved = await self.services.directory_editing.edit_practitioner(
            self.actor, practitioner_id, **body.model_dump()
        )
        self.go(f"/admin/directory/{saved.organization_id}", "saved")


async def _place(handler: PageHandler, entry: Department | Practitioner) -> Organization:
    if not handler.actor.covers(entry.organization_id):
        raise not_found(f"organization {entry.organization_id}")
    return await handler.services.directory.get_organization(entry.organization_id)


routes = [
    (r"/admin/directory", DirectoryHandler),
    (r"/admin/directory/(?P<organization_id>[\w-]+)", OrganizationHandler),
    (r"/admin/directory/(?P<organization_id>[\w-]+)/edit", EditOrganizationHandler),
    (r"/admin/directory/departments/(?P<department_id>[\w-]+)", EditDepartmentHandler),
    (r"/admin/directory/practitioners/(?P<practitioner_id>[\w-]+)", EditPractitionerHandler),
]
