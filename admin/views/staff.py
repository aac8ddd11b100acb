"""Staff accounts: list, open, close, and hand out new credentials."""

from __future__ import annotations

import segno
from pydantic import Field

from admin.base import PageHandler, page
from admin.forms import Filters, Form, ReasonForm
from admin.lookups import organization_names, organizations_in_scope
from backend.directory.models import Practitioner
from backend.errors import AppError, ErrorCode, not_found
from backend.http.endpoint import requires
from backend.permissions import STAFF_ROLES, Permission, Role
from backend.staff.models import Credentials, NewStaff, StaffFilter, StaffMember, StaffState

PAGE_SIZE = 30


class StaffFilters(Filters):
    """Which members the list shows."""

    q: str = Field("", max_length=64, title="登录名")
    role: Role | None = Field(None, title="角色")
    state: StaffState | None = Field(None, title="状态")


class NewStaffForm(Form):
    """A new account."""

    login: str = Field("", max_length=64, title="登录名")
    name: str = Field("", max_length=32, title="姓名")
    role: Role = Field(title="角色")
    scope: str = Field("", max_length=10, title="机构范围")
    organization: list[str] = Field(default_factory=list, title="机构")

    def organization_ids(self) -> frozenset[str] | None:
        """The hospitals chosen; None for the whole city."""
        return None if self.scope == "city" else frozenset(self.organization)


class DoctorForm(Form):
    """Which doctor of the directory an account is."""

    practitioner: str = Field("", max_length=26, title="医生")


class StaffListHandler(PageHandler):
    """All members within the actor's scope."""

    @requires(Permission.STAFF_STAFF_MANAGE)
    @page("Staff members")
    async def get(self, query: StaffFilters) -> None:
        """One page of the list."""
        wanted = StaffFilter(text=query.q, role=query.role, state=query.state)
        members, following = await self.services.staff.list_members(
            self.actor, wanted, after=query.cursor, limit=PAGE_SIZE
        )
        ids = frozenset().union(*(m.organization_ids or frozenset() for m in members))
        names = await organization_names(self.services, ids)
        self.show_page("staff/list.html", members=members, following=following, organization_names=names)


class NewStaffHandler(PageHandler):
    """A new account."""

    @requires(Permission.STAFF_STAFF_MANAGE)
    @page("Ask for a new member")
    async def get(self) -> None:
        """Show the form."""
        await self.show()

    async def show(self, **path: str) -> None:
        """Show the form."""
        organizations = await organizations_in_scope(self.services, self.actor)
        chosen = self.get_body_arguments("organization")
        roles = [role for role in Role if role in STAFF_ROLES]
        self.show_page("staff/new.html", organizations=organizations, roles=roles, chosen=chosen)

    @requires(Permission.STAFF_STAFF_MANAGE)
    @page("Open an account", errors=(ErrorCode.LOGIN_TAKEN,), again=True)
    async def post(self, body: NewStaffForm) -> None:
        """Open it and show what must be handed over, this once."""
        wanted = NewStaff(body.login, body.name, body.role, body.organization_ids())
        _show_credentials(self, "账号已开通", await self.services.staff.add(self.actor, wanted))


class StaffHandler(PageHandler):
    """One member."""

    @requires(Permission.STAFF_STAFF_MANAGE)
    @page("A staff member")
    async def get(self, staff_id: str) -> None:
        """What is known and what can be done."""
        await self.show(staff_id=staff_id)

    async def show(self, **path: str) -> None:
        """Show the member."""
        person = await self.services.staff.access_member(self.actor, path["staff_id"])
        names = await organization_names(self.services, person.organization_ids or frozenset())
        doctors = await self._doctors(person)
        self.show_page("staff/show.html", person=person, organizations=names, doctors=doctors)

    async def _doctors(self, person: StaffMember) -> list[Practitioner]:
        """Who a doctor's account may be, in the directory of his institutions."""
        if person.role is not Role.DOCTOR:
            return []
        places = sorted(person.organization_ids or ())
        lists = [await self.services.directory.list_practitioners_of(each) for each in places]
        return [doctor for listed in lists for doctor in listed]


