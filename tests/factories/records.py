"""Charts and resources as hospitals send them, written through the services."""

from __future__ import annotations

from typing import Any

from backend import clock
from backend.bootstrap import Services
from backend.ids import new_id
from backend.patient_index.models import Chart, ChartNumber, Demographics
from backend.records.models import Body, Incoming, Source, Written

_LABORATORY: Body = {"category": [{"coding": [{"code": "laboratory"}]}]}


def a_source(organization_id: str, kind: Any = "fhir") -> Source:
    """A message of its own."""
    return Source(kind, new_id(), organization_id, clock.now())


async def make_chart(services: Services, organization_id: str, **who: Any) -> Chart:
    """A chart; with name and ID number of somebody it is that resident's."""
    number = who.pop("number", None) or ChartNumber("hospital", new_id())
    return await services.patient_index.chart_for(
        organization_id, number, Demographics(**who), a_source(organization_id)
    )


async def make_resources(
    services: Services, chart: Chart, *bodies: Body, kind: Any = "fhir"
) -> list[Written]:
    """Resources of a chart, in one message; `_key` of a body is its business key."""
    batch = [
        Incoming(
            body["resourceType"],
            chart.id,
            {name: value for name, value in body.items() if name != "_key"},
            key=body.get("_key"),
        )
        for body in bodies
    ]
    source = a_source(chart.organization_id, kind)
    return await services.records.write(chart.organization_id, batch, source)


async def make_report(
    services: Services, chart: Chart, results: list[Body], *, title: str = "生化检验", **more: Any
) -> str:
    """A report with its results, as one message; returns the report's id. `key` names it for good."""
    key = more.pop("key", new_id())
    written = await make_resources(
        services, chart, *(_LABORATORY | result | {"_key": f"{key}.{n}"} for n, result in enumerate(results))
    )
    body: Body = {
        "resourceType": "DiagnosticReport",
        "status": "final",
        "category": [{"coding": [{"code": "LAB"}]}],
        "code": {"text": title},
        "subject": {"reference": f"Patient/{chart.id}"},
        "effectiveDateTime": "2026-09-14T09:30:00+08:00",
        "issued": "2026-09-14T11:00:00+08:00",
        "result": [{"reference": f"Observation/{one.id}"} for one in written],
    }
    (report,) = await make_resources(services, chart, {**body, **more, "_key": key})
    return report.id
