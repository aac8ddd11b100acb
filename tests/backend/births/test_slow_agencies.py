"""Agencies slower than we wait, over real HTTP: asked once, and what became of it is learned afterwards."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest

from backend.births.models import ConcernKind, Filing, OwnerKind, Step
from backend.db.client import Database
from backend.permissions import SYSTEM
from tests.factories.births import a_family, a_filing, applications, let_pass
from tests.support.city import Surroundings, TestCity, open_test_city

# Each answer comes many times as late as we wait; how long either is matters to nothing that is asserted.
WAITS_S, SLOW_MS = 0.15, 1500


@pytest.fixture
async def hasty(surroundings: Surroundings, mongo_uri: str, db: Database) -> AsyncIterator[TestCity]:
    how: dict[str, Any] = {"agency_timeout_seconds": WAITS_S, "agency_query_after_seconds": 2}
    async with open_test_city(surroundings, mongo_uri, db, **how) as opened:
        await opened.outside.post("switches", {"agencies_clerk": True, "agencies_keep_papers": True})
        yield opened
        await opened.outside.post("switches", {"slow_agencies_ms": 0})


async def now_at(town: TestCity, filing_id: str) -> tuple[Filing, Step]:
    """The filing, and its certificate."""
    filing = (await town.city.services.births.desk.look(SYSTEM, filing_id)).filing
    step = filing.step("birth_certificate")
    assert step is not None
    return filing, step


async def arrived(town: TestCity) -> list[dict[str, Any]]:
    """What has really been handed over, of certificates."""
    return [one for one in await applications(town) if one["step"] == "birth_certificate"]


async def stands(town: TestCity, filing_id: str, state: str) -> tuple[Filing, Step]:
    """Once it is looked at, as often as it takes."""

    async def so() -> Any:
        await let_pass(town, timedelta(minutes=10))
        found = await now_at(town, filing_id)
        return found if found[1].state == state else None

    found: tuple[Filing, Step] = await town.until(so)
    return found


async def asked_in_vain(town: TestCity) -> tuple[str, Step]:
    """Handed in; the certificate's agency was asked, and did not answer in time."""
    family = await a_family(town)
    # The licence library is of the same gateway: the form is filled in while all is well.
    filing = await a_filing(town, family)
    await town.outside.post("switches", {"slow_agencies_ms": SLOW_MS})
    await town.work()
    _, step = await now_at(town, filing["id"])
    assert (step.state, step.attempt, step.failures) == ("asked", 1, 1)
    return filing["id"], step


async def test_a_late_answer_is_learned_by_asking_how_it_stands_and_not_by_asking_again(hasty: TestCity):
    filing_id, asked = await asked_in_vain(hasty)
    await hasty.until(lambda: arrived(hasty))
    # Slow to every question: who is asked how it stands does not answer in time either.
    for failures in (2, 3):
        await let_pass(hasty)
        filing, step = await now_at(hasty, filing_id)
        assert (step.state, step.failures) == ("asked", failures)
        view = await hasty.city.services.births.desk.look(SYSTEM, filing_id)
        # Nobody has let it go: the agency has it, its clock began with the question, and it is looked at.
        assert view.owner is not None
        assert (view.owner.kind, view.owner.id, filing.done_by is not None) == (OwnerKind.AGENCY, "mch", True)
        assert step.promised_at == asked.promised_at
        assert step.look_at is not None
    for _ in range(4):
        await let_pass(hasty)
    filing, _ = await now_at(hasty, filing_id)
    assert {each.kind for each in filing.concerns} == {ConcernKind.UNREACHABLE}
    await hasty.outside.post("switches", {"slow_agencies_ms": 0})
    filing, step = await stands(hasty, filing_id, "accepted")
    assert (step.failures, filing.concerns) == (0, ())
    assert step.request_id == asked.request_id
    [one] = await arrived(hasty)
    assert (one["id"], one["asks"]) == (asked.request_id, 1)
    # Done while its word to us is lost: learned in the same way.
    await hasty.outside.post("switches", {"lose_agency_calls": True})
    await hasty.outside.post(f"agencies/{one['id']}/decide", {"standing": "done"})
    await stands(hasty, filing_id, "done")
    assert [each["asks"] for each in await arrived(hasty)] == [1]


async def test_a_question_that_comes_after_it_was_given_up_is_refused_and_the_next_one_holds(
    hasty: TestCity,
):
    filing_id, first = await asked_in_vain(hasty)
    # The agency is quick again, while the first question is still under way to it.
    await hasty.outside.post("switches", {"slow_agencies_ms": 0})
    _, step = await stands(hasty, filing_id, "accepted")

    async def all_here() -> Any:
        # The first is known to the agency either way: called off before it came, or taken.
        known = {one["id"]: one for one in await applications(hasty)}
        return known if {first.request_id, step.request_id} <= set(known) else None

    known = await hasty.until(all_here)
    live = [one["id"] for one in known.values() if one["standing"] == "accepted"]
    assert [one for one in live if known[one]["step"] == "birth_certificate"] == [step.request_id]
    assert all(one["asks"] <= 1 for one in known.values())
    if step.request_id != first.request_id:
        assert (known[first.request_id]["standing"], step.attempt) == ("cancelled", 2)
