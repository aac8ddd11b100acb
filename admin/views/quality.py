"""The quality of what hospitals send: scores by day, what was not kept, and the rules."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, Literal

from pydantic import Field

from admin import quality_words
from admin.base import PageHandler, page
from admin.forms import Day, Filters, Form
from admin.lookups import access_organization, organizations_in_scope
from backend import clock
from backend.errors import AppError, ErrorCode
from backend.exchange.quality.models import Kind, Rule, Severity
from backend.exchange.quality.service import Preview
from backend.http.endpoint import requires
from backend.permissions import Permission

_READ, _WRITE = Permission.STAFF_QUALITY_READ, Permission.STAFF_QUALITY_WRITE
DAYS = 7


class DayFilters(Filters):
    """Which day."""

    on: Day | None = Field(None, title="日期")


class RuleFilters(Filters):
    """Which rules the list shows."""

    type: str = Field("", max_length=40, title="资源")
    kind: str = Field("", max_length=16, title="种类")


class RuleForm(Form):
    """A rule as somebody wants it."""

    step: Literal["save", "preview"] = Field("preview", title="操作")
    version: int = Field(1, title="版本")
    title: str = Field("", max_length=100, title="说明")
    severity: Severity = Field(Severity.WARNING, title="严重程度")
    low: str = Field("", max_length=20, title="下限")
    high: str = Field("", max_length=20, title="上限")
    among: str = Field("", max_length=2000, title="允许的代码")
    pattern: str = Field("", max_length=500, title="格式")
    within_days: str = Field("", max_length=6, title="最长天数")
    off: str = Field("", max_length=3, title="停用")
    organization: str = Field("", max_length=64, title="机构")
    reason: str = Field("", max_length=200, title="原因")

    def changes(self, rule: Rule) -> dict[str, Any]:
        """What of the rule would be another. Raises BAD_REQUEST for what is no number."""
        wanted: dict[str, Any] = {"severity": str(self.severity), "off": self.off == "yes"}
        if self.title:
            wanted["title"] = self.title
        if rule.kind in (Kind.RANGE, Kind.PRESENCE):
            wanted |= {"low": _number(self.low), "high": _number(self.high)}
        if rule.kind is Kind.CODE:
            wanted |= {"among": self.among.split(), "pattern": self.pattern}
        if rule.kind is Kind.TIME:
            days = _number(self.within_days)
            wanted["within_days"] = None if days is None else int(days)
        return wanted


class ScoresHandler(PageHandler):
    """Every hospital's last days."""

    @requires(_READ)
    @page("Scores of the last days")
    async def get(self) -> None:
        """A row for each hospital, a column for each day."""
        days = await self.services.quality.days(self.actor, DAYS)
        places = await organizations_in_scope(self.services, self.actor)
        sent = {day.organization_id for day in days}
        today = clock.today()
        self.show_page(
            "quality/scores.html",
            dates=[today - timedelta(days=back) for back in range(DAYS)],
            scores={(day.organization_id, day.on): day for day in days},
            places=[place for place in places if place.id in sent],
            said=quality_words,
        )


class DayHandler(PageHandler):
    """One hospital's day."""

    @requires(_READ)
    @page("What was not kept on a day")
    async def get(self, query: DayFilters, organization_id: str) -> None:
        """Every rule that applied, the most broken first."""
        place = await access_organization(self.services, self.actor, organization_id)
        on = query.on or clock.today()
        day, findings = await self.services.quality.day(self.actor, place.id, on)
        self.show_page(
            "quality/day.html",
            place=place,
            day=day,
            on=on,
            broken=[each for each in findings if each.count.failed],
            kept=sum(not each.count.failed for each in findings),
            said=quality_words,
        )


class RulesHandler(PageHandler):
    """The table of rules."""

    @requires(_READ)
    @page("The rules of quality")
    async def get(self, query: RuleFilters) -> None:
        """All, or those of a type or a kind."""
        rules = await self.services.quality.rules()
        self.show_page(
            "quality/rules.html",
            rules=[
                rule for rule in rules if query.type in ("", rule.type) and query.kind in ("", str(rule.kind))
            ],
            count=len(rules),
            said=quality_words,
        )


class RuleHandler(PageHandler):
    """One rule, to be looked at, tried and changed."""

    @requires(_READ)
    @page("A rule and its versions")
    async def get(self, rule_id: str) -> None:
        """What it says, and what was changed in it."""
        await self.show(rule_id=rule_id)

    async def show(self, **path: str) -> None:
        """Show the rule."""
        await self._show(path["rule_id"], None)

    async def _show(self, rule_id: str, preview: Preview | None) -> None:
        rule, changes = await self.services.quality.rule(rule_id)
        may_write = self.actor.may(_WRITE)
        self.show_page(
            "quality/rule.html",
            rule=rule,
            changes=changes,
            preview=preview,
            members=await self.services.staff.names({change.changed_by for change in changes}),
            organizations=await organizations_in_scope(self.services, self.actor) if may_write else [],
            said=quality_words,
        )

    @requires(_WRITE)
    @page(
        "Try or change a rule",
        errors=(ErrorCode.REASON_REQUIRED, ErrorCode.CONFLICT, ErrorCode.BAD_REQUEST),
        again=True,
    )
    async def post(self, body: RuleForm, rule_id: str) -> None:
        """Show what it would say of the last resources of a hospital, or write its next version."""
        quality = self.services.quality
        rule, _ = await quality.rule(rule_id)
        changes = body.changes(rule)
        if body.step == "save":
            await quality.change(self.actor, rule_id, changes, body.reason, version=body.version)
            self.go(f"/admin/quality/rules/{rule_id}", "saved")
            return
        await self._show(rule_id, await quality.preview(self.actor, rule_id, changes, body.organization))


def _number(text: str) -> float | None:
    if not text:
        return None
    try:
        return float(text)
    except ValueError:
        raise AppError(ErrorCode.BAD_REQUEST, "no number", text="上限、下限和天数须为数字。") from None


routes = [
    (r"/admin/quality", ScoresHandler),
    (r"/admin/quality/days/(?P<organization_id>[\w-]+)", DayHandler),
    (r"/admin/quality/rules", RulesHandler),
    (r"/admin/quality/rules/(?P<rule_id>[\w-]+)", RuleHandler),
]
