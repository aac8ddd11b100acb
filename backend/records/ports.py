"""What the record needs of the patient index."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol


class Chart(Protocol):
    """What one hospital knows a person by."""

    @property
    def id(self) -> str: ...
    @property
    def organization_id(self) -> str: ...
    @property
    def person_id(self) -> str: ...


class Charts(Protocol):
    """Which charts there are, and whose."""

    async def chart(self, chart_id: str) -> Chart | None:
        """One chart; None when there is none."""

    async def charts_of(self, person_id: str) -> Sequence[Chart]:
        """Every chart that is linked to a person."""

    async def person_of(self, chart_id: str) -> str:
        """Whom a chart is linked to."""
