"""A survey's whole life: planned, sent, answered from any channel, counted, and a grave answer heard."""

from __future__ import annotations

from datetime import timedelta

import pytest

from backend import clock
from backend.db.migrations import m0066_surveys_by_day
from backend.errors import AppError, ErrorCode
from backend.ids import derived_id
from backend.surveys.asking import Said
from backend.surveys.models import Cause, Run, RunState, Through, TicketState
from tests.backend.surveys.conftest import Ward


async def test_a_visit_is_asked_about_by_sms_and_the_answers_are_counted_once(ward: Ward):
    campaign = await ward.campaign()
    person = await ward.person()
    at = clock.now() - timedelta(minutes=5)
    assert [await ward.visit(person, key="visit-1", at=at) for _ in range(3)] == [1, 0, 0]
    await ward.pass_by()
    [run] = await ward.runs()
    assert (run.state, run.recipient_id, run.sent_at is not None) == (RunState.SENT, person, True)
    [text] = await ward.texts()
    assert "您对这次就诊满意吗？\n1. 非常满意\n2. 满意\n3. 不满意" in text
    assert "/s/" in text
    for _ in range(2):
        step = await ward.service.answer(person, run.id, "满意", "sms-1", Through.SMS)
        assert step.question is not None
        assert step.question.id == "words"
    step = await ward.service.answer(person, run.id, "医生很耐心，就是排队太久", "sms-2", Through.CHAT)
    assert (step.question, step.text) == (None, "谢谢您。")
    again = await ward.service.answer(person, run.id, "不满意", "sms-3", Through.SMS)
    assert (again.run.answers["overall"], again.run.percent) == ("4", 75)
    await ward.service.count()
    await ward.service.count()
    row = await ward.db.collection("survey_results").find_one({"level": "department"})
    assert row is not None
    assert {name: row[name] for name in ("planned", "sent", "answering", "completed", "points")} == {
        "planned": 1, "sent": 1, "answering": 1, "completed": 1, "points": 75,
    }  # fmt: skip
    assert row["counts"] == {"overall": {"4": 1}}
    assert row["words"] == {"排队等候": 1, "服务态度": 1}
    counts = await ward.service.library.counts(campaign)
    assert counts == {RunState.COMPLETED: 1}


async def test_what_is_asked_and_answered_is_counted_by_day_also_of_before_days_were_counted(ward: Ward):
    await ward.campaign()
    yesterday = clock.now() - timedelta(days=1)
    silent, talking = await ward.person(), await ward.person()
    await ward.visit(silent)
    await ward.visit(talking, at=yesterday)
    await ward.pass_by()
    run_of = {run.patient_id: run for run in await ward.runs()}
    asked, answered = run_of[silent], run_of[talking]
    assert answered.recipient_id is not None
    for number, text in enumerate(("1", "很好")):
        await ward.service.answer(answered.recipient_id, answered.id, text, str(number), Through.SMS)
    results, runs = ward.db.collection("survey_results"), ward.db.collection("survey_runs")

    async def days() -> dict[str, dict[str, int]]:
        await ward.service.count()
        names = ("sent", "completed", "scored", "points", "satisfied")
        found = results.find({"level": "day"})
        return {doc["month"]: {name: doc.get(name, 0) for name in names} async for doc in found}

    def on(run: Run) -> str:
        return clock.civil_date(run.happened_at).isoformat()

    expected = {
        on(asked): {"sent": 1, "completed": 0, "scored": 0, "points": 0, "satisfied": 0},
        on(answered): {"sent": 1, "completed": 1, "scored": 1, "points": 100, "satisfied": 1},
    }
    assert await days() == expected
    # A city from before: its runs are counted, and no day knows of them.
    month = await results.find_one({"level": "organization", "month": on(answered)[:7]})
    await results.delete_many({"level": "day"})
    await runs.update_many({}, {"$unset": {"by_day": ""}})
    for _ in range(2):
        await m0066_surveys_by_day.up(ward.db)
        assert await days() == expected
    assert await results.find_one({"level": "organization", "month": on(answered)[:7]}) == month
    # What happens now to what was asked then is added to what it has been.
    await results.delete_many({"level": "day"})
    await runs.update_many({}, {"$unset": {"by_day": ""}})
    assert asked.recipient_id is not None
    for number, text in enumerate(("1", "很好")):
        await ward.service.answer(asked.recipient_id, asked.id, text, str(number), Through.SMS)
    await m0066_surveys_by_day.up(ward.db)
    assert await days() == {day: expected[on(answered)] for day in expected}


