"""The machines walked completely: every state, every event, everybody who may bring it about or may not."""

from __future__ import annotations

from itertools import product

import pytest

from backend.births.machine import (
    AT_AGENCY,
    ENDED,
    FILING_MOVES,
    HANDOVER_MOVES,
    SETTLED,
    STEP_MOVES,
    By,
    FilingEvent,
    FilingState,
    HandoverEvent,
    HandoverState,
    MoveError,
    StepEvent,
    StepState,
    filing_after,
    handover_after,
    step_after,
)

R, S, A, Y = By.RESIDENT, By.STAFF, By.AGENCY, By.SYSTEM
# By hand, and not from the table: state, event, where it leads, who may. All others are refused.
FILING = """
draft            amend            draft            resident
draft            submit           submitted        resident
draft            withdraw         withdrawn        resident staff
draft            expire           expired          system
submitted        begin            in_progress      system
submitted        withdraw         withdrawing      resident staff
in_progress      want_correction  needs_correction system
in_progress      finish           completed        system
in_progress      finish_partly    partly_done      system
in_progress      refuse           rejected         system
in_progress      withdraw         withdrawing      resident staff
needs_correction resume           in_progress      system
needs_correction finish           completed        system
needs_correction finish_partly    partly_done      system
needs_correction refuse           rejected         system
needs_correction withdraw         withdrawing      resident staff
withdrawing      finish           completed        system
withdrawing      finish_partly    partly_done      system
withdrawing      end_withdrawal   withdrawn        system
partly_done      reopen           in_progress      staff
rejected         reopen           in_progress      staff
"""
STEP = """
waiting          leave_out        not_wanted       resident system
waiting          unlock           ready            system
waiting          cancel           cancelled        system
not_wanted       want             waiting          resident system
ready            ask              asked            system
ready            cancel           cancelled        system
asked            lose             ready            system
asked            accept           accepted         agency
asked            want_correction  needs_correction agency
asked            reject           rejected         agency
asked            finish           done             agency staff
asked            cancel           cancelled        agency
accepted         want_correction  needs_correction agency
accepted         reject           rejected         agency
accepted         finish           done             agency staff
accepted         cancel           cancelled        agency
needs_correction correct          ready            resident staff
needs_correction cancel           cancelled        system
rejected         retry            ready            staff
cancelled        restore          waiting          system
"""
HANDOVER = """
awaited          post             posted           agency staff
awaited          lay_out          ready            agency staff
awaited          receive          received         resident agency staff
posted           post             posted           agency staff
posted           lay_out          ready            agency staff
posted           remind           posted           system
posted           miss             missing          resident agency staff
posted           receive          received         resident agency staff
ready            post             posted           agency staff
ready            lay_out          ready            agency staff
ready            remind           ready            system
ready            miss             missing          resident agency staff
ready            receive          received         resident agency staff
missing          post             posted           agency staff
missing          lay_out          ready            agency staff
missing          receive          received         resident agency staff
received         miss             missing          resident staff
"""


def table(text: str) -> dict[tuple[str, str], tuple[str, frozenset[str]]]:
    rows = [line.split() for line in text.strip().splitlines()]
    return {(state, event): (to, frozenset(by)) for state, event, to, *by in rows}


@pytest.mark.parametrize(
    ("wanted", "states", "events", "after"),
    [
        (table(FILING), FilingState, FilingEvent, filing_after),
        (table(STEP), StepState, StepEvent, step_after),
        (table(HANDOVER), HandoverState, HandoverEvent, handover_after),
    ],
    ids=["filing", "step", "handover"],
)
def test_every_state_event_and_role_does_what_the_table_says_and_nothing_else(wanted, states, events, after):
    walked = 0
    for state, event, by in product(states, events, By):
        to, who = wanted.get((state, event), ("", frozenset()))
        if by in who:
            assert after(state, event, by) == to
        else:
            with pytest.raises(MoveError) as refused:
                after(state, event, by)
            assert refused.value.known is bool(to)
        walked += 1
    assert walked == len(states) * len(events) * len(By)


def test_every_state_is_reached_and_only_ends_have_no_way_on():
    for moves, states, start, ends in (
        (FILING_MOVES, FilingState, FilingState.DRAFT, ENDED),
        (STEP_MOVES, StepState, StepState.WAITING, SETTLED),
        (HANDOVER_MOVES, HandoverState, HandoverState.AWAITED, {HandoverState.RECEIVED}),
    ):
        reached, on = {start}, True
        while on:
            more = {move.to for (state, _), move in moves.items() if state in reached} - reached
            reached |= more
            on = bool(more)
        assert reached == set(states)
        stuck = {state for state in states if not any(each == state for each, _ in moves)}
        assert stuck <= set(ends)
        # From everything that is not over, an end can be reached.
        home = set(ends)
        for _ in states:
            home |= {state for (state, _), move in moves.items() if move.to in home}
        assert home == set(states)


def test_only_agencies_decide_what_is_with_agencies_and_staff_type_in_what_came_on_paper():
    for (state, event), move in STEP_MOVES.items():
        if state in AT_AGENCY and move.to in SETTLED:
            typed = {By.STAFF} if event is StepEvent.FINISH else set()
            assert move.by == {By.AGENCY, *typed}, (state, event)
