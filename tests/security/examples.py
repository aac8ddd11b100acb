"""One real request, at least, for every route of the API: what it is about, and how to make it.

A new route needs an entry here; the permission matrix says so when one is missing. `thing` names the row of
the matrix (test_permission_matrix.py); `make` makes the thing the request is about, anew for each call.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from backend import clock
from backend.ids import new_id
from backend.residents.models import LinkState, Relation
from tests.factories.directory import a_department, a_practitioner
from tests.security.town import Town
from tests.support.city import MAS_SECRET, Caller


@dataclass(frozen=True)
class Ask:
    """A request, ready but for the path's names. `as_` replaces the caller by another session of theirs."""

    path: dict[str, str] = field(default_factory=dict)
    query: dict[str, str] = field(default_factory=dict)
    json: Any = None
    form: Mapping[str, str | list[str]] | None = None
    content: bytes | None = None
    as_: Caller | None = None
    # Where what is sent is no plain JSON and no form.
    media: str = ""


Make = Callable[[Town, str], Awaitable[Ask]]


@dataclass(frozen=True)
class Example:
    """A request about a thing; `ok` where a caller who may is answered otherwise than documented.

    `costly`: of all who may, only the first asks.
    """

    thing: str
    make: Make
    ok: int | None = None
    costly: bool = False


def plain(thing: str, ok: int | None = None, **ask: Any) -> Example:
    """A request that needs nothing made."""

    async def make(town: Town, caller: str) -> Ask:
        return Ask(**ask)

    return Example(thing, make, ok)


RESIDENTS = ("owner", "guardian", "other")
OWN, PUBLIC = "one's own", "anything public"
CHILD, REQUEST = "a child of the owner", "a request to the owner"
PATIENT, MESSAGE = "the owner", "a message to the owner"
INSTITUTION = "a thing of the hospital"
ANY_CODE = "a code shown"


def _twin_or_self(town: Town, caller: str) -> Awaitable[Caller]:
    return town.twin(caller if caller in RESIDENTS else "owner")


async def _sign_out(town: Town, caller: str) -> Ask:
    return Ask(as_=await _twin_or_self(town, caller)) if caller in RESIDENTS else Ask()


async def _delete_account(town: Town, caller: str) -> Ask:
    return Ask(as_=await town.resident()) if caller in RESIDENTS else Ask()


async def _refresh(town: Town, caller: str) -> Ask:
    issued = await town.services.sessions.open(town.residents["owner"].actor)
    return Ask(json={"refresh_token": issued.refresh_token})


async def _js_code(town: Town, caller: str) -> Ask:
    made = await town.city.outside.post("js-code", {"app": "mini", "phone": "13911112222"})
    return Ask(json={"js_code": made["js_code"]})


async def _real_name(town: Town, caller: str) -> Ask:
    who = town[caller if caller in RESIDENTS else "owner"]
    return Ask(json={"name": who.name, "id_number": who.id_number})


async def _add_patient(town: Town, caller: str) -> Ask:
    return Ask(json={"relation": "other", **await town.stranger_at_the_register()})


async def _child(town: Town, caller: str) -> Ask:
    return Ask({"patient_id": await town.child("owner")})


async def _some_child(town: Town) -> str:
    """A child that the owner has already, if there is one: there are six places and many callers."""
    patients = await town.services.residents.patients.list_patients(town.residents["owner"].actor)
    children = [patient.id for patient in patients if patient.relation is Relation.CHILD]
    return children[0] if children else await town.child("owner")


async def _ask_consent(town: Town, caller: str) -> Ask:
    return Ask({"patient_id": await _some_child(town)}, json={"phone": "13911112222"})


async def _give_consent(town: Town, caller: str) -> Ask:
    given = {"phone": "13911112222", "code": "000000"}
    return Ask({"patient_id": await _some_child(town)}, json=given)


async def _request(town: Town, caller: str) -> Ask:
    asking = await town.resident()
    return Ask({"link_id": await town.link(asking.id, town["owner"].id, LinkState.PENDING)})


async def _for_owner(town: Town, caller: str) -> Ask:
    return Ask(json={"patient_id": town["owner"].id})


async def _owners_device(town: Town, caller: str) -> Ask:
    return Ask(query={"patient_id": town["owner"].id})


async def _printed(town: Town, caller: str) -> Ask:
    owner = town.residents["owner"].actor
    codes = town.services.healthcodes
    for old in await codes.list_static(owner):
        await codes.revoke_static(owner, old.id)
    return Ask({"code_id": (await codes.make_static(owner, owner.id)).id})


