"""What every console page stands on: session, form tokens, rendering, the HTML twin of the error renderer."""

from __future__ import annotations

import functools
import re
from collections.abc import Callable
from typing import Any, TypeVar
from urllib.parse import quote, urlencode

from pydantic import BaseModel, ValidationError
from tornado.web import Finish

from admin import menu, words
from admin.forms import form_problem
from admin.templating import render
from backend.errors import AppError, ErrorCode
from backend.http.base import APIHandler, as_app_error
from backend.http.endpoint import Access, Method, operation
from backend.staff.models import SignedIn

M = TypeVar("M", bound=BaseModel)

SESSION_COOKIE = "hc_console"
SIGN_IN = "/admin/sign-in"
CHANGE_PASSWORD = "/admin/account/password"  # noqa: S105 an address
SIGN_OUT = "/admin/sign-out"
# Nothing inline, nothing from elsewhere: what the console needs, it serves itself.
CONTENT_SECURITY_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
)
# What no correction of the form would change.
_NEVER_AGAIN = frozenset({ErrorCode.UNAUTHENTICATED, ErrorCode.FORBIDDEN, ErrorCode.NOT_FOUND})
_OWN_PAGE = re.compile(r"^/admin(/[\w./-]*)?(\?[\w.=&%+:-]*)?$")


def page(
    summary: str, *, errors: tuple[ErrorCode, ...] = (), again: bool = False
) -> Callable[[Method], Method]:
    """`@operation` for a page: check access, read, call. What the method shows, it shows by `show_page`.

    `again`: a refused form is shown again with what was typed and the reason, under the error's status.
    """
    described = operation(summary, errors=errors, tag="console")

    def decorate(method: Method) -> Method:
        read_and_call = described(method)
        return _shown_again(read_and_call) if again else read_and_call

    return decorate


def _shown_again(method: Method) -> Method:
    @functools.wraps(method)
    async def run(self: PageHandler, **path: str) -> None:
        try:
            await method(self, **path)
        except AppError as error:
            if not self.entered or error.status >= 500 or error.code in _NEVER_AGAIN:
                raise
            self.log_exception(AppError, error, None)
            self.problem = error
            self.set_status(error.status)
            await self.show(**path)

    return run


