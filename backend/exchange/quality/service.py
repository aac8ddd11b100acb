"""Quality as hospitals and staff see it: scores, what was not kept, and the rules themselves."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Any, Protocol

import orjson

from backend import clock
from backend.audit.service import AuditService
from backend.errors import AppError, ErrorCode, not_found
from backend.exchange.quality.counting import Counting, lookup_in
from backend.exchange.quality.engine import ready
from backend.exchange.quality.models import Count, Day, Rule, RuleChange
from backend.exchange.quality.paths import nothing, read_path
from backend.exchange.quality.reading import RuleError, added_id, changed, is_added, read_rule, row_of
from backend.exchange.quality.store import QualityStore
from backend.exchange.quality.wrongs import wrongs
from backend.permissions import Actor
from backend.records.models import Basis, Found, RecordQuery

MOST_PREVIEWED = 200
_LONGEST_REASON = 200
_MOST_SHOWN, _LONGEST_SHOWN = 5, 60


class Gate(Protocol):
    """Who may read what a hospital has sent, to see what a rule would say of it."""

    async def quality(self, actor: Actor, organization_id: str) -> Basis: ...


class Reader(Protocol):
    """Reads on a basis, each time with an entry in the audit log."""

    async def search(self, basis: Basis, query: RecordQuery) -> Found: ...


@dataclass(frozen=True, slots=True)
class Finding:
    """A rule and how it was kept on a day."""

    rule: Rule
    count: Count


@dataclass(frozen=True, slots=True)
class Preview:
    """What a rule would say of the last resources of its type; of a new one there is no `before`."""

    seen: int
    before: Count | None
    after: Count


@dataclass(frozen=True, slots=True)
class Sampled:
    """What a rule says of one resource, and the first values that it looks at there."""

    kept: bool | None
    values: tuple[str, ...]


class QualityService:
    """Reads within the actor's scope; changes of rules are versions, with a reason, on record."""

    def __init__(
        self, store: QualityStore, counting: Counting, gate: Gate, reader: Reader, audit: AuditService
    ) -> None:
        self.counting = counting
        self._store = store
        self._gate = gate
        self._reader = reader
        self._audit = audit

    # -- what was counted ------------------------------------------------------------------------------

    async def day(self, actor: Actor, organization_id: str, on: date) -> tuple[Day, list[Finding]]:
        """A hospital's day and every rule that applied, the most broken first. Raises NOT_FOUND."""
        if not actor.covers(organization_id):
            raise not_found(f"quality of {organization_id}")
        await self.counting.flush()
        known = (await self.counting.current_rules()).rules
        counts = await self._store.counts(organization_id, on)
        findings = [Finding(known[count.rule_id], count) for count in counts if count.rule_id in known]
        return await self._store.day(organization_id, on), findings

    async def days(self, actor: Actor, days: int) -> list[Day]:
        """The last days of the actor's hospitals, the newest first."""
        await self.counting.flush()
        today = clock.today()
        return await self._store.days(actor.organization_ids, today - timedelta(days=days - 1), today)

    # -- rules -----------------------------------------------------------------------------------------

    async def rules(self) -> Sequence[Rule]:
        """Every rule as it stands, in the table's order."""
        return list((await self.counting.current_rules()).rules.values())

    async def rule(self, rule_id: str) -> tuple[Rule, list[RuleChange]]:
        """A rule and what was changed in it, the newest first. Raises NOT_FOUND."""
        await self.counting.reload()
        rule = self.counting.rules.rules.get(rule_id)
        if rule is None:
            raise not_found(f"rule {rule_id}")
        return rule, await self._store.changes(rule_id)

    async def add(self, actor: Actor, key: str, fields: Mapping[str, Any], reason: str) -> Rule:
        """Write a rule of the city's own. The same form sent twice makes one, by its key.

        Raises REASON_REQUIRED, BAD_REQUEST with what is wrong, CONFLICT.
        """
        _check_writing(actor, reason)
        rule = _drafted(added_id(key), fields)
        if await self._write(actor, "quality.add_rule", rule, row_of(rule), reason):
            return rule
        there, changes = await self.rule(rule.id)
        if (changes[-1].changed_by, changes[-1].fields) != (actor.id, row_of(rule)):
            raise AppError(ErrorCode.CONFLICT, "another rule was written with this form")
        return there

    async def change(
        self, actor: Actor, rule_id: str, fields: Mapping[str, Any], reason: str, *, version: int
    ) -> Rule:
        """Write a new version of a rule. Raises REASON_REQUIRED, BAD_REQUEST with what is wrong, CONFLICT."""
        _check_writing(actor, reason)
        after = _changed(await self._standing(rule_id, version), fields)
        written = row_of(after) if is_added(rule_id) else fields
        if not await self._write(actor, "quality.change_rule", after, written, reason):
            raise AppError(ErrorCode.CONFLICT, "somebody has just changed the rule")
        return after

    async def retire(self, actor: Actor, rule_id: str, reason: str, *, version: int) -> Rule:
        """Take back a rule that the city has added. Raises REASON_REQUIRED, BAD_REQUEST, CONFLICT."""
        _check_writing(actor, reason)
        before = await self._standing(rule_id, version)
        if not is_added(rule_id):
            text = "随程序提供的规则不能撤销，可以改为“停用”。"
            raise AppError(ErrorCode.BAD_REQUEST, "not the city's own", text=text)
        after = replace(before, retired=True, version=version + 1)
        if not await self._write(actor, "quality.retire_rule", after, row_of(after), reason):
            raise AppError(ErrorCode.CONFLICT, "somebody has just changed the rule")
        return after

    async def _standing(self, rule_id: str, version: int) -> Rule:
        """A rule that may be written on, as whoever writes has seen it."""
        rule, _ = await self.rule(rule_id)
        if rule.version != version:
            raise AppError(ErrorCode.CONFLICT, "somebody has changed the rule")
        if rule.retired:
            raise AppError(ErrorCode.CONFLICT, "retired", text="这条规则已撤销，不能再修改。")
        return rule

    async def _write(
        self, actor: Actor, action: str, rule: Rule, fields: Mapping[str, Any], reason: str
    ) -> bool:
        """One version of a rule, on record; False when it has been written already."""
        why = reason.strip()[:_LONGEST_REASON]
        change = RuleChange(rule.id, rule.version, dict(fields), actor.id, clock.now(), why)
        if not await self._store.add_change(change):
            return False
        await self._audit.record(actor, action, f"rule/{rule.id}", why, None, {"version": rule.version})
        await self.counting.reload()
        return True

    # -- trials ----------------------------------------------------------------------------------------

    async def preview(
        self, actor: Actor, rule_id: str | None, fields: Mapping[str, Any], organization_id: str
    ) -> Preview:
        """Hold the last resources of a hospital against a rule as it is and as it would be, or a new one.

        Only numbers and ids come of it; the reading itself is on record.
        """
        check_author(actor)
        before, after = await self._as_wanted(rule_id, fields)
        basis = await self._gate.quality(actor, organization_id)
        query = RecordQuery(types=(after.type,), limit=MOST_PREVIEWED)
        bodies = {each.id: each.body for each in (await self._reader.search(basis, query)).items}
        return Preview(len(bodies), _held(before, bodies) if before else None, _held(after, bodies))

    async def sample(
        self, actor: Actor, rule_id: str | None, fields: Mapping[str, Any], text: str
    ) -> Sampled:
        """Hold a resource that somebody gives against a rule as it would be. Nothing of it is kept."""
        check_author(actor)
        _, rule = await self._as_wanted(rule_id, fields)
        body = _read_sample(rule, text)
        lookup = lookup_in(body, {})
        values = read_path(rule.path)(body, lookup) if rule.path else []
        shown = tuple(str(each)[:_LONGEST_SHOWN] for each in values[:_MOST_SHOWN])
        try:
            kept = ready(rule)(body, lookup)
        except Exception as error:  # a sample may be anything, other than what is taken from hospitals
            told = "样本的写法与 FHIR R4 不符，规则在它上面算不出来。"
            raise AppError(ErrorCode.BAD_REQUEST, type(error).__name__, text=told) from None
        return Sampled(kept, shown)

    async def _as_wanted(self, rule_id: str | None, fields: Mapping[str, Any]) -> tuple[Rule | None, Rule]:
        if rule_id is None:
            return None, _drafted(added_id(""), fields)
        before, _ = await self.rule(rule_id)
        return before, _changed(before, fields)


