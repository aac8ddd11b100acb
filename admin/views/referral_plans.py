"""Follow-up plans: what a desk has to see to, what has been done, by whom, and what was given up and why."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

from pydantic import Field

from admin.base import page
from admin.forms import Filters
from admin.views.referrals import PER_PAGE, READ, ROOT, ReferralPage
from backend import clock
from backend.http.endpoint import requires
from backend.referrals import plans
from backend.referrals.follow_up import Follow
from backend.referrals.machine import ReferralEvent
from backend.referrals.models import Referral, ReferralQuery, Side


class PlanFilters(Filters):
    """Which plans: by default those that came to this institution and have something left to do."""

    which: Follow = Field(Follow.OPEN, title="随访状态")
    side: Side | Literal["any"] | None = Field(None, title="方向")


class PlansHandler(ReferralPage):
    """The list of a desk."""

    @requires(READ)
    @page("Follow-up plans of referrals")
    async def get(self, query: PlanFilters) -> None:
        """What is due first; what was said last comes first of what is done."""
        of_city = self.actor.organization_ids is None
        side = query.side or (None if of_city else Side.IN)
        wanted = ReferralQuery(
            side=side if isinstance(side, Side) else None,
            follow=query.which,
            cursor=query.cursor or None,
            limit=PER_PAGE,
        )
        found = await self.services.referrals.list(self.actor, wanted)
        items = list(found.items)
        await self.show_referrals(
            "referrals/follow_ups.html",
            referrals=items,
            following=found.next_cursor,
            people=await self.people_of(items),
            names=await self.places_of(items),
            plan_of={each.id: plans.lines(each) for each in items},
            sayers=await self.sayers_of(items),
            may_say=await self._may_say(items),
            today=clock.today(),
            which=query.which,
            side=side,
            of_city=of_city,
        )

    async def _may_say(self, referrals: Iterable[Referral]) -> set[str]:
        """Of which this member may say how the plan stands."""
        service = self.services.referrals
        return {
            each.id
            for each in referrals
            if ReferralEvent.FOLLOW_UP in service.possible(await service.parts(self.actor, each), each)
        }


routes = [(rf"{ROOT}/follow-ups", PlansHandler)]
