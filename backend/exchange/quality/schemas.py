"""What the quality endpoint answers."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from pydantic import Field

from backend.exchange.quality.models import Day, Kind, Rule, Severity
from backend.exchange.quality.reading import is_added
from backend.exchange.quality.service import Finding
from backend.http.schema import Answer, Query, WrittenDay


class QualityQuery(Query):
    """Which day."""

    on: WrittenDay | None = Field(None, description="Today when left out.")


class RuleOut(Answer):
    """A rule that applied, and how it was kept."""

    rule_id: str
    type: str
    title: str
    severity: Severity
    source: str
    checked: int
    failed: int
    samples: list[str] = Field(description="Ids of some resources that broke it; read them by FHIR.")


class RuleInForce(Answer):
    """A rule that resources are held against."""

    rule_id: str
    version: int
    type: str
    kind: Kind
    title: str
    severity: Severity
    source: str
    added: bool = Field(description="The city's own; the others come with the program.")


class QualityOut(Answer):
    """A day of the hospital that asks."""

    on: date
    score: float | None = Field(description="0 to 100: how much of what the rules asked was kept, weighted.")
    resources: int
    rules: list[RuleOut] = Field(description="The most broken first; those that were kept come last.")


def quality_out(day: Day, findings: Sequence[Finding]) -> QualityOut:
    """A day as it is answered."""
    rules = [
        RuleOut(
            rule_id=each.rule.id,
            type=each.rule.type,
            title=each.rule.title,
            severity=each.rule.severity,
            source=each.rule.source,
            checked=each.count.checked,
            failed=each.count.failed,
            samples=list(each.count.samples),
        )
        for each in findings
    ]
    return QualityOut(on=day.on, score=day.score, resources=day.resources, rules=rules)


def rule_in_force(rule: Rule) -> RuleInForce:
    """A rule as it is answered."""
    return RuleInForce(
        rule_id=rule.id,
        version=rule.version,
        type=rule.type,
        kind=rule.kind,
        title=rule.title,
        severity=rule.severity,
        source=rule.source,
        added=is_added(rule.id),
    )
