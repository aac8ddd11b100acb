"""The discharge summary of a referral becomes a document of the record: once, in its author's own chart."""

from __future__ import annotations

import base64
from typing import Any, Protocol, cast

from backend.errors import AppError, ErrorCode
from backend.patient_index.models import OURS, Chart, ChartNumber, Demographics, Sex
from backend.records.ids import resource_id
from backend.records.models import Body, Incoming, Source
from backend.referrals.machine import ReferralEvent
from backend.referrals.models import Referral
from backend.referrals.ports import ChartBook, Identities
from backend.referrals.store import ReferralStore
from backend.worker.events import Event

LOINC, DISCHARGE_SUMMARY = "http://loinc.org", "18842-5"
ACTIVITY_SYSTEM = "urn:healthycity:record-activity"
ORGANIZATIONS = "urn:healthycity:organizations"
REFERRALS = "urn:healthycity:referrals"
TITLE = "出院小结"
# From when on there is a summary, and somebody whose it is.
_TELLS = frozenset({ReferralEvent.SEND, ReferralEvent.IDENTIFY})
# As long a chain of redirections, and as many turns at once, as nobody makes.
_CHAIN = 500
_TRIES = 8


class Records(Protocol):
    """What documents are written through."""

    async def write(self, organization_id: str, batch: list[Incoming], source: Source) -> object: ...


class Summaries:
    """Writes a DocumentReference, and the Provenance that says of which referral it is."""

    def __init__(
        self, store: ReferralStore, charts: ChartBook, identities: Identities, records: Records
    ) -> None:
        self._store = store
        self._charts = charts
        self._identities = identities
        self._records = records

    async def on_changed(self, event: Event) -> None:
        """REFERRAL_CHANGED: may come twice, and late; of all redirections of one journey one is written.

        What has been withdrawn meanwhile is written all the same: it is what a doctor wrote of a stay.
        """
        if event.data["event"] not in _TELLS:
            return
        referral = await self._store.find(event.data["referral_id"])
        if referral is None or not referral.person_id or not referral.clinical.discharge_summary:
            return
        first = await self._first(referral)
        chart_id = await self._chart(first, referral.person_id)
        if chart_id is None:
            return
        key, by = f"referral:{first.id}", first.from_organization_id
        # What its hospital has changed or taken back since stays so.
        batch = [
            Incoming(body["resourceType"], chart_id, body, key=key, only_new=True)
            for body in _bodies(first, referral.clinical.discharge_summary, chart_id, key)
        ]
        await self._records.write(by, batch, Source("own", key, by, first.created_at))

    async def _first(self, referral: Referral) -> Referral:
        """Where the summary was stated. Whoever goes on keeps his sender; who goes home has another."""
        at = referral
        for _ in range(_CHAIN):
            before = await self._store.find(at.follows) if at.follows else None
            if before is None or before.from_organization_id != at.from_organization_id:
                break
            at = before
        return at

    async def _chart(self, first: Referral, person_id: str) -> str | None:
        """In which chart it lies: chosen once, for charts are made, merged and linked meanwhile."""
        for _ in range(_TRIES):
            if known := await self._store.summary_chart(first.id):
                return known
            chart = await self._chosen(first, person_id)
            if chart is None:
                return None
            if await self._store.keep_summary_chart(first, chart.id):
                return chart.id
            found = await self._store.find(first.id)
            if found is None or not (found.person_id or found.is_unidentified):
                return None
            first = found
        raise AppError(ErrorCode.CONFLICT, "others were faster every time")

    async def _chosen(self, first: Referral, person_id: str) -> Chart | None:
        """The sender's chart of the person; one of ours in its place where it has sent none."""
        by = first.from_organization_id
        own = [chart for chart in await self._charts.charts_of(person_id) if chart.organization_id == by]
        if own:
            return min(own, key=lambda chart: (chart.state != "active", chart.id))
        who = (await self._identities.identities([person_id])).get(person_id)
        if who is None:
            return None
        said = Demographics(who.name, cast(Sex, str(who.sex)), who.birth_on, who.id_number)
        source = Source("own", f"referral:{first.id}", by, first.created_at)
        return await self._charts.chart_for(by, ChartNumber(OURS, person_id), said, source)


def _bodies(first: Referral, words: str, chart_id: str, key: str) -> list[Body]:
    at = first.created_at.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    author = _named(ORGANIZATIONS, first.from_organization_id)
    attachment = {
        "contentType": "text/plain; charset=utf-8",
        "language": "zh-CN",
        "data": base64.b64encode(words.encode()).decode(),
        "title": TITLE,
        "creation": at,
    }
    coding = {"system": LOINC, "code": DISCHARGE_SUMMARY, "display": "Discharge summary"}
    document: Body = {
        "resourceType": "DocumentReference",
        "masterIdentifier": {"system": REFERRALS, "value": first.id},
        "status": "current",
        "docStatus": "final",
        "type": {"coding": [coding], "text": TITLE},
        "subject": {"reference": f"Patient/{chart_id}"},
        "date": at,
        "author": [author],
        "content": [{"attachment": attachment}],
    }
    target = f"DocumentReference/{resource_id(chart_id, 'DocumentReference', key)}"
    provenance: Body = {
        "resourceType": "Provenance",
        "target": [{"reference": target}],
        "occurredDateTime": at,
        "recorded": at,
        "activity": {
            "coding": [{"system": ACTIVITY_SYSTEM, "code": "referred", "display": "转诊"}],
            "text": f"随转诊发出的出院小结，转诊编号{first.id}",
        },
        "agent": [{"who": author}],
        "entity": [{"role": "source", "what": _named(REFERRALS, first.id)}],
    }
    return [document, provenance]


def _named(system: str, value: str) -> dict[str, Any]:
    return {"identifier": {"system": system, "value": value}}