async def test_a_grave_answer_opens_one_ticket_and_the_person_is_told_that_it_was_heard(ward: Ward):
    await ward.campaign()
    run = await ward.asked()
    assert run.recipient_id is not None
    await ward.service.answer(run.recipient_id, run.id, "3", "a", Through.SMS)
    await ward.service.answer(run.recipient_id, run.id, "等候太久", "b", Through.SMS)
    await ward.service.answer(run.recipient_id, run.id, "回家以后胸痛，没人管", "c", Through.SMS)
    await ward.city.work()
    [ticket], _ = await ward.service.tickets.list_tickets(ward.operator)
    assert set(ticket.causes) == {Cause.RISK_WORD, Cause.SCORE}
    assert ticket.due_at - ticket.created_at == timedelta(days=1)
    told = [text for text in await ward.texts() if "专人处理" in text]
    assert len(told) == 1
    tickets = ward.service.tickets
    assert (await tickets.take(ward.operator, ticket.id)).owner_id == ward.operator.id
    await tickets.note(ward.operator, ticket.id, "电话已接通，建议急诊")
    with pytest.raises(AppError) as unsaid:
        await tickets.resolve(ward.operator, ticket.id, " ")
    assert unsaid.value.code is ErrorCode.REASON_REQUIRED
    done = await tickets.resolve(ward.operator, ticket.id, "已复诊，无大碍")
    assert done.state is TicketState.RESOLVED
    assert [note.what for note in (await tickets.read(ward.operator, ticket.id)).ticket.notes] == [
        "surveys.take_ticket", "surveys.note_ticket", "surveys.resolve_ticket",
    ]  # fmt: skip
    for refused in (tickets.read, tickets.take):
        with pytest.raises(AppError) as hidden:
            await refused(ward.elsewhere, ticket.id)
        assert hidden.value.code is ErrorCode.NOT_FOUND


@pytest.mark.parametrize(
    ("said", "hint", "answers"),
    [
        ("不满意，回家以后胸痛没人管", False, {"overall": "1"}),
        ("我不想活了", True, {}),
    ],
)
async def test_words_of_danger_are_heard_whatever_was_asked(
    ward: Ward, said: str, hint: bool, answers: dict[str, str]
):
    await ward.campaign()
    run = await ward.asked()
    assert run.recipient_id is not None
    step = await ward.service.answer(run.recipient_id, run.id, said, "a", Through.SMS)
    assert bool(step.hint) is hint
    for _ in range(2):
        await ward.service.answer(run.recipient_id, run.id, said, "a", Through.SMS)
        await ward.city.work()
    [ticket], _ = await ward.service.tickets.list_tickets(ward.operator)
    view = await ward.service.tickets.read(ward.operator, ticket.id)
    assert (ticket.causes, view.run and view.run.remarks) == ((Cause.RISK_WORD,), (said,))
    assert view.run is not None
    assert view.run.answers == answers
    assert len([text for text in await ward.texts() if "专人处理" in text]) == 1
    stored = str([doc async for doc in ward.db.collection("survey_runs").find()])
    assert said not in stored
    # Dated by when it was said, not by the visit.
    heard = await ward.db.collection("messages").find_one({"kind": "survey_heard"})
    assert heard is not None
    assert derived_id(view.run.alarmed_at or clock.now())[:10] == heard["_id"][:10]
    await ward.service._stores.runs.forget(run.patient_id)
    [gone] = await ward.runs()
    assert gone.remarks == ()


async def test_what_people_say_is_sealed_and_goes_with_the_account(ward: Ward):
    await ward.campaign()
    run = await ward.asked()
    assert run.recipient_id is not None
    await ward.service.answer(run.recipient_id, run.id, "不满意", "a", Through.SMS)
    stored = str([doc async for doc in ward.db.collection("survey_runs").find()])
    assert "overall" not in stored
    with pytest.raises(AppError) as hidden:
        await ward.service.answer("somebody else", run.id, "满意", "b", Through.SMS)
    assert hidden.value.code is ErrorCode.NOT_FOUND
    await ward.service._stores.runs.forget(run.patient_id)
    [gone] = await ward.runs()
    assert (gone.answers, gone.state, gone.due_at) == ({}, RunState.REFUSED, None)


async def test_a_link_opens_one_run_and_no_invented_one_does(ward: Ward):
    await ward.campaign()
    run = await ward.asked()
    token = ward.service.links.token(run.id)
    step = await ward.service.answer_by_link(token, Said("k", Through.PAGE, value="5", question_id="overall"))
    assert step.run.answers == {"overall": "5"}
    corrected = await ward.service.answer_by_link(
        token, Said("k2", Through.PAGE, value="1", question_id="overall")
    )
    assert corrected.question is not None
    assert corrected.question.id == "why"
    wrong = token[:-1] + ("0" if token[-1] != "0" else "1")
    for invented in (wrong, run.id, "", "x" * 42, token + "0", "一" * 42):
        with pytest.raises(AppError) as hidden:
            await ward.service.step_of_link(invented)
        assert hidden.value.code is ErrorCode.NOT_FOUND
