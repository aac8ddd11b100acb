"""What the births area knows, as frozen values: the birth a hospital noted, and the parents' filing of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from typing import Literal

from backend.births.handover_models import Handover
from backend.births.machine import AT_AGENCY, ENDED, FilingState, HandoverState, StepState
from backend.births.proofs import Proof

Sex = Literal["male", "female", "unknown"]


class BirthState(StrEnum):
    """Whether a noted birth may be filed."""

    NOTED = "noted"
    # It looks like one that is noted already: staff have to say.
    DOUBTFUL = "doubtful"
    # Staff have said that it is another notice's birth, or the hospital has taken it back.
    DUPLICATE = "duplicate"
    VOID = "void"


@dataclass(frozen=True, slots=True)
class BirthFacts:
    """What the hospital saw."""

    born_at: datetime
    sex: Sex
    weight_g: int
    length_cm: int | None = None
    gestation_weeks: int | None = None
    order: int = 1  # the first of one, the second of two
    of: int = 1
    place: str = ""
    attendant: str = ""


@dataclass(frozen=True, slots=True)
class Parent:
    """A parent as named by the hospital or by the other parent."""

    name: str = field(repr=False)
    id_number: str = field(repr=False)
    phone: str = field(default="", repr=False)
    person_id: str = ""


@dataclass(frozen=True, slots=True)
class Birth:
    """A birth that a hospital noted; `id` follows from its organization and its own number."""

    id: str
    organization_id: str
    external_id: str
    state: BirthState
    turn: int
    facts: BirthFacts
    mother: Parent
    # None: the hospital was told of no other parent.
    other: Parent | None
    created_at: datetime
    updated_at: datetime
    like: str = ""  # the birth it looks like
    # Why it was decided on, or taken back.
    remark: str = field(default="", repr=False)

    @property
    def parent_ids(self) -> tuple[str, ...]:
        """The residents who may file it."""
        parents = (self.mother, *([self.other] if self.other else []))
        return tuple(parent.person_id for parent in parents if parent.person_id)


class Side(StrEnum):
    """Whose household, whose surname."""

    MOTHER = "mother"
    FATHER = "father"


class DeliveryWay(StrEnum):
    """How papers and cards reach the parents."""

    PICKUP = "pickup"
    MAIL = "mail"


@dataclass(frozen=True, slots=True)
class Delivery:
    """Where to."""

    way: DeliveryWay = DeliveryWay.PICKUP
    receiver: str = field(default="", repr=False)
    phone: str = field(default="", repr=False)
    address: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class Answers:
    """What the parents say."""

    child_name: str = field(default="", repr=False)
    household_with: Side = Side.MOTHER
    # Nobody else stands in for the child: neither named nor asked for.
    single_parent: bool = False
    # The other parent, where the hospital knows of none.
    other_name: str = field(default="", repr=False)
    other_id_number: str = field(default="", repr=False)
    # Optional steps that are wanted.
    wanted: tuple[str, ...] = ()
    delivery: Delivery = Delivery()
    bank_account: str = field(default="", repr=False)


class ProblemKind(StrEnum):
    """What a problem means."""

    # Something to be filled in or put right here.
    FIX = "fix"
    # This cannot be done here at all: the text says where.
    ELSEWHERE = "elsewhere"
    # The filing goes on without this step; the text says where that step is done.
    LEFT_OUT = "left_out"
    # Worth knowing, in nobody's way.
    HINT = "hint"


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing in the way, in plain words, and what to do about it."""

    code: str
    text: str
    what_to_do: str
    kind: ProblemKind = ProblemKind.FIX
    # The answer or the step it is about.
    field: str = ""
    step: str = ""


class MaterialSource(StrEnum):
    """Where a material comes from."""

    E_LICENCE = "e_licence"
    UPLOAD = "upload"
    PRODUCED = "produced"
    RECORD = "record"


class MaterialState(StrEnum):
    """Whether it is there."""

    WANTED = "wanted"
    PRESENT = "present"


@dataclass(frozen=True, slots=True)
class Material:
    """One of the materials, and where it stands."""

    kind: str
    name: str
    source: MaterialSource
    state: MaterialState
    may_upload: bool = False  # where the licence library has none
    file_ids: tuple[str, ...] = ()
    note: str = ""


@dataclass(frozen=True, slots=True)
class MaterialFile:
    """One uploaded file, without its content."""

    id: str
    filing_id: str
    kind: str
    content_type: str
    size: int
    created_at: datetime
    key: str = ""  # the phone's own name for it: sent again under it, it is the same file


@dataclass(frozen=True, slots=True)
class Precheck:
    """Whether it can be filed as it is; what is in the way; what is needed and what of it is there."""

    ok: bool
    problems: tuple[Problem, ...]
    materials: tuple[Material, ...]
    # Every step as it would go: wanted, optional, or left out.
    steps: tuple[str, ...]
    left_out: tuple[str, ...]
    promised_days: int


