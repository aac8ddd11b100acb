"""What the residents area knows: people, the links between them, and how somebody signed in."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from enum import StrEnum

from backend.residents.id_numbers import Sex, age_on

MOST_PATIENTS = 6
# Carriers sell a given-up number again after 90 days at the earliest.
IDLE = timedelta(days=90)
ADULT_AGE = 18
# Below this age a guardian decides alone (Personal Information Protection Law, art. 31).
SMALL_CHILD_AGE = 14


class ResidentState(StrEnum):
    """An account signs in; a file is a person known to hospitals or guardians who never did."""

    ACCOUNT = "account"
    FILE = "file"
    # The account has moved to the file of the same person (`merged_into`).
    MERGED = "merged"
    DELETED = "deleted"


class Verifier(StrEnum):
    """Who said that name and ID number belong together."""

    REGISTER = "register"
    HOSPITAL = "hospital"


class WeChatApp(StrEnum):
    """The two applications a person may be known by to WeChat."""

    MINI = "mini"
    OA = "oa"


@dataclass(frozen=True, slots=True)
class WeChatBinding:
    """One WeChat account by which a resident signs in: the claim on it, and where messages go."""

    key: str
    openid: str = field(repr=False)
    # Of the official account: its holder follows it no more.
    left: bool = False


@dataclass(frozen=True, slots=True)
class Resident:
    """A person with an account or a file; personal data in clear, in memory only."""

    id: str
    state: ResidentState
    created_at: datetime
    phone: str | None = field(default=None, repr=False)
    phone_key: str | None = None
    name: str | None = field(default=None, repr=False)
    id_number: str | None = field(default=None, repr=False)
    id_key: str | None = None
    sex: Sex | None = None
    birth_on: date | None = field(default=None, repr=False)
    real_name: bool = False
    verified_by: Verifier | None = None
    wechat: dict[WeChatApp, WeChatBinding] = field(default_factory=dict)
    large_type: bool = False
    merged_into: str | None = None
    merging_into: str | None = None
    taken_from: str | None = None
    # Claims on the same things under another key of the blind index, while a rotation is followed up.
    other_keys: tuple[str, ...] = ()
    # Of an account: when its holder last signed in or went on with a session, to the day.
    last_seen_at: datetime | None = None
    # Of a file: when a hospital or a guardian last gave the phone.
    contact_at: datetime | None = None

    @property
    def keys(self) -> list[str]:
        """Every claim in `resident_keys` that this person holds."""
        own = [self.phone_key, self.id_key, *(binding.key for binding in self.wechat.values())]
        return [key for key in own if key is not None] + list(self.other_keys)


@dataclass(frozen=True, slots=True)
class Claim:
    """One entry of `resident_keys`: this phone, ID number or WeChat account belongs to that resident."""

    key: str
    resident_id: str
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Identity:
    """Who a patient is, in clear: for health codes, hospitals' windows, and nothing else."""

    id: str
    name: str = field(repr=False)
    id_number: str = field(repr=False)
    sex: Sex
    birth_on: date = field(repr=False)
    phone: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Contact:
    """Where messages to a person go."""

    resident_id: str
    phone: str | None = field(default=None, repr=False)
    mini_openid: str | None = field(default=None, repr=False)
    oa_openid: str | None = field(default=None, repr=False)
    oa_left: bool = False

    @property
    def followed_as(self) -> str | None:
        """The openid by which the official account may write; none to who has left it."""
        return None if self.oa_left else self.oa_openid


class Relation(StrEnum):
    """What the patient is to the resident who acts for him."""

    SELF = "self"
    CHILD = "child"
    PARENT = "parent"
    SPOUSE = "spouse"
    OTHER = "other"


class LinkState(StrEnum):
    """Whether the resident may act for the patient."""

    PENDING = "pending"
    ACTIVE = "active"
    REVOKED = "revoked"


class LinkBasis(StrEnum):
    """Why a link is active."""

    REGISTER = "register"  # the population register knows the relation
    SMALL_CHILD = "small_child"  # declared by the resident, the child is under 14
    ACCEPTED = "accepted"  # the patient agreed
    SMS_CODE = "sms_code"  # the patient agreed by giving away a code sent to his phone
    NONE = "none"  # not yet


@dataclass(frozen=True, slots=True)
class PatientLink:
    """A resident acts for a patient. `consent_until`: from this day on the patient decides himself."""

    id: str
    guardian_id: str
    patient_id: str
    position: int
    relation: Relation
    state: LinkState
    basis: LinkBasis
    created_at: datetime
    consent_until: date | None = field(default=None, repr=False)

    @property
    def of_minor(self) -> bool:
        """Whether it is a child's, who has not agreed as an adult: there is a day on which he has to."""
        return self.relation is Relation.CHILD and self.consent_until is not None

    def state_on(self, today: date) -> LinkState:
        """The state as of a day: a child who has come of age must agree anew."""
        if self.state is LinkState.ACTIVE and self.consent_until is not None and today >= self.consent_until:
            return LinkState.PENDING
        return self.state


def first_state(relation: Relation, age: int, *, confirmed: bool) -> tuple[LinkState, LinkBasis] | None:
    """How a link begins: a minor's by the register's word, a small child's at once, others by consent.

    None when it cannot begin: a minor of 14 or more is nobody's small child, and cannot consent alone either.
    """
    if relation is not Relation.CHILD or age >= ADULT_AGE:
        return LinkState.PENDING, LinkBasis.NONE
    if confirmed:
        return LinkState.ACTIVE, LinkBasis.REGISTER
    if age < SMALL_CHILD_AGE:
        return LinkState.ACTIVE, LinkBasis.SMALL_CHILD
    return None


def of_age_on(birth_on: date) -> date:
    """The day somebody turns 18; born on 29 February, it is 1 March."""
    year = birth_on.year + ADULT_AGE
    try:
        return birth_on.replace(year=year)
    except ValueError:
        return date(year, 3, 1)


@dataclass(frozen=True, slots=True)
class Patient:
    """Whom a resident may act for: himself or somebody linked to him."""

    id: str
    relation: Relation
    guardian_id: str
    # A child that has not come of age: a grown-up's parent still has a child, and decides no more.
    minor: bool = False


@dataclass(frozen=True, slots=True)
class PatientView:
    """A patient as the resident's list shows him."""

    id: str
    relation: Relation
    state: LinkState
    name: str = field(repr=False)
    id_number: str = field(repr=False)
    sex: Sex
    birth_on: date = field(repr=False)

    def age(self, today: date) -> int:
        """Full years on a day."""
        return age_on(self.birth_on, today)


@dataclass(frozen=True, slots=True)
class GuardianView:
    """Somebody who acts, or asks to act, for the resident."""

    link_id: str
    name: str = field(repr=False)
    relation: Relation
    state: LinkState
    created_at: datetime