def _held(rule: Rule, bodies: Mapping[str, Mapping[str, Any]]) -> Count:
    check = ready(rule)
    said = {
        resource_id: check({**body, "resourceType": rule.type}, nothing)
        for resource_id, body in bodies.items()
    }
    broken = [resource_id for resource_id, kept in said.items() if kept is False]
    return Count(rule.id, sum(kept is not None for kept in said.values()), len(broken), tuple(broken[:10]))


def _read_sample(rule: Rule, text: str) -> Mapping[str, Any]:
    try:
        body = orjson.loads(text)
    except orjson.JSONDecodeError as error:
        told = f"样本不是有效的 JSON（第{error.lineno}行）。"
        raise AppError(ErrorCode.BAD_REQUEST, "sample", text=told) from None
    if not isinstance(body, dict) or body.get("resourceType", rule.type) != rule.type:
        told = f"样本须为一份 {rule.type} 资料，以 {{ 开头。"
        raise AppError(ErrorCode.BAD_REQUEST, "sample", text=told)
    return {**body, "resourceType": rule.type}


def _drafted(rule_id: str, fields: Mapping[str, Any]) -> Rule:
    """A new rule from what somebody has filled in."""
    return _usable(lambda: read_rule({**fields, "id": rule_id, "version": 1}), None)


def _changed(rule: Rule, fields: Mapping[str, Any]) -> Rule:
    return _usable(lambda: changed(rule, fields, rule.version + 1), rule)


def _usable(read: Callable[[], Rule], before: Rule | None) -> Rule:
    try:
        rule = read()
        found = wrongs(rule, before)
        if not found:
            ready(rule)
    except RuleError as error:
        raise AppError(
            ErrorCode.BAD_REQUEST, str(error), text="规则无法使用：请检查数值、路径和格式的写法。"
        ) from error
    if found:
        raise AppError(ErrorCode.BAD_REQUEST, "wrong rule", text=f"规则无法使用：{'；'.join(found)}。")
    return rule


def _check_writing(actor: Actor, reason: str) -> None:
    check_author(actor)
    if not reason.strip():
        raise AppError(ErrorCode.REASON_REQUIRED)


def check_author(actor: Actor) -> None:
    """One table for the whole city: nobody grades himself by rules of his own. Raises FORBIDDEN."""
    if actor.organization_ids is not None:
        raise AppError(ErrorCode.FORBIDDEN, "the rules are the city's")
