"""Everything the console may have to show has a word in Chinese."""

import re
from collections.abc import Iterable
from enum import StrEnum
from pathlib import Path
from typing import get_args

import pytest

from admin import words
from admin.templating import told
from backend.audit.models import Finding
from backend.billing.models import AttemptState, OrderState, RefundCause, RefundProgress
from backend.directory.models import ClientKind, TerminalKind
from backend.messages.models import DeliveryState, MessageChannel, MessageKind
from backend.permissions import STAFF_ROLES, ActorKind, Permission
from backend.slotpool.claims_models import Channel, ClaimState
from backend.slotpool.schedules_models import Kind, Period, ScheduleState
from payment.ports import PaymentMethod, PaymentState, RefundState

BACKEND = Path(words.__file__).parents[1] / "backend"
RECORD = re.compile(r"record\((?:[^()]|\([^()]*\))*?\"([a-z_]+\.[a-z_]+)\"", re.S)


@pytest.mark.parametrize(
    ("table", "keys"),
    [
        (words.ROLES, STAFF_ROLES),
        (words.ROLE_NOTES, STAFF_ROLES),
        (words.PERMISSIONS, [p for p in Permission if p.startswith("staff:")]),
        (words.CHANNELS, Channel),
        (words.APPOINTMENT_STATES, ClaimState),
        (words.SCHEDULE_STATES, ScheduleState),
        (words.PERIODS, get_args(Period)),
        (words.KINDS, get_args(Kind)),
        (words.ORDER_STATES, OrderState),
        (words.ATTEMPT_STATES, AttemptState),
        (words.REFUND_STATES, RefundProgress),
        (words.REFUND_CAUSES, RefundCause),
        (words.PAYMENT_METHODS, PaymentMethod),
        (words.MESSAGE_KINDS, MessageKind),
        (words.MESSAGE_CHANNELS, MessageChannel),
        (words.DELIVERY_STATES, DeliveryState),
        (words.CHANNEL_STATES, [*PaymentState, *RefundState]),
        (words.CLIENT_KINDS, ClientKind),
        (words.TERMINAL_KINDS, TerminalKind),
        (words.FINDINGS, Finding),
        (words.ACTOR_KINDS, get_args(ActorKind)),
    ],
)
def test_every_value_has_a_word(table: dict[str, object], keys: Iterable[StrEnum | str]) -> None:
    assert {str(key) for key in keys} <= set(table)


def test_every_audited_action_has_a_word() -> None:
    found = {action for file in BACKEND.rglob("*.py") for action in RECORD.findall(file.read_text())}
    assert len(found) > 15, found
    assert found <= set(words.ACTIONS), found - set(words.ACTIONS)


def test_an_unknown_value_is_shown_as_it_is() -> None:
    assert words.of(words.CHANNELS, "pigeon") == "pigeon"
    assert words.of(words.CHANNELS, None) == "—"
    assert words.state_of(words.ORDER_STATES, "lost") == ("lost", "")
    assert words.error_of("RejectedError 104") == "服务商拒绝 104"


def test_facts_of_a_difference_are_in_yuan_and_in_words() -> None:
    assert told({"amount_fen": 2550, "state": "absent"}) == "金额 ¥25.50，状态 没有这笔"
    assert told({"merchant_id": "1600000000"}) == "商户号 1600000000"


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("care step 10103", "诊疗环节：取药"),
        ("care step 99999", "care step 99999"),
        ("parent: accepted", "父母（本人同意）"),
        ("child: register", "子女（人口库确认）"),
        ("own request", "本人申请"),
        ("care relationship: appointment or referral", "就诊关系：预约或转诊"),
        ("来电说明: 家人代取", "来电说明: 家人代取"),
        ("", "—"),
    ],
)
def test_a_basis_is_in_words_and_a_persons_own_words_stay(written: str, read: str) -> None:
    assert words.basis_of(written) == read
