"""Referrals as the FHIR face needs them; the area stands beside the exchange, `bootstrap` joins the two."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Protocol

from backend.permissions import Actor


@dataclass(frozen=True, slots=True)
class Coded:
    """A code with its words; either may be empty."""

    code: str
    text: str = ""


@dataclass(frozen=True, slots=True)
class PlanItem:
    """One thing to do after discharge."""

    what: str
    due_on: date
    # Of one that is followed up: done on a day, or not and why; `off` when nobody follows it any more.
    done_on: date | None = None
    not_done: Coded | None = None
    off: bool = False
    note: str = field(default="", repr=False)
    said_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class ReferralView:
    """One referral as its two sides may see it."""

    id: str
    version: int
    state: Coded
    up: bool
    # `routine`, `urgent` or `emergency`
    urgency: str
    person_id: str
    name: str = field(repr=False)
    id_number: str = field(repr=False)
    sender: Coded
    receiver: Coded
    created_at: datetime
    updated_at: datetime
    reason: str = field(repr=False)
    department: Coded | None = None
    practitioner: Coded | None = None
    diagnoses: tuple[Coded, ...] = field(default=(), repr=False)
    summary: str = field(default="", repr=False)
    discharge_summary: str = field(default="", repr=False)
    plan: tuple[PlanItem, ...] = field(default=(), repr=False)
    attachments: tuple[str, ...] = ()
    wanted_from: date | None = None
    wanted_until: date | None = None
    # What is missing, or why not: in words and, of a refusal, by its code.
    said: Coded | None = None
    # By the names of `referral_reading.FACTS`: where and when, how he travels, how it ended.
    facts: tuple[tuple[str, str | datetime | bool | int], ...] = ()
    follows: str = ""


@dataclass(frozen=True, slots=True)
class Wish:
    """A referral as a Bundle asks for it. The patient: by one's own chart, or by name and ID number."""

    receiver_id: str
    chart_id: str
    name: str = field(repr=False)
    id_number: str = field(repr=False)
    up: bool
    urgency: str
    reason: str = field(repr=False)
    diagnoses: tuple[Coded, ...] = field(default=(), repr=False)
    summary: str = field(default="", repr=False)
    discharge_summary: str = field(default="", repr=False)
    plan: tuple[PlanItem, ...] = field(default=(), repr=False)
    attachments: tuple[str, ...] = ()
    department: str = ""
    practitioner: str = ""
    wanted_from: date | None = None
    wanted_until: date | None = None


@dataclass(frozen=True, slots=True)
class Move:
    """What an updated Task wants to come about, with what it says of it."""

    # In FHIR's words, and in ours where the client says which (`businessStatus`).
    status: str
    state: str
    text: str = field(default="", repr=False)
    # Of the two that `text` is taken from, the one that no Task of ours says.
    note: str = field(default="", repr=False)
    reason: str = ""
    facts: tuple[tuple[str, str | datetime | bool | int], ...] = ()


@dataclass(frozen=True, slots=True)
class ReferralPage:
    """A page, and where it goes on."""

    items: tuple[ReferralView, ...]
    cursor: str | None


class ReferralDesk(Protocol):
    """The referrals' service. What cannot be is an AppError; another's is NOT_FOUND."""

    async def get(self, actor: Actor, referral_id: str) -> ReferralView: ...

    async def find(
        self,
        actor: Actor,
        *,
        incoming: bool | None,
        states: Collection[str],
        cursor: str | None,
        limit: int,
        planned: bool = False,
    ) -> ReferralPage:
        """Sent to the actor's institution, by it, or both; the newest first. `planned`: on the way down."""

    async def send(self, actor: Actor, wish: Wish, key: str) -> ReferralView:
        """The same key sends the same."""

    async def move(self, actor: Actor, referral_id: str, move: Move, if_version: int | None) -> ReferralView:
        """Let happen what a Task asks for; nothing where it stands so already.

        Raises VERSION_CONFLICT where `if_version` has passed.
        """
