"""A message and its deliveries as frozen values."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Literal


class MessageKind(StrEnum):
    """What a message is about; also the kind of WeChat template it is sent by."""

    LOGIN_CODE = "login_code"
    CONSENT_CODE = "consent_code"
    RECORD_CODE = "record_code"
    APPOINTMENT_BOOKED = "appointment_booked"
    APPOINTMENT_CANCELLED = "appointment_cancelled"
    SCHEDULE_STOPPED = "schedule_stopped"
    REFUND_SUCCEEDED = "refund_succeeded"
    CODE_USED = "code_used"
    PHONE_RELEASED = "phone_released"
    PATIENT_LINK_REQUESTED = "patient_link_requested"
    PATIENT_LINKED = "patient_linked"
    CONSENT_GIVEN = "consent_given"
    PATIENT_UNLINKED = "patient_unlinked"
    ANSWER = "answer"
    SURVEY_CARD = "survey_card"
    SURVEY_QUESTION = "survey_question"
    SURVEY_LINK = "survey_link"
    SURVEY_HEARD = "survey_heard"
    GUIDANCE_SLIP = "guidance_slip"
    VISIT_REMINDER = "visit_reminder"
    QUEUE_NEAR = "queue_near"
    REPORT_READY = "report_ready"
    PAYMENT_SUCCEEDED = "payment_succeeded"
    BIRTH_FILING = "birth_filing"
    REFERRAL = "referral"
    REFERRAL_MOVED = "referral_moved"
    REFERRAL_OFF = "referral_off"
    REFERRAL_MISSED = "referral_missed"
    REFERRAL_FOLLOW_UP = "referral_follow_up"
    REFERRAL_DUTY = "referral_duty"
    REFERRAL_ANSWERED = "referral_answered"
    RECORD_CONSENT_ASKED = "record_consent_asked"
    RECORD_CONSENT_GIVEN = "record_consent_given"
    RECORD_CONTRACT = "record_contract"
    RECORD_GLASS_BROKEN = "record_glass_broken"
    RECORD_CORRECTED = "record_corrected"
    RECORD_ANSWERED = "record_answered"


# One-time codes: sent while a person waits, kept nowhere, never sent again.
CODE_KINDS = frozenset({MessageKind.LOGIN_CODE, MessageKind.CONSENT_CODE, MessageKind.RECORD_CODE})


class MessageChannel(StrEnum):
    """Through what a message leaves. Every message is in the resident's list besides."""

    SMS = "sms"
    WECHAT = "wechat"
    OFFICIAL_ACCOUNT = "official_account"


class DeliveryState(StrEnum):
    """Where a delivery stands. UNKNOWN: the provider may have it; SKIPPED: there was no way to send it."""

    DUE = "due"
    SENDING = "sending"
    SENT = "sent"
    DELIVERED = "delivered"
    FAILED = "failed"
    UNKNOWN = "unknown"
    SKIPPED = "skipped"


FINAL_STATES = frozenset(
    {DeliveryState.SENT, DeliveryState.DELIVERED, DeliveryState.FAILED, DeliveryState.SKIPPED}
)


@dataclass(frozen=True, slots=True)
class Try:
    """What became of one try of a delivery, when we last heard from whom it was handed to."""

    number: int
    at: datetime
    state: DeliveryState
    provider: str = ""
    error: str = ""


@dataclass(frozen=True, slots=True)
class Delivery:
    """One message through one channel.

    `attempt` numbers the tries, so that each is begun once; `doubts` counts those repeated because nobody
    could say what had become of them.
    """

    channel: MessageChannel
    state: DeliveryState
    attempt: int = 0
    doubts: int = 0
    provider: str = ""
    provider_id: str = ""
    last_error: str = ""
    started_at: datetime | None = None
    made_due_at: datetime | None = None
    sent_at: datetime | None = None
    delivered_at: datetime | None = None
    # Our own number of the latest try by SMS, and how many text messages it was.
    reference: str = ""
    segments: int = 0
    # How often the provider was asked what became of it.
    asked: int = 0
    # The last tries, oldest first.
    tries: tuple[Try, ...] = ()


@dataclass(frozen=True, slots=True)
class Content:
    """The rendered words, per channel. `wechat` is the template's fields, `page` where a tap leads."""

    title: str
    body: str = field(repr=False)
    sms: str = field(repr=False)
    wechat: dict[str, str] = field(default_factory=dict, repr=False)
    page: str = ""
    # The values of an approved SMS template's slots, in their order.
    params: dict[str, str] = field(default_factory=dict, repr=False)


@dataclass(frozen=True, slots=True)
class Message:
    """What one person is told about one thing."""

    id: str
    recipient_id: str
    kind: MessageKind
    content: Content
    deliveries: tuple[Delivery, ...]
    created_at: datetime
    appointment_id: str | None = None
    organization_id: str | None = None
    read_at: datetime | None = None
    # The request it follows from, however many jobs lie between.
    request_id: str = ""
    # Of an answer: where it goes (a phone, an openid), and the resident it is to, if that is known.
    address: str = field(default="", repr=False)
    # By which version of its kind's words it was written.
    version: int = 1
    resident_id: str | None = None
    # Names of facts that were missing or not of their type: it was not written, and goes nowhere. The facts
    # themselves stand in the content's `params`, so that it can be once they or the template are put right.
    refused: tuple[str, ...] = ()
    # What an answer to it is about, in the words of whoever told it; empty when none is expected.
    topic: str = ""

    def delivery(self, channel: MessageChannel) -> Delivery | None:
        """The delivery through a channel, if the message goes there."""
        return next((d for d in self.deliveries if d.channel is channel), None)


@dataclass(frozen=True, slots=True)
class Letter:
    """A message to be written: to whom, of what kind, with what facts.

    `key` names what it is about (an event's id): told twice with the same key, a person is told once.
    """

    key: str
    at: datetime
    recipient_id: str
    kind: MessageKind
    facts: dict[str, str] = field(repr=False)
    appointment_id: str | None = None
    organization_id: str | None = None
    # What an answer by SMS would be about, where one is expected: `survey:<run>`.
    topic: str = ""


@dataclass(frozen=True, slots=True)
class Answer:
    """What a conversation says, to be pushed to the line it is held on: once for a key, however often asked.

    `address` is a phone for SMS, the official account's openid for the official account.
    """

    key: str
    through: Literal["sms", "official_account"]
    address: str = field(repr=False)
    text: str = field(repr=False)
    resident_id: str | None = None


@dataclass(frozen=True, slots=True)
class SMSReply:
    """What a person wrote to us by SMS. `opted_out`: a word to stop messages; messages obeys and answers.

    `topic` is what it answers, where the number it was written to tells: the topic of a letter, or `talk`.
    `said_at` is when it was written, as far as the provider's clock tells more than ours.
    """

    id: str
    phone: str = field(repr=False)
    text: str = field(repr=False)
    extension: str = ""
    received_at: datetime = field(kw_only=True)
    said_at: datetime = field(kw_only=True)
    opted_out: bool = field(default=False, kw_only=True)
    topic: str = field(default="", kw_only=True)
