"""Signing in, going on and signing out: one-time codes, WeChat, tickets, refresh tokens."""

from __future__ import annotations

import re
import secrets

from backend.errors import ErrorCode
from backend.http.base import APIHandler
from backend.http.endpoint import operation, public, requires
from backend.permissions import Permission
from backend.residents import schemas
from backend.residents.login import STATE_LIFETIME, Caller

# Binds the steps of one log-in by the official account to one browser.
BROWSER_COOKIE = "hc_login"
COOKIE_PATH = "/api/v1/auth"
SMS_ERRORS = (ErrorCode.PHONE_INVALID, ErrorCode.CODE_WRONG, ErrorCode.CODE_TOO_MANY_ATTEMPTS)

_OURS = re.compile(r"[A-Za-z0-9_-]{32}")
_WECHAT = (ErrorCode.WECHAT_REFUSED, ErrorCode.LOGIN_TICKET_INVALID, ErrorCode.PHONE_INVALID)
_IDLE = (ErrorCode.IDENTITY_NEEDED,)


class LoginHandler(APIHandler):
    """What the log-in endpoints share."""

    def caller(self) -> Caller:
        """Where this log-in comes from."""
        cookie = self.get_cookie(BROWSER_COOKIE) or ""
        return Caller(
            ip=self.client_ip,
            device=self.request.headers.get("User-Agent", ""),
            # One that we did not make is as good as none.
            browser=cookie if _OURS.fullmatch(cookie) else "",
        )


class SMSCodeHandler(LoginHandler):
    """One-time codes."""

    @public("whoever has no account yet asks for a code; limited per phone and address")
    @operation("Send a one-time code by SMS", status=202, errors=(ErrorCode.PHONE_INVALID,), tag="auth")
    async def post(self, body: schemas.SendCode) -> schemas.CodeSent:
        """The answer is the same for phones with and without an account."""
        after_s = await self.services.residents.login.send_code(body.phone, self.caller())
        return schemas.CodeSent(resend_after_s=after_s)


class SMSLoginHandler(LoginHandler):
    """Log-in by one-time code."""

    @public("this is how a resident becomes known; five attempts per code")
    @operation("Sign in with a one-time code", errors=(*SMS_ERRORS, *_IDLE), tag="auth")
    async def post(self, body: schemas.SMSLogin) -> schemas.TokenPair:
        """The first log-in of a phone makes its account.

        IDENTITY_NEEDED carries a `login_ticket` when nobody has used the phone's account for long.
        """
        signed_in = await self.services.residents.login.by_sms(body.phone, body.code, self.caller())
        return schemas.token_pair_out(signed_in)


class IdentityHandler(LoginHandler):
    """Log-in to an account that nobody has used for long."""

    @public("this is how a resident becomes known; five tries per account, then one a day")
    @operation(
        "Sign in with the end of the ID number",
        errors=(ErrorCode.IDENTITY_WRONG, ErrorCode.LOGIN_TICKET_INVALID),
        tag="auth",
    )
    async def post(self, body: schemas.ShowIdentity) -> schemas.TokenPair:
        """After IDENTITY_NEEDED: carriers give idle numbers to others, so the phone alone is not enough."""
        signed_in = await self.services.residents.login.by_identity(
            body.login_ticket, body.last_four, self.caller()
        )
        return schemas.token_pair_out(signed_in)


class NewHolderHandler(LoginHandler):
    """Log-in with a number that was somebody else's."""

    @public("this is how a resident becomes known; the ticket says that the phone was proven")
    @operation(
        "Begin anew with a number that is new to oneself",
        errors=(ErrorCode.LOGIN_TICKET_INVALID,),
        tag="auth",
    )
    async def post(self, body: schemas.SayNewHolder) -> schemas.TokenPair:
        """After IDENTITY_NEEDED: a fresh account. The old one loses only the number, and is told."""
        signed_in = await self.services.residents.login.as_new_holder(body.login_ticket, self.caller())
        return schemas.token_pair_out(signed_in)


