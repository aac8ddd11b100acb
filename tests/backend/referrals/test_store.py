"""The work-list, page by page: whatever is latest comes first, however new or old it is."""

from dataclasses import replace
from datetime import timedelta

import pytest

from backend import clock
from backend.bootstrap import City
from backend.db.client import Database
from backend.db.migrations import m0075_worklists
from backend.errors import AppError
from backend.referrals.machine import OPEN
from backend.referrals.models import Referral, ReferralQuery
from backend.referrals.sending import changed
from backend.referrals.store import New, wanted
from tests.factories.referrals import E, Road, a_referral, make_road

MINUTE = timedelta(minutes=1)
OPEN_ONES = ReferralQuery(states=tuple(OPEN), by_deadline=True, limit=25)


@pytest.fixture
async def road(city: City) -> Road:
    return await make_road(city.services)


async def kept(road: Road, number: int) -> Referral:
    """Of sixty the oldest has the longest gone by; the newest has the most time left."""
    now = clock.now()
    made = replace(
        a_referral(),
        person_id=road.person.id,
        from_organization_id=road.clinic.id,
        to_organization_id=road.lead.id,
        created_at=now - number * MINUTE,
        accept_by=now + (30 - number) * MINUTE,
        due_at=now + (30 - number) * MINUTE,
    )
    assert await road.store.write_all([], New(made, changed(made, E.SEND), alone=False))
    return made


async def pages(road: Road, query: ReferralQuery = OPEN_ONES) -> list[list[str]]:
    found = []
    while True:
        page = await road.referrals.list(road.lead.actor, query)
        found.append([each.id for each in page.items])
        if page.next_cursor is None:
            return found
        query = replace(query, cursor=page.next_cursor)


def flat(found: list[list[str]]) -> list[str]:
    return [each for page in found for each in page]


async def test_of_sixty_the_oldest_and_latest_stand_on_the_first_page(road: Road):
    made = [await kept(road, number) for number in range(60)]
    late_first = [each.id for each in reversed(made)]
    found = await pages(road)
    assert [len(page) for page in found] == [25, 25, 10]
    assert flat(found) == late_first
    assert flat(await pages(road, replace(OPEN_ONES, by_deadline=False))) == late_first[::-1]
    # What the receiver has accepted waits for the patient, who has more time than any answer.
    at = clock.now() + timedelta(hours=30)
    await road.act(road.lead.actor, made[-1], E.ACCEPT, expected_at=at)
    assert flat(await pages(road))[-1] == made[-1].id
    with pytest.raises(AppError):
        await road.referrals.list(road.lead.actor, replace(OPEN_ONES, cursor="yesterday"))


async def test_what_was_written_before_the_order_is_in_it(road: Road, db: Database):
    first, second = await kept(road, 40), await kept(road, 50)
    docs = db.collection("referrals")
    await docs.update_many({}, {"$unset": {"move_by": ""}})
    await m0075_worklists.up(db)
    assert flat(await pages(road)) == [second.id, first.id]
    doc = await docs.find_one({"_id": first.id})
    assert doc is not None
    assert doc["move_by"] == doc["due_at"]


async def test_the_list_is_read_in_its_order_by_an_index(road: Road, db: Database):
    await kept(road, 1)
    for within, index in ((None, "moved_in_city"), ({road.lead.id}, None)):
        found = db.collection("referrals").find({"$and": [wanted(OPEN_ONES, within)]})
        found = found.sort([("move_by", 1), ("_id", 1)])
        plan = await (found.hint(index) if index else found).explain()
        said = str(plan["queryPlanner"]["winningPlan"])
        assert "IXSCAN" in said
        assert "COLLSCAN" not in said
        # By its own index nothing is left to be put in order.
        assert index is None or "'stage': 'SORT'," not in said
