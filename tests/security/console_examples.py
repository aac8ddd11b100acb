"""One real request, at least, for every page of the console; see examples.py."""

from __future__ import annotations

import itertools
from datetime import timedelta

from backend import clock
from backend.billing.models import Difference
from backend.ids import new_id
from backend.permissions import SYSTEM, Role
from backend.staff.models import NewStaff
from backend.surveys.models import Trigger
from tests.factories.records import make_chart
from tests.factories.sharing import make_glass, make_question
from tests.factories.staff import PASSWORD
from tests.factories.surveys import ASKED, make_called, make_campaign, make_ticket
from tests.factories.talks import make_handover
from tests.security.examples import Ask, Example, plain
from tests.security.town import Town

OWN, PUBLIC = "one's own", "anything public"
INSTITUTION, CITY = "a thing of the hospital", "a thing of the whole city"
ACCOUNT = "an account in the hospital"
REASON = {"reason": "核对"}
_PHONES = itertools.count(1)
WRONG_TWICE = {"old_password": "x", "new_password": "one thing", "new_password_again": "another thing"}


async def _schedule(town: Town, caller: str) -> Ask:
    return Ask({"schedule_id": (await town.schedule()).id}, form=REASON)


async def _appointment(town: Town, caller: str) -> Ask:
    return Ask({"appointment_id": (await town.claim(town["owner"].id)).id}, form=REASON)


async def _find_owner(town: Town, caller: str) -> Ask:
    return Ask(form={"person": town["owner"].id_number})


async def _order(town: Town, caller: str) -> Ask:
    claim = await town.claim(town["owner"].id, fee_fen=500, hold=True)
    order = await town.services.billing.open_order(
        appointment_id=claim.id,
        resident_id=claim.resident_id,
        organization_id=claim.organization_id,
        amount_fen=500,
        description="挂号费",
        expires_at=clock.now() + timedelta(minutes=9),
    )
    return Ask({"order_id": order.id}, form=REASON)


async def _glass(town: Town, caller: str) -> Ask:
    glass = await make_glass(town.services, town.mine.actor, town.residents["owner"])
    return Ask({"glass_id": glass}, form={"verdict": "justified", "note": "与急诊记录一致"})


async def _question(town: Town, caller: str) -> Ask:
    question = await make_question(town.services, town.mine.actor, town.residents["owner"])
    return Ask({"question_id": question}, form={"text": "您当日在本院急诊抢救"})


async def _wish(town: Town, caller: str) -> Ask:
    """What the owner says is wrong in the hospital's chart, anew for each."""
    owner, services = town.residents["owner"], town.services
    await services.db.collection("record_corrections").delete_many({})
    chart = await make_chart(services, town.mine.organization.id, name=owner.name, id_number=owner.id_number)
    asked = await services.reports.file.ask(owner.actor, owner.id, chart.id, "phone", "电话不对")
    return Ask({"correction_id": asked.id}, form={"done": "yes", "text": "已改正"})


async def _difference(town: Town, caller: str) -> Ask:
    difference = Difference(f"test:{new_id()}", "amount_differs", None, {"amount_fen": 1}, {"amount_fen": 2})
    await town.services.billing._orders.add_difference(difference, town.mine.organization.id)
    return Ask(form={"difference_id": difference.key, **REASON})


async def _message(town: Town, caller: str) -> Ask:
    message_id = await town.message(town["owner"].id, organization_id=town.mine.organization.id)
    await town.city.city.db.collection("messages").update_one(
        {"_id": message_id}, {"$set": {"deliveries.sms.state": "failed"}}
    )
    return Ask({"message_id": message_id, "channel": "sms"}, form=REASON)


async def _organization(town: Town, caller: str) -> Ask:
    kept = town.mine.organization
    form = {"short_name": kept.short_name, "address": kept.address, "district": kept.district}
    return Ask({"organization_id": kept.id}, form={**form, "phone": kept.phone})


async def _department(town: Town, caller: str) -> Ask:
    return Ask({"department_id": town.mine.department.id}, form={"place": "外科楼9层"})


async def _practitioner(town: Town, caller: str) -> Ask:
    return Ask({"practitioner_id": town.mine.practitioner.id}, form={"title": "主任医师"})


async def _client(town: Town, caller: str) -> Ask:
    issued = await town.services.clients.register_hospital(town.mine.organization.id, "HIS")
    return Ask({"client_id": issued.client.id}, form=REASON)


