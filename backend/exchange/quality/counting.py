"""What comes in, held against the rules and counted: gathered in this process, written a moment later."""

from __future__ import annotations

import asyncio
import logging
import time
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date

from backend import clock
from backend.db.failures import DatabaseError
from backend.exchange.quality.engine import RuleSet, ready
from backend.exchange.quality.models import WEIGHTS, Count, Day, Rule, RuleChange, Verdict
from backend.exchange.quality.paths import Body, Lookup
from backend.exchange.quality.reading import RuleError, changed, given_rules, is_added, read_rule
from backend.exchange.quality.store import MOST_SAMPLES, QualityStore
from backend.records.models import Incoming, Outcome, Source, Written

log = logging.getLogger(__name__)

_FLUSH_S = 1.0
# Other processes notice a changed rule after this long.
_RULES_FOR_S = 30.0
_NEW = (Outcome.CREATED, Outcome.UPDATED)


@dataclass(slots=True)
class _Tally:
    """One hospital's day so far, not yet written."""

    resources: int = 0
    checked: float = 0.0
    failed: float = 0.0
    rules: dict[str, list[int]] = field(default_factory=lambda: defaultdict(lambda: [0, 0]))
    samples: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))


class Counting:
    """Told of everything that is written. Counts that a dying process had not written are lost."""

    def __init__(self, store: QualityStore) -> None:
        self._store = store
        self.rules = RuleSet(given_rules().values())
        self._rules_until = 0.0
        self._waiting: dict[tuple[str, date], _Tally] = {}
        self._flusher: asyncio.Task[None] | None = None

    def on_written(
        self, organization_id: str, batch: Sequence[Incoming], written: Sequence[Written], source: Source
    ) -> None:
        """Hold new resources of a hospital against the rules. Never fails, never waits."""
        if source.kind == "own":
            return
        try:
            self._note(organization_id, batch, written)
        except Exception as error:
            # A rule that stumbles over what somebody sent must not keep it from being taken.
            log.exception("quality_rule_crashed", extra={"error": type(error).__name__})
        if self._flusher is None or self._flusher.done():
            self._flusher = asyncio.create_task(self._flush_soon())

    async def current_rules(self) -> RuleSet:
        """The rules in force, as last changed by anybody."""
        if time.monotonic() > self._rules_until:
            await self.reload()
        return self.rules

    async def reload(self) -> None:
        """Take over what people have changed."""
        rules = dict(given_rules())
        for change in await self._store.newest():
            rule = _as_changed(rules.get(change.rule_id), change)
            if rule is not None:
                rules[rule.id] = rule
        self.rules = RuleSet(rules.values())
        self._rules_until = time.monotonic() + _RULES_FOR_S

    async def flush(self) -> None:
        """Write what has been counted."""
        waiting, self._waiting = self._waiting, {}
        days = [
            Day(place, on, tally.resources, tally.checked, tally.failed)
            for (place, on), tally in waiting.items()
        ]
        counts = {
            key: [
                Count(rule_id, checked, failed, tuple(tally.samples[rule_id]))
                for rule_id, (checked, failed) in tally.rules.items()
            ]
            for key, tally in waiting.items()
        }
        try:
            await self._store.add(days, counts)
        except DatabaseError as error:
            log.warning("quality_counts_lost", extra={"error": type(error).__name__})

    async def close(self) -> None:
        """Write the rest."""
        if self._flusher is not None:
            self._flusher.cancel()
        await self.flush()

    def _note(self, organization_id: str, batch: Sequence[Incoming], written: Sequence[Written]) -> None:
        pairs = zip(batch, written, strict=True)
        bodies = {each.id: {**one.body, "resourceType": one.type} for one, each in pairs}
        tally = self._waiting.setdefault((organization_id, clock.today()), _Tally())
        for each in written:
            body = bodies[each.id]
            if each.outcome in _NEW and body["resourceType"] in self.rules.types:
                verdicts = self.rules.check(body, lookup_in(body, bodies))
                self._count(tally, each.id, verdicts)

    def _count(self, tally: _Tally, resource_id: str, verdicts: Sequence[Verdict]) -> None:
        tally.resources += 1
        for verdict in verdicts:
            weight = WEIGHTS[self.rules.rules[verdict.rule_id].severity]
            tally.checked += weight
            counts = tally.rules[verdict.rule_id]
            counts[0] += 1
            if not verdict.kept:
                tally.failed += weight
                counts[1] += 1
                if len(tally.samples[verdict.rule_id]) < MOST_SAMPLES:
                    tally.samples[verdict.rule_id].append(resource_id)

    async def _flush_soon(self) -> None:
        await asyncio.sleep(_FLUSH_S)
        await self.flush()
        try:
            await self.current_rules()
        except DatabaseError as error:
            log.warning("quality_rules_unread", extra={"error": type(error).__name__})


def lookup_in(body: Body, bodies: Mapping[str, Body]) -> Lookup:
    """References lead to what came along: inside the resource, or in the same batch."""
    inside = {f"#{each.get('id')}": each for each in body.get("contained") or () if isinstance(each, dict)}

    def lookup(reference: str) -> Body | None:
        return inside.get(reference) or bodies.get(reference.rpartition("/")[2])

    return lookup


def _as_changed(rule: Rule | None, change: RuleChange) -> Rule | None:
    """A rule as somebody has changed it, or as the city has added it; None of what is no rule here."""
    try:
        if is_added(change.rule_id):
            after = read_rule({**change.fields, "id": change.rule_id, "version": change.version})
            ready(after)
            return after
        return changed(rule, change.fields, change.version) if rule is not None else None
    except RuleError as error:
        # Written by a program of another version: the rule that comes with this one counts.
        log.error("quality_rule_unreadable", extra={"rule": change.rule_id, "detail": str(error)})
        return rule
