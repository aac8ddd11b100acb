"""Requests for referrals (examples.py says how they are read)."""

from __future__ import annotations

from typing import Any

from backend import clock
from backend.ids import new_id
from backend.permissions import Actor, Role
from backend.referrals.machine import ReferralEvent
from backend.referrals.models import Draft, Facts, Referral, Who
from tests.factories.directory import hospital_client, make_hospital
from tests.security.examples import INSTITUTION, OWN, PATIENT, Ask, Example, Make, plain
from tests.security.town import Town


async def _sent(town: Town, who: Who, *, accepted: bool = False) -> Referral:
    """From a clinic of its own to the hospital, so that nothing is in its way."""
    clinic, *_ = await make_hospital(town.services.directory, new_id(), name="幸福社区卫生服务中心")
    mine = town.mine.organization.id
    draft = Draft(who=who, reason="胸痛三天", to_organization_id=mine)
    sent = await town.services.referrals.send(hospital_client(clinic), draft, new_id())
    if not accepted:
        return sent
    system = Actor("client", new_id(), Role.HOSPITAL_CLIENT, frozenset({mine}))
    when = Facts(expected_at=clock.now())
    return await town.services.referrals.act(system, sent.id, ReferralEvent.ACCEPT, when)


async def _somebody(town: Town) -> Who:
    person = await town.stranger_at_the_register()
    return Who(name=person["name"], id_number=person["id_number"])


async def a_referral_of_somebody(town: Town) -> Referral:
    """To the hospital, of somebody who is nobody's in the town."""
    return await _sent(town, await _somebody(town))


def _of_hospital(json: Any = None, **path: str) -> Make:
    async def make(town: Town, caller: str) -> Ask:
        sent = await a_referral_of_somebody(town)
        return Ask({"referral_id": sent.id, **path}, json=json)

    return make


def _of_owner(json: Any = None, *, accepted: bool = False) -> Make:
    async def make(town: Town, caller: str) -> Ask:
        owner = town.residents["owner"]
        sent = await _sent(town, Who(name=owner.name, id_number=owner.id_number), accepted=accepted)
        return Ask({"referral_id": sent.id}, json=json)

    return make


async def _new(town: Town, caller: str) -> Ask:
    to, *_ = await make_hospital(town.services.directory, new_id(), name="市中心医院")
    person = await town.stranger_at_the_register()
    return Ask(json={"patient": person, "reason": "胸痛三天", "to": to.id, "urgency": "urgent"})


_DESK = {"takes_emergencies": False, "duty_phone": "13700001111"}
_TODAY = {"from": clock.today().isoformat()}
_ASKED = {"text": "请补充化验单"}
REFERRAL_EXAMPLES: dict[str, list[Example]] = {
    "POST /hospital/v1/referrals": [Example(OWN, _new)],
    "GET /hospital/v1/referrals": [plain(OWN)],
    "GET /hospital/v1/referrals/places": [plain(OWN, query=_TODAY)],
    "GET /hospital/v1/referrals/desk": [plain(OWN)],
    "PUT /hospital/v1/referrals/desk": [plain(OWN, json=_DESK)],
    "GET /hospital/v1/referrals/{referral_id}": [Example(INSTITUTION, _of_hospital())],
    "POST /hospital/v1/referrals/{referral_id}/{event}": [
        Example(INSTITUTION, _of_hospital(_ASKED, event="ask_more"))
    ],
    "GET /api/v1/referrals": [plain(OWN)],
    "GET /api/v1/referrals/{referral_id}": [Example(PATIENT, _of_owner())],
    "POST /api/v1/referrals/{referral_id}/withdraw": [Example(PATIENT, _of_owner({}))],
    "POST /api/v1/referrals/{referral_id}/wish": [
        Example(PATIENT, _of_owner({"text": "希望改到下午"}, accepted=True))
    ],
}
