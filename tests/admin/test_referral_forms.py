"""What is typed into the forms of referrals becomes what the service takes; what is half typed is named."""

from datetime import UTC, date, datetime

import pytest

from admin.referral_forms import SendForm, StepForm, diagnoses_of, instant_of, plan_of
from backend.errors import AppError
from backend.referrals.machine import ReferralEvent as E
from backend.referrals.models import Diagnosis, Direction, Outcome, PlanItem, TransportKind, Urgency, Who


def test_diagnoses_stand_one_a_line_with_a_code_in_front_or_without():
    typed = "I21.9 急性心肌梗死\n\n  高血压\nI10.x00x002：高血压2级\nE11.900,2型糖尿病\nA 类"
    assert diagnoses_of(typed) == (
        Diagnosis("急性心肌梗死", "I21.9"),
        Diagnosis("高血压"),
        Diagnosis("高血压2级", "I10.x00x002"),
        Diagnosis("2型糖尿病", "E11.900"),
        Diagnosis("A 类"),
    )


def test_a_plan_is_its_rows_that_say_something():
    assert plan_of(["复查血压", "", " "], ["2026-12-01", "", ""]) == (
        PlanItem("复查血压", date(2026, 12, 1)),
    )


@pytest.mark.parametrize(
    ("what", "on", "said"),
    [
        ("换药", "", "第2行：请填写日期"),
        ("", "2026-12-01", "第2行：请填写内容"),
        ("换药", "明天", "第2行：不是有效的日期"),
    ],
)
def test_a_row_that_says_half_is_named(what: str, on: str, said: str):
    with pytest.raises(AppError) as refused:
        plan_of(["复查", what], ["2026-12-01", on])
    assert said in refused.value.text


def test_a_time_is_the_citys():
    assert instant_of("2026-11-22T10:30") == datetime(2026, 11, 22, 2, 30, tzinfo=UTC)
    assert instant_of("") is None
    with pytest.raises(AppError):
        instant_of("half past ten")


def test_the_emergency_needs_a_name_or_a_code_and_goes_to_whoever_is_nearest():
    form = SendForm(
        name="李明", id_number="37070019900101003x", to="nearest", reason="胸痛1小时", phone="139"
    )
    draft = form.draft(Direction.UP, Urgency.EMERGENCY)
    assert draft.who == Who(name="李明", id_number="37070019900101003X")
    assert (draft.nearest, draft.to_organization_id, draft.urgency) == (True, "", Urgency.EMERGENCY)
    shown = SendForm(name="李明", health_code="code", to="h1").draft(Direction.UP, Urgency.EMERGENCY)
    assert shown.who == Who(code="code"), "a code that was shown is better than a name that was typed"
    assert (shown.nearest, shown.to_organization_id) == (False, "h1")


def test_a_place_of_the_pool_and_a_bed_exclude_each_other():
    place = StepForm(place="01SCHEDULE:7", bed="12床", expected="2026-11-22T10:30").facts(E.ACCEPT)
    assert (place.schedule_id, place.number, place.bed, place.expected_at) == ("01SCHEDULE", 7, "", None)
    bed = StepForm(place="bed", bed="12床", expected="2026-11-22T10:30").facts(E.ACCEPT)
    assert (bed.schedule_id, bed.number, bed.bed) == ("", None, "12床")
    assert bed.expected_at == datetime(2026, 11, 22, 2, 30, tzinfo=UTC)
    unsaid = StepForm(expected="2026-11-22T10:30")
    assert unsaid.facts(E.REBOOK).expected_at is None, "where was not chosen"
    assert unsaid.facts(E.DEPART).expected_at == bed.expected_at


def test_what_goes_back_down_is_taken_only_when_it_is_to_go_back():
    typed = {
        "outcome": "improved",
        "discharge_summary": "稳定",
        "plan_what": ["复查"],
        "plan_on": ["2026-12-01"],
    }
    kept = StepForm.model_validate(typed).facts(E.COMPLETE)
    assert (kept.outcome, kept.send_back, kept.plan) == (Outcome.IMPROVED, False, ())
    back = StepForm.model_validate(typed | {"send_back": "yes"}).facts(E.COMPLETE)
    assert back.send_back
    assert back.discharge_summary == "稳定"
    assert back.plan == (PlanItem("复查", date(2026, 12, 1)),)


def test_how_somebody_travels_is_one_of_three():
    typed = StepForm.model_validate({"transport": "ambulance"})
    assert typed.facts(E.DEPART).transport is TransportKind.AMBULANCE
    assert StepForm().facts(E.DEPART).transport is None
