"""Statutory duties by which a record may be read without consent: a table, for public health alone."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import timedelta
from functools import cache
from pathlib import Path

from backend.directory.codes import OrganizationKind
from backend.records.models import Purpose

_FILE = Path(__file__).with_name("data") / "laws.json"


@dataclass(frozen=True, slots=True)
class Rule:
    """One duty: which law, for which institutions, which kinds of data, how far back."""

    code: str
    title: str
    law: str
    organization_kinds: frozenset[OrganizationKind]
    kinds: frozenset[str]
    reaches: timedelta


@cache
def rules() -> dict[str, Rule]:
    """Every duty by its code."""
    rows = json.loads(_FILE.read_text(encoding="utf-8"))["rules"]
    return {
        row["code"]: Rule(
            row["code"],
            row["title"],
            row["law"],
            frozenset(OrganizationKind(kind) for kind in row["organization_kinds"]),
            frozenset(row["kinds"]),
            timedelta(days=row["days"]),
        )
        for row in rows
    }


def applying(purpose: Purpose, named: str, organization_kind: OrganizationKind) -> Rule | None:
    """The duty that somebody names, if it is one of this institution. For treatment there is none."""
    if purpose is not Purpose.PUBLIC_HEALTH:
        return None
    rule = rules().get(named.strip())
    return rule if rule is not None and organization_kind in rule.organization_kinds else None
