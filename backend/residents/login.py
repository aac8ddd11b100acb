"""Signing in: by SMS code, by the mini-program, by the official account; staying signed in; signing out."""

from __future__ import annotations

import hmac
import logging
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta
from urllib.parse import urlencode

from backend.audit.service import AuditService
from backend.errors import AppError, ErrorCode
from backend.permissions import Actor, Role
from backend.residents.accounts import Accounts
from backend.residents.codes import LoginCodes
from backend.residents.id_numbers import normalise_id_number
from backend.residents.idle import IdleAccounts
from backend.residents.login_store import Ticket, TicketKind, TicketStore, ticket_hash
from backend.residents.models import Resident, ResidentState, WeChatApp
from backend.residents.phones import PhoneError, parse_phone
from backend.security.limits import RateLimiter
from backend.security.sessions import IssuedTokens, SessionService
from notify.ports import NotifyError, RejectedError, RejectReason, WeChatLogin

log = logging.getLogger(__name__)

STATE_LIFETIME = timedelta(minutes=10)
TICKET_LIFETIME = timedelta(minutes=10)
# The finished authorisation travels in an address; the app exchanges it at once.
DONE_LIFETIME = timedelta(minutes=2)
CALLBACK_PATH = "/api/v1/auth/wechat-oauth/callback"
LOGIN_PAGE = "/#/pages/login/index"


@dataclass(frozen=True, slots=True)
class Caller:
    """Where a log-in comes from. `browser` is the value of the cookie that binds the steps of one log-in."""

    ip: str
    device: str = ""
    browser: str = ""


@dataclass(frozen=True, slots=True)
class SignedIn:
    """A finished log-in."""

    resident: Resident
    tokens: IssuedTokens = field(repr=False)


@dataclass(frozen=True, slots=True)
class LogInStep:
    """Either signed in, or a ticket with which to go on once the phone is known."""

    signed_in: SignedIn | None = None
    login_ticket: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class WeChatApps:
    """The ids of the city's two applications at WeChat."""

    mini: str
    oa: str

    def id_of(self, app: WeChatApp) -> str:
        """The id of one of them."""
        return self.mini if app is WeChatApp.MINI else self.oa