class PageHandler(APIHandler):
    """A console page."""

    signed_in: SignedIn | None = None
    problem: AppError | None = None
    entered = False
    scope = ""
    # False for what a page asks by itself: an unattended dashboard must not keep its session alive.
    by_a_person = True

    def set_default_headers(self) -> None:
        """Pages hold personal data: no cache keeps them, no other site frames or feeds them."""
        super().set_default_headers()
        self.set_header("Content-Security-Policy", CONTENT_SECURITY_POLICY)
        self.set_header("Cache-Control", "no-store")

    # -- who is asking ---------------------------------------------------------------------------------

    async def enter(self, access: Access, rate_limit: str | None) -> None:
        """Session, form token, permission, in this order; then a first password must be changed."""
        await self._find_session()
        if self.request.method not in ("GET", "HEAD"):
            self.check_form_token()
        if access.permission is not None:
            if self.signed_in is None:
                raise AppError(ErrorCode.UNAUTHENTICATED)
            if not self.actor.may(access.permission):
                raise AppError(ErrorCode.FORBIDDEN, str(access.permission))
            self._insist_on_new_password()
        elif access.public_reason is None:
            raise AppError(ErrorCode.FORBIDDEN, "no access declared")
        if rate_limit is not None:
            await self.services.limiter.take(rate_limit, self.actor.id or self.client_ip)
        self.entered = True

    async def _find_session(self) -> None:
        token = self.session_token
        sign_in = self.services.staff.sign_in
        self.signed_in = await sign_in.find(token, in_use=self.by_a_person) if token else None
        if self.signed_in is not None:
            self.actor = self.signed_in.actor
            self.scope = await self._scope_in_words()

    async def _scope_in_words(self) -> str:
        """Where this member works, for the top of every page."""
        ids = self.actor.organization_ids
        if ids is None:
            return "全市"
        first = await self.services.directory.find_organization(min(ids)) if ids else None
        name = first.name if first else "（机构已删除）"
        return name if len(ids) == 1 else f"{name}等{len(ids)}家机构"

    def _insist_on_new_password(self) -> None:
        member = self.signed_in.member if self.signed_in else None
        if (
            member is not None
            and member.must_change_password
            and self.request.path not in (CHANGE_PASSWORD, SIGN_OUT)
        ):
            self.redirect(CHANGE_PASSWORD, status=303)
            raise Finish

    @property
    def session_token(self) -> str:
        """The session cookie's value."""
        return self.get_cookie(SESSION_COOKIE) or ""

    def set_private_cookie(self, name: str, value: str, path: str = "/admin") -> None:
        """A cookie no script reads and no other site's form sends."""
        secure = self.city.settings.is_production
        self.set_cookie(name, value, path=path, httponly=True, samesite="Lax", secure=secure)

    # -- forms -----------------------------------------------------------------------------------------

    @property
    def form_binding(self) -> str:
        """The secret of this browser that form tokens are bound to."""
        return self.session_token

    def check_form_token(self) -> None:
        """Refuse a write that this browser's own page did not make."""
        given = self.get_body_argument("_csrf", "")
        # A browser without a cookie has no page of ours: no token can be right.
        if not self.form_binding:
            raise AppError(ErrorCode.CSRF_FAILED, "no cookie")
        self.services.csrf.check(self.form_binding, given)

    @property
    def typed(self) -> dict[str, str]:
        """What the form said, for showing it again; passwords and codes are typed anew."""
        secret = ("password", "code", "_csrf")
        return {
            name: self.get_body_argument(name, "")
            for name in self.request.body_arguments
            if not any(word in name for word in secret)
        }

    def read_body(self, kind: type[M]) -> M:
        """The form as `kind`; what is wrong is said in the form's own words."""
        fields = {
            name: self.get_body_arguments(name) for name in self.request.body_arguments if name != "_csrf"
        }
        values = {name: given if kind.model_fields[name].annotation == list[str] else given[-1]
                  for name, given in fields.items() if name in kind.model_fields}  # fmt: skip
        try:
            return kind.model_validate(values)
        except ValidationError as error:
            raise form_problem(kind, error) from None

    @property
    def query(self) -> dict[str, str]:
        """The address's parameters as text, whatever was sent."""
        given = self.request.query_arguments.items()
        return {name: values[-1].decode("utf-8", "replace").strip() for name, values in given}

    def read_query(self, kind: type[M]) -> M:
        """The filters of a list; an empty one is no filter."""
        values = {name: value for name, value in self.query.items() if value and name in kind.model_fields}
        try:
            return kind.model_validate(values)
        except ValidationError as error:
            raise form_problem(kind, error) from None

    # -- showing ---------------------------------------------------------------------------------------

    async def show(self, **path: str) -> None:
        """Show the page of this handler; what `get` does, and what a refused form does again."""
        raise NotImplementedError

    def show_page(self, template: str, **values: Any) -> None:
        """Finish with a template; every template has these names besides its own."""
        self.set_header("Content-Type", "text/html; charset=utf-8")
        self.finish(render(template, {**self._common_values(), **values}))

    def _common_values(self) -> dict[str, Any]:
        binding = self.form_binding
        query = self.query
        return {
            "actor": self.actor,
            "may": self.actor.may,
            "member": self.signed_in.member if self.signed_in else None,
            "menu": menu.entries_for(self.actor) if self.signed_in else [],
            "scope": self.scope,
            "city_name": self.city.settings.city_name,
            "environment_name": self.city.settings.environment,
            "csrf": self.services.csrf.issue(binding) if binding else "",
            "path": self.request.path,
            "query": query,
            "done": words.DONE.get(query.get("done", ""), ""),
            "problem": self.problem,
            "typed": self.typed,
        }

    def go(self, path: str, done: str = "") -> None:
        """After a write: to a page that may be reloaded, with the key of what to say there."""
        self.redirect(f"{path}?{urlencode({'done': done})}" if done else path, status=303)

    def write_error(self, status_code: int, **kwargs: Any) -> None:
        """The HTML twin of the JSON renderer: same codes, same texts, and what to do next."""
        error = as_app_error(kwargs.get("exc_info", (None, None, None))[1], status_code)
        if error.code is ErrorCode.UNAUTHENTICATED and self.request.method == "GET":
            self.redirect(f"{SIGN_IN}?next={quote(self.request.uri or '', safe='/')}")
            return
        self.set_status(error.status)
        self.set_error_headers(error)
        self.problem = None
        self.show_page("error.html", error=error, request_id=self.request_id)


def own_page(address: str, otherwise: str) -> str:
    """`address` when it is a page of this console: nobody is sent elsewhere after signing in."""
    own = _OWN_PAGE.match(address) and ".." not in address and not address.startswith(SIGN_IN)
    return address if own else otherwise
