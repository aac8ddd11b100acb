"""Charts of the patient index, and what staff have said of them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from backend.bootstrap import Services
from backend.patient_index.models import Chart, ChartNumber, Demographics
from backend.permissions import SYSTEM


@dataclass(frozen=True)
class FromMessage:
    """Where a chart came from."""

    kind: str = "v2"
    id: str = "message-1"
    received_at: datetime = datetime(2026, 3, 1, tzinfo=UTC)


async def make_chart(
    services: Services, organization_id: str, value: str, who: Demographics | None = None
) -> Chart:
    """What a hospital knows under a number."""
    return await services.patient_index.chart_for(
        organization_id, ChartNumber("HIS", value), who, FromMessage()
    )


async def make_parted_charts(services: Services, organization_id: str, who: Demographics) -> list[Chart]:
    """Two charts of one ID number, of which staff have said that one is somebody else's."""
    charts = [await make_chart(services, organization_id, value, who) for value in ("1", "2")]
    await services.patient_index.desk.unlink(SYSTEM, charts[1].id, "不是本人")
    return charts
