"""Watching over readings of records: who read what and why, broken glass, residents' questions."""

from __future__ import annotations

from datetime import timedelta
from typing import Literal

from pydantic import Field

from admin import record_words
from admin.base import PageHandler, page
from admin.forms import Filters, Form, Period
from admin.lookups import organization_names, organizations_in_scope
from backend import clock
from backend.audit.models import AuditFilter
from backend.errors import ErrorCode
from backend.http.endpoint import requires
from backend.permissions import Permission
from backend.records.break_glass import REASONS
from backend.records.reading import ACTION
from backend.records.sharing_models import Verdict
from backend.records.unusual import marks_of
from backend.records.words import KIND_NAMES, PURPOSE_NAMES

_READ, _REVIEW = Permission.STAFF_RECORD_ACCESS_READ, Permission.STAFF_RECORD_ACCESS_REVIEW
PAGE_SIZE, LOOKED_THROUGH = 50, 1000
_ROOT = "/admin/record-access"


class AccessFilters(Period):
    """Which readings."""

    organization: str = Field("", max_length=64, title="机构")
    unusual: Literal["", "yes"] = Field("", title="范围")

    def wanted(self) -> AuditFilter:
        """As the log asks; without a first day, of the last week."""
        from_on = self.from_on or clock.today() - timedelta(days=7)
        until = self.to_on + timedelta(days=1) if self.to_on else None
        return AuditFilter(
            action=ACTION,
            organization_id=self.organization or None,
            from_at=clock.city_instant(from_on, 0),
            to_at=clock.city_instant(until, 0) if until else None,
        )


class DoneFilters(Filters):
    """What waits, or what is done."""

    done_with: Literal["", "yes"] = Field("", title="状态")


class ReviewForm(Form):
    """What was found."""

    verdict: Verdict = Field(title="结论")
    note: str = Field("", max_length=500, title="说明")


class AnswerForm(Form):
    """What the resident is to read."""

    text: str = Field("", max_length=500, title="答复")


class RecordPage(PageHandler):
    """What the pages of this part share."""

    async def show_with_counts(self, template: str, **values: object) -> None:
        """Every page of this part says what waits."""
        sharing = self.services.sharing
        self.show_page(
            template,
            said=record_words,
            reasons=REASONS,
            purposes=PURPOSE_NAMES,
            kinds=KIND_NAMES,
            now=clock.now(),
            glasses_waiting=await sharing.break_glass.count_waiting(self.actor),
            questions_waiting=await sharing.questions.count_waiting(self.actor),
            corrections_waiting=await self.services.reports.corrections.count_waiting(self.actor),
            **values,
        )


class CountsHandler(PageHandler):
    """What waits for the privacy officer, for the menu of whatever page is open."""

    by_a_person = False

    @requires(_READ)
    @page("What waits of readings")
    async def get(self) -> None:
        """JSON: broken glass that nobody has judged, questions and wishes without an answer."""
        sharing = self.services.sharing
        counts = {
            "glasses": await sharing.break_glass.count_waiting(self.actor),
            "questions": await sharing.questions.count_waiting(self.actor),
            "corrections": await self.services.reports.corrections.count_waiting(self.actor),
        }
        self.finish(counts | {"waits": sum(counts.values())})


class AccessListHandler(RecordPage):
    """Readings."""

    @requires(_READ)
    @page("Readings of records")
    async def get(self, query: AccessFilters) -> None:
        """Newest first; of the unusual ones, what the last thousand readings hold."""
        unusual = query.unusual == "yes"
        readings, following = await self.services.sharing.accesses.supervise(
            self.actor,
            query.wanted(),
            cursor=query.cursor or None,
            limit=LOOKED_THROUGH if unusual else PAGE_SIZE,
        )
        identities = await self.services.residents.identities({each.person_id for each in readings})
        marks = marks_of(readings, {id: who.name for id, who in identities.items()})
        if unusual:
            readings, following = [each for each in readings if marks[each.id]], None
        organizations = await organizations_in_scope(self.services, self.actor)
        await self.show_with_counts(
            "record_access/readings.html",
            readings=readings,
            marks=marks,
            following=following,
            people=await self.services.residents.names({each.person_id for each in readings}),
            organization_choices=[(o.id, o.name) for o in organizations],
        )


class GlassListHandler(RecordPage):
    """Broken glass."""

    @requires(_READ)
    @page("Emergency readings")
    async def get(self, query: DoneFilters) -> None:
        """Those that nobody has looked at; and how often which hospital breaks it."""
        break_glass = self.services.sharing.break_glass
        glasses, following = await break_glass.list_glasses(
            self.actor, reviewed=query.done_with == "yes", cursor=query.cursor
        )
        tally = await break_glass.tally(self.actor, clock.now())
        ids = {each.organization_id for each in glasses} | {each.organization_id for each in tally}
        await self.show_with_counts(
            "record_access/glasses.html",
            glasses=glasses,
            following=following,
            tally=tally,
            names=await organization_names(self.services, ids),
            people=await self.services.residents.names({each.person_id for each in glasses}),
        )


