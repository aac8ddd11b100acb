"""What messages about referrals need of the referrals' service, which stands beside the exchange."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from backend.exchange.v2.outbound_models import Named


@dataclass(frozen=True, slots=True)
class Wish:
    """A referral as a hospital's message asks for it."""

    # The hospital's own number of it.
    number: str
    receiver_id: str
    up: bool
    # `routine`, `urgent` or `emergency`
    urgency: str
    name: str = field(repr=False)
    id_number: str = field(repr=False)
    phone: str = field(repr=False)
    reason: str = field(repr=False)
    diagnoses: tuple[Named, ...] = field(default=(), repr=False)
    notes: str = field(default="", repr=False)
    # The receiver's department and the sender's doctor, as they are called there; and his phone.
    department: str = ""
    practitioner: str = ""
    from_phone: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class Standing:
    """Where a referral stands: our id, RF1-1 (table 0283), and a sentence for people."""

    id: str
    status: str
    said: str
    expected_at: datetime | None = None
    # Of one that was refused: why, by our code and in words.
    reason: Named | None = None


@dataclass(frozen=True, slots=True)
class Reply:
    """What a receiver's RRI says of a referral: A, R or P, and when and where he is expected."""

    status: str
    text: str = field(default="", repr=False)
    # Why not: RF1-10, by our code or in its words.
    reason: tuple[str, str] = ("", "")
    expected_at: datetime | None = None
    bed: str = ""


class ReferralBook(Protocol):
    """Referrals, as far as a hospital's messages move them. What cannot be is an AppError."""

    async def receiver(self, said: Sequence[str]) -> str | None:
        """The institution of the directory that one of these names, by id, name or short name."""

    async def send(self, organization_id: str, wish: Wish) -> Standing:
        """Send one; the same number sends the same."""

    async def supplement(self, organization_id: str, number: str, text: str) -> Standing:
        """Say more, where the receiver has asked for it."""

    async def withdraw(self, organization_id: str, number: str, text: str) -> Standing:
        """Take one back."""

    async def standing(self, organization_id: str, number: str) -> Standing:
        """Where one stands, by the hospital's number or ours."""

    async def reply(self, organization_id: str, referral_id: str, reply: Reply) -> Standing:
        """The receiver's answer."""
