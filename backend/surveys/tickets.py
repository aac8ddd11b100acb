"""Tickets: what a bad answer opens, whose they are, and how they end."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from backend import clock
from backend.audit.service import AuditService
from backend.errors import AppError, ErrorCode, not_found
from backend.messages.models import Letter, MessageKind
from backend.permissions import Actor, Permission
from backend.surveys.models import Cause, Note, Run, Ticket, TicketState, Version
from backend.surveys.questionnaire_store import QuestionnaireStore
from backend.surveys.run_store import RunStore
from backend.surveys.sending import Places, Post
from backend.surveys.ticket_store import TicketStore
from backend.worker.events import Event

# A risk is called back within a day, dissatisfaction within three.
WITHIN = {Cause.RISK_WORD: timedelta(days=1), Cause.ANSWER: timedelta(days=1), Cause.SCORE: timedelta(days=3)}
LONGEST_NOTE = 1000


@dataclass(frozen=True, slots=True)
class TicketView:
    """A ticket with what was said."""

    ticket: Ticket
    run: Run | None
    version: Version | None


class Tickets:
    """Opens tickets, and lets a hospital's staff work through them."""

    def __init__(
        self,
        tickets: TicketStore,
        runs: RunStore,
        questionnaires: QuestionnaireStore,
        post: Post,
        places: Places,
        audit: AuditService,
    ) -> None:
        self._tickets = tickets
        self._runs = runs
        self._questionnaires = questionnaires
        self._post = post
        self._places = places
        self._audit = audit

    async def on_alarmed(self, event: Event) -> None:
        """SURVEY_ALARMED: open the ticket, and tell the person that it was heard."""
        run = await self._runs.find(event.data["run_id"])
        if run is None or not run.causes:
            return
        due_at = event.at + min(WITHIN[cause] for cause in run.causes)
        await self._tickets.open(_opened(run, event, due_at))
        if run.recipient_id is None:
            return
        organization = await self._places.find_organization(run.organization_id)
        until = due_at.astimezone(clock.CITY_ZONE)
        facts = {
            "organization": organization.short_name or organization.name if organization else "医院",
            "until": f"{until.month}月{until.day}日",
            "time": f"{until.year}年{until.month}月{until.day}日 {until:%H:%M}",
        }
        # One word of it for a run, however much is said in it.
        heard = Letter(
            f"{run.id}:heard",
            run.alarmed_at or run.happened_at,
            run.recipient_id,
            MessageKind.SURVEY_HEARD,
            facts,
            None,
            run.organization_id,
        )
        await self._post.tell(heard)

    async def list_tickets(
        self, actor: Actor, *, resolved: bool = False, cursor: str = "", limit: int = 50
    ) -> tuple[list[Ticket], str]:
        """Tickets within the actor's hospitals, the most urgent first, and the cursor of the next page."""
        states = {TicketState.RESOLVED} if resolved else {TicketState.OPEN, TicketState.TAKEN}
        after = None
        if cursor:
            last = await self._tickets.find(cursor)
            after = (last.due_at, last.id) if last else None
        found = await self._tickets.list_of(actor.organization_ids, states, after, limit + 1)
        page = found[:limit]
        return page, page[-1].id if len(found) > limit else ""

    async def count(self, actor: Actor) -> tuple[int, int]:
        """How many wait within the actor's hospitals, and how many of them are late."""
        return await self._tickets.count(actor.organization_ids, clock.now())

    async def waiting(self) -> dict[str, int]:
        """How many wait at each hospital that has any; for the city's own figures."""
        return await self._tickets.waiting()

    async def access(self, actor: Actor, ticket_id: str) -> Ticket:
        """A ticket within the actor's hospitals. Raises NOT_FOUND."""
        ticket = await self._tickets.find(ticket_id)
        if ticket is None or not actor.covers(ticket.organization_id):
            raise not_found("ticket")
        return ticket

    async def read(self, actor: Actor, ticket_id: str) -> TicketView:
        """A ticket with the answers; reading them is on record."""
        ticket = await self.access(actor, ticket_id)
        await self._record(actor, "surveys.read_ticket", ticket, "处理随访工单")
        run = await self._runs.find(ticket.id)
        version = await self._questionnaires.find(run.questionnaire_id, run.version) if run else None
        return TicketView(ticket, run, version)

    async def take(self, actor: Actor, ticket_id: str) -> Ticket:
        """Make the ticket one's own; taking it over from somebody else is allowed. Raises CONFLICT."""
        ticket = await self._changeable(actor, ticket_id)
        if ticket.owner_id == actor.id:
            return ticket
        taken = replace(ticket, state=TicketState.TAKEN, owner_id=actor.id)
        return await self._note(actor, taken, "surveys.take_ticket", "")

    async def note(self, actor: Actor, ticket_id: str, text: str) -> Ticket:
        """Write down what was done. Raises REASON_REQUIRED, CONFLICT."""
        ticket = await self._changeable(actor, ticket_id)
        return await self._note(actor, ticket, "surveys.note_ticket", _given(text))

    async def resolve(self, actor: Actor, ticket_id: str, text: str) -> Ticket:
        """End it, saying how. Raises REASON_REQUIRED, CONFLICT."""
        ticket = await self._changeable(actor, ticket_id)
        done = replace(
            ticket, state=TicketState.RESOLVED, owner_id=ticket.owner_id or actor.id, resolved_at=clock.now()
        )
        return await self._note(actor, done, "surveys.resolve_ticket", _given(text))

    async def _changeable(self, actor: Actor, ticket_id: str) -> Ticket:
        if not actor.may(Permission.STAFF_SURVEY_TICKETS_HANDLE):
            raise AppError(ErrorCode.FORBIDDEN, Permission.STAFF_SURVEY_TICKETS_HANDLE)
        ticket = await self.access(actor, ticket_id)
        if ticket.state is TicketState.RESOLVED:
            raise AppError(ErrorCode.CONFLICT, "ticket is resolved", text="该工单已办结。")
        return ticket

    async def _note(self, actor: Actor, ticket: Ticket, action: str, text: str) -> Ticket:
        note = Note(clock.now(), actor.id, action, text)
        noted = replace(ticket, notes=(*ticket.notes, note))
        if not await self._tickets.write(noted):
            raise AppError(ErrorCode.CONFLICT, "ticket changed meanwhile")
        await self._record(actor, action, ticket, "处理随访工单")
        return noted

    async def _record(self, actor: Actor, action: str, ticket: Ticket, basis: str) -> None:
        await self._audit.record(
            actor, action, f"survey_ticket/{ticket.id}", basis, ticket.organization_id, {}
        )


def _opened(run: Run, event: Event, due_at: datetime) -> Ticket:
    return Ticket(
        id=run.id,
        organization_id=run.organization_id,
        department_id=run.department_id,
        practitioner_id=run.practitioner_id,
        patient_id=run.patient_id,
        campaign_id=run.campaign_id,
        causes=run.causes,
        percent=run.percent,
        state=TicketState.OPEN,
        turn=0,
        due_at=due_at,
        created_at=event.at,
    )


def _given(text: str) -> str:
    if not text.strip():
        raise AppError(ErrorCode.REASON_REQUIRED)
    return text.strip()[:LONGEST_NOTE]
