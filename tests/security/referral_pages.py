"""Requests for the console's pages of referrals (console_examples.py says how they are read)."""

from __future__ import annotations

from admin.referral_limits_form import groups_of, spoken
from backend.ids import new_id
from backend.referrals.limits import time_limits
from tests.factories.directory import make_hospital
from tests.security.console_examples import CITY, INSTITUTION, OWN, PUBLIC
from tests.security.examples import Ask, Example, Make, plain
from tests.security.referral_examples import a_referral_of_somebody
from tests.security.town import Town

BASE = "/admin/referrals"
PATIENT, DESK = "a patient to send", "the desk of the hospital"


def _referral(form: dict[str, str] | None = None, **path: str) -> Make:
    async def make(town: Town, caller: str) -> Ask:
        sent = await a_referral_of_somebody(town)
        return Ask({"referral_id": sent.id, **path}, form=form)

    return make


async def _patient(town: Town, caller: str) -> Ask:
    to, *_ = await make_hospital(town.services.directory, new_id(), name="市中心医院")
    person = await town.stranger_at_the_register()
    said = {"to": to.id, "reason": "胸痛三天", "urgency": "urgent", "key": new_id()}
    return Ask({"way": "up"}, form={**person, **said})


async def _departments(town: Town, caller: str) -> Ask:
    return Ask(query={"organization": town.mine.organization.id})


async def _desk(town: Town, caller: str) -> Ask:
    said = {"takes_emergencies": "yes", "duty_phone": "13700001111"}
    return Ask(form={"organization": town.mine.organization.id, **said})


async def _limits(town: Town, caller: str) -> Ask:
    await town.services.db.collection("referral_limits").delete_many({})
    boxes = [box for each in groups_of(time_limits()).values() for group in each for box in group.boxes]
    hours = {"begin": "08:00", "end": "17:30", "holidays": "", "workdays": ""}
    return Ask(form={"number": "0", "times": [spoken(box) for box in boxes], **hours})


REFERRAL_PAGES: dict[str, list[Example]] = {
    f"GET {BASE}": [plain(OWN)],
    f"GET {BASE}/counts": [plain(OWN)],
    f"GET {BASE}/figures": [plain(OWN)],
    f"GET {BASE}/follow-ups": [plain(OWN)],
    f"GET {BASE}/figures/export": [plain(OWN)],
    f"GET {BASE}/new/{{way}}": [Example(PATIENT, _patient)],
    f"POST {BASE}/new/{{way}}": [Example(PATIENT, _patient, 303)],
    f"GET {BASE}/departments": [Example(PUBLIC, _departments)],
    f"GET {BASE}/desk": [plain(OWN)],
    f"POST {BASE}/desk": [Example(DESK, _desk, 303)],
    f"GET {BASE}/limits": [plain(OWN)],
    f"POST {BASE}/limits": [Example(CITY, _limits, 303)],
    f"GET {BASE}/arrival": [plain(OWN)],
    # Without a code nobody has arrived: whoever may is told so.
    f"POST {BASE}/arrival": [plain(OWN, 400, form={"health_code": ""})],
    f"GET {BASE}/{{referral_id}}": [Example(INSTITUTION, _referral())],
    f"GET {BASE}/{{referral_id}}/{{event}}": [Example(INSTITUTION, _referral(event="ask_more"))],
    f"POST {BASE}/{{referral_id}}/{{event}}": [
        Example(INSTITUTION, _referral({"text": "请补充化验单"}, event="ask_more"), 303)
    ],
    f"POST {BASE}/{{referral_id}}/record": [Example(INSTITUTION, _referral({}), 303)],
}
