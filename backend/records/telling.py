"""What others are told when a resource is written: ids only, most kinds once for each resource. Pure."""

from __future__ import annotations

from typing import Protocol

from backend.records.documents import Draft
from backend.records.ids import owner_of
from backend.worker.events import NORMAL, Event, EventKind

_ISSUED = frozenset({"final", "amended", "corrected", "appended"})
_BEGUN = frozenset({"arrived", "triaged", "in-progress", "onleave"})


class Told(Protocol):
    """What stands of a resource: the kinds of events it has been told by."""

    @property
    def told(self) -> frozenset[str]: ...


def events_of(draft: Draft, before: Told | None) -> list[Event]:
    """The events that come with a new version."""
    told = before.told if before is not None else frozenset()
    kind = _kind(draft) if draft.written is not None else None
    kinds = [kind] if kind is not None and str(kind) not in told else []
    if draft.type == "ServiceRequest" and (draft.addressed or str(EventKind.ORDER_CHANGED) in told):
        # Whoever was asked to carry it out hears of every version, also of one that names him no more.
        kinds.append(EventKind.ORDER_CHANGED)
    about = _about(draft.id, draft.organization_id)
    more = {"class": draft.visit_class} if draft.type == "Encounter" else {}
    events = [Event(kind, about | more) for kind in kinds]
    return [*events, papers_came(draft.id, draft.organization_id)] if draft.unread else events


def papers_came(resource_id: str, organization_id: str, priority: int = NORMAL) -> Event:
    """That the PDFs of a resource are to be read."""
    return Event(EventKind.RECORD_PAPERS_CAME, _about(resource_id, organization_id), priority=priority)


def _about(resource_id: str, organization_id: str) -> dict[str, str]:
    return {
        "chart_id": owner_of(resource_id),
        "resource_id": resource_id,
        "organization_id": organization_id,
    }


def _kind(draft: Draft) -> EventKind | None:
    status = draft.derived.status
    if draft.type == "DiagnosticReport":
        return EventKind.REPORT_ISSUED if status in _ISSUED else None
    if draft.type == "ServiceRequest":
        return EventKind.ORDER_PLACED if status == "active" else None
    if draft.type != "Encounter":
        return None
    if status == "finished":
        return EventKind.ENCOUNTER_FINISHED
    return EventKind.ENCOUNTER_STARTED if status in _BEGUN else None