async def _print(town: Town, caller: str) -> Ask:
    await _printed(town, caller)
    return await _for_owner(town, caller)


async def _shown_code(town: Town, caller: str) -> Ask:
    owner = town.residents["owner"].actor
    code = await town.services.healthcodes.make_dynamic(owner, owner.id)
    return Ask(json={"code": code.text, "step": "10101"})


async def _slot(town: Town, caller: str) -> Ask:
    schedule = await town.schedule()
    return Ask(json={"schedule_id": schedule.id, "number": 2, "patient_id": town["owner"].id})


async def _book_hold(town: Town, caller: str) -> Ask:
    return Ask(json={"hold_id": (await town.claim(town["owner"].id, hold=True)).id})


async def _hold(town: Town, caller: str) -> Ask:
    return Ask({"appointment_id": (await town.claim(town["owner"].id, hold=True)).id})


async def _paid_hold(town: Town, caller: str) -> Ask:
    claim = await town.claim(town["owner"].id, fee_fen=2500, hold=True)
    return Ask({"appointment_id": claim.id}, json={"method": "wechat_native"})


async def _appointment(town: Town, caller: str) -> Ask:
    return Ask({"appointment_id": (await town.claim(town["owner"].id)).id}, json={})


async def _to_read(town: Town, caller: str) -> Ask:
    return Ask({"appointment_id": (await town.claim(town["owner"].id)).id})


async def _message(town: Town, caller: str) -> Ask:
    return Ask({"message_id": await town.message(town["owner"].id)})


async def _department(town: Town, caller: str) -> Ask:
    department = a_department(town.mine.organization, new_id())
    await town.services.directory.save_departments([department])
    return Ask({"external_id": department.external.value})


async def _practitioner(town: Town, caller: str) -> Ask:
    doctor = a_practitioner(town.mine.organization, town.mine.department, value=new_id())
    await town.services.directory.save_practitioners([doctor])
    return Ask({"external_id": doctor.external.value})


async def _external_schedule(town: Town, caller: str) -> Ask:
    return Ask({"external_id": (await town.schedule()).external_id})


async def _stop(town: Town, caller: str) -> Ask:
    return Ask({"external_id": (await town.schedule()).external_id}, json={"reason": "医生外出"})


async def _call(town: Town, caller: str) -> Ask:
    return Ask({"external_id": (await town.schedule(days=0)).external_id}, json={"number": 1})


async def _publish(town: Town, caller: str) -> Ask:
    on = clock.today() + timedelta(days=3)
    start = clock.city_instant(on, 9)
    slot = {"number": 1, "start_at": start.isoformat(), "end_at": (start + timedelta(minutes=9)).isoformat()}
    body = {"department": "d1", "on": on.isoformat(), "period": "am", "fee_fen": 100, "slots": [slot]}
    return Ask({"external_id": "s1"}, json=body)


async def _sell(town: Town, caller: str) -> Ask:
    schedule = await town.schedule()
    person = await town.stranger_at_the_register()
    return Ask(json={"schedule": schedule.external_id, "channel": "window", "patient": person})


async def _organization(town: Town, caller: str) -> Ask:
    return Ask({"organization_id": town.mine.organization.id})


async def _public_department(town: Town, caller: str) -> Ask:
    return Ask({"department_id": town.mine.department.id})


async def _public_practitioner(town: Town, caller: str) -> Ask:
    return Ask({"practitioner_id": town.mine.practitioner.id})


async def _public_schedule(town: Town, caller: str) -> Ask:
    return Ask({"schedule_id": (await town.schedule()).id})


_REPORT = b'[{"msgGroup": "1", "mobile": ["13911112222"], "reportStatus": "DELIVRD"}]'
_REPLY = b'[{"mobile": "13911112222", "smsContent": "TD"}]'
_NEW_PRACTITIONER = {"name": "程亦凡", "department_external_ids": ["d1"]}

