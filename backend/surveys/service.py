"""The surveys' service: what the rest of the city calls. Methods named `on_…` are subscribed to events.

library    questionnaires and campaigns, for staff      tickets   what grave answers open
planning   from events to runs                          reading   the figures
sending    asking people                                counting  feeding the figures
asking     taking answers                               links     addresses of single runs
cohorts    whom staff may choose from
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Protocol

from backend import clock
from backend.audit.service import AuditService
from backend.errors import AppError, ErrorCode, not_found
from backend.permissions import Actor, Permission
from backend.records.care import Encounter, Encounters
from backend.slotpool.claims_models import Claim, ClaimState
from backend.surveys.asking import Asking, Said, Step, at_question
from backend.surveys.campaign_store import CampaignStore
from backend.surveys.cohorts import Cohort, Cohorts, visit
from backend.surveys.counting import Counting
from backend.surveys.library import Library
from backend.surveys.links import Links
from backend.surveys.models import Campaign, CampaignState, Happened, Run, RunState, Through, Trigger
from backend.surveys.planning import Planning
from backend.surveys.results import Reading
from backend.surveys.run_store import RunStore
from backend.surveys.sending import Sending
from backend.surveys.ticket_store import TicketStore
from backend.surveys.tickets import Tickets
from backend.worker.events import Event

# Steps of care after which somebody may be asked (healthcodes/steps.py): the examination has been done.
STEP_TRIGGERS = {"10104": Trigger.EXAMINATION}
# Classes of encounters (HL7 v3 ActCode) after which somebody may be asked.
CLASS_TRIGGERS = {
    "IMP": Trigger.DISCHARGE,
    "ACUTE": Trigger.DISCHARGE,
    "NONAC": Trigger.DISCHARGE,
    "SS": Trigger.DISCHARGE,
    "AMB": Trigger.VISIT,
    "EMER": Trigger.VISIT,
}
_MOST_LATELY = 50
# A cohort is chosen by days, so many at most.
MOST_DAYS = 92
MOST_LISTED = 200


class Claims(Protocol):
    """What surveys need of the slot pool."""

    async def get(self, claim_id: str) -> Claim:
        """The appointment of this id."""

    async def of_patients(
        self, patient_ids: Sequence[str], *, upcoming: bool | None, cursor: str | None, limit: int
    ) -> tuple[list[Claim], str | None]:
        """A page of people's appointments, latest first."""


@dataclass(frozen=True)
class Stores:
    """What the service keeps its things in."""

    campaigns: CampaignStore
    runs: RunStore
    tickets: TicketStore


