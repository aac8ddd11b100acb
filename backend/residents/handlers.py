"""The residents' endpoints: signing in, one's own account, patients, guardians."""

from __future__ import annotations

import re
import secrets

from backend.errors import ErrorCode
from backend.http.base import APIHandler
from backend.http.endpoint import operation, public, requires
from backend.http.schema import Items
from backend.permissions import Permission
from backend.residents import schemas
from backend.residents.login import STATE_LIFETIME, Caller
from backend.residents.models import Relation

# Binds the steps of one log-in by the official account to one browser.
BROWSER_COOKIE = "hc_login"
COOKIE_PATH = "/api/v1/auth"

_OURS = re.compile(r"[A-Za-z0-9_-]{32}")
_SMS = (ErrorCode.PHONE_INVALID, ErrorCode.CODE_WRONG, ErrorCode.CODE_TOO_MANY_ATTEMPTS)
_WECHAT = (ErrorCode.WECHAT_REFUSED, ErrorCode.LOGIN_TICKET_INVALID, ErrorCode.PHONE_INVALID)
_IDLE = (ErrorCode.IDENTITY_NEEDED,)
_IDENTITY = (
    ErrorCode.NAME_INVALID,
    ErrorCode.ID_NUMBER_INVALID,
    ErrorCode.REAL_NAME_MISMATCH,
    ErrorCode.REGISTER_UNAVAILABLE,
)


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
    @operation("Sign in with a one-time code", errors=(*_SMS, *_IDLE), tag="auth")
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
    @operation("Exchange a log-in ticket", errors=(*_SMS, *_IDLE, ErrorCode.LOGIN_TICKET_INVALID), tag="auth")
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


class MeHandler(APIHandler):
    """One's own account."""

    @requires(Permission.RESIDENT_ACCOUNT_MANAGE)
    @operation("Read one's own account", tag="me")
    async def get(self) -> schemas.Me:
        """Masked, even to its owner: screens are looked at by others."""
        return schemas.me_out(await self.services.residents.access_account(self.actor))

    @requires(Permission.RESIDENT_ACCOUNT_MANAGE)
    @operation("Delete one's own account", errors=(ErrorCode.ACCOUNT_HAS_APPOINTMENTS,), tag="me")
    async def delete(self) -> None:
        """Erases personal data, ends links and sessions. Refused while appointments are to come."""
        await self.services.residents.delete_account(self.actor)


class RealNameHandler(APIHandler):
    """The real-name check."""

    @requires(Permission.RESIDENT_ACCOUNT_MANAGE)
    @operation(
        "Verify one's real name",
        errors=(*_IDENTITY, ErrorCode.REAL_NAME_TAKEN, ErrorCode.REAL_NAME_DONE),
        tag="me",
    )
    async def post(self, body: schemas.VerifyRealName) -> schemas.RealNameDone:
        """Form, then the city's population register. Use the answer's access token from then on."""
        resident, token = await self.services.residents.verify_real_name(
            self.actor, body.name, body.id_number
        )
        return schemas.real_name_out(resident, token)


class SettingsHandler(APIHandler):
    """Display settings."""

    @requires(Permission.RESIDENT_ACCOUNT_MANAGE)
    @operation("Change display settings", tag="me")
    async def put(self, body: schemas.ChangeSettings) -> schemas.Me:
        """Kept with the account, so that they follow the person."""
        changed = await self.services.residents.change_settings(self.actor, large_type=body.large_type)
        return schemas.me_out(changed)


class PhoneHandler(LoginHandler):
    """The account's phone."""

    @requires(Permission.RESIDENT_ACCOUNT_MANAGE)
    @operation(
        "Move the account to another phone",
        errors=(*_SMS, ErrorCode.PHONE_TAKEN, ErrorCode.REAL_NAME_MISMATCH),
        tag="me",
    )
    async def put(self, body: schemas.ChangePhone) -> schemas.TokenPair:
        """Ends every session and opens a new one for this device."""
        signed_in = await self.services.residents.login.change_phone(
            self.actor, body.phone, body.code, body.id_number, self.caller()
        )
        return schemas.token_pair_out(signed_in)


class PatientListHandler(APIHandler):
    """Whom the resident acts for."""

    @requires(Permission.RESIDENT_PATIENTS_MANAGE)
    @operation("List the patients one acts for", tag="patients")
    async def get(self) -> Items[schemas.PatientOut]:
        """The resident himself first, once verified."""
        views = await self.services.residents.patients.list_patients(self.actor)
        return Items(items=[schemas.patient_out(view) for view in views])

    @requires(Permission.RESIDENT_PATIENTS_MANAGE)
    @operation(
        "Act for a patient",
        status=201,
        errors=(
            *_IDENTITY,
            ErrorCode.PHONE_INVALID,
            ErrorCode.REAL_NAME_REQUIRED,
            ErrorCode.PATIENT_EXISTS,
            ErrorCode.PATIENT_LIMIT,
            ErrorCode.RELATION_NOT_CONFIRMED,
        ),
        tag="patients",
    )
    async def post(self, body: schemas.AddPatient) -> schemas.PatientOut:
        """Active at once for a young child, pending until they accept for everybody else."""
        view = await self.services.residents.patients.add(
            self.actor, Relation(body.relation), body.name, body.id_number, body.phone
        )
        return schemas.patient_out(view)


