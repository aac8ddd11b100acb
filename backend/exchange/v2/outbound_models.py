"""What the exchange knows of messages that go out: where they go, what they say, where they stand."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum

from backend.patient_index.models import ChartNumber, Demographics


class Family(StrEnum):
    """What a hospital may want to be told of by message."""

    SIU = "SIU"
    REF = "REF"
    ORM = "ORM"
    # The same orders as OML^O21 and OMG^O19, which there are from 2.5 on; with an older version as ORM^O01.
    OML = "OML"


# What is offered; older systems write 2.3.1 and 2.4, the rest what came after.
VERSIONS = ("2.3.1", "2.4", "2.5", "2.5.1", "2.6", "2.7", "2.8")
# What MSH-18 says, and Python's codec for it. Both hold every Chinese character.
CHARSETS = {"UNICODE UTF-8": "utf-8", "GB 18030-2000": "gb18030"}


@dataclass(frozen=True, slots=True)
class Target:
    """Where a hospital's messages go, and how it wants them."""

    organization_id: str
    host: str
    port: int
    tls: bool
    version: str
    charset: str
    families: frozenset[Family]
    # What its interface engine expects in MSH-5 and MSH-6.
    app: str
    facility: str
    paused: bool = False
    # How often in a row the line did not work, since when, and until when it is left alone.
    failures: int = 0
    rest_until: datetime | None = None
    last_error: str = ""
    last_ok_at: datetime | None = None


class OutState(StrEnum):
    """Where an outgoing message stands."""

    WAITING = "waiting"
    SENT = "sent"
    # The hospital will not have it: somebody corrects it, sends it again, or sets it aside.
    DEAD = "dead"
    SET_ASIDE = "set_aside"


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A message that goes to a hospital, without its text."""

    id: str
    organization_id: str
    # What it is about (`appointment/…`, `referral/…`, `order/…`): messages about one go out in their order.
    stream: str
    order: str
    kind: str
    control_id: str
    version: str
    charset: str
    state: OutState
    fact_at: datetime
    due_at: datetime
    tries: int = 0
    first_tried_at: datetime | None = None
    verdict: str = ""
    reason: str = ""
    sent_at: datetime | None = None
    edited: bool = False
    # What the hospital said of it, in its own words.
    said: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class Whom:
    """Whom a message is about, with the receiving hospital's own numbers of him."""

    patient_id: str
    name: str = field(repr=False)
    id_number: str = field(repr=False)
    sex: str
    birth_on: date | None = field(repr=False)
    phone: str = field(repr=False)
    numbers: tuple[ChartNumber, ...] = ()


@dataclass(frozen=True, slots=True)
class Named:
    """Somebody or something with a code and a name."""

    code: str
    name: str


@dataclass(frozen=True, slots=True)
class Visit:
    """An appointment as a hospital's scheduling is told of it. `event` is S12, S15 or S26."""

    appointment_id: str
    event: str
    schedule: str
    department: Named
    place: str
    practitioner: Named | None
    start_at: datetime
    end_at: datetime
    number: int
    channel: str
    # Why it was given back, or that the clinic was stopped.
    reason: Named


@dataclass(frozen=True, slots=True)
class Letter:
    """What the head of a message needs to know of its way."""

    target: Target
    control_id: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Party:
    """One side of a referral: the institution, and whom and where of it."""

    organization_id: str
    name: str
    department: Named | None = None
    practitioner: Named | None = None
    phone: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class Step:
    """One event of a referral's history, in the words of its machine, with what was said."""

    event: str
    at: datetime
    text: str = field(default="", repr=False)
    by_resident: bool = False
    # Of a refusal: why, by the city's code and in words.
    reason: Named | None = None


@dataclass(frozen=True, slots=True)
class Referred:
    """A referral as messages tell of it."""

    id: str
    person_id: str
    up: bool
    # `routine`, `urgent` or `emergency`
    urgency: str
    created_at: datetime
    sender: Party
    receiver: Party
    reason: str = field(repr=False)
    diagnoses: tuple[Named, ...] = field(default=(), repr=False)
    # Summary, discharge summary, plan, transport: paragraphs in their order.
    notes: tuple[str, ...] = field(default=(), repr=False)
    expected_at: datetime | None = None
    bed: str = ""
    appointment_id: str = ""
    steps: tuple[Step, ...] = field(default=(), repr=False)


@dataclass(frozen=True, slots=True)
class Telling:
    """One message of a referral's life: which, to which side, and RF1-1 (table 0283)."""

    kind: str
    event: str
    to_receiver: bool
    status: str


@dataclass(frozen=True, slots=True)
class Concept:
    """What something is: its codes (code, name, HL7's name of the system), and the words for it."""

    codings: tuple[tuple[str, str, str], ...] = ()
    text: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class Ordered:
    """An order as messages tell of it. The times stand as HL7 writes them: perhaps no more than a day."""

    number: str
    code: Concept
    # Of what is measured in a laboratory; anything else is looked at or done.
    lab: bool
    section: str = ""
    # `routine`, `urgent`, `asap` or `stat`
    priority: str = ""
    wanted_from: str = ""
    wanted_until: str = ""
    requester: Named | None = None
    reasons: tuple[Concept, ...] = ()
    notes: tuple[str, ...] = field(default=(), repr=False)
    held: bool = False


@dataclass(frozen=True, slots=True)
class OrderStep:
    """One fact of an order's life, for one institution. `control` is ORC-1: NW, XO or CA."""

    control: str
    version: int
    at: datetime
    receiver_id: str
    ordered: Ordered


@dataclass(frozen=True, slots=True)
class OrderStory:
    """An order from its placing until now: whose, by whom, and what somebody is to be told of it."""

    id: str
    person_id: str
    sender: Named
    # What the sender knows the patient by, for a receiver that does not know him yet.
    number: ChartNumber
    who: Demographics = field(repr=False)
    steps: tuple[OrderStep, ...] = ()
