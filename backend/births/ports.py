"""What the births area asks of others: the agencies' lines, the licence library, and areas beside it.

Here too, for who builds on it: what the service offers residents, hospitals and staff.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Protocol

from backend.births.handover_models import Told
from backend.births.licences import Household, Licence
from backend.births.models import (
    Answers,
    Birth,
    BirthFacts,
    FilingView,
    MaterialFile,
    PaperResult,
    Parent,
    Precheck,
    Problem,
    WorkQuery,
)
from backend.permissions import Actor


class AgencyUnavailableError(Exception):
    """The agency did not answer, or not in a way to be believed: nobody knows what it did."""


class CallbackError(Exception):
    """A callback that is not the agency's: unsigned, forged, or too old."""


class Standing(StrEnum):
    """How an agency stands to a question."""

    # It has never heard of it.
    UNKNOWN = "unknown"
    ACCEPTED = "accepted"
    NEEDS_CORRECTION = "needs_correction"
    REJECTED = "rejected"
    DONE = "done"
    CANCELLED = "cancelled"


@dataclass(frozen=True, slots=True)
class Question:
    """What an agency is asked. Its `id` says it all: the same id is the same question."""

    id: str
    step: str
    agency: str
    body: dict[str, Any] = field(repr=False)


@dataclass(frozen=True, slots=True)
class Word:
    """What an agency says of a question."""

    question_id: str
    standing: Standing
    # Grows with each word of the same question.
    revision: int = 0
    receipt: str = ""
    problems: tuple[Problem, ...] = ()
    results: dict[str, str] = field(default_factory=dict, repr=False)
    # Of what is done: where its paper or card is.
    handover: Told | None = None


class AgencyLine(Protocol):
    """The line to one agency. Asking twice under one id is asking once; we never do."""

    async def ask(self, question: Question) -> Word:
        """Hand the question over. Raises AgencyUnavailableError: it may or may not have arrived."""

    async def query(self, question_id: str) -> Word:
        """How the agency stands to it. Raises AgencyUnavailableError."""

    async def bar(self, question_id: str) -> Word:
        """Have one that never arrived refused, should it still come: CANCELLED. If it has, how it stands."""

    async def cancel(self, question_id: str, reason: str) -> Word:
        """Have it stop; DONE when it is too late. One that never arrived is barred."""

    def read_callback(self, headers: Mapping[str, str], body: bytes) -> tuple[str, Word]:
        """The nonce and the word of a callback. Raises CallbackError."""


class LicenceLibrary(Protocol):
    """The city's electronic licences. Questions change nothing and may be repeated."""

    async def licence(self, kind: str, id_number: str) -> Licence | None:
        """Somebody's licence of a kind. Raises AgencyUnavailableError."""

    async def are_married(self, one: str, other: str) -> bool:
        """Whether two people are married to each other today. Raises AgencyUnavailableError."""

    async def household(self, id_number: str) -> Household | None:
        """Where somebody is registered; None when nowhere is known. Raises AgencyUnavailableError."""


