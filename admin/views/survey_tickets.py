"""Tickets and the phone list: who has to be called back, and whom nobody has reached."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from admin import survey_words
from admin.base import PageHandler, page
from admin.forms import Filters, Form
from admin.lookups import organization_names
from backend import clock
from backend.errors import AppError, ErrorCode, not_found
from backend.http.endpoint import requires
from backend.ids import new_id
from backend.permissions import Permission
from backend.surveys.answering import hint_for, wording
from backend.surveys.asking import Said, Step
from backend.surveys.models import Run, Through
from backend.surveys.questionnaire import Questionnaire, Value, relevant

_TICKETS = Permission.STAFF_SURVEY_TICKETS_HANDLE
WHY_CALLED, WHY_TICKET = "电话随访", "处理随访工单"


class TicketFilters(Filters):
    """Open or resolved."""

    resolved: str = Field("", max_length=3, title="状态")


class TextForm(Form):
    """What was done."""

    text: str = Field("", max_length=1000, title="处理记录")


class AnswerForm(Form):
    """What somebody said on the telephone."""

    answer: list[str] = Field(default_factory=list, title="回答")
    question: str = Field("", max_length=200, title="题目")
    key: str = Field("", max_length=64, title="序号")
    action: str = Field("answer", max_length=10, title="操作")


class TicketsHandler(PageHandler):
    """The list."""

    @requires(_TICKETS)
    @page("Tickets of surveys")
    async def get(self, query: TicketFilters) -> None:
        """The most urgent first."""
        tickets, cursor = await self.services.surveys.tickets.list_tickets(
            self.actor, resolved=query.resolved == "yes", cursor=query.cursor
        )
        self.show_page(
            "surveys/tickets.html",
            tickets=tickets,
            following=cursor,
            names=await organization_names(self.services, [ticket.organization_id for ticket in tickets]),
            people=await self.services.residents.names([ticket.patient_id for ticket in tickets]),
            departments=await self.services.directory.departments_by_id(
                [ticket.department_id for ticket in tickets if ticket.department_id]
            ),
            now=clock.now(),
            said=survey_words,
        )


class TicketPage(PageHandler):
    """One ticket, to be looked at or worked on."""

    async def show(self, **path: str) -> None:
        """Show it."""
        view = await self.services.surveys.tickets.read(self.actor, path["ticket_id"])
        ticket, run, version = view.ticket, view.run, view.version
        directory = self.services.directory
        members = {note.by for note in ticket.notes} | ({ticket.owner_id} if ticket.owner_id else set())
        self.show_page(
            "surveys/ticket.html",
            ticket=ticket,
            run=run,
            answers=told(version.content, run) if version and run else [],
            organization=await directory.find_organization(ticket.organization_id),
            department=await directory.find_department(ticket.department_id)
            if ticket.department_id
            else None,
            patient=(await self.services.residents.names([ticket.patient_id])).get(
                ticket.patient_id, "（已注销）"
            ),
            members=await self.services.staff.names(members),
            phone=await self._phone(ticket.patient_id),
            now=clock.now(),
            said=survey_words,
        )

    async def _phone(self, patient_id: str) -> str | None:
        """The number to call, when it was asked for; that is on record."""
        asked = self.query.get("phone") == "yes" and self.actor.may(Permission.STAFF_PERSONAL_DATA_UNMASK)
        if not asked:
            return None
        return (await self.services.residents.reveal(self.actor, patient_id, WHY_TICKET)).phone


class TicketHandler(TicketPage):
    """One ticket."""

    @requires(_TICKETS)
    @page("A ticket with what was said")
    async def get(self, ticket_id: str) -> None:
        """What was said, what was done, and what can be done."""
        await self.show(ticket_id=ticket_id)


class TicketStepHandler(TicketPage):
    """Taking, noting, resolving."""

    @requires(_TICKETS)
    @page("Work on a ticket", errors=(ErrorCode.REASON_REQUIRED, ErrorCode.CONFLICT), again=True)
    async def post(self, body: TextForm, ticket_id: str, step: str) -> None:
        """Do it and show the ticket."""
        tickets = self.services.surveys.tickets
        if step == "take":
            await tickets.take(self.actor, ticket_id)
        elif step == "note":
            await tickets.note(self.actor, ticket_id, body.text)
        elif step == "resolve":
            await tickets.resolve(self.actor, ticket_id, body.text)
        else:
            raise not_found("step")
        self.go(f"/admin/surveys/tickets/{ticket_id}", "saved")


class CallsHandler(PageHandler):
    """The phone list."""

    @requires(_TICKETS)
    @page("Whom to call")
    async def get(self) -> None:
        """The oldest first, under masked names."""
        runs = await self.services.surveys.phone_list(self.actor)
        self.show_page(
            "surveys/calls.html",
            runs=runs,
            names=await organization_names(self.services, [run.organization_id for run in runs]),
            people=await self.services.residents.names([run.patient_id for run in runs]),
            departments=await self.services.directory.departments_by_id(
                [run.department_id for run in runs if run.department_id]
            ),
            said=survey_words,
        )


class CallHandler(PageHandler):
    """One call: the words to say, and what was answered."""

    @requires(_TICKETS)
    @page("Call somebody")
    async def get(self, run_id: str) -> None:
        """The next question. That somebody's number was looked at is on record."""
        await self.show(run_id=run_id)

    async def show(self, **path: str) -> None:
        """Show the call."""
        step = await self.services.surveys.open_for_phone(self.actor, path["run_id"])
        await self.show_step(step)

    async def show_step(self, step: Step) -> None:
        """The next question, with the number to call."""
        phone = None
        if step.is_open and self.actor.may(Permission.STAFF_PERSONAL_DATA_UNMASK):
            identity = await self.services.residents.reveal(self.actor, step.run.patient_id, WHY_CALLED)
            phone = identity.phone
        question = step.question
        self.show_page(
            "surveys/call.html",
            step=step,
            question=question,
            lines=wording(question, spoken=True).splitlines()[:1] if question else [],
            expected=hint_for(question) if question else "",
            phone=phone,
            patient=(await self.services.residents.names([step.run.patient_id])).get(
                step.run.patient_id, "—"
            ),
            organization=await self.services.directory.find_organization(step.run.organization_id),
            key=new_id(),
            answers=told(step.questionnaire, step.run),
            said=survey_words,
        )

    @requires(_TICKETS)
    @page("Write down an answer", errors=(ErrorCode.BAD_REQUEST,), again=True)
    async def post(self, body: AnswerForm, run_id: str) -> None:
        """Take the answer, or the refusal, and go on."""
        surveys = self.services.surveys
        if body.action == "refuse":
            await surveys.access_run(self.actor, run_id)
            await surveys.asking.refuse(run_id, Through.PHONE)
        else:
            await self._answer(body, run_id)
        self.go(f"/admin/surveys/calls/{run_id}")

    async def _answer(self, body: AnswerForm, run_id: str) -> None:
        given: Any = body.answer if body.action == "answer" else []
        value: Value = tuple(given) if len(given) != 1 else given[0]
        key = body.key or new_id()
        said = Said(key, Through.PHONE, value=value or None, question_id=body.question or None)
        step = await self.services.surveys.answer_by_phone(self.actor, run_id, said)
        if step.hint:
            raise AppError(ErrorCode.BAD_REQUEST, "no answer", text=step.hint)


def told(questionnaire: Questionnaire, run: Run) -> list[tuple[str, str]]:
    """Questions and what was answered, in words."""
    found = []
    for question_id, value in relevant(questionnaire, run.answers).items():
        question = questionnaire.question(question_id)
        if question is None:
            continue
        values = value if isinstance(value, tuple) else (value,)
        options = [question.option(str(each)) for each in values]
        words = [
            option.text if option else str(each)
            for option, each in zip(options, values, strict=True)
            if each is not None
        ]
        found.append((question.text or question.spoken, "、".join(words) or "（跳过）"))
    return found


routes = [
    (r"/admin/surveys/tickets", TicketsHandler),
    (r"/admin/surveys/tickets/(?P<ticket_id>[\w-]+)", TicketHandler),
    (r"/admin/surveys/tickets/(?P<ticket_id>[\w-]+)/(?P<step>[\w-]+)", TicketStepHandler),
    (r"/admin/surveys/calls", CallsHandler),
    (r"/admin/surveys/calls/(?P<run_id>[\w-]+)", CallHandler),
]