@dataclass(frozen=True, slots=True)
class PaperResult:
    """A result that came on paper, as staff have typed it in."""

    number: str = field(repr=False)
    dated_on: date
    # Who brought the paper.
    handed_by: str = field(repr=False)
    note: str = field(default="", repr=False)
    # Of the step that yields it.
    id_number: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class Step:
    """One step of a filing: one agency asked for one thing, as often as `attempt` says.

    `request_id` follows from filing, step and attempt, and is what the agency knows the question by.
    """

    code: str
    name: str
    agency: str
    state: StepState
    needs: tuple[str, ...] = ()
    optional: bool = False
    working_days: int = 1
    attempt: int = 0
    request_id: str = ""
    asked_at: datetime | None = None
    answered_at: datetime | None = None
    ended_at: datetime | None = None
    # The agency's own number, and by when it has promised.
    receipt: str = ""
    due_at: datetime | None = None
    promised_at: datetime | None = None  # stays as it was where staff wait longer
    # The newest word we have of this attempt: words come twice and late.
    heard: int = 0
    # When we look again, and how often in a row nobody answered.
    look_at: datetime | None = None
    failures: int = 0
    problems: tuple[Problem, ...] = ()
    results: dict[str, str] = field(default_factory=dict, repr=False)
    # Where the results were typed in from, if the agency has not said them itself.
    paper: PaperResult | None = None
    # The parents have withdrawn; the agency has not said yet that it stops.
    stopping: bool = False
    # By which date the parents are to correct.
    correct_by: datetime | None = None
    # None: nothing is handed over, or nothing is done yet.
    handover: Handover | None = None
    # Its printouts, the newest last; since when none of them holds.
    proofs: tuple[Proof, ...] = ()
    revoked_at: datetime | None = None

    @property
    def is_out(self) -> bool:
        """Whether an agency has it before it, as far as we know."""
        return self.state in AT_AGENCY

    @property
    def is_handing_over(self) -> bool:
        """Whether the parents are still to get what has come of it."""
        return self.handover is not None and self.handover.state is not HandoverState.RECEIVED

    @property
    def is_watched(self) -> bool:
        """Whether its agency may have something new to say."""
        return self.is_out or (self.is_handing_over and bool(self.request_id))


class OwnerKind(StrEnum):
    """Who has to move next."""

    PARENTS = "parents"
    AGENCY = "agency"
    # The births desk of the city's staff, and one of them who has taken it.
    DESK = "desk"
    STAFF = "staff"


@dataclass(frozen=True, slots=True)
class Owner:
    """Who has to move next, and until when; `id` is an agency's code or a member of staff."""

    kind: OwnerKind
    id: str
    due_at: datetime


class ConcernKind(StrEnum):
    """Why staff have to look."""

    OVERDUE = "overdue"
    UNREACHABLE = "unreachable"
    # An agency has said something that does not fit what it said before.
    CONTRADICTION = "contradiction"
    # The parents were to correct something and have not.
    NOT_CORRECTED = "not_corrected"
    # The child could not be put among the parents' patients.
    CHILD_NOT_LINKED = "child_not_linked"
    # What is done was neither posted nor laid out; nobody says that it has come; it is lost.
    NOT_SENT = "not_sent"
    NOT_RECEIVED = "not_received"
    MISSING = "missing"


@dataclass(frozen=True, slots=True)
class Concern:
    """Something for the work-list. `level` rises each time its day passes without anybody settling it."""

    kind: ConcernKind
    step: str
    since: datetime
    due_at: datetime
    level: int = 1


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of a filing's history."""

    at: datetime
    by: str
    event: str
    step: str = ""
    text: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class Filing:
    """One application. `turn` counts its writes: a change goes over the turn it saw, or not at all."""

    id: str
    birth_id: str
    organization_id: str
    applicant_id: str
    parent_ids: tuple[str, ...]
    state: FilingState
    turn: int
    # The edition of the city's rules it was opened under.
    edition: str
    answers: Answers
    steps: tuple[Step, ...]
    created_at: datetime
    updated_at: datetime
    open_until: datetime  # a draft is handed in until then
    files: tuple[MaterialFile, ...] = ()
    materials: tuple[Material, ...] = ()
    # What was to be known when it was handed in: steps done elsewhere, hints.
    remarks: tuple[Problem, ...] = ()
    concerns: tuple[Concern, ...] = ()
    taken_by: str = ""
    submitted_at: datetime | None = None
    done_by: datetime | None = None  # all of it is promised by then; staff may put it off
    ended_at: datetime | None = None
    # There is a later filing of the same birth: this one is not opened again.
    superseded: bool = False
    # The child as a resident, once the household step has yielded an ID number.
    child_id: str = ""
    reason: str = field(default="", repr=False)
    history: tuple[Entry, ...] = field(default=(), repr=False)

    @property
    def is_over(self) -> bool:
        """Whether nothing more will come by itself."""
        return self.state in ENDED

    def step(self, code: str) -> Step | None:
        """One of its steps."""
        return next((step for step in self.steps if step.code == code), None)

    def result(self, step: str, name: str) -> str:
        """What a step has yielded, "" while it has not."""
        found = self.step(step)
        return found.results.get(name, "") if found else ""


@dataclass(frozen=True, slots=True)
class WorkQuery:
    """Which filings staff want to see."""

    # Only what is the desk's, or somebody of the staff's.
    waiting_for_staff: bool = True
    mine: bool = False
    state: FilingState | None = None
    # Only what this agency has before it.
    agency: str = ""
    cursor: str = ""
    limit: int = 20


@dataclass(frozen=True, slots=True)
class FilingView:
    """A filing with what is shown beside it; `owner` is None once it is over and all is received."""

    filing: Filing
    birth: Birth
    owner: Owner | None
