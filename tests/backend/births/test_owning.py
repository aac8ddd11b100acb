"""Who has to move next, what sinks to nobody, and what was promised."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from backend import clock
from backend.births.machine import By, FilingEvent, FilingState, StepEvent, StepState
from backend.births.models import Answers, Concern, ConcernKind, Filing, Parent, Step, WorkQuery
from backend.births.owning import level_of, look_at, overdue
from backend.births.rules import load_rules
from backend.births.settling import Settling
from backend.births.store import FilingStore
from backend.permissions import Actor, Role
from tests.factories.births import make_birth, make_filing
from tests.support.city import TestCity

RULES = load_rules(None)
# A Friday; the promise of five working days ends on the next.
FRIDAY = datetime(2026, 11, 20, 2, tzinfo=UTC)
PROMISED = RULES.calendar.after(FRIDAY, 5)
STAFF = Actor("staff", "clerk", Role.CITY_OPERATOR, None, "s", "console")


def filed(state: FilingState = FilingState.IN_PROGRESS) -> Filing:
    """Handed in on the Friday; the card's agency has given itself more time than there is."""
    card = Step("social_card", "社会保障卡", "social", StepState.ACCEPTED)
    card = replace(card, due_at=PROMISED + timedelta(days=30))
    return Filing(
        "f", "b", "o", "mother", ("mother",), state, 0, RULES.edition, Answers("张小宝"), (card,), FRIDAY,
        FRIDAY, FRIDAY, submitted_at=FRIDAY, done_by=PROMISED,
    )  # fmt: skip


def test_what_was_promised_of_all_is_somebodys_when_its_day_has_passed():
    assert look_at(filed()) == PROMISED
    assert overdue(filed(), RULES, PROMISED - timedelta(minutes=1)).concerns == ()
    late = overdue(filed(), RULES, PROMISED)
    assert [(each.kind, each.step) for each in late.concerns] == [(ConcernKind.OVERDUE, "")]
    # It is told once; what one agency does meanwhile does not settle it, and what the last does, does.
    assert overdue(late, RULES, PROMISED).concerns == late.concerns
    moved = Settling(RULES).step(late, "social_card", StepEvent.FINISH, By.AGENCY, "social", PROMISED)
    assert moved.filing.concerns == late.concerns
    over = Settling(RULES).settled(moved, PROMISED).filing
    assert (over.state, over.concerns) == (FilingState.COMPLETED, ())


def test_nobody_is_late_while_the_parents_have_to_move():
    waiting = filed(FilingState.NEEDS_CORRECTION)
    assert overdue(waiting, RULES, PROMISED + timedelta(days=9)).concerns == ()
    assert look_at(waiting) != PROMISED


def test_the_promise_begins_with_handing_in_and_with_being_opened_again():
    draft = replace(filed(FilingState.DRAFT), submitted_at=None, done_by=None)
    settling = Settling(RULES)
    handed_in = settling.move(draft, FilingEvent.SUBMIT, By.RESIDENT, "mother", FRIDAY).filing
    assert handed_in.done_by == PROMISED
    again = replace(filed(FilingState.PARTLY_DONE), done_by=FRIDAY)
    assert settling.move(again, FilingEvent.REOPEN, By.STAFF, "x", FRIDAY).filing.done_by == PROMISED


async def test_the_longest_neglected_stand_first_and_are_the_late_ones(town: TestCity):
    services, now = town.city.services, clock.now()
    desk, store = services.births.desk, FilingStore(town.city.db, services.cipher)
    mother = await town.resident()
    who = await services.residents.get_identity(mother.id)
    expected = []
    for number, level in enumerate((1, 3, 1, 2, 3)):
        birth = await make_birth(
            services, town.hospital.id, Parent(who.name, who.id_number), order=number + 1, of=5
        )
        made = await make_filing(
            town.city, birth, FilingState.IN_PROGRESS, {"birth_certificate": StepState.ASKED}
        )
        due_at = now + timedelta(hours=number + 1)
        concern = Concern(ConcernKind.UNREACHABLE, "birth_certificate", now, due_at, level)
        assert await store.write(replace(made, concerns=(concern,)))
        expected.append((-level, number, made.id))
    in_order = [each for *_, each in sorted(expected)]
    found, query = [], WorkQuery(limit=2)
    while True:
        views, following = await desk.worklist(STAFF, query)
        found += [view.filing for view in views]
        if not following:
            break
        query = replace(query, cursor=following)
    assert [each.id for each in found] == in_order
    assert [level_of(each) for each in found] == [3, 3, 2, 1, 1]
    # Their days are all to come: what makes them late is that one has passed before.
    assert await desk.count(STAFF) == (5, 3)


async def test_staff_may_wait_longer_than_an_agency_has_promised(town: TestCity):
    services, now = town.city.services, clock.now()
    desk, store = services.births.desk, FilingStore(town.city.db, services.cipher)
    mother = await town.resident()
    who = await services.residents.get_identity(mother.id)
    birth = await make_birth(services, town.hospital.id, Parent(who.name, who.id_number))
    made = await make_filing(
        town.city, birth, FilingState.IN_PROGRESS, {"birth_certificate": StepState.ASKED}
    )
    yesterday = now - timedelta(days=1)
    step = replace(made.steps[0], due_at=yesterday, promised_at=yesterday)
    late = replace(made, steps=(step, *made.steps[1:]), done_by=yesterday)
    assert await store.write(overdue(late, RULES, now))
    settled = (await desk.settle(STAFF, made.id, "已电话催办")).filing
    assert settled.concerns == ()
    # Everybody has another day, and none has passed yet.
    assert overdue(settled, RULES, now + timedelta(minutes=1)).concerns == ()
    (row,) = await store.rows_since(None, now - timedelta(days=9))
    assert row.steps[0].due_at is not None
    assert abs(row.steps[0].due_at - yesterday) < timedelta(seconds=1)
    figures = await desk.figures(STAFF, 1)
    assert (figures.total.overdue, figures.agencies[0].overdue) == (1, 1)
