"""What the residents' endpoints read and write."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Literal, TypeVar

from pydantic import ConfigDict, Field, field_validator, model_validator

from backend import clock
from backend.http.schema import Answer, Instant, Query, Schema
from backend.residents.login import LogInStep, SignedIn
from backend.residents.models import (
    GuardianView,
    LinkState,
    PatientView,
    Relation,
    Resident,
    WeChatApp,
)
from backend.security.masking import mask_id_number, mask_name, mask_phone

Phone = Annotated[str, Field(min_length=1, max_length=32, examples=["13812345678"])]
SMSCode = Annotated[str, Field(pattern=r"^[0-9]{6}$", examples=["246810"])]
Token = Annotated[str, Field(min_length=1, max_length=256)]
PersonName = Annotated[str, Field(min_length=1, max_length=100, examples=["张三"])]
IDNumberText = Annotated[str, Field(min_length=1, max_length=40, examples=["11010519491231002X"])]
_HOME = "/"
M = TypeVar("M", bound="Me")


class SendCode(Schema):
    """Where a one-time code goes."""

    phone: Phone


class CodeSent(Answer):
    """When another may be asked for."""

    resend_after_s: int


class SMSLogin(Schema):
    """A phone and the code that went there."""

    phone: Phone
    code: SMSCode


class MiniLogin(Schema):
    """First `js_code` alone; when the phone is needed, `login_ticket` with `phone_code`."""

    js_code: Token | None = None
    login_ticket: Token | None = None
    phone_code: Token | None = None

    @model_validator(mode="after")
    def _one_of_two(self) -> MiniLogin:
        second = self.login_ticket is not None and self.phone_code is not None
        neither = self.login_ticket is None and self.phone_code is None
        if not (self.js_code is not None and neither) and not (self.js_code is None and second):
            raise ValueError("js_code, or login_ticket and phone_code")
        return self


class TicketLogin(Schema):
    """First `ticket` alone; when the phone is needed, `login_ticket` with `phone` and `code`."""

    ticket: Token | None = None
    login_ticket: Token | None = None
    phone: Phone | None = None
    code: SMSCode | None = None

    @model_validator(mode="after")
    def _one_of_two(self) -> TicketLogin:
        second = (self.login_ticket, self.phone, self.code)
        neither = all(value is None for value in second)
        if not (self.ticket is not None and neither) and not (self.ticket is None and None not in second):
            raise ValueError("ticket, or login_ticket, phone and code")
        return self


class ShowIdentity(Schema):
    """The ticket of IDENTITY_NEEDED and the last four characters of the account holder's ID number."""

    login_ticket: Token
    last_four: str = Field(pattern=r"^[0-9]{3}[0-9Xx]$", examples=["002X"])


class SayNewHolder(Schema):
    """The ticket of IDENTITY_NEEDED."""

    login_ticket: Token


class StartOAuth(Query):
    """Where in the app to go on after the log-in."""

    return_to: str = Field(_HOME, max_length=200)

    @field_validator("return_to")
    @classmethod
    def _inside_the_app(cls, path: str) -> str:
        # "//other.example" and "/\other.example" are addresses of somebody else.
        inside = path.startswith("/") and not path.startswith(("//", "/\\")) and path.isprintable()
        return path if inside and "\\" not in path else _HOME


class FinishOAuth(Query):
    """What WeChat adds to the address; no code when the person declined."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    code: str = Field("", max_length=256)
    state: str = Field("", max_length=256)


class Refresh(Schema):
    """The refresh token; it is used up."""

    refresh_token: Annotated[str, Field(min_length=1, max_length=200)]


class OpenIDs(Answer):
    """Which WeChat applications the account is bound to."""

    mini: bool
    oa: bool


class Settings(Answer):
    """How the resident wants to see the app."""

    large_type: bool


class Me(Answer):
    """One's own account, masked: enough to recognise, nothing to copy."""

    id: str
    phone: str | None
    name: str | None
    id_number: str | None
    sex: Literal["male", "female"] | None
    birth_on: date | None
    real_name: bool
    openids: OpenIDs
    settings: Settings
    created_at: Instant


class RealNameDone(Me):
    """The verified account. Its id differs from before when hospitals knew the person already.

    `access_token` replaces the one in use, which does not yet say "verified".
    """

    access_token: str