class GlassHandler(RecordPage):
    """One emergency."""

    @requires(_READ)
    @page("An emergency reading")
    async def get(self, glass_id: str) -> None:
        """Who, why, what was read through it."""
        await self.show(glass_id=glass_id)

    async def show(self, **path: str) -> None:
        """Show it."""
        glass = await self.services.sharing.break_glass.access(self.actor, path["glass_id"])
        wanted = AuditFilter(
            action=ACTION,
            object=f"person/{glass.person_id}",
            organization_id=glass.organization_id,
            from_at=glass.opened_at,
            to_at=glass.expires_at,
        )
        readings, _ = await self.services.sharing.accesses.supervise(
            self.actor, wanted, cursor=None, limit=PAGE_SIZE
        )
        reviewer = {glass.review.by} if glass.review else set[str]()
        names = await organization_names(self.services, [glass.organization_id])
        doctor = await self.services.sharing.doctor_of(glass.organization_id, glass.practitioner)
        await self.show_with_counts(
            "record_access/glass.html",
            glass=glass,
            readings=[each for each in readings if each.reference == glass.id],
            organization=names.get(glass.organization_id, "—"),
            doctor=f"{doctor.name} {doctor.title}".strip() if doctor else glass.practitioner,
            patient=(await self.services.residents.names([glass.person_id])).get(glass.person_id, "—"),
            members=await self.services.staff.names(reviewer),
        )

    @requires(_REVIEW)
    @page(
        "Judge an emergency reading",
        errors=(ErrorCode.REASON_REQUIRED, ErrorCode.CONFLICT),
        again=True,
    )
    async def post(self, body: ReviewForm, glass_id: str) -> None:
        """By somebody other than who has read."""
        break_glass = self.services.sharing.break_glass
        glass = await break_glass.access(self.actor, glass_id)
        doctor = await self.services.sharing.doctor_of(glass.organization_id, glass.practitioner)
        await break_glass.review(self.actor, glass_id, body.verdict, body.note, doctor.name if doctor else "")
        self.go(f"{_ROOT}/break-glass/{glass_id}", "saved")


class QuestionListHandler(RecordPage):
    """Residents' questions."""

    @requires(_READ)
    @page("Questions about readings")
    async def get(self, query: DoneFilters) -> None:
        """The most urgent first."""
        questions, following = await self.services.sharing.questions.list_questions(
            self.actor, answered=query.done_with == "yes", cursor=query.cursor
        )
        await self.show_with_counts(
            "record_access/questions.html",
            questions=questions,
            following=following,
            names=await organization_names(self.services, {each.organization_id for each in questions}),
            people=await self.services.residents.names({each.person_id for each in questions}),
        )


class QuestionHandler(RecordPage):
    """One question."""

    @requires(_READ)
    @page("A question about a reading")
    async def get(self, question_id: str) -> None:
        """What is asked, and which reading it is about."""
        await self.show(question_id=question_id)

    async def show(self, **path: str) -> None:
        """Show it."""
        sharing = self.services.sharing
        question = await sharing.questions.access(self.actor, path["question_id"])
        reading = await sharing.accesses.one(question.person_id, question.id)
        by = {question.answered_by} if question.answered_by else set[str]()
        await self.show_with_counts(
            "record_access/question.html",
            question=question,
            reading=reading,
            patient=(await self.services.residents.names([question.person_id])).get(question.person_id, "—"),
            members=await self.services.staff.names(by),
        )

    @requires(_REVIEW)
    @page(
        "Answer a question about a reading",
        errors=(ErrorCode.REASON_REQUIRED, ErrorCode.CONFLICT),
        again=True,
    )
    async def post(self, body: AnswerForm, question_id: str) -> None:
        """The resident is told."""
        await self.services.sharing.questions.answer(self.actor, question_id, body.text)
        self.go(f"{_ROOT}/questions/{question_id}", "saved")


class ConsentListHandler(RecordPage):
    """What hospitals have asked for."""

    @requires(_READ)
    @page("Consents asked for")
    async def get(self, query: Filters) -> None:
        """Newest first, with what became of them."""
        consents, following = await self.services.sharing.consents.list_asked(self.actor, cursor=query.cursor)
        await self.show_with_counts(
            "record_access/consents.html",
            consents=consents,
            following=following,
            names=await organization_names(self.services, {each.asked_by or "" for each in consents}),
            people=await self.services.residents.names({each.person_id for each in consents}),
        )


routes = [
    (_ROOT, AccessListHandler),
    (f"{_ROOT}/counts", CountsHandler),
    (f"{_ROOT}/break-glass", GlassListHandler),
    (rf"{_ROOT}/break-glass/(?P<glass_id>[^/]+)", GlassHandler),
    (f"{_ROOT}/questions", QuestionListHandler),
    (rf"{_ROOT}/questions/(?P<question_id>[^/]+)", QuestionHandler),
    (f"{_ROOT}/consents", ConsentListHandler),
]
