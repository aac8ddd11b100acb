"""Questionnaires: the list, the builder with its preview, publishing, and FHIR in and out."""

from __future__ import annotations

from typing import Any

import orjson
from pydantic import Field, TypeAdapter, ValidationError

from admin import survey_words
from admin.base import PageHandler, page
from admin.forms import Filters, Form
from admin.lookups import organization_names, organizations_in_scope
from backend.errors import AppError, ErrorCode
from backend.http.endpoint import requires
from backend.permissions import Permission
from backend.surveys import fhir
from backend.surveys.models import Version
from backend.surveys.questionnaire import Kind, Question, Questionnaire, problems

_WRITE = Permission.STAFF_SURVEYS_WRITE
WHOLE_CITY = "city"
MOST_QUESTIONS = 200
_CONTENT = TypeAdapter(Questionnaire)
BLANK = Questionnaire(
    "",
    (Question("q1", Kind.CHOICE, required=True),),
    intro="您好，想了解您这次就诊的情况，大约两分钟。您的回答不会影响今后就诊。",
    thanks="谢谢您的反馈，祝您健康。",
    alarm_below=60,
)


class VersionFilters(Filters):
    """Which version."""

    version: int | None = Field(None, ge=1, le=9999, title="版本")


class BuilderForm(Form):
    """What the builder sends: the whole questionnaire."""

    content: str = Field("", max_length=400_000, title="问卷")
    organization: str = Field("", max_length=64, title="机构")
    revision: int = Field(0, ge=0, title="版本")
    publish: str = Field("", max_length=3, title="发布")


class ImportForm(Form):
    """A FHIR Questionnaire as text."""

    resource: str = Field("", max_length=400_000, title="FHIR Questionnaire")
    organization: str = Field("", max_length=64, title="机构")


class QuestionnairesHandler(PageHandler):
    """The list."""

    @requires(Permission.STAFF_SURVEYS_READ)
    @page("Questionnaires")
    async def get(self) -> None:
        """The newest version of each."""
        versions = await self.services.surveys.library.list_questionnaires(self.actor)
        names = await organization_names(self.services, [each.organization_id or "" for each in versions])
        self.show_page("surveys/questionnaires.html", versions=versions, names=names, said=survey_words)


class NewQuestionnaireHandler(PageHandler):
    """A new questionnaire."""

    @requires(_WRITE)
    @page("Begin a questionnaire")
    async def get(self) -> None:
        """The builder with one question."""
        await self.show()

    async def show(self, **path: str) -> None:
        """The builder; what was typed is kept when it was refused."""
        await show_builder(self, None, typed_content(self) or BLANK)

    @requires(_WRITE)
    @page("Save a new questionnaire", errors=(ErrorCode.BAD_REQUEST,), again=True)
    async def post(self, body: BuilderForm) -> None:
        """Save it, and publish it if that was the button."""
        library = self.services.surveys.library
        place = None if body.organization == WHOLE_CITY else body.organization
        content = read_content(body.content)
        if body.publish:
            check_whole(content)
        made = await library.create(self.actor, place, content)
        if body.publish:
            await library.publish(self.actor, made.questionnaire_id)
        self.go(f"/admin/surveys/questionnaires/{made.questionnaire_id}", "saved")


class QuestionnaireHandler(PageHandler):
    """One questionnaire in the builder."""

    @requires(Permission.STAFF_SURVEYS_READ)
    @page("A questionnaire")
    async def get(self, query: VersionFilters, questionnaire_id: str) -> None:
        """The newest version, or an older one to read."""
        version = await self.services.surveys.library.read(self.actor, questionnaire_id, query.version)
        await show_builder(self, version, version.content)

    async def show(self, **path: str) -> None:
        """The builder; what was typed is kept when it was refused."""
        version = await self.services.surveys.library.read(self.actor, path["questionnaire_id"])
        await show_builder(self, version, typed_content(self) or version.content)

    @requires(_WRITE)
    @page("Save a questionnaire", errors=(ErrorCode.BAD_REQUEST, ErrorCode.CONFLICT), again=True)
    async def post(self, body: BuilderForm, questionnaire_id: str) -> None:
        """Save the draft, and publish it if that was the button."""
        library = self.services.surveys.library
        content = read_content(body.content)
        if body.publish:
            check_whole(content)
        await library.save(self.actor, questionnaire_id, body.revision, content)
        if body.publish:
            await library.publish(self.actor, questionnaire_id)
        self.go(f"/admin/surveys/questionnaires/{questionnaire_id}", "saved")