class TokenPair(Answer):
    """A session: send `access_token` with each request, exchange `refresh_token` before it expires."""

    access_token: str
    token_type: Literal["Bearer"] = "Bearer"  # noqa: S105 the scheme's name
    expires_in: int
    refresh_token: str
    resident: Me


class LoginAnswer(Answer):
    """Tokens; or, for a WeChat account that is new here, the ticket to go on with once the phone is known."""

    tokens: TokenPair | None
    phone_needed: bool
    login_ticket: str | None


class VerifyRealName(Schema):
    """As on the ID card."""

    name: PersonName
    id_number: IDNumberText


class ChangeSettings(Schema):
    """How the resident wants to see the app."""

    large_type: bool


class ChangePhone(Schema):
    """The new phone and the code that went there; a verified person adds the ID number."""

    phone: Phone
    code: SMSCode
    id_number: IDNumberText | None = None


class AddPatient(Schema):
    """Whom to act for. `phone` lets the person be told."""

    relation: Literal["child", "parent", "spouse", "other"]
    name: PersonName
    id_number: IDNumberText
    phone: Phone | None = None


class AskConsent(Schema):
    """The adult's own phone, as the population register knows it."""

    phone: Phone


class GiveConsent(Schema):
    """The phone and the code that its owner has given away."""

    phone: Phone
    code: SMSCode


class PatientOut(Answer):
    """Somebody the resident acts for, masked."""

    id: str
    relation: Relation
    name: str
    id_number: str
    sex: Literal["male", "female"]
    birth_on: date
    age: int
    state: LinkState


class GuardianOut(Answer):
    """Somebody who acts, or asks to act, for the resident. `relation` is what the resident is to him."""

    id: str
    name: str
    relation: Relation
    state: LinkState
    created_at: Instant


def me_out(resident: Resident) -> Me:
    """The account as its owner sees it."""
    return _me(Me, resident)


def real_name_out(resident: Resident, access_token: str) -> RealNameDone:
    """The account just verified, with the token that says so."""
    return _me(RealNameDone, resident, access_token=access_token)


def token_pair_out(signed_in: SignedIn) -> TokenPair:
    """A session as the client keeps it."""
    tokens = signed_in.tokens
    return TokenPair(
        access_token=tokens.access_token,
        expires_in=tokens.expires_in,
        refresh_token=tokens.refresh_token,
        resident=me_out(signed_in.resident),
    )


def login_out(step: LogInStep) -> LoginAnswer:
    """Where a log-in has come to."""
    return LoginAnswer(
        tokens=token_pair_out(step.signed_in) if step.signed_in else None,
        phone_needed=step.signed_in is None,
        login_ticket=step.login_ticket,
    )


def signed_in_out(signed_in: SignedIn) -> LoginAnswer:
    """A log-in that has come to its end."""
    return login_out(LogInStep(signed_in=signed_in))


def patient_out(view: PatientView) -> PatientOut:
    """A patient, masked."""
    return PatientOut(
        id=view.id,
        relation=view.relation,
        name=mask_name(view.name),
        id_number=mask_id_number(view.id_number),
        sex=view.sex.value,
        birth_on=view.birth_on,
        age=view.age(clock.today()),
        state=view.state,
    )


def guardian_out(view: GuardianView) -> GuardianOut:
    """A guardian, masked."""
    return GuardianOut(
        id=view.link_id,
        name=mask_name(view.name),
        relation=view.relation,
        state=view.state,
        created_at=view.created_at,
    )


def _me(kind: type[M], resident: Resident, **more: str) -> M:
    own = {
        "id": resident.id,
        "phone": mask_phone(resident.phone) if resident.phone else None,
        "name": mask_name(resident.name) if resident.name else None,
        "id_number": mask_id_number(resident.id_number) if resident.id_number else None,
        "sex": resident.sex.value if resident.sex else None,
        "birth_on": resident.birth_on,
        "real_name": resident.real_name,
        "openids": OpenIDs(mini=WeChatApp.MINI in resident.wechat, oa=WeChatApp.OA in resident.wechat),
        "settings": Settings(large_type=resident.large_type),
        "created_at": resident.created_at,
    }
    return kind.model_validate(own | more)