class Births(Protocol):
    """What residents and hospitals are offered (`city.services.births`)."""

    async def births_of(self, actor: Actor) -> list[Birth]:
        """Births that hospitals noted, where the resident is a parent."""

    async def note(
        self,
        actor: Actor,
        organization_id: str,
        external_id: str,
        facts: BirthFacts,
        mother: Parent,
        other: Parent | None,
    ) -> Birth:
        """A hospital notes a birth, or corrects what it noted. Raises CONFLICT once it has been handed in."""

    async def precheck(self, actor: Actor, birth_id: str, answers: Answers) -> Precheck:
        """What is in the way of filing it so. Raises NOT_FOUND."""

    async def open(self, actor: Actor, birth_id: str) -> FilingView:
        """A draft, or the filing that is under way. Raises NOT_FOUND, BIRTH_NOT_FILEABLE."""

    async def amend(self, actor: Actor, filing_id: str, answers: Answers) -> FilingView:
        """Other answers in a draft. Raises NOT_FOUND, CONFLICT."""

    async def submit(self, actor: Actor, filing_id: str) -> FilingView:
        """Hand it in. Raises NOT_FOUND, CONFLICT, and BIRTH_NOT_FILEABLE with the problems."""

    async def correct(self, actor: Actor, filing_id: str, step: str, answers: Answers) -> FilingView:
        """Put right what a step's agency wants corrected. Raises NOT_FOUND, CONFLICT."""

    async def withdraw(self, actor: Actor, filing_id: str, reason: str) -> FilingView:
        """Take it back: what is done stays done. Raises NOT_FOUND, CONFLICT."""

    async def get(self, actor: Actor, filing_id: str) -> FilingView:
        """One's own filing. Raises NOT_FOUND."""

    async def list(self, actor: Actor) -> list[FilingView]:
        """One's own filings, the newest first."""

    async def print(self, actor: Actor, filing_id: str, step: str) -> bytes:
        """What has come of a step, as a PDF. Raises NOT_FOUND, UNAVAILABLE."""

    async def add_file(
        self, actor: Actor, filing_id: str, kind: str, content_type: str, content: bytes, key: str = ""
    ) -> MaterialFile:
        """Upload a material, once under a key. Raises NOT_FOUND, CONFLICT, MATERIAL_UNFIT."""

    async def read_file(self, actor: Actor, filing_id: str, file_id: str) -> tuple[MaterialFile, bytes]:
        """An uploaded material. Raises NOT_FOUND."""

    async def remove_file(self, actor: Actor, filing_id: str, file_id: str) -> None:
        """Take an uploaded material back. Raises NOT_FOUND, CONFLICT."""


class BirthStaff(Protocol):
    """What staff are offered (`city.services.births.desk`). Another hospital's filing is NOT_FOUND."""

    async def worklist(self, actor: Actor, query: WorkQuery) -> tuple[list[FilingView], str]:
        """Filings by who has to move and until when, the most urgent first, and the next page's cursor."""

    async def count(self, actor: Actor) -> tuple[int, int]:
        """How many wait for staff, and how many of them are late."""

    async def look(self, actor: Actor, filing_id: str) -> FilingView:
        """A filing with everything; on record."""

    async def take(self, actor: Actor, filing_id: str) -> FilingView:
        """Make it one's own."""

    async def note(self, actor: Actor, filing_id: str, text: str) -> FilingView:
        """Write down what was done. Raises REASON_REQUIRED."""

    async def ask_again(self, actor: Actor, filing_id: str, step: str) -> FilingView:
        """Ask the agency now how it stands. Raises CONFLICT."""

    async def retry(self, actor: Actor, filing_id: str, step: str, reason: str) -> FilingView:
        """Ask anew for what an agency rejected. Raises REASON_REQUIRED, CONFLICT."""

    async def mark_corrected(self, actor: Actor, filing_id: str, step: str, reason: str) -> FilingView:
        """Have an agency look again, at what the parents put right elsewhere. Raises REASON_REQUIRED."""

    async def enter(self, actor: Actor, filing_id: str, step: str, said: PaperResult) -> FilingView:
        """A result that came on paper. Raises NOT_FOUND, BAD_REQUEST, CONFLICT."""

    async def print(self, actor: Actor, filing_id: str, step: str) -> bytes:
        """What has come of a step, as a PDF without names; on record. Raises NOT_FOUND, UNAVAILABLE."""

    async def revoke(self, actor: Actor, filing_id: str, step: str, text: str) -> FilingView:
        """No printout of a result holds any more. Raises REASON_REQUIRED, NOT_FOUND, CONFLICT."""

    async def withdraw(self, actor: Actor, filing_id: str, reason: str) -> FilingView:
        """Take it back for parents who asked for it. Raises REASON_REQUIRED, CONFLICT."""

    async def settle(self, actor: Actor, filing_id: str, text: str) -> FilingView:
        """The concerns are seen to; what is still overdue comes back. Raises REASON_REQUIRED."""

    async def doubtful(self, actor: Actor) -> Sequence[Birth]:
        """Births that look like others."""

    async def likes(self, actor: Actor, births: Sequence[Birth]) -> Mapping[str, Birth]:
        """What each of these doubtful births looks like, by its id; other hospitals' births stay out."""

    async def decide_doubtful(self, actor: Actor, birth_id: str, *, same: bool, reason: str) -> Birth:
        """Say whether it is the same birth. Raises NOT_FOUND, CONFLICT, REASON_REQUIRED."""
