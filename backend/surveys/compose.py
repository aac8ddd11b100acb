"""How the surveys' parts are put together; the composition root calls this."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from backend.audit.service import AuditService
from backend.db.client import Database
from backend.directory.service import DirectoryService
from backend.messages.service import MessageService
from backend.records.care import Encounters
from backend.residents.service import ResidentService
from backend.security.fields import BlindIndex, FieldCipher
from backend.surveys.asking import Asking
from backend.surveys.campaign_store import CampaignStore
from backend.surveys.cohorts import Booked, Cohorts
from backend.surveys.counting import Counting
from backend.surveys.library import Library
from backend.surveys.links import Links
from backend.surveys.planning import Planning
from backend.surveys.questionnaire_store import QuestionnaireStore
from backend.surveys.result_store import ResultStore
from backend.surveys.results import Reading
from backend.surveys.run_store import RunStore
from backend.surveys.sending import Sending
from backend.surveys.service import Claims, Stores, SurveyService
from backend.surveys.stay_store import StayStore
from backend.surveys.ticket_store import TicketStore
from backend.surveys.tickets import Tickets

EVENT_SOURCES = ("survey_runs",)


class AllClaims(Claims, Booked, Protocol):
    """What the parts need of the slot pool."""


def make_surveys(
    db: Database,
    *,
    cipher: FieldCipher,
    blind: BlindIndex,
    public_url: str,
    hours: tuple[int, int],
    residents: ResidentService,
    directory: DirectoryService,
    messages: MessageService,
    claims: AllClaims,
    encounters: Encounters,
    audit: AuditService,
    nudge: Callable[[], None],
) -> SurveyService:
    """The service and its parts."""
    questionnaires, campaigns = QuestionnaireStore(db), CampaignStore(db)
    runs, tickets, results = RunStore(db, cipher), TicketStore(db, cipher), ResultStore(db, cipher)
    links = Links(blind, public_url)
    sending = Sending(
        runs,
        campaigns,
        questionnaires,
        messages,
        residents,
        directory,
        links,
        guardians_of=residents.patients.guardians_of,
        hours=hours,
    )
    return SurveyService(
        Stores(campaigns, runs, tickets),
        library=Library(questionnaires, campaigns, runs, audit),
        planning=Planning(campaigns, runs),
        sending=sending,
        asking=Asking(runs, questionnaires),
        tickets=Tickets(tickets, runs, questionnaires, messages, directory, audit),
        reading=Reading(results),
        counting=Counting(results, questionnaires),
        links=links,
        claims=claims,
        encounters=encounters,
        cohorts=Cohorts(claims, directory, encounters, StayStore(db)),
        audit=audit,
        nudge=nudge,
    )
