"""Signing in (password, then one-time code) and out."""

from __future__ import annotations

import secrets

from pydantic import Field

from admin.base import SESSION_COOKIE, SIGN_IN, PageHandler, own_page, page
from admin.forms import Form
from admin.menu import first_page
from backend.errors import ErrorCode
from backend.http.endpoint import public, requires
from backend.permissions import Permission

# Binds the sign-in form to this browser before there is a session to bind it to.
FORM_COOKIE = "hc_console_form"


class SignInForm(Form):
    """The first step."""

    login: str = Field("", max_length=64, title="登录名")
    password: str = Field("", max_length=128, title="密码")
    next: str = Field("", max_length=500)


class CodeForm(Form):
    """The second step."""

    code: str = Field("", max_length=7, title="动态口令")
    next: str = Field("", max_length=500)


class HomeHandler(PageHandler):
    """/admin: to the first page that is open to this role."""

    @requires(Permission.STAFF_ACCOUNT_MANAGE)
    @page("The first page of this role")
    async def get(self) -> None:
        """Redirect."""
        self.go(first_page(self.actor))


class SignInHandler(PageHandler):
    """Login and password."""

    @property
    def form_binding(self) -> str:
        """A random cookie of this browser."""
        return self._fresh_binding or self.get_cookie(FORM_COOKIE) or ""

    _fresh_binding = ""

    @public("the way in")
    @page("The sign-in page")
    async def get(self) -> None:
        """Show the form; someone signed in already goes on."""
        if self.signed_in is not None:
            self.go(first_page(self.actor))
            return
        await self.show()

    async def show(self, **path: str) -> None:
        """Show the form."""
        if not self.form_binding:
            self._fresh_binding = secrets.token_urlsafe(24)
            self.set_private_cookie(FORM_COOKIE, self._fresh_binding)
        self.show_page("sign_in.html", next=self.typed.get("next") or self.query.get("next", ""))

    @public("the way in")
    @page("Check login and password", errors=(ErrorCode.SIGN_IN_FAILED, ErrorCode.ACCOUNT_LOCKED), again=True)
    async def post(self, body: SignInForm) -> None:
        """Open a half session that waits for the code."""
        token = await self.services.staff.sign_in.begin(body.login, body.password, self.client_ip)
        self.set_private_cookie(SESSION_COOKIE, token)
        self.redirect(f"{SIGN_IN}/code{_with_next(body.next)}", status=303)


class CodeHandler(PageHandler):
    """The one-time code."""

    @public("the second step of signing in; the half session is checked inside")
    @page("Ask for the one-time code")
    async def get(self) -> None:
        """Show the form, or go back to the first step when there is no half session."""
        if await self.services.staff.sign_in.half_session(self.session_token) is None:
            self.redirect(SIGN_IN, status=303)
            return
        await self.show()

    async def show(self, **path: str) -> None:
        """Show the form."""
        self.show_page("sign_in_code.html", next=self.typed.get("next") or self.query.get("next", ""))

    @public("the second step of signing in; the half session is checked inside")
    @page("Check the one-time code", errors=(ErrorCode.SIGN_IN_FAILED, ErrorCode.ACCOUNT_LOCKED), again=True)
    async def post(self, body: CodeForm) -> None:
        """Open the session under a fresh token: the half session's is worth nothing any more."""
        sign_in = self.services.staff.sign_in
        token, signed_in = await sign_in.complete(self.session_token, body.code, self.client_ip)
        self.set_private_cookie(SESSION_COOKIE, token)
        self.clear_cookie(FORM_COOKIE, path="/admin")
        self.go(own_page(body.next, first_page(signed_in.actor)))


class SignOutHandler(PageHandler):
    """The way out."""

    @requires(Permission.STAFF_ACCOUNT_MANAGE)
    @page("Sign out")
    async def post(self) -> None:
        """End the session."""
        if self.signed_in is not None:
            await self.services.staff.sign_in.end(self.signed_in)
        self.clear_cookie(SESSION_COOKIE, path="/admin")
        self.go(SIGN_IN, "signed-out")


def _with_next(address: str) -> str:
    kept = own_page(address, "")
    return f"?next={kept.replace('?', '%3F').replace('&', '%26')}" if kept else ""


routes = [
    (r"/admin/?", HomeHandler),
    (r"/admin/sign-in", SignInHandler),
    (r"/admin/sign-in/code", CodeHandler),
    (r"/admin/sign-out", SignOutHandler),
]
