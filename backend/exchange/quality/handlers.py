"""Quality over HTTP: what a hospital is told of what it has sent."""

from __future__ import annotations

from backend import clock
from backend.directory.service import organization_of
from backend.exchange.quality.schemas import (
    QualityOut,
    QualityQuery,
    RuleInForce,
    quality_out,
    rule_in_force,
)
from backend.http.base import APIHandler
from backend.http.endpoint import operation, requires
from backend.http.schema import Items
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


class RulesInForceHandler(APIHandler):
    """What everything that is sent is held against."""

    @requires(Permission.HOSPITAL_QUALITY_READ)
    @operation("Read the rules of quality in force", tag="hospital")
    async def get(self) -> Items[RuleInForce]:
        """Those that come with the program and the city's own, without those that are switched off."""
        rules = await self.services.quality.rules()
        return Items(items=[rule_in_force(rule) for rule in rules if rule.in_force])


routes = [(r"/hospital/v1/quality", QualityHandler), (r"/hospital/v1/quality/rules", RulesInForceHandler)]