class DisableStaffHandler(StaffHandler):
    """Closing an account."""

    @requires(Permission.STAFF_STAFF_MANAGE)
    @page("Ask why the account is closed")
    async def get(self, staff_id: str) -> None:
        """Show the form."""
        await self.show(staff_id=staff_id)

    async def show(self, **path: str) -> None:
        """Show the form."""
        person = await self.services.staff.access_member(self.actor, path["staff_id"])
        self.show_page("staff/disable.html", person=person)

    @requires(Permission.STAFF_STAFF_MANAGE)
    @page("Close an account", errors=(ErrorCode.REASON_REQUIRED,), again=True)
    async def post(self, body: ReasonForm, staff_id: str) -> None:
        """Close it; its sessions end at once."""
        await self.services.staff.disable(self.actor, staff_id, body.given())
        self.go(f"/admin/staff/{staff_id}", "staff-disabled")


class TieHandler(StaffHandler):
    """Saying which doctor of the directory an account is."""

    @requires(Permission.STAFF_STAFF_MANAGE)
    @page("Say which doctor an account is", errors=(ErrorCode.BAD_REQUEST,), again=True)
    async def post(self, body: DoctorForm, staff_id: str) -> None:
        """In his name patients are referred and records opened from then on."""
        doctor = await self.services.directory.find_practitioner(body.practitioner or "-")
        if body.practitioner and doctor is None:
            raise not_found("practitioner")
        place = doctor.organization_id if doctor else ""
        await self.services.staff.tie_practitioner(self.actor, staff_id, body.practitioner, place)
        self.go(f"/admin/staff/{staff_id}", "saved")


class EnableStaffHandler(StaffHandler):
    """Opening a closed account again."""

    @requires(Permission.STAFF_STAFF_MANAGE)
    @page("Open a closed account again")
    async def post(self, staff_id: str) -> None:
        """Open it."""
        await self.services.staff.enable(self.actor, staff_id)
        self.go(f"/admin/staff/{staff_id}", "staff-enabled")


class ResetHandler(StaffHandler):
    """New credentials for one who forgot a password or lost a phone."""

    @requires(Permission.STAFF_STAFF_MANAGE)
    @page("A staff member")
    async def get(self, staff_id: str, what: str) -> None:
        """The member: credentials are shown once, and not for reloading the page."""
        await self.show(staff_id=staff_id)

    @requires(Permission.STAFF_STAFF_MANAGE)
    @page("Make new credentials")
    async def post(self, staff_id: str, what: str) -> None:
        """Make them and show them, this once."""
        staff = self.services.staff
        if what == "password":
            _show_credentials(self, "密码已重置", await staff.reset_password(self.actor, staff_id))
        elif what == "code":
            _show_credentials(self, "动态口令已重置", await staff.reset_totp(self.actor, staff_id))
        else:
            raise AppError(ErrorCode.NOT_FOUND, what)


def _show_credentials(handler: PageHandler, heading: str, made: Credentials) -> None:
    qr = _qr_svg(made.totp_uri) if made.totp_uri else ""
    handler.show_page("staff/credentials.html", heading=heading, made=made, qr=qr)


def _qr_svg(text: str) -> str:
    """The QR code as an SVG data address: an image, so that the page stays free of inline drawing."""
    return str(segno.make(text, error="m").svg_data_uri(scale=4, border=2))


routes = [
    (r"/admin/staff", StaffListHandler),
    (r"/admin/staff/new", NewStaffHandler),
    (r"/admin/staff/(?P<staff_id>[0-9A-Z]+)", StaffHandler),
    (r"/admin/staff/(?P<staff_id>[0-9A-Z]+)/disable", DisableStaffHandler),
    (r"/admin/staff/(?P<staff_id>[0-9A-Z]+)/enable", EnableStaffHandler),
    (r"/admin/staff/(?P<staff_id>[0-9A-Z]+)/doctor", TieHandler),
    (r"/admin/staff/(?P<staff_id>[0-9A-Z]+)/reset/(?P<what>[a-z]+)", ResetHandler),
]