class LoginService:
    """Everything about proving who one is to the city."""

    def __init__(
        self,
        accounts: Accounts,
        codes: LoginCodes,
        tickets: TicketStore,
        idle: IdleAccounts,
        sessions: SessionService,
        wechat: WeChatLogin,
        limiter: RateLimiter,
        audit: AuditService,
        apps: WeChatApps,
        public_url: str,
    ) -> None:
        self._accounts = accounts
        self._codes = codes
        self._tickets = tickets
        self._idle = idle
        self._sessions = sessions
        self._wechat = wechat
        self._limiter = limiter
        self._audit = audit
        self._apps = apps
        self._public_url = public_url.rstrip("/")

    # -- by SMS ----------------------------------------------------------------------------------------

    async def send_code(self, phone: str, caller: Caller) -> int:
        """Send a one-time code, alike for phones known and unknown; returns the seconds until the next."""
        return await self._codes.send(read_phone(phone), caller.ip)

    async def by_sms(self, phone: str, code: str, caller: Caller) -> SignedIn:
        """Sign in with the code; the first time makes the account. Raises IDENTITY_NEEDED."""
        number = read_phone(phone)
        await self._codes.check(number, code)
        return await self._enter(Ticket("", TicketKind.PHONE_NEEDED, phone=number), caller)

    # -- when the phone's account was idle for long ----------------------------------------------------

    async def by_identity(self, login_ticket: str, last_four: str, caller: Caller) -> SignedIn:
        """Go on with the end of the ID number. Raises IDENTITY_WRONG, LOGIN_TICKET_INVALID."""
        return await self._admit(*await self._idle.prove(login_ticket, last_four), caller)

    async def as_new_holder(self, login_ticket: str, caller: Caller) -> SignedIn:
        """Go on with an account of one's own: the number was somebody else's before."""
        return await self._enter(await self._idle.give_up(login_ticket), caller)

    # -- by the mini-program ---------------------------------------------------------------------------

    async def by_js_code(self, js_code: str, caller: Caller) -> LogInStep:
        """Sign in the WeChat account behind `wx.login`'s code, or say that its phone is needed."""
        await self._limiter.take("wechat_ip", caller.ip)
        with _wechat_errors():
            session = await self._wechat.openid_of_js_code(js_code)
        return await self._by_openid(WeChatApp.MINI, session.openid, caller)

    async def add_phone_code(self, login_ticket: str, phone_code: str, caller: Caller) -> SignedIn:
        """Go on with the phone number the person agreed to share with the mini-program."""
        ticket = await self._find_ticket(login_ticket, TicketKind.PHONE_NEEDED)
        if ticket.app is not WeChatApp.MINI:
            raise AppError(ErrorCode.LOGIN_TICKET_INVALID, "not a mini-program's ticket")
        with _wechat_errors():
            phone = await self._wechat.phone_of_code(phone_code)
        return await self._add_phone(ticket, read_phone(phone), caller)

    async def add_phone_by_sms(self, login_ticket: str, phone: str, code: str, caller: Caller) -> SignedIn:
        """Go on with a phone number proved by SMS code."""
        ticket = await self._find_ticket(login_ticket, TicketKind.PHONE_NEEDED)
        number = read_phone(phone)
        await self._codes.check(number, code)
        return await self._add_phone(ticket, number, caller)

    # -- by the official account -----------------------------------------------------------------------

    async def begin_oauth(self, return_to: str, browser: str) -> str:
        """Where to send the browser; `browser` is the cookie it will bring back."""
        state = secrets.token_urlsafe(24)
        ticket = Ticket(
            ticket_hash(state), TicketKind.OAUTH_STATE, browser=ticket_hash(browser), return_to=return_to
        )
        await self._tickets.add(ticket, STATE_LIFETIME)
        return self._wechat.authorize_url(self._public_url + CALLBACK_PATH, state)

    async def finish_oauth(self, code: str, state: str, caller: Caller) -> str:
        """Where to send the browser that came back: the log-in page with a ticket, or with an error code."""
        try:
            begun = await self._take_ticket(state, TicketKind.OAUTH_STATE, caller.browser)
            await self._limiter.take("wechat_ip", caller.ip)
            with _wechat_errors():
                openid = await self._wechat.openid_of_oauth_code(code)
        except AppError as error:
            # A person stands before a browser here: a page can say it, a JSON answer cannot.
            log.info("oauth_refused", extra={"code": error.code, "detail": error.log})
            return _login_page(error=error.code)
        token = secrets.token_urlsafe(24)
        await self._tickets.add(
            Ticket(
                ticket_hash(token),
                TicketKind.OAUTH_DONE,
                app=WeChatApp.OA,
                app_id=self._apps.oa,
                openid=openid,
                browser=ticket_hash(caller.browser),
            ),
            DONE_LIFETIME,
        )
        return _login_page(ticket=token, return_to=begun.return_to)

    async def by_ticket(self, ticket: str, caller: Caller) -> LogInStep:
        """Exchange the finished authorisation, in the browser that made it."""
        done = await self._take_ticket(ticket, TicketKind.OAUTH_DONE, caller.browser)
        return await self._by_openid(WeChatApp.OA, done.openid, caller)

    # -- staying and leaving ---------------------------------------------------------------------------

    async def refresh(self, refresh_token: str) -> SignedIn:
        """New tokens for a used-up refresh token; what they say is looked up anew."""
        tokens = await self._sessions.refresh(refresh_token, self._renew)
        return SignedIn(await self._accounts.access_account(tokens.actor), tokens)

    async def sign_out(self, actor: Actor) -> None:
        """End this session."""
        await self._sessions.end(actor.session_id)

    async def change_phone(
        self, actor: Actor, phone: str, code: str, id_number: str | None, caller: Caller
    ) -> SignedIn:
        """Move the account to a new phone, proved by SMS code; a verified person also shows the ID number.

        A stolen session alone must not be enough to take an account away. Every other session ends.
        """
        resident = await self._accounts.access_account(actor)
        number = read_phone(phone)
        if resident.real_name:
            await self._limiter.take("real_name", resident.id)
            if not _same_number(id_number or "", resident.id_number or ""):
                raise AppError(ErrorCode.REAL_NAME_MISMATCH, "phone change without the right number")
        await self._codes.check(number, code)
        changed = await self._accounts.change_phone(resident, number)
        await self._sessions.end_all(changed.id, "phone changed")
        await self._audit.record(actor, "resident.change_phone", f"resident/{changed.id}", "own request")
        return await self._open(changed, actor.channel, caller)

    # -- steps -----------------------------------------------------------------------------------------

    async def _by_openid(self, app: WeChatApp, openid: str, caller: Caller) -> LogInStep:
        app_id = self._apps.id_of(app)
        resident = await self._accounts.account_of_wechat(app_id, openid)
        if resident is not None:
            return LogInStep(signed_in=await self._open(resident, "wechat", caller))
        token = secrets.token_urlsafe(24)
        ticket = Ticket(ticket_hash(token), TicketKind.PHONE_NEEDED, app=app, app_id=app_id, openid=openid)
        await self._tickets.add(ticket, TICKET_LIFETIME)
        return LogInStep(login_ticket=token)

    async def _add_phone(self, ticket: Ticket, phone: str, caller: Caller) -> SignedIn:
        # Only now is the ticket used up: a mistyped code or a busy WeChat costs the person nothing.
        if ticket.app is None or await self._tickets.take(ticket.hash, ticket.kind) is None:
            raise AppError(ErrorCode.LOGIN_TICKET_INVALID, "used meanwhile")
        return await self._enter(replace(ticket, phone=phone), caller)

    async def _enter(self, proven: Ticket, caller: Caller) -> SignedIn:
        """The account of a proven phone, unless the phone alone does not prove enough."""
        account = await self._accounts.account_of_phone(proven.phone)
        await self._idle.check(account, proven)
        return await self._admit(account, proven, caller)

    async def _admit(self, account: Resident, proven: Ticket, caller: Caller) -> SignedIn:
        if proven.app is None:
            return await self._open(account, "h5", caller)
        resident = await self._accounts.bind_wechat(account, proven.app, proven.app_id, proven.openid)
        return await self._open(resident, "wechat", caller)

    async def _open(self, resident: Resident, channel: str, caller: Caller) -> SignedIn:
        actor = Actor(
            kind="resident",
            id=resident.id,
            role=Role.RESIDENT,
            channel=channel,
            real_name=resident.real_name,
        )
        await self._accounts.note_seen(resident)
        return SignedIn(resident, await self._sessions.open(actor, caller.device))

    async def _renew(self, actor: Actor) -> Actor:
        resident = await self._accounts.find(actor.id)
        if actor.kind != "resident" or resident is None or resident.state is not ResidentState.ACCOUNT:
            raise AppError(ErrorCode.UNAUTHENTICATED, f"no account {actor.id}")
        await self._accounts.note_seen(resident)
        return replace(actor, id=resident.id, real_name=resident.real_name)

    async def _find_ticket(self, token: str, kind: TicketKind) -> Ticket:
        ticket = await self._tickets.find(ticket_hash(token), kind)
        if ticket is None:
            raise AppError(ErrorCode.LOGIN_TICKET_INVALID, f"no {kind} ticket")
        return ticket

    async def _take_ticket(self, token: str, kind: TicketKind, browser: str) -> Ticket:
        ticket = await self._tickets.take(ticket_hash(token), kind)
        if ticket is None or not hmac.compare_digest(ticket.browser, ticket_hash(browser)):
            raise AppError(ErrorCode.LOGIN_TICKET_INVALID, f"no {kind} ticket of this browser")
        return ticket


def read_phone(text: str) -> str:
    """A phone from outside, or PHONE_INVALID."""
    try:
        return parse_phone(text)
    except PhoneError:
        raise AppError(ErrorCode.PHONE_INVALID) from None


def _same_number(given: str, own: str) -> bool:
    return hmac.compare_digest(normalise_id_number(given).encode(), own.encode())


def _login_page(**parameters: str) -> str:
    return f"{LOGIN_PAGE}?{urlencode(parameters)}"


@contextmanager
def _wechat_errors() -> Iterator[None]:
    """WeChat's refusals and absences in our words."""
    try:
        yield
    except RejectedError as error:
        if error.reason is RejectReason.MISCONFIGURED:
            raise AppError(ErrorCode.UNAVAILABLE, f"WeChat log-in misconfigured: {error.code}") from error
        raise AppError(ErrorCode.WECHAT_REFUSED, f"WeChat says {error.code}") from error
    except NotifyError as error:
        raise AppError(ErrorCode.UNAVAILABLE, f"WeChat away: {error.code}") from error
