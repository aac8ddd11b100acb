"""Follow-up surveys of the demo: questionnaires, campaigns that run, three months of what people said."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

from backend import clock
from backend.bootstrap import City
from backend.directory.models import Practitioner
from backend.ids import new_id
from backend.permissions import SYSTEM
from backend.surveys.asking import Said
from backend.surveys.models import Campaign, CampaignState, Happened, Through, Trigger, Way
from backend.surveys.planning import run_id
from backend.surveys.questionnaire import Condition, Kind, Operator, Option, Question, Questionnaire
from backend.surveys.run_store import RunStore

_ANSWERS = 36
_MONTHS = 3
# People whom nobody has reached yet.
_TO_CALL = 4
_SATISFIED = ("非常满意", "满意", "满意", "非常满意", "一般", "满意", "不满意", "非常满意", "满意", "满意")
_WORDS = (
    "医生讲得很清楚，谢谢",
    "排队时间有点长",
    "环境干净，护士态度好",
    "停车不方便",
    "检查预约能再快一点就好了",
    "挂号很方便，没有白跑",
)
_OVERALL = tuple(
    Option(str(points), words, Decimal(points))
    for words, points in (("非常满意", 5), ("满意", 4), ("一般", 3), ("不满意", 2), ("非常不满意", 1))
)
_AFTER_VISIT = Questionnaire(
    "门诊满意度回访",
    (
        Question("overall", Kind.CHOICE, "您对这次就诊满意吗？", required=True, options=_OVERALL),
        Question(
            "why",
            Kind.MULTIPLE,
            "哪些地方让您不满意？",
            options=(
                Option("wait", "等候太久"),
                Option("talk", "解释不清楚"),
                Option("manner", "服务态度"),
                Option("price", "收费"),
            ),
            show_if=(Condition("overall", Operator.AT_MOST, "2"),),
        ),
        Question("words", Kind.TEXT, "还有什么想对我们说的？可以回复“跳过”。"),
    ),
    thanks="谢谢您的反馈，祝您健康！",
    alarm_below=30,
)
_AFTER_STAY = Questionnaire(
    "出院一周随访",
    (
        Question(
            "recovery",
            Kind.CHOICE,
            "出院以后，您恢复得怎么样？",
            required=True,
            options=(
                Option("good", "恢复得好", Decimal(3)),
                Option("same", "和出院时差不多", Decimal(2)),
                Option("worse", "比出院时差", Decimal(0)),
            ),
        ),
        Question(
            "medicine",
            Kind.CHOICE,
            "您在按医嘱服药吗？",
            options=(Option("yes", "按时服药"), Option("no", "没有按时服药"), Option("none", "不需要服药")),
        ),
        Question("words", Kind.TEXT, "有哪里不舒服吗？没有请回复“没有”。"),
    ),
    thanks="谢谢您的回复，祝您早日康复！",
    alarm_below=40,
)


async def seed_surveys(city: City, doctors: Sequence[Practitioner], patient_ids: Sequence[str]) -> int:
    """Returns how many answers are new: none, when the city has questionnaires already."""
    library = city.services.surveys.library
    if await library.list_questionnaires(SYSTEM):
        return 0
    # The newest is what the results page opens with.
    after_stay = await _publish(city, _AFTER_STAY)
    after_visit = await _publish(city, _AFTER_VISIT)
    await _run(city, "就诊次日回访", after_visit, Trigger.VISIT, None, timedelta(days=1))
    await _run(city, "出院一周回访", after_stay, Trigger.DISCHARGE, None, timedelta(days=7))
    hospital_id = doctors[0].organization_id
    calls = await _run(city, "门诊电话回访", after_visit, Trigger.STAFF, hospital_id, timedelta(0))
    for number in range(_ANSWERS):
        doctor = doctors[number % len(doctors)]
        await _answered(city, calls, doctor, patient_ids[number % len(patient_ids)], number)
    for number, patient_id in enumerate(patient_ids[:_TO_CALL]):
        await _invited(city, calls, doctors[number], patient_id, _ANSWERS + number, timedelta(hours=3))
    await city.services.surveys.count()
    return _ANSWERS


async def _publish(city: City, content: Questionnaire) -> str:
    library = city.services.surveys.library
    version = await library.create(SYSTEM, None, content)
    await library.publish(SYSTEM, version.questionnaire_id)
    return version.questionnaire_id


async def _run(
    city: City,
    name: str,
    questionnaire_id: str,
    trigger: Trigger,
    organization_id: str | None,
    delay: timedelta,
) -> Campaign:
    ways = (Way.PHONE,) if trigger is Trigger.STAFF else (Way.CARD, Way.SMS, Way.PHONE)
    campaign = Campaign(
        new_id(),
        name,
        organization_id,
        questionnaire_id,
        1,
        trigger,
        CampaignState.DRAFT,
        ways=ways,
        delay=delay,
    )
    library = city.services.surveys.library
    await library.create_campaign(SYSTEM, campaign)
    return await library.set_campaign(SYSTEM, campaign.id, CampaignState.RUNNING)


async def _answered(
    city: City, campaign: Campaign, doctor: Practitioner, patient_id: str, number: int
) -> None:
    """One person's answers on the telephone, of some day of the last months."""
    ago = timedelta(days=1 + number * 30 * _MONTHS // _ANSWERS, hours=number % 7)
    asked = await _invited(city, campaign, doctor, patient_id, number, ago)
    overall = _SATISFIED[number % len(_SATISFIED)]
    because = ("等候太久",) if overall == "不满意" else ()
    for step, text in enumerate((overall, *because, _WORDS[number % len(_WORDS)])):
        said = Said(f"demo:{number}:{step}", Through.PHONE, text=text)
        await city.services.surveys.asking.answer(asked, said)


async def _invited(
    city: City, campaign: Campaign, doctor: Practitioner, patient_id: str, number: int, ago: timedelta
) -> str:
    """Somebody to call about a visit so long ago; the id of what is asked."""
    happened = Happened(
        Trigger.STAFF,
        f"demo:{number}",
        patient_id,
        doctor.organization_id,
        doctor.department_ids[0],
        doctor.id,
        clock.now() - ago,
    )
    runs = RunStore(city.db, city.services.cipher)
    await city.services.surveys.planning.invite(campaign, [happened])
    run = await runs.find(run_id(campaign, happened))
    if run is not None:
        # As the sweep would, by day: staff are to call.
        await runs.write(replace(run, on_phone_list=True, due_at=run.closes_at))
    return run_id(campaign, happened)
