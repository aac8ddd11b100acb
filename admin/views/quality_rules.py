"""The rules of quality in the console: the table, one rule to be tried and changed, a new one."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from admin import quality_words
from admin.base import PageHandler, page
from admin.forms import Filters
from admin.lookups import organizations_in_scope
from admin.quality_form import CONDITIONS, RuleForm, values_of
from backend.errors import ErrorCode
from backend.exchange.quality.models import Kind, Rule
from backend.exchange.quality.reading import is_added
from backend.exchange.quality.service import Preview, Sampled, check_author
from backend.http.endpoint import requires
from backend.ids import new_id
from backend.permissions import Permission

_READ, _WRITE = Permission.STAFF_QUALITY_READ, Permission.STAFF_QUALITY_WRITE
_RULES = "/admin/quality/rules"
_REFUSED = (ErrorCode.REASON_REQUIRED, ErrorCode.CONFLICT, ErrorCode.BAD_REQUEST)


class RuleFilters(Filters):
    """Which rules the list shows; those taken back only when asked for."""

    type: str = Field("", max_length=40, title="资料")
    kind: str = Field("", max_length=16, title="种类")
    state: Literal["", "added", "off", "retired"] = Field("", title="状态")

    def wants(self, rule: Rule) -> bool:
        """Whether a rule is one of them."""
        fits = {"": not rule.retired, "added": is_added(rule.id), "off": rule.off, "retired": rule.retired}
        return fits[self.state] and self.type in ("", rule.type) and self.kind in ("", str(rule.kind))


class NewRuleQuery(Filters):
    """About what and of which kind, or like which rule there is."""

    type: str = Field("", max_length=40, title="资料")
    kind: Kind | None = Field(None, title="种类")
    like: str = Field("", max_length=40, title="参照的规则")


class NewRuleForm(RuleForm):
    """A rule that there is not yet; `key` makes one of a form that is sent twice."""

    key: str = Field(pattern=r"^[0-9A-HJKMNP-TV-Z]{26}$", title="表单编号")
    type: str = Field(max_length=40, title="资料")
    kind: Kind = Field(title="种类")


class _RulePage(PageHandler):
    """What the pages of rules have in common: who may write them, boxes, and trials beside them."""

    @property
    def writes_rules(self) -> bool:
        """Whether the rules are this member's to write: they are the whole city's."""
        return self.actor.may(_WRITE) and self.actor.organization_ids is None

    async def show_rule(self, template: str, type: str, **values: Any) -> None:
        """Show a rule's boxes; the paths of other rules of its type stand ready to be chosen."""
        rules = await self.services.quality.rules()
        may_write = self.writes_rules
        self.show_page(
            template,
            may_write=may_write,
            type=type,
            paths=sorted({rule.path for rule in rules if rule.type == type and rule.path}),
            conditions=CONDITIONS,
            organizations=await organizations_in_scope(self.services, self.actor) if may_write else [],
            said=quality_words,
            **{"preview": None, "sampled": None, **values},
        )

    async def tried(self, rule_id: str | None, form: RuleForm, wanted: dict[str, Any]) -> dict[str, Any]:
        """What the rule would say of a hospital's last resources, or of the sample."""
        quality = self.services.quality
        if form.step == "sample":
            sampled: Sampled = await quality.sample(self.actor, rule_id, wanted, form.sample)
            return {"sampled": sampled}
        preview: Preview = await quality.preview(self.actor, rule_id, wanted, form.organization)
        return {"preview": preview}


class RulesHandler(_RulePage):
    """The table of rules."""

    @requires(_READ)
    @page("The rules of quality")
    async def get(self, query: RuleFilters) -> None:
        """All, or those of a type, a kind or a state."""
        rules = await self.services.quality.rules()
        self.show_page(
            "quality/rules.html",
            rules=[rule for rule in rules if query.wants(rule)],
            count=sum(rule.in_force for rule in rules),
            is_added=is_added,
            may_write=self.writes_rules,
            said=quality_words,
        )


class NewRuleHandler(_RulePage):
    """A rule of the city's own."""

    @requires(_WRITE)
    @page("Write a rule of the city's own")
    async def get(self, query: NewRuleQuery) -> None:
        """First about what and of which kind, then the boxes for it."""
        check_author(self.actor)
        if query.like:
            rule, _ = await self.services.quality.rule(query.like)
            await self._show(rule.type, rule.kind, values_of(rule, {}))
        else:
            await self._show(query.type, query.kind, {})

    async def show(self, **path: str) -> None:
        """The boxes as they were sent."""
        kind = self.typed.get("kind", "")
        await self._show(self.typed.get("type", ""), Kind(kind) if kind in set(Kind) else None, self.typed)

    async def _show(self, type: str, kind: Kind | None, values: dict[str, str], **tried: Any) -> None:
        if type not in quality_words.ALL_TYPES or kind is None:
            self.show_page("quality/new_rule_kind.html", said=quality_words)
            return
        key = values.get("key") or new_id()
        await self.show_rule("quality/new_rule.html", type, kind=kind, values=values, key=key, **tried)

    @requires(_WRITE)
    @page("Try or add a rule", errors=_REFUSED, again=True)
    async def post(self, body: NewRuleForm) -> None:
        """Show what it would say, or let it count from now on."""
        wanted = body.draft(body.type, body.kind)
        if body.step == "save":
            rule = await self.services.quality.add(self.actor, body.key, wanted, body.reason)
            self.go(f"{_RULES}/{rule.id}", "rule-added")
            return
        await self._show(body.type, body.kind, self.typed, **await self.tried(None, body, wanted))


class RuleHandler(_RulePage):
    """One rule, to be looked at, tried, changed and, if it is the city's own, taken back."""

    @requires(_READ)
    @page("A rule and its versions")
    async def get(self, rule_id: str) -> None:
        """What it says, and what was changed in it."""
        await self.show(rule_id=rule_id)

    async def show(self, **path: str) -> None:
        """Show the rule."""
        await self._show(path["rule_id"])

    async def _show(self, rule_id: str, **tried: Any) -> None:
        rule, changes = await self.services.quality.rule(rule_id)
        await self.show_rule(
            "quality/rule.html",
            rule.type,
            rule=rule,
            kind=rule.kind,
            added=is_added(rule.id),
            values=values_of(rule, self.typed),
            changes=changes,
            members=await self.services.staff.names({change.changed_by for change in changes}),
            **tried,
        )

    @requires(_WRITE)
    @page("Try, change or take back a rule", errors=_REFUSED, again=True)
    async def post(self, body: RuleForm, rule_id: str) -> None:
        """Show what it would say, or write its next version."""
        quality = self.services.quality
        if body.step == "retire":
            await quality.retire(self.actor, rule_id, body.reason, version=body.version)
            self.go(f"{_RULES}/{rule_id}", "rule-retired")
            return
        rule, _ = await quality.rule(rule_id)
        changes = body.changes(rule)
        if body.step == "save":
            await quality.change(self.actor, rule_id, changes, body.reason, version=body.version)
            self.go(f"{_RULES}/{rule_id}", "saved")
            return
        await self._show(rule_id, **await self.tried(rule_id, body, changes))


routes = [
    (_RULES, RulesHandler),
    (f"{_RULES}/new", NewRuleHandler),
    (rf"{_RULES}/(?P<rule_id>[\w-]+)", RuleHandler),
]