class MiniLoginHandler(LoginHandler):
    """Log-in by the WeChat mini-program."""

    @public("this is how a resident becomes known; WeChat vouches for the code")
    @operation("Sign in from the mini-program", errors=(*_WECHAT, *_IDLE), tag="auth")
    async def post(self, body: schemas.MiniLogin) -> schemas.LoginAnswer:
        """With `js_code`; a WeChat account that is new here goes on with `login_ticket` and `phone_code`."""
        login = self.services.residents.login
        if body.js_code is not None:
            return schemas.login_out(await login.by_js_code(body.js_code, self.caller()))
        signed_in = await login.add_phone_code(body.login_ticket or "", body.phone_code or "", self.caller())
        return schemas.signed_in_out(signed_in)


class OAuthHandler(LoginHandler):
    """The way to the official account's authorisation page."""

    @public("this is how a resident becomes known; leads to WeChat")
    @operation("Go to WeChat to be recognised", status=302, tag="auth")
    async def get(self, query: schemas.StartOAuth) -> None:
        """Sets the cookie to which the way back is bound."""
        browser = self.caller().browser or secrets.token_urlsafe(24)
        self.set_cookie(
            BROWSER_COOKIE,
            browser,
            path=COOKIE_PATH,
            httponly=True,
            # Lax: WeChat's redirect back to us is a top-level navigation and must carry it.
            samesite="Lax",
            secure=self.city.settings.public_url.startswith("https:"),
            max_age=int(STATE_LIFETIME.total_seconds()),
        )
        self.redirect(await self.services.residents.login.begin_oauth(query.return_to, browser))


class OAuthCallbackHandler(LoginHandler):
    """The way back from it."""

    @public("WeChat sends the browser here; bound to it by state and cookie")
    @operation("Come back from WeChat", status=302, tag="auth")
    async def get(self, query: schemas.FinishOAuth) -> None:
        """Goes on to the log-in page with a one-time ticket, or with an error code."""
        self.redirect(
            await self.services.residents.login.finish_oauth(query.code, query.state, self.caller())
        )


class TicketHandler(LoginHandler):
    """Tickets of log-ins under way."""

    @public("this is how a resident becomes known; tickets are random, short-lived and used once")
    @operation(
        "Exchange a log-in ticket", errors=(*SMS_ERRORS, *_IDLE, ErrorCode.LOGIN_TICKET_INVALID), tag="auth"
    )
    async def post(self, body: schemas.TicketLogin) -> schemas.LoginAnswer:
        """With `ticket`; a WeChat account new here goes on with `login_ticket`, `phone` and `code`."""
        login = self.services.residents.login
        if body.ticket is not None:
            return schemas.login_out(await login.by_ticket(body.ticket, self.caller()))
        signed_in = await login.add_phone_by_sms(
            body.login_ticket or "", body.phone or "", body.code or "", self.caller()
        )
        return schemas.signed_in_out(signed_in)


class RefreshHandler(APIHandler):
    """Sessions that go on."""

    @public("the refresh token is the proof")
    @operation(
        "Refresh the session",
        errors=(ErrorCode.REFRESH_REUSED, ErrorCode.UNAUTHENTICATED),
        tag="auth",
        rate_limit="refresh",
    )
    async def post(self, body: schemas.Refresh) -> schemas.TokenPair:
        """A refresh token is good once; one that comes back a second time ends the session."""
        return schemas.token_pair_out(await self.services.residents.login.refresh(body.refresh_token))


class SignOutHandler(APIHandler):
    """Sessions that end."""

    @requires(Permission.RESIDENT_ACCOUNT_MANAGE)
    @operation("Sign out", tag="auth")
    async def post(self) -> None:
        """Ends this session on this device."""
        await self.services.residents.login.sign_out(self.actor)


routes = [
    (r"/api/v1/auth/sms-codes", SMSCodeHandler),
    (r"/api/v1/auth/sms", SMSLoginHandler),
    (r"/api/v1/auth/identity", IdentityHandler),
    (r"/api/v1/auth/new-holder", NewHolderHandler),
    (r"/api/v1/auth/wechat-mini", MiniLoginHandler),
    (r"/api/v1/auth/wechat-oauth", OAuthHandler),
    (r"/api/v1/auth/wechat-oauth/callback", OAuthCallbackHandler),
    (r"/api/v1/auth/ticket", TicketHandler),
    (r"/api/v1/auth/refresh", RefreshHandler),
    (r"/api/v1/auth/sign-out", SignOutHandler),
]
