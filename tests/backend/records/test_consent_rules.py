"""What a consent is good for: every state and act, and what is covered at which moment."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from itertools import product
from typing import Any

import pytest

from backend.errors import AppError, ErrorCode
from backend.records.consent_rules import (
    LONGEST,
    TRANSITIONS,
    check_terms,
    covers,
    narrowed,
    state_at,
    step,
    suffices,
    widest,
)
from backend.records.models import Kind, Purpose
from backend.records.sharing_models import Consent, ConsentAct, ConsentState, Terms

NOW = datetime(2026, 3, 1, 2, tzinfo=UTC)
DAY = timedelta(days=1)
KINDS = frozenset(str(kind) for kind in Kind)
S, A = ConsentState, ConsentAct


def terms(**more: Any) -> Terms:
    values: dict[str, Any] = {
        "purpose": Purpose.TREAT,
        "expires_at": NOW + 30 * DAY,
        "organization_ids": frozenset({"here"}),
    }
    return Terms(**(values | more))


def consent(state: ConsentState = S.GRANTED, of: Terms | None = None, **more: Any) -> Consent:
    values: dict[str, Any] = {"turn": 0, "created_at": NOW, "lapses_at": NOW + 7 * DAY}
    return Consent("01", "person", state, of or terms(), **(values | more))


@pytest.mark.parametrize(("state", "act"), list(product(ConsentState, ConsentAct)))
def test_every_act_on_every_state_does_what_the_table_says_or_is_refused(
    state: ConsentState, act: ConsentAct
):
    allowed = {
        S.REQUESTED: {A.GRANT: S.GRANTED, A.DENY: S.DENIED, A.LAPSE: S.EXPIRED},
        S.GRANTED: {A.REVOKE: S.REVOKED, A.LAPSE: S.EXPIRED},
    }.get(state, {})
    if act not in allowed:
        with pytest.raises(AppError) as refused:
            step(consent(state), act, NOW)
        assert refused.value.code is ErrorCode.CONFLICT
        return
    after = step(consent(state), act, NOW)
    assert after.state is allowed[act] is TRANSITIONS[state, act]
    assert (after.answered_at is None) != (after.ended_at is None)


def test_what_has_ended_never_comes_back():
    ends = {S.DENIED, S.REVOKED, S.EXPIRED}
    assert not [state for state, _ in TRANSITIONS if state in ends]
    assert ends | {S.GRANTED} == set(TRANSITIONS.values())


def test_the_clock_ends_requests_and_grants_and_nothing_else():
    late = NOW + 31 * DAY
    assert {state: state_at(consent(state), late) for state in S} == {
        S.REQUESTED: S.EXPIRED, S.GRANTED: S.EXPIRED, S.DENIED: S.DENIED, S.REVOKED: S.REVOKED,
        S.EXPIRED: S.EXPIRED,
    }  # fmt: skip
    assert state_at(consent(S.REQUESTED), NOW + 7 * DAY) is S.EXPIRED
    assert state_at(consent(), NOW + 30 * DAY - timedelta(milliseconds=1)) is S.GRANTED
    with pytest.raises(AppError):
        step(consent(S.REQUESTED), A.GRANT, NOW + 7 * DAY)


@pytest.mark.parametrize(
    ("given", "asked", "expected"),
    [
        ({}, {}, True),
        ({}, {"organization_id": "elsewhere"}, False),
        ({"organization_ids": None}, {"organization_id": "elsewhere"}, True),
        ({}, {"purpose": Purpose.ETREAT}, True),
        ({}, {"purpose": Purpose.PUBLIC_HEALTH}, False),
        ({}, {"purpose": Purpose.BREAK_GLASS}, False),
        ({"purpose": Purpose.ETREAT}, {}, False),
        ({"purpose": Purpose.PUBLIC_HEALTH}, {"purpose": Purpose.PUBLIC_HEALTH}, True),
        ({"purpose": Purpose.PUBLIC_HEALTH}, {}, False),
        ({"department_ids": frozenset({"eyes"})}, {}, False),
        ({"department_ids": frozenset({"eyes"})}, {"departments": frozenset({"eyes", "ears"})}, True),
        ({"department_ids": frozenset({"eyes"})}, {"departments": frozenset({"ears"})}, False),
        ({}, {"now": NOW + 30 * DAY}, False),
    ],
)
def test_a_grant_covers_its_purpose_its_recipients_and_its_time(
    given: dict[str, Any], asked: dict[str, Any], expected: bool
):
    values: dict[str, Any] = {
        "purpose": Purpose.TREAT,
        "organization_id": "here",
        "departments": frozenset(),
        "now": NOW,
    }
    assert covers(consent(of=terms(**given)), **(values | asked)) is expected


@pytest.mark.parametrize("state", [S.REQUESTED, S.DENIED, S.REVOKED, S.EXPIRED])
def test_nothing_but_a_grant_covers_anything(state: ConsentState):
    assert not covers(consent(state), Purpose.TREAT, "here", frozenset(), NOW)


def test_the_widest_of_several_counts_and_is_enough_only_for_what_it_names():
    labs, all_kinds = terms(kinds=frozenset({"lab"})), terms()
    recent = terms(since=date(2026, 1, 1))
    chosen = widest([consent(of=labs), consent(of=all_kinds), consent(of=recent)])
    assert chosen is not None
    assert chosen.terms is all_kinds
    assert widest([]) is None
    assert suffices(all_kinds, None)
    assert suffices(labs, frozenset({"lab"}))
    assert not suffices(labs, None)
    assert not suffices(labs, frozenset({"lab", "medicine"}))
    assert not suffices(recent, frozenset({"lab"}))


@pytest.mark.parametrize(
    ("more", "within"),
    [
        ({}, True),
        ({"kinds": frozenset({"lab"})}, True),
        ({"since": date(2026, 2, 1)}, True),
        ({"expires_at": NOW + DAY}, True),
        ({"expires_at": NOW + 31 * DAY}, False),
        ({"sensitive": True}, False),
        ({"organization_ids": None}, False),
        ({"department_ids": frozenset({"eyes"})}, False),
        ({"purpose": Purpose.PUBLIC_HEALTH}, False),
    ],
)
def test_who_answers_may_grant_less_than_asked_and_never_more(more: dict[str, Any], within: bool):
    assert narrowed(terms(), terms(**more)) is within


def test_a_narrow_request_is_not_widened_by_leaving_a_limit_out():
    asked = terms(kinds=frozenset({"lab"}), since=date(2026, 1, 1), until=date(2026, 2, 1))
    assert narrowed(asked, asked)
    for wider in ({"kinds": None}, {"since": None}, {"until": None}, {"since": date(2025, 12, 31)}):
        assert not narrowed(asked, replace(asked, **wider))


@pytest.mark.parametrize(
    ("more", "field"),
    [
        ({"kinds": frozenset()}, "kinds"),
        ({"kinds": frozenset({"dreams"})}, "kinds"),
        ({"purpose": Purpose.BREAK_GLASS}, "purpose"),
        ({"since": date(2026, 2, 1), "until": date(2026, 1, 1)}, "until"),
        ({"since": date(1, 1, 1)}, "since"),
        ({"until": date(9999, 12, 31)}, "until"),
        ({"expires_at": NOW}, "expires_at"),
        ({"expires_at": NOW + LONGEST + DAY}, "expires_at"),
        ({"organization_ids": frozenset()}, "organization_ids"),
        ({"organization_ids": None, "department_ids": frozenset({"eyes"})}, "department_ids"),
    ],
)
def test_terms_that_nobody_could_mean_are_refused_by_name(more: dict[str, Any], field: str):
    with pytest.raises(AppError) as refused:
        check_terms(terms(**more), KINDS, NOW)
    assert refused.value.data["fields"] == [{"field": field, "problem": "invalid"}]


def test_ordinary_terms_are_taken():
    check_terms(terms(kinds=frozenset({"lab", "imaging"}), since=date(2020, 1, 1)), KINDS, NOW)
