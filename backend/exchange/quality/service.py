"""Quality as hospitals and staff see it: scores, what was not kept, and the rules themselves."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, Protocol

from backend import clock
from backend.audit.service import AuditService
from backend.errors import AppError, ErrorCode, not_found
from backend.exchange.quality.counting import Counting
from backend.exchange.quality.engine import ready
from backend.exchange.quality.models import Count, Day, Rule, RuleChange
from backend.exchange.quality.paths import nothing
from backend.exchange.quality.reading import RuleError, changed
from backend.exchange.quality.store import QualityStore
from backend.permissions import Actor
from backend.records.models import Basis, Found, RecordQuery

MOST_PREVIEWED = 200
_LONGEST_REASON = 200


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
    """What a changed rule would say of the last resources of its type."""

    seen: int
    before: Count
    after: Count


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

    async def change(
        self, actor: Actor, rule_id: str, fields: Mapping[str, Any], reason: str, *, version: int
    ) -> Rule:
        """Write a new version of a rule. Raises REASON_REQUIRED, BAD_REQUEST with what is wrong, CONFLICT."""
        _check_city(actor)
        if not reason.strip():
            raise AppError(ErrorCode.REASON_REQUIRED)
        before, _ = await self.rule(rule_id)
        if before.version != version:
            raise AppError(ErrorCode.CONFLICT, "somebody has changed the rule")
        after = _changed(before, fields, version + 1)
        change = RuleChange(
            rule_id, after.version, dict(fields), actor.id, clock.now(), reason.strip()[:_LONGEST_REASON]
        )
        if not await self._store.add_change(change):
            raise AppError(ErrorCode.CONFLICT, "somebody has just changed the rule")
        await self._audit.record(
            actor, "quality.change_rule", f"rule/{rule_id}", change.reason, None, {"version": after.version}
        )
        await self.counting.reload()
        return after

    async def preview(
        self, actor: Actor, rule_id: str, fields: Mapping[str, Any], organization_id: str
    ) -> Preview:
        """Hold the last resources of a hospital against a rule as it is and as it would be.

        Only numbers and ids come of it; the reading itself is on record.
        """
        _check_city(actor)
        before, _ = await self.rule(rule_id)
        after = _changed(before, fields, before.version + 1)
        basis = await self._gate.quality(actor, organization_id)
        query = RecordQuery(types=(before.type,), limit=MOST_PREVIEWED)
        bodies = {each.id: each.body for each in (await self._reader.search(basis, query)).items}
        return Preview(len(bodies), _held(before, bodies), _held(after, bodies))


def _held(rule: Rule, bodies: Mapping[str, Mapping[str, Any]]) -> Count:
    check = ready(rule)
    said = {
        resource_id: check({**body, "resourceType": rule.type}, nothing)
        for resource_id, body in bodies.items()
    }
    broken = [resource_id for resource_id, kept in said.items() if kept is False]
    return Count(rule.id, sum(kept is not None for kept in said.values()), len(broken), tuple(broken[:10]))


def _changed(rule: Rule, fields: Mapping[str, Any], version: int) -> Rule:
    try:
        after = changed(rule, fields, version)
        ready(after)
    except RuleError as error:
        raise AppError(
            ErrorCode.BAD_REQUEST, str(error), text="这样改之后规则无法使用，请检查数值和格式。"
        ) from error
    return after


def _check_city(actor: Actor) -> None:
    """One table for the whole city: nobody grades himself by rules of his own."""
    if actor.organization_ids is not None:
        raise AppError(ErrorCode.FORBIDDEN, "the rules are the city's")
