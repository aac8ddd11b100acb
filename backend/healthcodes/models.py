"""What the health code area knows: kinds of codes, phones, printed codes, uses, and what a step is told."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from typing import NamedTuple

from backend.healthcodes.steps import STEPS, Step
from backend.residents.id_numbers import Sex

# So many printed codes may be in force for one patient.
MOST_STATIC_CODES = 3


class CodeKind(StrEnum):
    """How a code came about."""

    DYNAMIC = "dynamic"
    PHONE = "phone"
    STATIC = "static"
    NATIONAL_DYNAMIC = "national_dynamic"
    NATIONAL_STATIC = "national_static"


# Codes that look the same for ever: low-risk steps only, and with a second factor.
LASTING_KINDS = frozenset({CodeKind.STATIC, CodeKind.NATIONAL_STATIC})
# Codes that prove nothing by themselves. A national dynamic code's expiry is encrypted for all cards alike
# and signed for none: whoever has seen a card's id puts it before the expiry of a fresh code of his own.
UNPROVEN_KINDS = LASTING_KINDS | {CodeKind.NATIONAL_DYNAMIC}


@dataclass(frozen=True, slots=True)
class PhoneDevice:
    """A phone that may make codes for one patient by itself, for a stated time."""

    pseudo_id: str
    patient_id: str
    resident_id: str
    session_id: str
    on: date
    secret: bytes = field(repr=False)
    created_at: datetime
    expires_at: datetime
    revoked_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class StaticCode:
    """A printed code. Its text can be printed again, so it is kept, sealed."""

    id: str
    patient_id: str
    resident_id: str
    code_hash: str
    text: str = field(repr=False)
    created_at: datetime
    revoked_at: datetime | None = None
    request_key: str | None = None


@dataclass(frozen=True, slots=True)
class Terminal:
    """Who scans: a terminal, or a hospital's system speaking for its counters (then it has no kind)."""

    id: str
    organization_id: str
    kind: str | None


@dataclass(frozen=True, slots=True)
class Presented:
    """A code that has been understood: whose it is and what using it uses up."""

    kind: CodeKind
    patient_id: str
    claim_key: str


class SecondFactor(NamedTuple):
    """What the terminal's operator read off the person's papers, for a printed code."""

    id_last4: str | None = None
    birth_year: int | None = None


@dataclass(frozen=True, slots=True)
class Use:
    """One use of a code. Its insertion under `claim_key` is what uses the code up."""

    claim_key: str
    id: str
    patient_id: str
    terminal_id: str
    organization_id: str
    step: str
    kind: CodeKind
    at: datetime
    offline: bool = False
    uploaded_at: datetime | None = None
    flagged: bool = False

    @property
    def step_name(self) -> str:
        """What residents read."""
        step = STEPS.get(self.step)
        return step.name if step else self.step


@dataclass(frozen=True, slots=True)
class Told:
    """What a step is told about a patient; the rest is None."""

    patient_id: str
    name: str | None = field(default=None, repr=False)
    id_type: str | None = None
    id_number: str | None = field(default=None, repr=False)
    sex: Sex | None = None
    birth_on: date | None = field(default=None, repr=False)
    age: int | None = None
    phone: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Verified:
    """The answer to a terminal."""

    use: Use
    step: Step
    told: Told
    repeated: bool


class UploadState(StrEnum):
    """What became of one use that an offline terminal uploaded."""

    ACCEPTED = "accepted"
    DUPLICATE = "duplicate"
    DOUBLE_USE = "double_use"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class OfflineUpload:
    """One use as the terminal kept it."""

    code: str = field(repr=False)
    step: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Uploaded:
    """The answer to one uploaded use."""

    state: UploadState
    error: str | None = None
    use_id: str | None = None
    told: Told | None = None


@dataclass(frozen=True, slots=True)
class SeenUse:
    """A use as the resident sees it."""

    use: Use
    organization_name: str
    terminal_name: str
