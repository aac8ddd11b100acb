"""Up is up and down is down, by the levels that the institutions have."""

import pytest

from backend.bootstrap import City
from backend.directory.codes import HospitalLevel as Level
from backend.errors import AppError
from backend.referrals.drafts import check_levels
from backend.referrals.machine import ReferralEvent, ReferralState
from backend.referrals.models import Direction, RejectReason, Urgency
from tests.factories.referrals import make_road
from tests.factories.sharing import make_place

UP, DOWN = Direction.UP, Direction.DOWN


@pytest.mark.parametrize(
    ("direction", "here", "there", "fine"),
    [
        (UP, Level.L1_A, Level.L3_A, True),
        (UP, Level.L3_A, Level.L2_A, False),
        (UP, Level.L3_A, Level.L3_B, True),
        (UP, Level.L2_A, Level.L2_A, True),
        (UP, Level.L3_A, Level.UNGRADED, True),
        (UP, Level.UNGRADED, Level.L1_C, True),
        (DOWN, Level.L3_A, Level.L1_A, True),
        (DOWN, Level.L2_A, Level.L3_A, False),
        (DOWN, Level.L3_B, Level.L3_A, True),
        (DOWN, Level.UNGRADED, Level.L3_A, True),
    ],
)
def test_nobody_is_sent_up_to_less_or_down_to_more(
    direction: Direction, here: Level, there: Level, fine: bool
) -> None:
    if fine:
        check_levels(direction, Urgency.URGENT, here, there)
        return
    with pytest.raises(AppError) as refused:
        check_levels(direction, Urgency.ROUTINE, here, there)
    assert refused.value.data == {"fields": [{"field": "direction", "problem": "level"}]}
    check_levels(direction, Urgency.EMERGENCY, here, there)


async def test_a_lead_hospital_sends_home_and_not_up_to_a_small_one(city: City) -> None:
    road = await make_road(city.services)
    small = await make_place(city.services, "small", name="镇卫生院", short_name="镇院", level=Level.L1_A)
    to_it = {"to_organization_id": small.id}
    with pytest.raises(AppError):
        await road.send(road.lead.actor, **to_it)
    assert (await road.send(road.lead.actor, direction=DOWN, **to_it)).state is ReferralState.REQUESTED
    # Nor is it redirected there.
    up = await road.send(road.lead.actor, to_organization_id=road.other.id)
    await road.act(road.other.actor, up, ReferralEvent.REJECT, reason=RejectReason.NO_BED)
    with pytest.raises(AppError):
        await road.act(road.lead.actor, up, ReferralEvent.REDIRECT, **to_it)
