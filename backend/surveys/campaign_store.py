"""Campaigns, their quotas, and when each person was asked last."""

from __future__ import annotations

from collections.abc import Collection as Ids
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta

from pymongo import DESCENDING, UpdateOne
from pymongo.errors import BulkWriteError, DuplicateKeyError

from backend import clock
from backend.db.client import Database, Document
from backend.db.gather import DUPLICATE_KEY, GatheredCalls
from backend.ids import new_id
from backend.surveys.models import Campaign, CampaignState, Share, Trigger, Way

MOST_RUNNING = 1000
# Beside each day's number of people asked, that of all days.
_ALL = "all"


@dataclass(frozen=True)
class _Turn:
    """A run that wants to ask somebody."""

    person_id: str
    run_id: str
    now: datetime
    quiet_days: int

    def write(self) -> UpdateOne:
        """Takes the place of who asked long ago, or of nobody; of somebody lately, it is a duplicate."""
        long_ago = {"at": {"$lte": self.now - timedelta(days=self.quiet_days)}}
        free = {"$or": [{"run_id": self.run_id}, long_ago]}
        change = {"$set": {"run_id": self.run_id, "at": self.now}}
        return UpdateOne({"_id": self.person_id, **free}, change, upsert=True)


class CampaignStore:
    """Collections `survey_campaigns` and `survey_people`."""

    def __init__(self, db: Database) -> None:
        self._campaigns = db.collection("survey_campaigns")
        self._people = db.collection("survey_people")
        self._turns = GatheredCalls(self._take_turns)

    async def insert(self, campaign: Campaign) -> bool:
        """Write a new campaign; False when it is there already."""
        try:
            await self._campaigns.insert_one({**_write(campaign), "taken": {}, "shares": []})
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

    async def take_share(self, campaign: Campaign, on: date, wanted: int) -> Share | None:
        """Take up to `wanted` of what a campaign may still ask on a day; None when there is nothing left."""
        while True:
            doc = await self._campaigns.find_one({"_id": campaign.id}, {"taken": 1, "shares": 1}) or {}
            taken, shares = doc.get("taken", {}), doc.get("shares", [])
            day, total = _used(taken, shares, on.isoformat()), _used(taken, shares, _ALL)
            left = min(
                campaign.daily_quota - day if campaign.daily_quota else wanted,
                campaign.total_quota - total if campaign.total_quota else wanted,
            )
            if (count := min(wanted, left)) <= 0:
                return None
            share = Share(new_id(), campaign.id, on, count, clock.now())
            unchanged = {"_id": campaign.id, "taken": taken, "shares": shares}
            if (
                await self._campaigns.update_one(unchanged, {"$push": {"shares": _share(share)}})
            ).matched_count:
                return share

    async def settle(self, share: Share, used: int) -> None:
        """Say how many of a share were really asked; the rest is free again. May be said again."""
        await self._campaigns.update_one(
            {"_id": share.campaign_id, "shares.id": share.id},
            {
                "$pull": {"shares": {"id": share.id}},
                "$inc": {f"taken.{share.on.isoformat()}": used, f"taken.{_ALL}": used},
            },
        )

    async def unsettled(self, campaign_id: str, before: datetime) -> list[Share]:
        """Shares whose sweep has not come back: its process has died."""
        doc = await self._campaigns.find_one({"_id": campaign_id}, {"shares": 1}) or {}
        shares = (_read_share(campaign_id, each) for each in doc.get("shares", []))
        return [share for share in shares if share.taken_at < before]

    async def is_used_up(self, campaign: Campaign) -> bool:
        """Whether a campaign has asked as many as it may in all, or is about to."""
        if not campaign.total_quota:
            return False
        doc = await self._campaigns.find_one({"_id": campaign.id}, {"taken": 1, "shares": 1}) or {}
        return _used(doc.get("taken", {}), doc.get("shares", []), _ALL) >= campaign.total_quota

    async def take_turn(self, person_id: str, run_id: str, now: datetime, quiet_days: int) -> bool:
        """Let a run ask somebody, unless another one lately has. The same run may ask again."""
        return await self._turns.ask(_Turn(person_id, run_id, now, quiet_days))

    async def _take_turns(self, turns: list[_Turn]) -> list[bool]:
        try:
            await self._people.bulk_write([turn.write() for turn in turns], ordered=False)
        except BulkWriteError as error:
            details = error.details or {}
            refused: list[Document] = details.get("writeErrors", [])
            if details.get("writeConcernErrors") or any(each["code"] != DUPLICATE_KEY for each in refused):
                raise
            lately = {each["index"] for each in refused}
            return [place not in lately for place in range(len(turns))]
        return [True] * len(turns)

    async def forget(self, person_id: str) -> None:
        """Forget when somebody was asked."""
        await self._people.delete_one({"_id": person_id})


def _used(taken: Document, shares: Sequence[Document], what: str) -> int:
    under_way: int = sum(share["count"] for share in shares if what in (_ALL, share["on"]))
    return int(taken.get(what, 0)) + under_way


def _share(share: Share) -> Document:
    on = share.on.isoformat()
    return {"id": share.id, "on": on, "count": share.count, "taken_at": share.taken_at}


def _read_share(campaign_id: str, doc: Document) -> Share:
    on = date.fromisoformat(doc["on"])
    return Share(doc["id"], campaign_id, on, doc["count"], doc["taken_at"])


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
