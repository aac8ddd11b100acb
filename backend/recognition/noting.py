"""A recognised result is noted in the record of the hospital that recognised it: what, when, by whom."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

from backend.errors import AppError, ErrorCode
from backend.recognition.models import Check, Decision, Offer
from backend.recognition.ports import Index
from backend.recognition.store import RecognitionStore
from backend.records.ids import resource_id
from backend.records.models import Incoming, Source, Written
from backend.worker.events import Event

ACTIVITY_SYSTEM = "urn:healthycity:record-activity"
ORGANIZATIONS = "urn:healthycity:organizations"


class Records(Protocol):
    """What notes are written through."""

    async def write(
        self, organization_id: str, batch: Sequence[Incoming], source: Source
    ) -> list[Written]: ...
    async def delete(self, organization_id: str, id: str, source: Source) -> Written: ...


class Noting:
    """Writes one FHIR Provenance for each recognised result, and takes it back with the decision."""

    def __init__(self, store: RecognitionStore, index: Index, records: Records) -> None:
        self._store = store
        self._index = index
        self._records = records

    async def on_decided(self, event: Event) -> None:
        """RECOGNITION_DECIDED: may come twice, and late; the decisions as they stand are what is noted."""
        check = await self._store.find(event.data["check_id"])
        if check is None:
            return
        chart_id = await self._chart(check)
        if chart_id is None:
            return
        source = Source("own", f"recognition:{check.id}:{event.id}", check.organization_id, event.at)
        for decision in check.decisions.values():
            asked = check.item(decision.item)
            offer = asked.offer(decision.resource_id) if asked and decision.accepted else None
            if offer is not None:
                body, key = _note(check, decision, offer), _key(check, decision)
                note = Incoming("Provenance", chart_id, body, key=key)
                await self._records.write(check.organization_id, [note], source)
            elif any(old.item == decision.item and old.accepted for old in check.history):
                await self._take_back(check, chart_id, decision, source)

    async def _take_back(self, check: Check, chart_id: str, decision: Decision, source: Source) -> None:
        id = resource_id(chart_id, "Provenance", _key(check, decision))
        try:
            await self._records.delete(check.organization_id, id, source)
        except AppError as error:
            # It was taken back before it had been noted.
            if error.code is not ErrorCode.NOT_FOUND:
                raise

    async def _chart(self, check: Check) -> str | None:
        """The person's chart at the hospital that decided; a stranger with an ID card has none there yet."""
        charts = await self._index.charts_of(check.person_id)
        own = [chart for chart in charts if chart.organization_id == check.organization_id]
        own.sort(key=lambda chart: (chart.state != "active", chart.id))
        return own[0].id if own else None


def _key(check: Check, decision: Decision) -> str:
    return f"recognition:{check.id}:{decision.item}"


def _note(check: Check, decision: Decision, offer: Offer) -> dict[str, Any]:
    targets = [f"{offer.resource_type}/{offer.resource_id}"]
    if offer.report_id and offer.report_id != offer.resource_id:
        targets.append(f"DiagnosticReport/{offer.report_id}")
    at = decision.at.isoformat().replace("+00:00", "Z")
    place = {"identifier": {"system": ORGANIZATIONS, "value": check.organization_id}}
    who = {"identifier": {"system": f"urn:healthycity:practitioners:{check.organization_id}"}}
    who["identifier"]["value"] = decision.practitioner
    return {
        "resourceType": "Provenance",
        "target": [{"reference": target} for target in targets],
        "occurredDateTime": at,
        "recorded": at,
        "activity": {
            "coding": [{"system": ACTIVITY_SYSTEM, "code": "recognised", "display": "检查检验结果互认"}],
            "text": f"检查检验结果互认，调阅流水号{check.id}",
        },
        "agent": [{"who": who, "onBehalfOf": place}],
    }
