"""A questionnaire, a campaign that runs, and somebody who has said something grave."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any

from backend import clock
from backend.bootstrap import Services
from backend.ids import new_id
from backend.permissions import SYSTEM, Actor
from backend.surveys.asking import Said
from backend.surveys.models import Campaign, CampaignState, Happened, Through, Trigger, Way
from backend.surveys.planning import run_id
from backend.surveys.questionnaire import Condition, Kind, Operator, Option, Question, Questionnaire

ASKED = Questionnaire(
    "门诊满意度回访",
    (
        Question(
            "overall",
            Kind.CHOICE,
            "您对这次就诊满意吗？",
            required=True,
            options=(
                Option("5", "非常满意", Decimal(5)),
                Option("4", "满意", Decimal(4)),
                Option("1", "不满意", Decimal(1)),
            ),
        ),
        Question(
            "why",
            Kind.MULTIPLE,
            "哪里做得不好？",
            options=(Option("wait", "等候太久"), Option("talk", "态度不好")),
            show_if=(Condition("overall", Operator.EQUAL, "1"),),
        ),
        Question("words", Kind.TEXT, "还有什么想说的？可回复“跳过”。"),
    ),
    thanks="谢谢您。",
    alarm_below=60,
)


async def make_campaign(
    services: Services,
    actor: Actor,
    organization_id: str | None,
    questionnaire: Questionnaire = ASKED,
    **more: Any,
) -> Campaign:
    """A running campaign with a published questionnaire."""
    library = services.surveys.library
    version = await library.create(actor, organization_id, questionnaire)
    await library.publish(actor, version.questionnaire_id)
    values: dict[str, Any] = {
        "id": new_id(),
        "name": "门诊回访",
        "organization_id": organization_id,
        "questionnaire_id": version.questionnaire_id,
        "version": 1,
        "trigger": Trigger.VISIT,
        "state": CampaignState.DRAFT,
        "ways": (Way.SMS,),
        "delay": timedelta(0),
    }
    made = await library.create_campaign(actor, Campaign(**(values | more)))
    return await library.set_campaign(actor, made.id, CampaignState.RUNNING)


async def make_called(services: Services, campaign: Campaign, organization_id: str, patient_id: str) -> str:
    """A run of somebody whom staff are to call; its id."""
    happened = Happened(
        campaign.trigger, new_id(), patient_id, organization_id, None, None, clock.now() - timedelta(hours=1)
    )
    await services.surveys.planning.invite(campaign, [happened])
    await services.db.collection("survey_runs").update_one(
        {"_id": run_id(campaign, happened)},
        {"$set": {"on_phone_list": True, "due_at": None, "recipient_id": patient_id}},
    )
    return run_id(campaign, happened)


async def make_ticket(
    services: Services,
    organization_id: str,
    patient_id: str,
    said: str = "回家以后胸痛",
    *,
    choice: str = "满意",
) -> str:
    """An open ticket with a note, of somebody who is in pain; its id is the run's."""
    campaign = await make_campaign(services, SYSTEM, organization_id)
    found = await make_called(services, campaign, organization_id, patient_id)
    for key, text in (("1", choice), ("2", said)):
        await services.surveys.asking.answer(found, Said(key, Through.PHONE, text=text))
    await services.outbox.drain()
    await services.surveys.tickets.note(SYSTEM, found, "电话未接通")
    return found
