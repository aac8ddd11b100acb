"""What a mapping works with: the chart, the tables, the drafts made so far, and what was not understood."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import Any

from backend.exchange.v2.mapping.codes import Codes, city_tables
from backend.exchange.v2.mapping.known import Known
from backend.exchange.v2.mapping.times import fhir_time, zone_of
from backend.exchange.v2.parsing import Header
from backend.exchange.v2.rules import Location
from backend.exchange.v2.segments import Content, Segment
from backend.records.ids import resource_id

Json = dict[str, Any]


@dataclass(frozen=True)
class Finding:
    """Something of a message that did not become part of a resource."""

    # segment, field, value; of a code that no row knows, code:<table>
    kind: str
    where: str
    # What stood there, where it is short enough to be shown; sealed at rest, masked on screens.
    said: str = ""


@dataclass
class Draft:
    """A resource as it will be written. `key` is its business key: the same thing is the same resource."""

    type: str
    key: str
    body: Json
    # Leave what is there alone: a result's PID knows less of a person than the registration did.
    only_new: bool = False
    # What stays of the one that stands: where the message does not say it, and in any case.
    fills: tuple[str, ...] = ()
    keeps: tuple[str, ...] = ()
    # Lists to which what stands belongs as well.
    joins: tuple[str, ...] = ()
    # It stands already, under another key.
    id: str = ""


@dataclass
class Building:
    """The state of mapping one message about one chart."""

    header: Header
    content: Content
    chart_id: str
    organization_id: str
    codes: Codes
    received_at: datetime
    # What stands of the chart under the message's numbers.
    known: tuple[Known, ...] = ()
    drafts: dict[tuple[str, str], Draft] = field(default_factory=dict)
    findings: list[Finding] = field(default_factory=list)
    encounter: Json | None = None
    _ids: dict[tuple[str, str], str] = field(default_factory=dict)

    @property
    def subject(self) -> Json:
        """The reference to the patient."""
        return {"reference": f"Patient/{self.chart_id}"}

    @cached_property
    def zone(self) -> str:
        """The zone of the message's times that name none: MSH-7's."""
        return zone_of(self.header.at)

    def time(self, text: str) -> str | None:
        """A point in time; None where there is none."""
        return fhir_time(text, self.zone)

    def add(
        self,
        type: str,
        key: str,
        body: Json,
        *,
        only_new: bool = False,
        fills: tuple[str, ...] = (),
        keeps: tuple[str, ...] = (),
        joins: tuple[str, ...] = (),
    ) -> Json:
        """Put a resource into the batch; returns the reference to it. The same key again is filled up."""
        draft = self.drafts.get((type, key))
        clean = tidy({"resourceType": type, **body})
        if draft is None:
            id = self._ids.get((type, key), "")
            self.drafts[type, key] = Draft(type, key, clean, only_new, fills, keeps, joins, id)
        else:
            draft.body = {**draft.body, **clean}
        return self.ref(type, key)

    def ref(self, type: str, key: str) -> Json:
        """The reference to a resource of this chart by its business key."""
        id = self._ids.get((type, key)) or resource_id(self.chart_id, type, key)
        return {"reference": f"{type}/{id}"}

    def call(self, type: str, key: str, id: str) -> None:
        """What this message calls so stands already, under this id."""
        self._ids[type, key] = id

    def code(self, table: str, code: str, segment: Segment, number: int) -> str | None:
        """A code by its table; one that no row knows is noted, and becomes the table's fallback."""
        if not code:
            return None
        found = self.codes.look_up(table, code)
        if found is None:
            self.not_understood(f"code:{table}", segment, number, code)
            return city_tables()[table].fallback or None
        return found

    def not_understood(self, kind: str, segment: Segment, number: int | None = None, said: str = "") -> None:
        """Note what could not be taken over."""
        where = str(Location(segment.name, segment.at, number))
        if len(self.findings) < 500:
            self.findings.append(Finding(kind, where, said[:80]))


def tidy(said: Json) -> Json:
    """Without what says nothing: None, empty texts, lists and objects."""
    clean: Json = _tidy(said) or {}
    return clean


def _tidy(value: Any) -> Any:
    """None for what says nothing."""
    if isinstance(value, str):
        return value or None
    if isinstance(value, dict):
        return {key: clean for key, one in value.items() if (clean := _tidy(one)) is not None} or None
    if isinstance(value, list | tuple):
        return [clean for one in value if (clean := _tidy(one)) is not None] or None
    return value


def unique(items: Iterable[Json]) -> list[Json]:
    """Each once, in their order."""
    found: list[Json] = []
    for item in items:
        if item and item not in found:
            found.append(item)
    return found
