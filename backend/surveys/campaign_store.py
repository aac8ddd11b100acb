"""Campaigns, their quotas, and when each person was asked last."""

from __future__ import annotations

from collections.abc import Collection as Ids
from dataclasses import replace
from datetime import date, datetime, timedelta

from pymongo import DESCENDING, ReturnDocument
from pymongo.errors import DuplicateKeyError

from backend import clock
from backend.db.client import Database, Document
from backend.surveys.models import Campaign, CampaignState, Trigger, Way

MOST_RUNNING = 1000


class CampaignStore:
    """Collections `survey_campaigns` and `survey_people`."""

    def __init__(self, db: Database) -> None:
        self._campaigns = db.collection("survey_campaigns")
        self._people = db.collection("survey_people")

    async def insert(self, campaign: Campaign) -> bool:
        """Write a new campaign; False when it is there already."""
        try:
            await self._campaigns.insert_one({**_write(campaign), "taken": {}})
        except DuplicateKeyError:
            return False
        return True

    async def save(self, campaign: Campaign) -> bool:
        """Write a campaign that has not begun; False when it has."""
        result = await self._campaigns.update_one(
            {"_id": campaign.id, "state": "draft"},
            {"$set": _write(replace(campaign, updated_at=clock.now()))},
        )
        return result.matched_count == 1

    async def set_state(self, campaign_id: str, before: Ids[CampaignState], to: CampaignState) -> bool:
        """Start, pause or end a campaign."""
        result = await self._campaigns.update_one(
            {"_id": campaign_id, "state": {"$in": [str(state) for state in before]}},
            {"$set": {"state": str(to), "updated_at": clock.now()}},
        )
        return result.matched_count == 1

    async def find(self, campaign_id: str) -> Campaign | None:
        """A campaign, or None."""
        found = await self._campaigns.find_one({"_id": campaign_id})
        return _read(found) if found else None

    async def by_ids(self, ids: Ids[str]) -> dict[str, Campaign]:
        """Campaigns by id."""
        found = self._campaigns.find({"_id": {"$in": sorted(ids)}})
        return {doc["_id"]: _read(doc) async for doc in found}

    async def running(self, trigger: Trigger) -> list[Campaign]:
        """What is running for an event."""
        found = self._campaigns.find({"state": "running", "trigger": str(trigger)}).limit(MOST_RUNNING)
        return [_read(doc) async for doc in found]

    async def list_of(self, within: Ids[str] | None, limit: int = 300) -> list[Campaign]:
        """Campaigns of the city and of these places, newest first."""
        matching: Document = {} if within is None else {"organization_id": {"$in": [None, *sorted(within)]}}
        found = self._campaigns.find(matching).sort("_id", DESCENDING).limit(limit)
        return [_read(doc) async for doc in found]

    async def take_quota(self, campaign: Campaign, on: date, wanted: int) -> int:
        """Take up to `wanted` of what a campaign may still ask on a day; returns how many were had.

        What a process took and did not use before it died stays taken: too few, never too many.
        """
        if not campaign.daily_quota and not campaign.total_quota:
            return wanted
        day, total = f"taken.{on.isoformat()}", "taken.all"
        while wanted > 0:
            found = await self._campaigns.find_one({"_id": campaign.id}, {"taken": 1})
            taken = (found or {}).get("taken", {})
            of_day, in_all = taken.get(on.isoformat(), 0), taken.get("all", 0)
            left = min(
                campaign.daily_quota - of_day if campaign.daily_quota else wanted,
                campaign.total_quota - in_all if campaign.total_quota else wanted,
            )
            had = min(wanted, left)
            if had <= 0:
                return 0
            unchanged = {day: taken.get(on.isoformat()), total: taken.get("all")}
            if await self._campaigns.find_one_and_update(
                {"_id": campaign.id, **unchanged}, {"$inc": {day: had, total: had}}, {"_id": 1}
            ):
                return had
        return 0

    async def give_back(self, campaign: Campaign, on: date, count: int) -> None:
        """Return what was taken and not used."""
        if count > 0 and (campaign.daily_quota or campaign.total_quota):
            given = {f"taken.{on.isoformat()}": -count, "taken.all": -count}
            await self._campaigns.update_one({"_id": campaign.id}, {"$inc": given})

    async def is_used_up(self, campaign: Campaign) -> bool:
        """Whether a campaign has asked as many as it may in all."""
        if not campaign.total_quota:
            return False
        found = await self._campaigns.find_one({"_id": campaign.id}, {"taken": 1})
        return bool((found or {}).get("taken", {}).get("all", 0) >= campaign.total_quota)

    async def take_turn(self, person_id: str, run_id: str, now: datetime, quiet_days: int) -> bool:
        """Let a run ask somebody, unless another one lately has. The same run may ask again."""
        free = {"$or": [{"run_id": run_id}, {"at": {"$lte": now - timedelta(days=quiet_days)}}]}
        try:
            await self._people.find_one_and_update(
                {"_id": person_id, **free},
                {"$set": {"run_id": run_id, "at": now}},
                upsert=True,
                return_document=ReturnDocument.AFTER,
            )
        except DuplicateKeyError:
            return False
        return True

    async def forget(self, person_id: str) -> None:
        """Forget when somebody was asked."""
        await self._people.delete_one({"_id": person_id})


def _write(campaign: Campaign) -> Document:
    return {
        "_id": campaign.id,
        "name": campaign.name,
        "organization_id": campaign.organization_id,
        "questionnaire_id": campaign.questionnaire_id,
        "version": campaign.version,
        "trigger": str(campaign.trigger),
        "state": str(campaign.state),
        "department_ids": list(campaign.department_ids),
        "ways": [str(way) for way in campaign.ways],
        "delay_s": int(campaign.delay.total_seconds()),
        "window_s": int(campaign.window.total_seconds()),
        "tries": campaign.tries,
        "again_after_s": int(campaign.again_after.total_seconds()),
        "daily_quota": campaign.daily_quota,
        "total_quota": campaign.total_quota,
        "quiet_days": campaign.quiet_days,
        "created_at": campaign.created_at,
        "updated_at": campaign.updated_at,
    }


def _read(doc: Document) -> Campaign:
    return Campaign(
        id=doc["_id"],
        name=doc["name"],
        organization_id=doc["organization_id"],
        questionnaire_id=doc["questionnaire_id"],
        version=doc["version"],
        trigger=Trigger(doc["trigger"]),
        state=CampaignState(doc["state"]),
        department_ids=tuple(doc["department_ids"]),
        ways=tuple(Way(way) for way in doc["ways"]),
        delay=timedelta(seconds=doc["delay_s"]),
        window=timedelta(seconds=doc["window_s"]),
        tries=doc["tries"],
        again_after=timedelta(seconds=doc["again_after_s"]),
        daily_quota=doc["daily_quota"],
        total_quota=doc["total_quota"],
        quiet_days=doc["quiet_days"],
        created_at=doc["created_at"],
        updated_at=doc["updated_at"],
    )
