"""What the referrals' area knows, as frozen values."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum

from backend.referrals.follow_up import Follow, FollowUp, NotDone
from backend.referrals.machine import CARED_FOR, ENDED, OPEN, Part, ReferralEvent, ReferralState
from backend.referrals.unidentified import Unidentified


class Direction(StrEnum):
    """Up to a lead hospital 上转, or down to primary care 下转."""

    UP = "up"
    DOWN = "down"


class Urgency(StrEnum):
    """普通、加急、急救."""

    ROUTINE = "routine"
    URGENT = "urgent"
    EMERGENCY = "emergency"


class TransportKind(StrEnum):
    """How somebody travels: 救护车、自行前往、专人护送."""

    AMBULANCE = "ambulance"
    OWN = "own"
    ESCORTED = "escorted"


class Outcome(StrEnum):
    """How a referral ended for the patient."""

    RECOVERED = "recovered"  # 治愈
    IMPROVED = "improved"  # 好转
    UNCHANGED = "unchanged"  # 未愈
    TRANSFERRED = "transferred"  # 转往他院
    DIED = "died"  # 死亡
    OTHER = "other"  # 其他


class RejectReason(StrEnum):
    """Why somebody is not taken."""

    NO_BED = "no_bed"  # 暂无床位或号源
    NO_CAPABILITY = "no_capability"  # 不具备诊疗条件
    NOT_INDICATED = "not_indicated"  # 不符合转诊指征
    INCOMPLETE = "incomplete"  # 资料不全
    DUPLICATE = "duplicate"  # 重复转诊
    OTHER = "other"  # 其他


class Level(StrEnum):
    """Whom an unanswered referral has reached, in this order."""

    SENT = "sent"
    DESK = "desk"  # 接收机构转诊值班
    OPERATORS = "operators"  # 接收机构管理员
    CITY = "city"  # 市级平台


LEVELS = tuple(Level)


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """A diagnosis as the sender says it; the code is ICD-10 where there is one."""

    text: str
    code: str = ""


@dataclass(frozen=True, slots=True)
class PlanItem:
    """One thing to do after discharge."""

    what: str
    due_on: date


@dataclass(frozen=True, slots=True)
class Clinical:
    """What is wrong. Attachments are ids of resources of the record."""

    reason: str
    diagnoses: tuple[Diagnosis, ...] = ()
    summary: str = ""
    attachments: tuple[str, ...] = ()
    discharge_summary: str = ""
    plan: tuple[PlanItem, ...] = ()


NOTHING_CLINICAL = Clinical("")


@dataclass(frozen=True, slots=True)
class Place:
    """Where and when the patient is expected: a place of the pool, or a bed or time of the receiver's own."""

    expected_at: datetime
    department_id: str = ""
    bed: str = ""
    bring: str = ""
    # Of the pool: the appointment, and what was claimed.
    appointment_id: str = ""
    schedule_id: str = ""
    number: int = 0
    practitioner_id: str = ""
    # The appointment has ended otherwise (clinic stopped, cancelled): another place is needed.
    lost: bool = False


@dataclass(frozen=True, slots=True)
class Transport:
    """How and when the patient comes."""

    kind: TransportKind
    departed_at: datetime
    vehicle: str = ""
    crew_phone: str = ""
    expected_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Loose:
    """A place of the pool that may be claimed for this referral and is not its place.

    `owed`: to be given back now. Else it is about to be taken, and given back if nothing comes of it.
    """

    appointment_id: str
    since: datetime
    owed: bool = False


@dataclass(frozen=True, slots=True)
class Step:
    """One event of the history: what, when, by whom, in whose words."""

    event: ReferralEvent
    state: ReferralState
    at: datetime
    part: Part
    actor_kind: str
    actor_id: str
    organization_id: str = ""
    text: str = field(default="", repr=False)
    reason: str = ""
    # By which the same request is known when it is made again.
    facts: str = ""


@dataclass(frozen=True, slots=True)
class Referral:
    """One referral. `turn` counts its changes: each is written over the one it was thought of."""

    id: str
    direction: Direction
    urgency: Urgency
    state: ReferralState
    person_id: str
    from_organization_id: str
    to_organization_id: str
    clinical: Clinical = field(repr=False)
    created_at: datetime
    updated_at: datetime
    turn: int = 0
    # As he was sent, when nobody knew who he is; `person_id` is empty until somebody does.
    unidentified: Unidentified | None = None
    # Empty: any department of the receiver.
    to_department_id: str = ""
    from_practitioner_id: str = ""
    from_phone: str = field(default="", repr=False)
    # Which of the sender's people sent it: `staff:<id>`, `client:<id>`.
    sent_by: str = ""
    # "Whoever is nearest and takes it" was asked for.
    nearest: bool = False
    wanted_from: date | None = None
    wanted_until: date | None = None
    place: Place | None = None
    transport: Transport | None = None
    # What the receiver misses; what the patient wishes.
    asked: str = field(default="", repr=False)
    wish: str = field(default="", repr=False)
    reject_reason: RejectReason | None = None
    outcome: Outcome | None = None
    outcome_text: str = field(default="", repr=False)
    # How far it has been escalated since it waits for an answer.
    level: Level = Level.SENT
    # When the clock that runs now has run out; None where none runs.
    accept_by: datetime | None = None
    arrive_by: datetime | None = None
    finish_by: datetime | None = None
    # When the next thing is to be done by itself.
    due_at: datetime | None = None
    accepted_at: datetime | None = None
    arrived_at: datetime | None = None
    ended_at: datetime | None = None
    # The referral that this one goes on from, and the one that goes on from this.
    follows: str = ""
    followed_by: str = ""
    # What the referral back says, from completion on.
    back: Clinical | None = field(default=None, repr=False)
    # What has become of the follow-up plan, as far as anything has.
    follow_ups: tuple[FollowUp, ...] = field(default=(), repr=False)
    # Bookkeeping: places tried, places to give back, relationships of care begun.
    places_tried: int = 0
    loose: tuple[Loose, ...] = ()
    care_turn: int = 0
    history: tuple[Step, ...] = field(default=(), repr=False)

    @property
    def is_open(self) -> bool:
        """Whether it has not ended."""
        return self.state in OPEN

    @property
    def is_unidentified(self) -> bool:
        """Whether nobody knows yet who he is."""
        return not self.person_id and self.unidentified is not None

    @property
    def has_ended(self) -> bool:
        """Whether nothing but redirecting can follow."""
        return self.state in ENDED

    @property
    def gives_access(self) -> bool:
        """Whether the receiver may read the record because of it: of somebody who is known."""
        if not self.person_id:
            return False
        # Nobody is rushed down: there the receiver reads when he has accepted.
        need = self.urgency is Urgency.EMERGENCY and self.direction is Direction.UP
        asked_in_need = need and self.state in OPEN
        return asked_in_need or self.state in CARED_FOR


