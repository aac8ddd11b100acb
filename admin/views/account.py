"""One's own account: who I am here, and a new password."""

from __future__ import annotations

from pydantic import Field

from admin.base import PageHandler, page
from admin.forms import Form
from admin.lookups import organization_names
from backend.errors import AppError, ErrorCode
from backend.http.endpoint import requires
from backend.permissions import ROLE_GRANTS, Permission


class PasswordForm(Form):
    """A new password, typed twice."""

    old_password: str = Field("", max_length=128, title="当前密码")
    new_password: str = Field("", max_length=128, title="新密码")
    new_password_again: str = Field("", max_length=128, title="再输一次新密码")


class AccountHandler(PageHandler):
    """Who I am here."""

    @requires(Permission.STAFF_ACCOUNT_MANAGE)
    @page("One's own account")
    async def get(self) -> None:
        """Name, role, scope, permissions."""
        ids = self.actor.organization_ids
        organizations = await organization_names(self.services, ids or frozenset())
        granted = ROLE_GRANTS[self.actor.role] if self.actor.role else frozenset()
        self.show_page("account/show.html", organizations=organizations, granted=granted)


class PasswordHandler(PageHandler):
    """A new password."""

    @requires(Permission.STAFF_ACCOUNT_MANAGE)
    @page("Ask for a new password")
    async def get(self) -> None:
        """Show the form."""
        await self.show()

    async def show(self, **path: str) -> None:
        """Show the form."""
        self.show_page("account/password.html")

    @requires(Permission.STAFF_ACCOUNT_MANAGE)
    @page("Change the password", errors=(ErrorCode.PASSWORD_WEAK, ErrorCode.SIGN_IN_FAILED), again=True)
    async def post(self, body: PasswordForm) -> None:
        """Change it; other sessions end."""
        if body.new_password != body.new_password_again:
            raise AppError(
                ErrorCode.BAD_REQUEST, "passwords differ", text="两次输入的新密码不一致，请重新输入。"
            )
        await self.services.staff.change_password(self.actor, body.old_password, body.new_password)
        self.go("/admin/account", "password-changed")


routes = [
    (r"/admin/account", AccountHandler),
    (r"/admin/account/password", PasswordHandler),
]
