"""How each kind of message is treated, as data: how urgent, by what way, when, how often, who may stop it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from enum import IntEnum, StrEnum

from backend.messages.models import MessageKind
from backend.worker import events


class Priority(IntEnum):
    """What goes out first when much is due; the numbers are stored with the jobs of the outbox."""

    URGENT = events.URGENT
    NORMAL = events.NORMAL
    BULK = events.BULK


class Group(StrEnum):
    """What a person can have stopped as one."""

    NOTICES = "notices"
    REMINDERS = "reminders"
    SURVEYS = "surveys"


@dataclass(frozen=True, slots=True)
class Policy:
    """The rules of one kind. Without a group, nobody can have it stopped.

    `wechat_first`: so long WeChat has to be read before the SMS follows; None sends both at once. `quiet`:
    only at the hours of `gates.Hours`. `per_day`: so many SMS of any kind a phone may have had today, and not
    too many at once; None, of what is urgent, does not ask.
    """

    priority: Priority = Priority.NORMAL
    group: Group | None = Group.NOTICES
    wechat_first: timedelta | None = None
    quiet: bool = False
    per_day: int | None = 20


_CODE = Policy(Priority.URGENT, None, per_day=None)
_NOTICE = Policy(wechat_first=timedelta(minutes=10))
_SURVEY = Policy(Priority.BULK, Group.SURVEYS, quiet=True, per_day=4)

POLICIES: dict[MessageKind, Policy] = {
    MessageKind.LOGIN_CODE: _CODE,
    MessageKind.CONSENT_CODE: _CODE,
    MessageKind.RECORD_CODE: _CODE,
    # The person has just spoken and waits.
    MessageKind.ANSWER: Policy(Priority.URGENT, None, per_day=None),
    MessageKind.APPOINTMENT_BOOKED: _NOTICE,
    MessageKind.APPOINTMENT_CANCELLED: _NOTICE,
    # Nobody is to travel for nothing: by every way at once.
    MessageKind.SCHEDULE_STOPPED: Policy(Priority.URGENT, per_day=None),
    MessageKind.REFUND_SUCCEEDED: Policy(wechat_first=timedelta(minutes=30)),
    MessageKind.CODE_USED: Policy(),
    MessageKind.PHONE_RELEASED: Policy(),
    MessageKind.PATIENT_LINK_REQUESTED: Policy(),
    MessageKind.PATIENT_LINKED: Policy(),
    MessageKind.CONSENT_GIVEN: Policy(group=None),
    MessageKind.PATIENT_UNLINKED: Policy(),
    MessageKind.GUIDANCE_SLIP: Policy(),
    MessageKind.VISIT_REMINDER: Policy(group=Group.REMINDERS, wechat_first=timedelta(minutes=60)),
    # Who waits in the corridor does not look for it in WeChat.
    MessageKind.QUEUE_NEAR: Policy(Priority.URGENT, Group.REMINDERS, per_day=None),
    MessageKind.REPORT_READY: _NOTICE,
    MessageKind.PAYMENT_SUCCEEDED: _NOTICE,
    MessageKind.BIRTH_FILING: _NOTICE,
    MessageKind.REFERRAL: _NOTICE,
    # Nobody is to travel for nothing.
    MessageKind.REFERRAL_MOVED: Policy(Priority.URGENT, per_day=None),
    MessageKind.REFERRAL_OFF: Policy(Priority.URGENT, per_day=None),
    MessageKind.REFERRAL_MISSED: _NOTICE,
    # What is to be done tomorrow wakes nobody tonight.
    MessageKind.REFERRAL_FOLLOW_UP: Policy(
        group=Group.REMINDERS, wechat_first=timedelta(minutes=60), quiet=True
    ),
    # To the phone of a desk, where somebody is on duty.
    MessageKind.REFERRAL_DUTY: Policy(Priority.URGENT, None, per_day=None),
    MessageKind.REFERRAL_ANSWERED: Policy(Priority.URGENT, None, per_day=None),
    MessageKind.RECORD_CONSENT_ASKED: _NOTICE,
    MessageKind.RECORD_CONSENT_GIVEN: Policy(group=None),
    # Whoever never signed anything has to hear of it.
    MessageKind.RECORD_CONTRACT: Policy(group=None),
    # Whose record is read in an emergency learns it at once, and cannot have it stopped.
    MessageKind.RECORD_GLASS_BROKEN: Policy(Priority.URGENT, None, per_day=None),
    MessageKind.RECORD_CORRECTED: Policy(),
    MessageKind.RECORD_ANSWERED: _NOTICE,
    MessageKind.SURVEY_CARD: _SURVEY,
    MessageKind.SURVEY_QUESTION: _SURVEY,
    MessageKind.SURVEY_LINK: _SURVEY,
    # An answer to something the person wrote.
    MessageKind.SURVEY_HEARD: Policy(group=None, wechat_first=timedelta(minutes=10)),
}


def segments(text: str, signature: str) -> int:
    """How many text messages a text is, its signature included: 70 characters, or 67 each when several."""
    length = len(f"【{signature}】{text}".encode("utf-16-le")) // 2
    return 1 if length <= 70 else -(-length // 67)
