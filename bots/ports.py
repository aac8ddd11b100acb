"""What the dialogues use of the city: its services, by the names the composition root gives them."""

from __future__ import annotations

from typing import Protocol

from backend.appointments.queueing import Queues
from backend.appointments.service import AppointmentService
from backend.appointments.waitlist import Waitlist
from backend.births.service import BirthService
from backend.directory.service import DirectoryService
from backend.messages.service import MessageService
from backend.referrals.service import ReferralService
from backend.reports.compose import Reports
from backend.residents.service import ResidentService
from backend.slotpool.claims import ClaimService
from backend.slotpool.schedules import ScheduleService
from backend.surveys.service import SurveyService


class Services(Protocol):
    """The services behind a dialogue's steps."""

    directory: DirectoryService
    residents: ResidentService
    schedules: ScheduleService
    claims: ClaimService
    appointments: AppointmentService
    queues: Queues
    messages: MessageService
    waitlist: Waitlist
    reports: Reports
    referrals: ReferralService
    surveys: SurveyService
    births: BirthService