# Method and path, as OpenAPI writes them.
EXAMPLES: dict[str, list[Example]] = {
    "GET /api/v1/config": [plain(PUBLIC)],
    "POST /api/v1/auth/sms-codes": [plain(PUBLIC, 400, json={"phone": "12345"})],
    "POST /api/v1/auth/sms": [plain(PUBLIC, 400, json={"phone": "13911112222", "code": "000000"})],
    "POST /api/v1/auth/identity": [plain(PUBLIC, 400, json={"login_ticket": "nothing", "last_four": "002X"})],
    "POST /api/v1/auth/new-holder": [plain(PUBLIC, 400, json={"login_ticket": "nothing"})],
    "POST /api/v1/auth/wechat-mini": [Example(PUBLIC, _js_code)],
    "GET /api/v1/auth/wechat-oauth": [plain(PUBLIC)],
    "GET /api/v1/auth/wechat-oauth/callback": [plain(PUBLIC, query={"code": "c", "state": "s"})],
    "POST /api/v1/auth/ticket": [plain(PUBLIC, 400, json={"ticket": "nothing"})],
    "POST /api/v1/auth/refresh": [Example(PUBLIC, _refresh)],
    "POST /api/v1/auth/sign-out": [Example(OWN, _sign_out)],
    "GET /api/v1/me": [plain(OWN)],
    "DELETE /api/v1/me": [Example(OWN, _delete_account)],
    "POST /api/v1/me/real-name": [Example(OWN, _real_name)],
    "PUT /api/v1/me/settings": [plain(OWN, json={"large_type": True})],
    "PUT /api/v1/me/phone": [plain(OWN, 400, json={"phone": "13911113333", "code": "000000"})],
    "GET /api/v1/patients": [plain(OWN)],
    "POST /api/v1/patients": [Example(OWN, _add_patient)],
    "DELETE /api/v1/patients/{patient_id}": [Example(CHILD, _child)],
    # The child is acted for already: whoever may ask is told so.
    "POST /api/v1/patients/{patient_id}/consent-codes": [Example(CHILD, _ask_consent, 409)],
    "POST /api/v1/patients/{patient_id}/consent": [Example(CHILD, _give_consent, 409)],
    "GET /api/v1/guardians": [plain(OWN)],
    "DELETE /api/v1/guardians/{link_id}": [Example(REQUEST, _request)],
    "POST /api/v1/guardians/{link_id}/accept": [Example(REQUEST, _request)],
    "POST /api/v1/health-codes/dynamic": [Example(PATIENT, _for_owner)],
    "POST /api/v1/health-codes/offline-device": [Example(PATIENT, _for_owner)],
    "DELETE /api/v1/health-codes/offline-device": [Example(PATIENT, _owners_device)],
    "GET /api/v1/health-codes/static": [plain(OWN)],
    "POST /api/v1/health-codes/static": [Example(PATIENT, _print)],
    "DELETE /api/v1/health-codes/static/{code_id}": [Example(PATIENT, _printed)],
    "GET /api/v1/health-codes/uses": [plain(OWN)],
    "POST /hospital/v1/health-codes/verify": [Example(ANY_CODE, _shown_code)],
    "GET /hospital/v1/health-codes/keys": [plain(ANY_CODE)],
    "POST /hospital/v1/health-codes/offline-uses": [
        plain(ANY_CODE, json={"uses": [{"code": "E1:NONE", "step": "10101", "at": "2026-01-01T08:00:00Z"}]})
    ],
    "GET /api/v1/organizations": [plain(PUBLIC)],
    "GET /api/v1/organizations/{organization_id}": [Example(PUBLIC, _organization)],
    "GET /api/v1/organizations/{organization_id}/departments": [Example(PUBLIC, _organization)],
    "GET /api/v1/departments/{department_id}": [Example(PUBLIC, _public_department)],
    "GET /api/v1/departments/{department_id}/practitioners": [Example(PUBLIC, _public_department)],
    "GET /api/v1/departments/{department_id}/availability": [Example(PUBLIC, _public_department)],
    "GET /api/v1/practitioners/{practitioner_id}": [Example(PUBLIC, _public_practitioner)],
    "GET /api/v1/search": [plain(PUBLIC, query={"q": "xyy"})],
    "GET /api/v1/schedules/{schedule_id}": [Example(PUBLIC, _public_schedule)],
    "GET /hospital/v1/departments/{external_id}": [Example(INSTITUTION, _department)],
    "PUT /hospital/v1/departments/{external_id}": [
        plain(OWN, path={"external_id": "d2"}, json={"name": "儿科", "code": "0700"})
    ],
    "GET /hospital/v1/practitioners/{external_id}": [Example(INSTITUTION, _practitioner)],
    "PUT /hospital/v1/practitioners/{external_id}": [
        plain(OWN, path={"external_id": "p2"}, json=_NEW_PRACTITIONER)
    ],
    "GET /hospital/v1/quality": [plain(OWN)],
    "GET /hospital/v1/quality/rules": [plain(OWN)],
    "GET /hospital/v1/terminals": [plain(OWN)],
    "POST /hospital/v1/terminals": [plain(OWN, json={"name": "3号窗口", "kind": "window"})],
    "GET /hospital/v1/schedules/{external_id}": [Example(INSTITUTION, _external_schedule)],
    "PUT /hospital/v1/schedules/{external_id}": [Example(OWN, _publish)],
    "POST /hospital/v1/schedules/{external_id}/stop": [Example(INSTITUTION, _stop)],
    "POST /hospital/v1/schedules/{external_id}/calling": [Example(INSTITUTION, _call)],
    "POST /hospital/v1/appointments": [Example(INSTITUTION, _sell)],
    "GET /hospital/v1/appointments/{appointment_id}": [Example(INSTITUTION, _to_read)],
    "POST /hospital/v1/appointments/{appointment_id}/cancel": [Example(INSTITUTION, _appointment)],
    "POST /hospital/v1/appointments/{appointment_id}/missed": [Example(INSTITUTION, _to_read, 409)],
    "GET /hospital/v1/bookings": [plain(OWN)],
    "POST /api/v1/holds": [Example(PATIENT, _slot)],
    "DELETE /api/v1/holds/{appointment_id}": [Example(PATIENT, _hold)],
    "GET /api/v1/appointments": [plain(OWN)],
    "POST /api/v1/appointments": [Example(PATIENT, _slot), Example(PATIENT, _book_hold)],
    "GET /api/v1/appointments/{appointment_id}": [Example(PATIENT, _to_read)],
    "GET /api/v1/appointments/{appointment_id}/queue": [Example(PATIENT, _to_read)],
    "POST /api/v1/appointments/{appointment_id}/cancel": [Example(PATIENT, _appointment)],
    "POST /api/v1/appointments/{appointment_id}/payment": [Example(PATIENT, _paid_hold)],
    "POST /api/v1/appointments/{appointment_id}/payment/refresh": [Example(PATIENT, _paid_hold)],
    "GET /api/v1/messages": [plain(OWN)],
    "POST /api/v1/messages/subscriptions": [plain(OWN, json={"template_kinds": ["appointment_booked"]})],
    "POST /api/v1/messages/{message_id}/read": [Example(MESSAGE, _message)],
    "GET /api/v1/messages/opt-outs": [plain(OWN)],
    "PUT /api/v1/messages/opt-outs/{group}": [plain(OWN, path={"group": "surveys"})],
    "DELETE /api/v1/messages/opt-outs/{group}": [plain(OWN, path={"group": "surveys"})],
    "GET /open-data/index.json": [plain(PUBLIC)],
    "GET /open-data/editions.json": [plain(PUBLIC)],
    "GET /open-data/editions/{month}/{edition}.json": [
        plain(PUBLIC, 404, path={"month": "2020-01", "edition": "1"})
    ],
    **{
        f"GET /open-data/{{dataset}}.{form}": [
            plain(PUBLIC, 200, path={"dataset": "monthly"}),
            plain(PUBLIC, 404, path={"dataset": "people"}),
        ]
        for form in ("json", "csv", "xlsx")
    },
    "POST /oauth2/token": [plain(PUBLIC, 400, form={"grant_type": "password"})],
    # A notice nobody signed is refused as such, whoever brings it.
    "POST /callbacks/wechat-pay/notice": [plain(PUBLIC, 401, content=b"{}")],
    "POST /callbacks/wechat-pay/refund-notice": [plain(PUBLIC, 401, content=b"{}")],
    "POST /callbacks/sms/mas/{secret}/report": [
        plain(PUBLIC, path={"secret": MAS_SECRET}, content=_REPORT),
        plain(PUBLIC, 404, path={"secret": "guessed"}, content=_REPORT),
    ],
    "POST /callbacks/sms/mas/{secret}/reply": [
        plain(PUBLIC, path={"secret": MAS_SECRET}, content=_REPLY),
        plain(PUBLIC, 404, path={"secret": "guessed"}, content=_REPLY),
    ],
    # Unsigned, and without a message that could be opened.
    "GET /callbacks/wechat/official-account": [plain(PUBLIC, 403)],
    "POST /callbacks/wechat/official-account": [plain(PUBLIC, 400, content=b"<xml/>")],
    # Providers that this city has not set up have no address here.
    **{
        f"POST /callbacks/sms/{provider}/{{secret}}/{what}": [
            plain(PUBLIC, 404, path={"secret": MAS_SECRET}, content=b"[]")
        ]
        for provider in ("aliyun", "tencent")
        for what in ("report", "reply")
    },
}
