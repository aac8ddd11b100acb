"""Who answers referrals at an institution: the telephones called, and whether it takes emergencies."""

from __future__ import annotations

from pydantic import Field

from admin.base import page
from admin.forms import Filters, Form
from admin.lookups import organizations_in_scope
from admin.views.referral_sending import worded
from admin.views.referrals import READ, ROOT, WRITE, ReferralPage
from backend.errors import ErrorCode
from backend.http.endpoint import requires
from backend.referrals.desks import CITY, Desk


class DeskFilters(Filters):
    """Whose desk."""

    organization: str = Field("", max_length=64, title="机构")


class DeskForm(Form):
    """What is said of it."""

    organization: str = Field("", max_length=64, title="机构")
    takes_emergencies: str = Field("", max_length=3, title="急救转诊")
    duty_phone: str = Field("", max_length=20, pattern=r"^[0-9+\- ]*$", title="值班电话")
    operators_phone: str = Field("", max_length=20, pattern=r"^[0-9+\- ]*$", title="负责人电话")


class DeskHandler(ReferralPage):
    """An institution's desk, or the city's."""

    @requires(READ)
    @page("Who answers referrals", errors=(ErrorCode.NOT_FOUND,))
    async def get(self, query: DeskFilters) -> None:
        """The one asked for, else the first of one's own."""
        del query
        await self.show()

    async def show(self, **path: str) -> None:
        """The form; who may only read sees what it says."""
        found = await organizations_in_scope(self.services, self.actor)
        own = [(each.id, each.name) for each in found]
        if self.actor.organization_ids is None:
            own.insert(0, (CITY, "市级平台"))
        chosen = (
            self.typed.get("organization") or self.query.get("organization") or (own[0][0] if own else "")
        )
        desk = await self.services.referrals.desk(self.actor, chosen) if chosen else None
        of_city = chosen == CITY
        await self.show_referrals("referrals/desk.html", own=own, desk=desk, chosen=chosen, of_city=of_city)

    @requires(WRITE)
    @page("Say who answers referrals", errors=(ErrorCode.BAD_REQUEST, ErrorCode.NOT_FOUND), again=True)
    async def post(self, body: DeskForm) -> None:
        """From now on."""
        desk = Desk(body.organization, body.takes_emergencies == "yes", body.duty_phone, body.operators_phone)
        await worded(self.services.referrals.set_desk(self.actor, desk))
        self.redirect(f"{ROOT}/desk?organization={body.organization}&done=saved", status=303)


routes = [(rf"{ROOT}/desk", DeskHandler)]
