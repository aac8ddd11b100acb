"""What the staff area knows: members, their sessions, and the credentials handed out once."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from backend.permissions import Actor, Role

# A sign-in half done (password known, code not yet) lives only as long as finding one's phone takes.
HALF_SESSION_LIFETIME = timedelta(minutes=5)
# A window left open at a nurses' station must not be someone else's session.
SESSION_IDLE = timedelta(minutes=30)
SESSION_LIFETIME = timedelta(hours=12)
# Wrong passwords or codes before an account is locked, and for how long.
ATTEMPTS_ALLOWED = 5
LOCK_LIFETIME = timedelta(minutes=15)


class StaffState(StrEnum):
    """Whether a member may sign in."""

    ACTIVE = "active"
    DISABLED = "disabled"


class SessionStage(StrEnum):
    """How far a sign-in has come."""

    CODE_DUE = "code_due"
    OPEN = "open"


@dataclass(frozen=True, slots=True)
class StaffMember:
    """One account. `organization_ids` None means the whole city."""

    id: str
    login: str
    name: str
    role: Role
    organization_ids: frozenset[str] | None
    state: StaffState
    must_change_password: bool
    created_at: datetime
    updated_at: datetime
    last_signed_in_at: datetime | None = None
    disabled_reason: str = ""
    # Of a doctor: himself in the directory, in whose name he refers patients.
    practitioner_id: str = ""

    @property
    def is_active(self) -> bool:
        """Whether the member may sign in and act."""
        return self.state is StaffState.ACTIVE


@dataclass(frozen=True, slots=True)
class StaffSecrets:
    """What a sign-in is checked against; never leaves the service."""

    password_hash: str
    totp_secret: str
    totp_step: int = 0


@dataclass(frozen=True, slots=True)
class StaffSession:
    """One browser's session, found by the hash of its cookie."""

    id: str
    staff_id: str
    login: str
    stage: SessionStage
    created_at: datetime
    seen_at: datetime
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class SignedIn:
    """A session and its member, as the console needs them on every request."""

    session: StaffSession
    member: StaffMember

    @property
    def actor(self) -> Actor:
        """The member as the actor of a request."""
        return Actor(
            kind="staff",
            id=self.member.id,
            role=self.member.role,
            organization_ids=self.member.organization_ids,
            session_id=self.session.id,
            channel="console",
            practitioner_id=self.member.practitioner_id,
        )


@dataclass(frozen=True, slots=True)
class NewStaff:
    """What it takes to open an account; secrets that are not given (a demo city gives them) are made."""

    login: str
    name: str
    role: Role
    organization_ids: frozenset[str] | None
    password: str = ""
    totp_secret: str = ""
    must_change_password: bool = True
    practitioner_id: str = ""


@dataclass(frozen=True, slots=True)
class Credentials:
    """What is shown once, to be handed to the member; empty text means that part did not change."""

    member: StaffMember
    password: str = ""
    totp_secret: str = ""
    totp_uri: str = ""


@dataclass(frozen=True, slots=True)
class StaffFilter:
    """Which members a list shows; empty means all."""

    text: str = ""
    role: Role | None = None
    state: StaffState | None = None
