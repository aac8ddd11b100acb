"""The `hl7_targets` collection: where each hospital's messages go, and who speaks to it now."""

from __future__ import annotations

from datetime import datetime, timedelta

from backend import clock
from backend.db.client import Database, Document
from backend.exchange.v2.outbound_models import Family, Target

TARGETS = "hl7_targets"
# Whoever speaks to a hospital says so again before each message; after a death another takes over then.
LEASE = timedelta(seconds=90)
_LONGEST_REST_S = 60.0
_NO_TIME = datetime.fromtimestamp(0, clock.CITY_ZONE)


class TargetStore:
    """Targets by organization: a hospital has one line, and one speaker at a time."""

    def __init__(self, db: Database) -> None:
        self._targets = db.collection(TARGETS)

    async def find(self, organization_id: str) -> Target | None:
        """A hospital's target, or None."""
        found = await self._targets.find_one({"_id": organization_id})
        return _read(found) if found else None

    async def list_of(self, organization_ids: frozenset[str] | None) -> list[Target]:
        """All, or those of some hospitals."""
        matching: Document = {}
        if organization_ids is not None:
            matching["_id"] = {"$in": sorted(organization_ids)}
        return [_read(doc) async for doc in self._targets.find(matching).sort("_id", 1).limit(1000)]

    async def write(self, target: Target) -> None:
        """Say where a hospital's messages go; its line is tried at once."""
        said = {
            "host": target.host,
            "port": target.port,
            "tls": target.tls,
            "version": target.version,
            "charset": target.charset,
            "families": sorted(str(family) for family in target.families),
            "app": target.app,
            "facility": target.facility,
            "paused": target.paused,
            "updated_at": clock.now(),
        }
        fresh = {"failures": 0, "rest_until": _NO_TIME, "last_error": ""}
        first: Document = {"holder": "", "held_until": _NO_TIME, "last_ok_at": None}
        await self._targets.update_one(
            {"_id": target.organization_id}, {"$set": said | fresh, "$setOnInsert": first}, upsert=True
        )

    async def pause(self, organization_id: str, *, paused: bool) -> bool:
        """Stop sending to a hospital, or go on; False when there is no such target."""
        said = {"paused": paused, "rest_until": _NO_TIME, "failures": 0, "updated_at": clock.now()}
        result = await self._targets.update_one({"_id": organization_id}, {"$set": said})
        return result.matched_count == 1

    async def take(self, organization_id: str, holder: str) -> Target | None:
        """Become the one who speaks to a hospital; None when it rests, is paused, or another does."""
        now = clock.now()
        found = await self._targets.find_one_and_update(
            {
                "_id": organization_id,
                "paused": False,
                "rest_until": {"$lte": now},
                "$or": [{"held_until": {"$lte": now}}, {"holder": holder}],
            },
            {"$set": {"holder": holder, "held_until": now + LEASE}},
        )
        return _read(found) if found else None

    async def let_go(self, organization_id: str, holder: str) -> None:
        """Let another speak."""
        await self._targets.update_one(
            {"_id": organization_id, "holder": holder}, {"$set": {"held_until": _NO_TIME}}
        )

    async def worked(self, organization_id: str) -> None:
        """The hospital has answered."""
        said = {"failures": 0, "last_error": "", "last_ok_at": clock.now()}
        await self._targets.update_one({"_id": organization_id}, {"$set": said})

    async def failed(self, target: Target, error: str) -> None:
        """The line does not work: leave it alone for a while, longer each time."""
        rest = min(2.0 ** min(target.failures, 10), _LONGEST_REST_S)
        said = {"rest_until": clock.now() + timedelta(seconds=rest), "last_error": error[:200]}
        await self._targets.update_one(
            {"_id": target.organization_id}, {"$set": said, "$inc": {"failures": 1}}
        )


def _read(doc: Document) -> Target:
    return Target(
        organization_id=doc["_id"],
        host=doc["host"],
        port=doc["port"],
        tls=doc["tls"],
        version=doc["version"],
        charset=doc["charset"],
        families=frozenset(Family(family) for family in doc["families"]),
        app=doc["app"],
        facility=doc["facility"],
        paused=doc["paused"],
        failures=doc["failures"],
        rest_until=doc["rest_until"] if doc["rest_until"] > _NO_TIME else None,
        last_error=doc["last_error"],
        last_ok_at=doc["last_ok_at"],
    )
