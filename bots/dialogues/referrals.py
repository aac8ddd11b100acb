"""My referrals: how far they have come, where to be and when; what somebody has stands in the app only."""

from __future__ import annotations

from typing import ClassVar

from backend import clock
from backend.permissions import Permission
from backend.referrals.machine import OPEN, ReferralState
from backend.referrals.models import Referral, ReferralQuery
from bots import phrases
from bots.dialogue import Dialogue, Next, Say, Talk
from bots.dialogues.asking import most_options
from bots.understanding.values import Intent

_STATES = {
    ReferralState.REQUESTED: "等对方医院答复",
    ReferralState.RETURNED: "医生正在补充资料",
    ReferralState.ACCEPTED: "已接收",
    ReferralState.IN_TRANSIT: "转运中",
    ReferralState.ARRIVED: "已到达",
    ReferralState.TREATING: "诊治中",
}
NOTHING = "目前没有进行中的转诊。需要转诊请找您的医生办理，办好后会通知您。"


class Referrals(Dialogue):
    """Reads out the referrals that have not ended, for everybody the resident acts for."""

    name: ClassVar[str] = "referrals"
    title: ClassVar[str] = "我的转诊"
    intents: ClassVar[tuple[Intent, ...]] = (Intent.REFERRALS,)
    needs: ClassVar[Permission | None] = Permission.RESIDENT_REFERRALS_READ

    def __init__(self, app_url: str) -> None:
        self._page = phrases.page(app_url, "referrals/list")

    async def start(self, talk: Talk) -> Next:
        """The newest first, and the page where one may withdraw or ask for another time."""
        query = ReferralQuery(states=tuple(OPEN), limit=most_options(talk))
        found = (await talk.services.referrals.list(talk.actor, query)).items
        if not found:
            return Say(f"{NOTHING}\n以前的转诊：{self._page}")
        places = await talk.services.directory.organizations_by_id(
            {each.to_organization_id for each in found}
        )
        departments = await talk.services.directory.departments_by_id(
            {each.place.department_id for each in found if each.place and each.place.department_id}
        )
        names = await talk.services.residents.names({each.person_id for each in found})
        lines = []
        for each in found:
            place = places.get(each.to_organization_id)
            where = departments.get(each.place.department_id) if each.place else None
            to = f"{place.name if place else '—'}{where.name if where else ''}"
            said = f"{_STATES[each.state]}{_when(each)}"
            lines.append(f"· {names.get(each.person_id, '')} 转往{to}：{said}")
            if where and where.place:
                lines[-1] += f"，{where.place}"
        return Say("\n".join(["您的转诊：", *lines, f"改时间、撤回：{self._page}"]))


def _when(referral: Referral) -> str:
    place = referral.place
    if place is None or place.lost:
        return ""
    on = place.expected_at.astimezone(clock.CITY_ZONE).date()
    return f"，{phrases.day(on)}{phrases.time_of(place.expected_at)}到"