@dataclass(frozen=True, slots=True, kw_only=True)
class Who:
    """The patient: name and ID number, a health code, somebody known already, or nobody known yet."""

    name: str = field(default="", repr=False)
    id_number: str = field(default="", repr=False)
    phone: str = field(default="", repr=False)
    code: str = field(default="", repr=False)
    person_id: str = ""
    # Emergencies only.
    unidentified: Unidentified | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """What somebody sends. An emergency needs no more than `who`, `reason`, and to whom or `nearest`."""

    who: Who
    reason: str = field(repr=False)
    urgency: Urgency = Urgency.ROUTINE
    direction: Direction = Direction.UP
    # Empty: the sender's only institution.
    from_organization_id: str = ""
    # Our id of the doctor who sends; a staff account that is a doctor's says it by itself.
    practitioner_id: str = ""
    phone: str = field(default="", repr=False)
    to_organization_id: str = ""
    nearest: bool = False
    to_department_id: str = ""
    diagnoses: tuple[Diagnosis, ...] = ()
    summary: str = field(default="", repr=False)
    attachments: tuple[str, ...] = ()
    wanted_from: date | None = None
    wanted_until: date | None = None
    discharge_summary: str = field(default="", repr=False)
    plan: tuple[PlanItem, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What an event brings along; each needs only its own (`machine.Need`)."""

    # What is missing, why not, how it ended, what is wished for.
    text: str = field(default="", repr=False)
    # reject
    reason: RejectReason | None = None
    # accept, rebook: a place of the pool (any number of the session when it is None), or a bed and a time
    schedule_id: str = ""
    number: int | None = None
    bed: str = ""
    expected_at: datetime | None = None
    bring: str = ""
    # depart; `expected_at` too
    transport: TransportKind | None = None
    vehicle: str = ""
    crew_phone: str = field(default="", repr=False)
    # supplement: what is added to the summary is `text`
    attachments: tuple[str, ...] = ()
    diagnoses: tuple[Diagnosis, ...] = ()
    # complete; the two below open a referral back
    outcome: Outcome | None = None
    send_back: bool = False
    # complete with send_back
    discharge_summary: str = field(default="", repr=False)
    plan: tuple[PlanItem, ...] = ()
    # redirect
    to_organization_id: str = ""
    to_department_id: str = ""
    nearest: bool = False
    # identify
    who: Who | None = None
    # follow_up: which line of the plan, from 1 on; done on a day, or not and why, with `text`
    item: int = 0
    done_on: date | None = None
    not_done: NotDone | None = None


NO_FACTS = Facts()


class Side(StrEnum):
    """Seen from an institution: sent to it, or sent by it."""

    IN = "in"
    OUT = "out"


@dataclass(frozen=True, slots=True, kw_only=True)
class ReferralQuery:
    """Which referrals a list shows; None is any."""

    side: Side | None = None
    organization_id: str | None = None
    states: tuple[ReferralState, ...] = ()
    urgency: Urgency | None = None
    direction: Direction | None = None
    # Nobody has answered, or said how it ended, in time.
    overdue: bool = False
    # How far it has been escalated.
    level: Level | None = None
    # What somebody has to move first comes first; else the newest.
    by_deadline: bool = False
    # By what of their follow-up plans is still to be done, or was said of them.
    follow: Follow | None = None
    # Of one person whom the resident acts for.
    person_id: str | None = None
    cursor: str | None = None
    limit: int = 20


@dataclass(frozen=True, slots=True)
class Found:
    """A page of referrals, the newest first."""

    items: Sequence[Referral]
    next_cursor: str | None = None


@dataclass(frozen=True, slots=True)
class FreePlaces:
    """A session with places for referrals."""

    schedule_id: str
    department_id: str
    practitioner_id: str
    on: date
    period: str
    fee_fen: int
    # Number and beginning of each free place.
    slots: tuple[tuple[int, datetime], ...]


@dataclass(frozen=True, slots=True)
class Counters:
    """What waits for a member of staff or an institution, for the menu of the console."""

    to_answer: int = 0  # sent to us, not answered
    to_supplement: int = 0  # ours, returned
    to_redirect: int = 0  # ours, rejected, lapsed or missed, and not redirected
    to_rebook: int = 0  # sent to us: the place is lost, or another time is wished for
    to_finish: int = 0  # sent to us, arrived long ago, and nobody has said how it ended
    to_follow: int = 0  # sent to us, and something of the follow-up plan is due today, or overdue
    overdue: int = 0
    at_city: int = 0  # for the city alone: answered by nobody else
