"""The survey page: one question at a time in large type, without sign-in, for the run its address opens."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape

from backend.errors import AppError, ErrorCode
from backend.http.base import APIHandler, as_app_error
from backend.http.endpoint import operation, public
from backend.ids import new_id
from backend.surveys.answering import LONGEST_TEXT, hint_for
from backend.surveys.asking import Said, Step
from backend.surveys.models import RunState, Through
from backend.surveys.questionnaire import Kind, Question, visible

PAGE_POLICY = (
    "default-src 'none'; style-src 'self'; img-src 'self' data:; form-action 'self'; frame-ancestors 'none'; "
    "base-uri 'none'"
)
# More than the longest answer, less than anybody types by mistake.
_LONGEST_FIELD = 4 * LONGEST_TEXT
_templates = Environment(
    loader=PackageLoader("backend.surveys", "templates"),
    autoescape=select_autoescape(),
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
_ENDS = {
    RunState.COMPLETED: ("感谢您的反馈", ""),
    RunState.REFUSED: ("好的，不再打扰您", "您可以关闭本页面。"),
    RunState.EXPIRED: ("本次回访已结束", "感谢您的关注。您可以关闭本页面。"),
}
_OVER = ("本次回访已结束", "您可以关闭本页面。")


class SurveyPageHandler(APIHandler):
    """One run, to whoever was sent its address."""

    def set_default_headers(self) -> None:
        """What somebody says about an illness is kept by no cache."""
        super().set_default_headers()
        self.set_header("Content-Security-Policy", PAGE_POLICY)
        self.set_header("Cache-Control", "no-store")
        self.set_header("X-Robots-Tag", "noindex, nofollow")

    @public("the address holds a keyed mark that opens one run and no other")
    @operation("The next question of a survey", tag="surveys", rate_limit="survey_page")
    async def get(self, token: str) -> None:
        """The next question, or with `at` an earlier one to correct."""
        step = await self.services.surveys.step_of_link(token)
        await self._show(token, step, self.get_query_argument("at", ""))

    @public("the address holds a keyed mark that opens one run and no other")
    @operation("An answer to a survey", tag="surveys", rate_limit="survey_page")
    async def post(self, token: str) -> None:
        """Take the answer and go on; a refused one is shown again with what is expected."""
        surveys = self.services.surveys
        if self._field("action") == "refuse":
            await surveys.refuse_by_link(token)
            self._go(token)
            return
        step = await surveys.step_of_link(token)
        question = step.questionnaire.question(self._field("question"))
        if question is None or not step.is_open:
            self._go(token)
            return
        after = await surveys.answer_by_link(token, self._said(question))
        if after.hint:
            self.set_status(400)
            await self._show(token, after, question.id)
        else:
            self._go(token)

    def _said(self, question: Question) -> Said:
        key = self._field("key")[:64] or new_id()
        given = self.get_body_arguments("answer") if self._field("action") != "skip" else []
        if any(len(each) > _LONGEST_FIELD for each in given):
            raise AppError(ErrorCode.BAD_REQUEST, "answer is too long")
        if question.kind is Kind.MULTIPLE:
            return Said(key, Through.PAGE, value=tuple(given), question_id=question.id)
        return Said(key, Through.PAGE, value=given[-1] if given else None, question_id=question.id)

    def _field(self, name: str) -> str:
        return self.get_body_argument(name, "")

    def _go(self, token: str) -> None:
        self.redirect(f"/s/{token}", status=303)

    async def _show(self, token: str, step: Step, wanted: str) -> None:
        organization = await self.services.directory.find_organization(step.run.organization_id)
        question, back = _shown(step, wanted)
        title, words = _ENDS.get(step.run.state, _OVER)
        done, of = step.progress
        self._finish(
            "survey.html",
            token=token,
            hospital=organization.name if organization else "",
            city_name=self.city.settings.city_name,
            questionnaire=step.questionnaire,
            question=question,
            notes=step.notes if question is step.question else [],
            given=_given(step, question),
            back=back,
            hint=step.hint,
            expected=hint_for(question) if question else "",
            key=new_id(),
            done=done,
            of=of,
            title=title,
            words=step.questionnaire.thanks if step.run.state is RunState.COMPLETED else words,
            longest=question.longest or LONGEST_TEXT if question else 0,
            Kind=Kind,
        )

    def write_error(self, status_code: int, **kwargs: Any) -> None:
        """A page in the resident's words; what was wrong with the address is nobody's business."""
        error = as_app_error(kwargs.get("exc_info", (None, None, None))[1], status_code)
        self.set_status(error.status)
        self.set_error_headers(error)
        text = "链接无效或已过期。" if error.code is ErrorCode.NOT_FOUND else error.text
        self._finish("survey_error.html", text=text, city_name=self.city.settings.city_name)

    def _finish(self, template: str, **values: Any) -> None:
        self.set_header("Content-Type", "text/html; charset=utf-8")
        self.finish(_templates.get_template(template).render(values))


class SurveyStyleHandler(APIHandler):
    """The page's style sheet."""

    @public("a style sheet")
    @operation("The survey page's style sheet", tag="surveys")
    async def get(self) -> None:
        """CSS."""
        self.set_header("Content-Type", "text/css; charset=utf-8")
        self.set_header("Cache-Control", "max-age=3600")
        self.finish((Path(__file__).parent / "templates" / "survey.css").read_bytes())


def _shown(step: Step, wanted: str) -> tuple[Question | None, str]:
    """The question to show: the one asked for if it may be, else the next; and the one before it."""
    if not step.is_open:
        return None, ""
    asking = [each for each in visible(step.questionnaire, step.run.answers) if each.asks]
    reached = [each for each in asking if each.id in step.run.answers or each is step.question]
    question = next((each for each in reached if each.id == wanted), step.question)
    before = [each.id for each in reached if each.id in step.run.answers]
    if question is not None and question.id in before:
        before = before[: before.index(question.id)]
    return question, before[-1] if before else ""


def _given(step: Step, question: Question | None) -> list[str]:
    """What was answered before, to be shown ticked when somebody goes back."""
    value = step.run.answers.get(question.id) if question else None
    if value is None:
        return []
    return [str(each) for each in value] if isinstance(value, tuple) else [str(value)]


routes = [
    (r"/s/survey\.css", SurveyStyleHandler),
    (r"/s/(?P<token>[0-9A-Za-z]{20,64})", SurveyPageHandler),
]
