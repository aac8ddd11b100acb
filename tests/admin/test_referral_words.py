"""The console has a word for all a referral may be, a form for all that may be done, knows what is late."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any

import pytest

from admin import referral_words as said
from admin.templating import FOLDER
from admin.views.referral_steps import AT_ONCE
from backend.referrals.machine import TABLE, Part, ReferralEvent, ReferralState
from backend.referrals.models import (
    Clinical,
    Direction,
    Level,
    Outcome,
    Referral,
    RejectReason,
    Side,
    TransportKind,
    Urgency,
)

NOW = datetime(2026, 11, 22, 8, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


def a_referral(**more: Any) -> Referral:
    values: dict[str, Any] = {
        "id": "R", "direction": Direction.UP, "urgency": Urgency.ROUTINE, "state": ReferralState.REQUESTED,
        "person_id": "P", "from_organization_id": "A", "to_organization_id": "B",
        "clinical": Clinical("x"), "created_at": NOW, "updated_at": NOW, "accept_by": NOW + 30 * MINUTE,
    }  # fmt: skip
    return Referral(**(values | more))


@pytest.mark.parametrize(
    ("table", "keys"),
    [
        (said.STATES, ReferralState), (said.EVENTS, ReferralEvent), (said.DIRECTIONS, Direction),
        (said.URGENCIES, Urgency), (said.TRANSPORTS, TransportKind), (said.OUTCOMES, Outcome),
        (said.REASONS, RejectReason), (said.LEVELS, Level), (said.PARTS, Part), (said.SIDES, Side),
    ],
)  # fmt: skip
def test_every_value_has_a_word(table: dict[str, object], keys: Iterable[StrEnum]) -> None:
    assert set(table) == {str(key) for key in keys}


def test_every_event_that_staff_may_cause_has_a_form_or_a_mere_button() -> None:
    staff = {Part.SENDER, Part.RECEIVER, Part.CITY}
    events = {event for (state, event), rule in TABLE.items() if state is not None and rule.parts & staff}
    folder = FOLDER / "templates" / "referrals" / "steps"
    forms = {file.stem for file in folder.glob("*.html") if not file.name.startswith("_")}
    assert forms == {str(event) for event in events - AT_ONCE}


def test_a_clock_is_the_answers_first_then_the_patients_and_then_the_outcomes() -> None:
    waiting = a_referral()
    assert not said.is_late(waiting, NOW)
    assert said.is_late(waiting, NOW + 31 * MINUTE)
    coming = a_referral(state=ReferralState.ACCEPTED, arrive_by=NOW + 60 * MINUTE)
    assert said.deadline(coming) == NOW + 60 * MINUTE
    assert said.is_late(coming, NOW + 61 * MINUTE)
    here = a_referral(state=ReferralState.ARRIVED, arrive_by=NOW, finish_by=NOW + 90 * MINUTE)
    assert said.deadline(here) == NOW + 90 * MINUTE
    assert not said.is_late(here, NOW + 89 * MINUTE)
    assert said.is_late(here, NOW + 99 * MINUTE)
    assert said.deadline(a_referral(state=ReferralState.COMPLETED)) is None


@pytest.mark.parametrize(
    ("minutes", "words"),
    [
        (25, "还有25分钟"), (-5, "超时5分钟"), (-125, "超时2小时5分"), (60, "还有1小时"),
        (1440, "还有1天"), (1560, "还有1天2小时"),
    ],
)  # fmt: skip
def test_what_is_left_is_told_in_words(minutes: int, words: str) -> None:
    assert said.left(NOW + minutes * MINUTE, NOW) == words
