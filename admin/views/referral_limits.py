"""The time limits of referrals: everybody in it reads them, the city states them."""

from __future__ import annotations

from admin.base import page
from admin.referral_limits_form import LimitsForm, groups_of, lines, spoken
from admin.views.referrals import READ, ROOT, WRITE, ReferralPage
from backend.errors import ErrorCode
from backend.http.endpoint import requires
from backend.referrals.parts import may_act


class LimitsHandler(ReferralPage):
    """The table."""

    @requires(READ)
    @page("Time limits of referrals")
    async def get(self) -> None:
        """As it counts."""
        await self.show()

    async def show(self, **path: str) -> None:
        """The form with what was typed; whoever was overtaken sees what counts now."""
        edition = await self.services.referrals.limits.read(self.actor)
        overtaken = self.problem is not None and self.problem.code is ErrorCode.VERSION_CONFLICT
        typed = {} if overtaken else self.typed
        said = [] if overtaken else self.get_body_arguments("times")
        groups = groups_of(edition.limits)
        boxes = [box for each in groups.values() for group in each for box in group.boxes]
        hours = edition.limits.working_hours
        by = await self.services.staff.names({edition.made_by} - {""})
        await self.show_referrals(
            "referrals/limits.html",
            edition=edition,
            groups=groups,
            times=dict(zip(boxes, said, strict=True))
            if len(said) == len(boxes)
            else {box: spoken(box) for box in boxes},
            begin=typed.get("begin") or f"{hours.begin:%H:%M}",
            end=typed.get("end") or f"{hours.end:%H:%M}",
            holidays=typed.get("holidays", lines(hours.holidays)),
            workdays=typed.get("workdays", lines(hours.workdays)),
            by=by.get(edition.made_by, ""),
            may_state=self.actor.organization_ids is None and may_act(self.actor),
        )

    @requires(WRITE)
    @page(
        "State the time limits of referrals",
        errors=(ErrorCode.BAD_REQUEST, ErrorCode.FORBIDDEN, ErrorCode.VERSION_CONFLICT),
        again=True,
    )
    async def post(self, body: LimitsForm) -> None:
        """They count from the next step of every referral on."""
        book = self.services.referrals.limits
        before = await book.read(self.actor)
        await book.state(self.actor, body.number, body.limits(before.limits))
        self.go(f"{ROOT}/limits", "saved")


routes = [(rf"{ROOT}/limits", LimitsHandler)]