class PatientHandler(APIHandler):
    """One patient the resident acts for."""

    @requires(Permission.RESIDENT_PATIENTS_MANAGE)
    @operation("Stop acting for a patient", tag="patients")
    async def delete(self, patient_id: str) -> None:
        """Effective at once."""
        await self.services.residents.patients.remove(self.actor, patient_id)


class ConsentCodeHandler(APIHandler):
    """Asking an adult who does not use the app."""

    @requires(Permission.RESIDENT_PATIENTS_MANAGE)
    @operation(
        "Ask an adult for consent by SMS",
        status=202,
        errors=(
            ErrorCode.NOT_FOUND,
            ErrorCode.PATIENT_EXISTS,
            ErrorCode.PHONE_INVALID,
            ErrorCode.REAL_NAME_MISMATCH,
            ErrorCode.RELATION_NOT_CONFIRMED,
            ErrorCode.REGISTER_UNAVAILABLE,
        ),
        tag="patients",
    )
    async def post(self, body: schemas.AskConsent, patient_id: str) -> schemas.CodeSent:
        """The code goes to the phone only if the population register knows it as this adult's."""
        after_s = await self.services.residents.consents.ask(
            self.actor, patient_id, body.phone, self.client_ip
        )
        return schemas.CodeSent(resend_after_s=after_s)


class ConsentHandler(APIHandler):
    """The adult's answer."""

    @requires(Permission.RESIDENT_PATIENTS_MANAGE)
    @operation(
        "Act for an adult who has given consent by SMS",
        errors=(*_SMS, ErrorCode.NOT_FOUND, ErrorCode.PATIENT_EXISTS, ErrorCode.RELATION_NOT_CONFIRMED),
        tag="patients",
    )
    async def post(self, body: schemas.GiveConsent, patient_id: str) -> schemas.PatientOut:
        """Active from now on, until either ends it. The adult is told by SMS how."""
        view = await self.services.residents.consents.give(self.actor, patient_id, body.phone, body.code)
        return schemas.patient_out(view)


class GuardianListHandler(APIHandler):
    """Who acts for the resident."""

    @requires(Permission.RESIDENT_PATIENTS_MANAGE)
    @operation("List those who act, or ask to act, for oneself", tag="guardians")
    async def get(self) -> Items[schemas.GuardianOut]:
        """Newest first."""
        views = await self.services.residents.patients.list_guardians(self.actor)
        return Items(items=[schemas.guardian_out(view) for view in views])


class GuardianHandler(APIHandler):
    """One who acts, or asks to act, for the resident."""

    @requires(Permission.RESIDENT_PATIENTS_MANAGE)
    @operation("Refuse or end a guardian link", tag="guardians")
    async def delete(self, link_id: str) -> None:
        """Effective at once."""
        await self.services.residents.patients.refuse(self.actor, link_id)


class GuardianAcceptHandler(APIHandler):
    """Consent to a guardian link."""

    @requires(Permission.RESIDENT_PATIENTS_MANAGE)
    @operation("Accept a guardian link", errors=(ErrorCode.REAL_NAME_REQUIRED,), tag="guardians")
    async def post(self, link_id: str) -> schemas.GuardianOut:
        """From now on the other one may act for the resident, until either ends it."""
        return schemas.guardian_out(await self.services.residents.patients.accept(self.actor, link_id))


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
    (r"/api/v1/me", MeHandler),
    (r"/api/v1/me/real-name", RealNameHandler),
    (r"/api/v1/me/settings", SettingsHandler),
    (r"/api/v1/me/phone", PhoneHandler),
    (r"/api/v1/patients", PatientListHandler),
    (r"/api/v1/patients/(?P<patient_id>[^/]+)", PatientHandler),
    (r"/api/v1/patients/(?P<patient_id>[^/]+)/consent-codes", ConsentCodeHandler),
    (r"/api/v1/patients/(?P<patient_id>[^/]+)/consent", ConsentHandler),
    (r"/api/v1/guardians", GuardianListHandler),
    (r"/api/v1/guardians/(?P<link_id>[^/]+)", GuardianHandler),
    (r"/api/v1/guardians/(?P<link_id>[^/]+)/accept", GuardianAcceptHandler),
]