class FHIRExportHandler(PageHandler):
    """A questionnaire as FHIR."""

    @requires(Permission.STAFF_SURVEYS_READ)
    @page("A questionnaire as FHIR")
    async def get(self, query: VersionFilters, questionnaire_id: str) -> None:
        """FHIR R4 JSON."""
        version = await self.services.surveys.library.read(self.actor, questionnaire_id, query.version)
        self.set_header("Content-Type", "application/fhir+json; charset=utf-8")
        self.set_header("Content-Disposition", 'attachment; filename="questionnaire.json"')
        resource = fhir.to_fhir(version.content, version_of=version)
        self.finish(orjson.dumps(resource, option=orjson.OPT_INDENT_2))


class FHIRImportHandler(PageHandler):
    """A questionnaire from FHIR."""

    @requires(_WRITE)
    @page("Ask for a FHIR questionnaire")
    async def get(self) -> None:
        """The form."""
        await self.show()

    async def show(self, **path: str) -> None:
        """The form, and after an import what was left out."""
        await self._show(None, ())

    async def _show(self, version: Version | None, left_out: tuple[fhir.Problem, ...]) -> None:
        self.show_page(
            "surveys/import.html",
            organizations=await organizations_in_scope(self.services, self.actor),
            version=version,
            left_out=left_out,
            said=survey_words,
        )

    @requires(_WRITE)
    @page("Import a FHIR questionnaire", errors=(ErrorCode.BAD_REQUEST,), again=True)
    async def post(self, body: ImportForm) -> None:
        """Save it as a draft and say item by item what could not be taken over."""
        try:
            found = fhir.from_fhir(orjson.loads(body.resource))
        except (orjson.JSONDecodeError, fhir.NoQuestionnaireError) as error:
            raise AppError(ErrorCode.BAD_REQUEST, "fhir", text="这不是 FHIR R4 Questionnaire。") from error
        place = None if body.organization == WHOLE_CITY else body.organization
        made = await self.services.surveys.library.create(self.actor, place, found.questionnaire)
        await self._show(made, found.problems)


async def show_builder(handler: PageHandler, version: Version | None, content: Questionnaire) -> None:
    """The builder's page."""
    surveys = handler.services.surveys
    versions = await surveys.library.list_versions(handler.actor, version.questionnaire_id) if version else []
    organization_id = version.organization_id if version else None
    own = version is None or handler.actor.organization_ids is None
    own = own or (organization_id is not None and handler.actor.covers(organization_id))
    newest = version is None or version.number == versions[0].number
    handler.show_page(
        "surveys/builder.html",
        version=version,
        versions=versions,
        content=_CONTENT.dump_json(content).decode(),
        title=content.title,
        editable=own and newest and handler.actor.may(_WRITE),
        organizations=await organizations_in_scope(handler.services, handler.actor),
        organization=(
            await handler.services.directory.find_organization(organization_id) if organization_id else None
        ),
        wrong=problems(content) if version and handler.problem is None else [],
        kinds=survey_words.KINDS,
        operators=survey_words.OPERATORS,
        said=survey_words,
    )


def typed_content(handler: PageHandler) -> Questionnaire | None:
    """What the builder sent, when it can be shown again."""
    try:
        return read_content(handler.typed.get("content", ""))
    except AppError:
        return None


def read_content(text: str) -> Questionnaire:
    """The builder's JSON. Raises BAD_REQUEST."""
    try:
        read: Any = orjson.loads(text)
        content = _CONTENT.validate_python(read)
    except (orjson.JSONDecodeError, ValidationError):
        raise AppError(ErrorCode.BAD_REQUEST, "builder", text="问卷内容有误，请检查后再保存。") from None
    if len(content.questions) > MOST_QUESTIONS:
        raise AppError(ErrorCode.BAD_REQUEST, "too long", text=f"最多{MOST_QUESTIONS}道题。")
    return content


def check_whole(content: Questionnaire) -> None:
    """Raise BAD_REQUEST with what keeps it from being asked, before anything is saved."""
    wrong = problems(content)
    if wrong:
        raise AppError(ErrorCode.BAD_REQUEST, "questionnaire", text="".join(wrong))


routes = [
    (r"/admin/surveys/questionnaires", QuestionnairesHandler),
    (r"/admin/surveys/questionnaires/new", NewQuestionnaireHandler),
    (r"/admin/surveys/questionnaires/import", FHIRImportHandler),
    (r"/admin/surveys/questionnaires/(?P<questionnaire_id>[\w-]+)", QuestionnaireHandler),
    (r"/admin/surveys/questionnaires/(?P<questionnaire_id>[\w-]+)/fhir", FHIRExportHandler),
]