async def _colleague(town: Town, caller: str) -> Ask:
    scope = frozenset({town.mine.organization.id})
    wanted = NewStaff(f"nurse.{new_id().lower()[-20:]}", "林晓", Role.HOSPITAL_OPERATOR, scope, PASSWORD)
    return Ask({"staff_id": (await town.services.staff.add(SYSTEM, wanted)).member.id}, form=REASON)


async def _doctor(town: Town, caller: str) -> Ask:
    """A doctor's account, and who of the directory its owner is."""
    scope = frozenset({town.mine.organization.id})
    wanted = NewStaff(f"doctor.{new_id().lower()[-20:]}", "林晓", Role.DOCTOR, scope, PASSWORD)
    member = (await town.services.staff.add(SYSTEM, wanted)).member
    return Ask({"staff_id": member.id}, form={"practitioner": town.mine.practitioner.id})


async def _new_password(town: Town, caller: str) -> Ask:
    return Ask({**(await _colleague(town, caller)).path, "what": "password"}, form={})


def _account_in(organization_id: str) -> Ask:
    form = {"login": f"new.{new_id().lower()[-20:]}", "name": "林晓", "role": "hospital_operator"}
    return Ask(form={**form, "organization": organization_id})


async def _account(town: Town, caller: str) -> Ask:
    return _account_in((town.theirs if caller.startswith("theirs") else town.mine).organization.id)


async def _account_of_mine(town: Town, caller: str) -> Ask:
    return _account_in(town.mine.organization.id)


async def _questionnaire(town: Town, caller: str) -> Ask:
    library = town.services.surveys.library
    made = await library.create(SYSTEM, town.mine.organization.id, ASKED)
    form = {"content": '{"title": "回访", "questions": []}', "revision": "1", "publish": ""}
    return Ask({"questionnaire_id": made.questionnaire_id}, form=form)


async def _campaign(town: Town, caller: str) -> Ask:
    campaign = await make_campaign(town.services, SYSTEM, town.mine.organization.id, trigger=Trigger.STAFF)
    form = {"to": "paused", "from_on": "2026-11-01", "to_on": "2026-11-02"}
    return Ask({"campaign_id": campaign.id}, form=form)


async def _ticket(town: Town, caller: str) -> Ask:
    ticket = await make_ticket(town.services, town.mine.organization.id, town["owner"].id)
    return Ask({"ticket_id": ticket, "step": "note"}, form={"text": "已联系"})


async def _call(town: Town, caller: str) -> Ask:
    hospital = town.mine.organization.id
    campaign = await make_campaign(town.services, SYSTEM, hospital)
    run = await make_called(town.services, campaign, hospital, town["owner"].id)
    return Ask({"run_id": run}, form={"action": "refuse"})


async def _talk(town: Town, caller: str) -> Ask:
    phone = f"136{next(_PHONES):08d}"
    handover = await make_handover(town.services, town.mine.organization.id, phone)
    return Ask({"handover_id": handover}, form={"text": "您好", "key": new_id()})


