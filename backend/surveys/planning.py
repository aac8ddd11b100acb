"""Planning: from what happened to runs, by every running campaign that asks about it."""

from __future__ import annotations

import time
from collections.abc import Iterable
from datetime import timedelta

from backend import clock
from backend.ids import derived_id
from backend.surveys.campaign_store import CampaignStore
from backend.surveys.models import Campaign, Happened, Run, RunState, Trigger
from backend.surveys.run_store import RunStore

_REMEMBERED_S = 2.0
BATCH = 1000


class Planning:
    """Plans runs. The same event plans the same run, however often it is told."""

    def __init__(self, campaigns: CampaignStore, runs: RunStore) -> None:
        self._campaigns = campaigns
        self._runs = runs
        # Every booking asks which campaigns run: what was read a moment ago will do.
        self._known: dict[Trigger, tuple[float, list[Campaign]]] = {}

    async def trigger(self, happened: Happened) -> int:
        """Plan what follows from an event; returns how many runs are new."""
        campaigns = await self._running(happened.trigger)
        wanted = [each for each in campaigns if each.covers(happened.organization_id, happened.department_id)]
        runs = [planned(campaign, happened) for campaign in wanted]
        return await self._runs.plan([run for run in runs if run.closes_at > clock.now()])

    async def withdraw(self, happened: Happened) -> int:
        """What was to happen does not: whoever was not asked yet will not be."""
        campaigns = await self._running(happened.trigger)
        return await self._runs.withdraw({run_id(campaign, happened) for campaign in campaigns})

    async def invite(self, campaign: Campaign, people: Iterable[Happened]) -> int:
        """Plan a staff campaign's runs; returns how many are new."""
        batch: list[Run] = []
        new = 0
        for happened in people:
            batch.append(planned(campaign, happened))
            if len(batch) == BATCH:
                new += await self._runs.plan(batch)
                batch = []
        return new + await self._runs.plan(batch)

    async def _running(self, trigger: Trigger) -> list[Campaign]:
        read_at, campaigns = self._known.get(trigger, (0.0, []))
        if time.monotonic() - read_at > _REMEMBERED_S or not read_at:
            campaigns = await self._campaigns.running(trigger)
            self._known[trigger] = (time.monotonic(), campaigns)
        return campaigns


def run_id(campaign: Campaign, happened: Happened) -> str:
    """The same for the same campaign and event."""
    return derived_id(happened.at, "survey_run", campaign.id, happened.key)


def planned(campaign: Campaign, happened: Happened) -> Run:
    """A run that waits for its time. Staff ask now about what was; events are asked about after a while."""
    begins = clock.now() if campaign.trigger is Trigger.STAFF else happened.at + campaign.delay
    # Whoever is asked at night is asked in the morning: that time is not taken from the window.
    return Run(
        id=run_id(campaign, happened),
        campaign_id=campaign.id,
        questionnaire_id=campaign.questionnaire_id,
        version=campaign.version,
        organization_id=happened.organization_id,
        department_id=happened.department_id,
        practitioner_id=happened.practitioner_id,
        patient_id=happened.patient_id,
        recipient_id=None,
        trigger=happened.trigger,
        happened_at=happened.at,
        state=RunState.PLANNED,
        turn=0,
        due_at=begins,
        closes_at=begins + campaign.window + timedelta(hours=12),
    )
