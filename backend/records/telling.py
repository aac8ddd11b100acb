"""What others are told when a resource is written: ids only, once for each resource. Pure."""

from __future__ import annotations

from typing import Protocol

from backend.records.documents import Draft
from backend.records.ids import owner_of
from backend.worker.events import Event, EventKind

_ISSUED = frozenset({"final", "amended", "corrected", "appended"})


class Told(Protocol):
    """What stands of a resource: whether it has been told of."""

    @property
    def announced(self) -> bool: ...


def events_of(draft: Draft, before: Told | None) -> list[Event]:
    """The events that come with a new version."""
    if draft.written is None or (before is not None and before.announced):
        return []
    about = {
        "chart_id": owner_of(draft.id),
        "resource_id": draft.id,
        "organization_id": draft.organization_id,
    }
    if draft.type == "DiagnosticReport" and draft.derived.status in _ISSUED:
        return [Event(EventKind.REPORT_ISSUED, about)]
    if draft.type == "Encounter" and draft.derived.status == "finished":
        return [Event(EventKind.ENCOUNTER_FINISHED, about | {"class": draft.visit_class})]
    return []