# Method and path. 303: done, on to the page that shows it.
EXAMPLES: dict[str, list[Example]] = {
    "GET /admin/?": [plain(OWN, 303)],
    "GET /admin/sign-in": [plain(PUBLIC, 303)],
    # Signing in needs the form's own cookie, and its second step a half session.
    "POST /admin/sign-in": [plain(PUBLIC, 403, form={"login": "x", "password": "y"})],
    "GET /admin/sign-in/code": [plain(PUBLIC, 303)],
    "POST /admin/sign-in/code": [plain(PUBLIC, 401, form={"code": "000000"})],
    "POST /admin/sign-out": [plain(OWN, 303, form={})],
    "GET /admin/dashboard": [plain(OWN)],
    "GET /admin/dashboard/figures": [plain(OWN)],
    "GET /admin/schedules": [plain(OWN)],
    "GET /admin/schedules/{schedule_id}": [Example(INSTITUTION, _schedule)],
    "GET /admin/schedules/{schedule_id}/stop": [Example(INSTITUTION, _schedule)],
    "POST /admin/schedules/{schedule_id}/stop": [Example(INSTITUTION, _schedule, 303)],
    "GET /admin/appointments": [plain(OWN)],
    "GET /admin/appointments/search": [plain(OWN)],
    "POST /admin/appointments/search": [Example(OWN, _find_owner)],
    "GET /admin/appointments/{appointment_id}": [Example(INSTITUTION, _appointment)],
    "GET /admin/appointments/{appointment_id}/cancel": [Example(INSTITUTION, _appointment)],
    "POST /admin/appointments/{appointment_id}/cancel": [Example(INSTITUTION, _appointment, 303)],
    "GET /admin/appointments/{appointment_id}/reveal": [Example(INSTITUTION, _appointment)],
    "POST /admin/appointments/{appointment_id}/reveal": [Example(INSTITUTION, _appointment)],
    "GET /admin/payments": [plain(OWN)],
    "GET /admin/payments/differences": [plain(OWN)],
    "GET /admin/payments/differences/resolve": [plain(OWN)],
    "POST /admin/payments/differences/resolve": [Example(INSTITUTION, _difference, 303)],
    "GET /admin/payments/export": [plain(OWN)],
    "POST /admin/payments/books": [plain(CITY, form={})],
    "GET /admin/payments/{order_id}": [Example(INSTITUTION, _order)],
    "GET /admin/payments/{order_id}/check": [Example(INSTITUTION, _order)],
    "POST /admin/payments/{order_id}/check": [Example(INSTITUTION, _order)],
    "GET /admin/payments/{order_id}/refund": [Example(INSTITUTION, _order)],
    # Nothing of it has failed: whoever may is told so.
    "POST /admin/payments/{order_id}/refund": [Example(INSTITUTION, _order, 409)],
    "GET /admin/surveys": [plain(OWN)],
    "GET /admin/surveys/export": [plain(OWN)],
    "GET /admin/surveys/digest": [plain(OWN)],
    "GET /admin/surveys/tickets": [plain(OWN)],
    "GET /admin/surveys/tickets/{ticket_id}": [Example(INSTITUTION, _ticket)],
    "POST /admin/surveys/tickets/{ticket_id}/{step}": [Example(INSTITUTION, _ticket, 303)],
    "GET /admin/surveys/calls": [plain(OWN)],
    "GET /admin/surveys/calls/{run_id}": [Example(INSTITUTION, _call)],
    "POST /admin/surveys/calls/{run_id}": [Example(INSTITUTION, _call, 303)],
    "GET /admin/surveys/campaigns": [plain(OWN)],
    "GET /admin/surveys/campaigns/new": [plain(OWN)],
    "POST /admin/surveys/campaigns/new": [plain(OWN, 400, form={"name": ""})],
    "GET /admin/surveys/campaigns/{campaign_id}": [Example(INSTITUTION, _campaign)],
    "GET /admin/surveys/campaigns/{campaign_id}/state": [Example(INSTITUTION, _campaign)],
    "GET /admin/surveys/campaigns/{campaign_id}/invite": [Example(INSTITUTION, _campaign)],
    "POST /admin/surveys/campaigns/{campaign_id}/state": [Example(INSTITUTION, _campaign, 303)],
    "POST /admin/surveys/campaigns/{campaign_id}/invite": [Example(INSTITUTION, _campaign, 303)],
    "GET /admin/surveys/questionnaires": [plain(OWN)],
    "GET /admin/surveys/questionnaires/new": [plain(OWN)],
    "POST /admin/surveys/questionnaires/new": [plain(OWN, 400, form={"content": "{}"})],
    "GET /admin/surveys/questionnaires/import": [plain(OWN)],
    "POST /admin/surveys/questionnaires/import": [plain(OWN, 400, form={"resource": "{}"})],
    "GET /admin/surveys/questionnaires/{questionnaire_id}": [Example(INSTITUTION, _questionnaire)],
    "POST /admin/surveys/questionnaires/{questionnaire_id}": [Example(INSTITUTION, _questionnaire, 303)],
    "GET /admin/surveys/questionnaires/{questionnaire_id}/fhir": [Example(INSTITUTION, _questionnaire)],
    "GET /admin/messages": [plain(OWN)],
    "GET /admin/messages/templates": [plain(OWN)],
    "GET /admin/messages/templates/{kind}": [plain(OWN, path={"kind": "visit_reminder"})],
    "GET /admin/messages/{message_id}": [Example(INSTITUTION, _message)],
    "GET /admin/messages/person": [plain(OWN)],
    "POST /admin/messages/person": [Example(OWN, _find_owner)],
    "GET /admin/messages/{message_id}/resend/{channel}": [Example(INSTITUTION, _message)],
    "POST /admin/messages/{message_id}/resend/{channel}": [Example(INSTITUTION, _message, 303)],
    "GET /admin/inbox": [plain(OWN)],
    "GET /admin/inbox/rows": [plain(OWN)],
    "GET /admin/inbox/counts": [plain(OWN)],
    "GET /admin/inbox/{handover_id}": [Example(INSTITUTION, _talk)],
    "GET /admin/inbox/{handover_id}/lines": [Example(INSTITUTION, _talk)],
    "POST /admin/inbox/{handover_id}/take": [Example(INSTITUTION, _talk, 303)],
    # Nobody has taken it: whoever may is told so.
    "POST /admin/inbox/{handover_id}/answer": [Example(INSTITUTION, _talk, 409)],
    "POST /admin/inbox/{handover_id}/give-back": [Example(INSTITUTION, _talk, 409)],
    "POST /admin/inbox/{handover_id}/close": [Example(INSTITUTION, _talk, 303)],
    "GET /admin/directory": [plain(OWN)],
    "GET /admin/directory/{organization_id}": [Example(INSTITUTION, _organization)],
    "GET /admin/directory/{organization_id}/edit": [Example(INSTITUTION, _organization)],
    "POST /admin/directory/{organization_id}/edit": [Example(INSTITUTION, _organization, 303)],
    "GET /admin/directory/departments/{department_id}": [Example(INSTITUTION, _department)],
    "POST /admin/directory/departments/{department_id}": [Example(INSTITUTION, _department, 303)],
    "GET /admin/directory/practitioners/{practitioner_id}": [Example(INSTITUTION, _practitioner)],
    "POST /admin/directory/practitioners/{practitioner_id}": [Example(INSTITUTION, _practitioner, 303)],
    "GET /admin/record-access": [plain(OWN)],
    "GET /admin/record-access/counts": [plain(OWN)],
    "GET /admin/record-access/break-glass": [plain(OWN)],
    "GET /admin/record-access/break-glass/{glass_id}": [Example(INSTITUTION, _glass)],
    "POST /admin/record-access/break-glass/{glass_id}": [Example(INSTITUTION, _glass, 303)],
    "GET /admin/record-access/questions": [plain(OWN)],
    "GET /admin/record-access/questions/{question_id}": [Example(INSTITUTION, _question)],
    "POST /admin/record-access/questions/{question_id}": [Example(INSTITUTION, _question, 303)],
    "GET /admin/record-access/consents": [plain(OWN)],
    "GET /admin/record-access/corrections": [plain(OWN)],
    "GET /admin/record-access/corrections/{correction_id}": [Example(INSTITUTION, _wish)],
    "POST /admin/record-access/corrections/{correction_id}": [Example(INSTITUTION, _wish, 303)],
    "GET /admin/clients/{client_id}/origins": [Example(INSTITUTION, _client)],
    "POST /admin/clients/{client_id}/origins": [Example(INSTITUTION, _client, 303)],
    "GET /admin/clients": [plain(OWN)],
    "GET /admin/clients/{client_id}": [Example(INSTITUTION, _client)],
    "GET /admin/clients/{client_id}/secret": [Example(INSTITUTION, _client)],
    "POST /admin/clients/{client_id}/secret": [Example(INSTITUTION, _client)],
    "GET /admin/clients/{client_id}/deactivate": [Example(INSTITUTION, _client)],
    "POST /admin/clients/{client_id}/deactivate": [Example(INSTITUTION, _client, 303)],
    "GET /admin/staff": [plain(OWN)],
    "GET /admin/staff/new": [plain(OWN)],
    "POST /admin/staff/new": [Example(OWN, _account), Example(ACCOUNT, _account_of_mine)],
    "GET /admin/staff/{staff_id}": [Example(INSTITUTION, _colleague)],
    "GET /admin/staff/{staff_id}/disable": [Example(INSTITUTION, _colleague)],
    "POST /admin/staff/{staff_id}/disable": [Example(INSTITUTION, _colleague, 303)],
    "GET /admin/staff/{staff_id}/enable": [Example(INSTITUTION, _colleague)],
    "POST /admin/staff/{staff_id}/enable": [Example(INSTITUTION, _colleague, 303)],
    "GET /admin/staff/{staff_id}/doctor": [Example(INSTITUTION, _doctor)],
    "POST /admin/staff/{staff_id}/doctor": [Example(INSTITUTION, _doctor, 303)],
    "GET /admin/staff/{staff_id}/reset/{what}": [Example(INSTITUTION, _new_password)],
    "POST /admin/staff/{staff_id}/reset/{what}": [Example(INSTITUTION, _new_password)],
    "GET /admin/audit": [plain(OWN)],
    "POST /admin/audit/verify": [plain(CITY, form={})],
    "GET /admin/account": [plain(OWN)],
    "GET /admin/account/password": [plain(OWN)],
    "POST /admin/account/password": [plain(OWN, 400, form=WRONG_TWICE)],
    "GET /admin/static/{name}": [plain(PUBLIC, path={"name": "console.css"})],
    "GET /admin/{rest}": [plain(OWN, 404, path={"rest": "nowhere"})],
}