class SurveyService:
    """Follow-up surveys."""

    def __init__(
        self,
        stores: Stores,
        *,
        library: Library,
        planning: Planning,
        sending: Sending,
        asking: Asking,
        tickets: Tickets,
        reading: Reading,
        counting: Counting,
        links: Links,
        claims: Claims,
        encounters: Encounters,
        cohorts: Cohorts,
        audit: AuditService,
        nudge: Callable[[], None],
    ) -> None:
        self._stores = stores
        self.library = library
        self.planning = planning
        self.sending = sending
        self.asking = asking
        self.tickets = tickets
        self.reading = reading
        self.counting = counting
        self.links = links
        self._claims = claims
        self._encounters = encounters
        self._cohorts = cohorts
        self._audit = audit
        self._nudge = nudge

    # What happened.

    async def trigger(
        self,
        kind: Trigger,
        patient_id: str,
        organization_id: str,
        department_id: str | None,
        practitioner_id: str | None,
        at: datetime,
        key: str,
    ) -> int:
        """Something was done to somebody that people may be asked about. `key` names it for good.

        Told again, it changes nothing. Returns how many runs are new.
        """
        happened = Happened(kind, key, patient_id, organization_id, department_id, practitioner_id, at)
        return await self.planning.trigger(happened)

    async def on_appointment_booked(self, event: Event) -> None:
        """APPOINTMENT_BOOKED: the visit will be asked about once it is over."""
        claim = await self._find_claim(event)
        if claim is not None and claim.state is ClaimState.BOOKED:
            await self.planning.trigger(visit(claim))

    async def on_appointment_ended(self, event: Event) -> None:
        """APPOINTMENT_CANCELLED, _STOPPED, _MISSED: there is no visit to ask about."""
        claim = await self._find_claim(event)
        if claim is not None:
            await self.planning.withdraw(visit(claim))

    async def on_code_used(self, event: Event) -> None:
        """CODE_USED: an examination is asked about, once a day and hospital."""
        trigger = STEP_TRIGGERS.get(event.data["step"])
        if trigger is None or event.data.get("flagged") == "yes":
            return
        on = clock.civil_date(event.at)
        patient_id, organization_id = event.data["patient_id"], event.data["organization_id"]
        happened = Happened(
            trigger,
            f"{trigger}:{organization_id}:{patient_id}:{on}",
            patient_id,
            organization_id,
            None,
            None,
            # The day's: its first use and its last are one examination.
            clock.city_instant(on, 18),
        )
        await self.planning.trigger(happened)

    async def on_encounter_finished(self, event: Event) -> None:
        """ENCOUNTER_FINISHED: a stay is asked about, and a visit that nobody had booked here."""
        encounter = await self._encounters.encounter(event.data["resource_id"])
        trigger = CLASS_TRIGGERS.get(event.data["class"])
        if encounter is None or encounter.ended_at is None or trigger is None:
            return
        if trigger is Trigger.VISIT and await self._had_appointment(encounter):
            return
        happened = Happened(
            trigger,
            f"encounter:{event.data['resource_id']}",
            encounter.person_id,
            encounter.organization_id,
            encounter.department_id,
            encounter.practitioner_id,
            encounter.ended_at,
        )
        if trigger is Trigger.DISCHARGE:
            await self._cohorts.note_stay(event.data["resource_id"], happened)
        await self.planning.trigger(happened)

    async def on_birth_filed(self, event: Event) -> None:
        """BIRTH_FILING_CHANGED: whoever filed a birth is asked once it is over and something was done."""
        if event.data["event"] in ("finish", "finish_partly"):
            filing_id, applicant_id = event.data["filing_id"], event.data["applicant_id"]
            key, place = f"birth:{filing_id}", event.data["organization_id"]
            await self.trigger(Trigger.BIRTH, applicant_id, place, None, None, event.at, key)

    async def on_resident_deleted(self, event: Event) -> None:
        """RESIDENT_DELETED: what was said goes with the account."""
        person_id = event.data["resident_id"]
        await self._stores.runs.forget(person_id)
        await self._stores.tickets.forget(person_id)
        await self._stores.campaigns.forget(person_id)

    # Answering.

    async def open_question(self, resident_id: str) -> Step | None:
        """What a person is asked at present, or None."""
        return await self.asking.open_question(resident_id)

    async def question(self, resident_id: str, run_id: str, question_id: str) -> Step:
        """A question once more, or the next where it is asked no longer. Raises NOT_FOUND."""
        await self._access_run(resident_id, run_id)
        return at_question(await self.asking.step(run_id), question_id)

    async def answer(
        self,
        resident_id: str,
        run_id: str,
        said: str,
        key: str,
        through: Through,
        question_id: str | None = None,
    ) -> Step:
        """Words as the answer to a question of the run, the next unless named.

        Where that one is asked no longer, nothing is taken. Raises NOT_FOUND for somebody else's run.
        """
        await self._access_run(resident_id, run_id)
        return await self._answered(run_id, Said(key, through, text=said, question_id=question_id))

    async def refuse(self, resident_id: str, run_id: str, through: Through) -> Step:
        """The person does not want to be asked. Raises NOT_FOUND for somebody else's run."""
        await self._access_run(resident_id, run_id)
        return await self.asking.refuse(run_id, through)

    async def step_of_link(self, token: str) -> Step:
        """The run that a survey page's address opens. Raises NOT_FOUND."""
        return await self.asking.step(self._run_of(token))

    async def answer_by_link(self, token: str, said: Said) -> Step:
        """An answer on a survey page. Raises NOT_FOUND."""
        return await self._answered(self._run_of(token), said)

    async def refuse_by_link(self, token: str) -> Step:
        """No, on a survey page. Raises NOT_FOUND."""
        return await self.asking.refuse(self._run_of(token), Through.PAGE)

    async def answer_by_phone(self, actor: Actor, run_id: str, said: Said) -> Step:
        """What somebody said on the telephone, written down by staff. Raises NOT_FOUND."""
        await self.access_run(actor, run_id)
        return await self._answered(run_id, replace(said, through=Through.PHONE))

    # Staff.

    async def access_run(self, actor: Actor, run_id: str) -> Step:
        """A run within the actor's hospitals, to be asked on the telephone. Raises NOT_FOUND."""
        if not actor.may(Permission.STAFF_SURVEY_TICKETS_HANDLE):
            raise AppError(ErrorCode.FORBIDDEN, Permission.STAFF_SURVEY_TICKETS_HANDLE)
        step = await self.asking.step(run_id)
        if not actor.covers(step.run.organization_id):
            raise not_found("survey run")
        return step

    async def open_for_phone(self, actor: Actor, run_id: str) -> Step:
        """The same, on record: somebody's answers are read."""
        step = await self.access_run(actor, run_id)
        await self._audit.record(
            actor, "surveys.open_run", f"survey_run/{run_id}", "电话随访", step.run.organization_id
        )
        return step

    async def phone_list(self, actor: Actor) -> list[Run]:
        """Whom the actor's hospitals are to call."""
        listed = await self._stores.runs.phone_list(actor.organization_ids, MOST_LISTED)
        return await self.sending.left_to_call(listed)

    async def invite(
        self, actor: Actor, campaign_id: str, first: date, last: date, cohort: Cohort = Cohort.VISITS
    ) -> int:
        """Plan a staff campaign for those who were there in some days; returns how many are new.

        Raises NOT_FOUND, BAD_REQUEST.
        """
        campaign = await self._invitable(actor, campaign_id)
        if campaign.trigger is not Trigger.STAFF or not 0 <= (last - first).days < MOST_DAYS:
            raise AppError(
                ErrorCode.BAD_REQUEST, "cohort", text=f"请选择人工发起的计划和不超过{MOST_DAYS}天的日期。"
            )
        count = 0
        async for people in self._cohorts.people(campaign, cohort, first, last):
            count += await self.planning.invite(campaign, people)
        data = {"of": cohort, "from": first.isoformat(), "to": last.isoformat(), "people": str(count)}
        await self._audit.record(
            actor,
            "surveys.invite",
            f"survey_campaign/{campaign.id}",
            "随访计划管理",
            campaign.organization_id,
            data,
        )
        return count

    async def _invitable(self, actor: Actor, campaign_id: str) -> Campaign:
        if not actor.may(Permission.STAFF_SURVEYS_WRITE):
            raise AppError(ErrorCode.FORBIDDEN, Permission.STAFF_SURVEYS_WRITE)
        campaign = await self.library.read_campaign(actor, campaign_id)
        if campaign.organization_id is None or not actor.covers(campaign.organization_id):
            raise AppError(ErrorCode.BAD_REQUEST, "whole city", text="请为一家医院建立计划后再选择人员。")
        if campaign.state is not CampaignState.RUNNING:
            raise AppError(ErrorCode.CONFLICT, "campaign is not running", text="请先启动计划。")
        return campaign

    # What runs by the clock.

    async def sweep(self) -> int:
        """Periodic: ask who is due, close what is over."""
        return await self.sending.sweep()

    async def count(self) -> int:
        """Periodic: bring the figures up to date."""
        return await self.counting.run()

    async def _answered(self, run_id: str, said: Said) -> Step:
        step = await self.asking.answer(run_id, said)
        if step.run.causes or step.run.state is RunState.COMPLETED:
            self._nudge()
        return step

    async def _access_run(self, resident_id: str, run_id: str) -> None:
        run = await self._stores.runs.find(run_id)
        if run is None or not resident_id or run.recipient_id != resident_id:
            raise not_found("survey run")

    def _run_of(self, token: str) -> str:
        run_id = self.links.run_id(token)
        if run_id is None:
            raise not_found("survey link")
        return run_id

    async def _had_appointment(self, encounter: Encounter) -> bool:
        """Whether the visit was booked here: then the appointment is what is asked about."""
        on = clock.civil_date(encounter.began_at)
        latest, _ = await self._claims.of_patients(
            [encounter.person_id], upcoming=None, cursor=None, limit=_MOST_LATELY
        )
        booked = [claim for claim in latest if claim.state is ClaimState.BOOKED and claim.missed_at is None]
        return any(each.organization_id == encounter.organization_id and each.on == on for each in booked)

    async def _find_claim(self, event: Event) -> Claim | None:
        try:
            return await self._claims.get(event.data["appointment_id"])
        except AppError as error:
            if error.code is not ErrorCode.NOT_FOUND:
                raise
            return None
