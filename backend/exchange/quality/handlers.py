"""Quality over HTTP: what a hospital is told of what it has sent."""

from __future__ import annotations

from backend import clock
from backend.directory.service import organization_of
from backend.exchange.quality.schemas import QualityOut, QualityQuery, quality_out
from backend.http.base import APIHandler
from backend.http.endpoint import operation, requires
from backend.permissions import Permission


class QualityHandler(APIHandler):
    """The hospital's own day."""

    @requires(Permission.HOSPITAL_QUALITY_READ)
    @operation("Read how good what was sent is", tag="hospital")
    async def get(self, query: QualityQuery) -> QualityOut:
        """The score of a day and every rule that applied. What was sent a second ago may not be in it yet."""
        hospital = organization_of(self.actor)
        day, findings = await self.services.quality.day(self.actor, hospital, query.on or clock.today())
        return quality_out(day, findings)


routes = [(r"/hospital/v1/quality", QualityHandler)]
