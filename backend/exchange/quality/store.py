"""What was counted of quality, and the rules as people have changed them. Nothing of it names a person."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import date

from pymongo import ASCENDING, DESCENDING, UpdateOne
from pymongo.errors import DuplicateKeyError

from backend import clock
from backend.db.client import Database, Document
from backend.db.upserts import upsert_many
from backend.exchange.quality.models import Count, Day, RuleChange

# So many of the resources that broke a rule are named; who wants to see them reads them with a basis.
MOST_SAMPLES = 10


class QualityStore:
    """The collections `quality_days`, `quality_counts` and `quality_rules`."""

    def __init__(self, db: Database) -> None:
        self._days = db.collection("quality_days")
        self._counts = db.collection("quality_counts")
        self._rules = db.collection("quality_rules")

    # -- counts ----------------------------------------------------------------------------------------

    async def add(self, days: Collection[Day], counts: Mapping[tuple[str, date], Collection[Count]]) -> None:
        """Add to what stands."""
        await upsert_many(self._days, [_day_added(day) for day in days])
        await upsert_many(
            self._counts,
            [_count_added(place, on, count) for (place, on), each in counts.items() for count in each],
        )

    async def day(self, organization_id: str, on: date) -> Day:
        """A hospital's day."""
        doc = await self._days.find_one({"_id": f"{organization_id}:{on}"})
        return _day(doc) if doc else Day(organization_id, on)

    async def days(self, organization_ids: Collection[str] | None, since: date, until: date) -> list[Day]:
        """Days of hospitals, the newest first."""
        wanted: Document = {"on": {"$gte": since.isoformat(), "$lte": until.isoformat()}}
        if organization_ids is not None:
            wanted["organization_id"] = {"$in": sorted(organization_ids)}
        docs = self._days.find(wanted).sort([("on", DESCENDING), ("organization_id", ASCENDING)])
        return [_day(doc) async for doc in docs]

    async def counts(self, organization_id: str, on: date) -> list[Count]:
        """What was counted of a hospital's day, the most broken rule first."""
        wanted = {"organization_id": organization_id, "on": on.isoformat()}
        docs = self._counts.find(wanted).sort([("failed", DESCENDING), ("_id", ASCENDING)])
        return [
            Count(doc["rule_id"], doc["checked"], doc["failed"], tuple(doc.get("samples", ())))
            async for doc in docs
        ]

    # -- rules -----------------------------------------------------------------------------------------

    async def add_change(self, change: RuleChange) -> bool:
        """A new version of a rule; False when somebody else has just written the same."""
        document = {
            "rule_id": change.rule_id,
            "version": change.version,
            "fields": dict(change.fields),
            "changed_by": change.changed_by,
            "changed_at": change.changed_at,
            "reason": change.reason,
        }
        try:
            await self._rules.insert_one(document)
        except DuplicateKeyError:
            return False
        return True

    async def changes(self, rule_id: str) -> list[RuleChange]:
        """Every version of a rule, the newest first."""
        docs = self._rules.find({"rule_id": rule_id}).sort("version", DESCENDING)
        return [_change(doc) async for doc in docs]

    async def newest(self) -> list[RuleChange]:
        """The newest version of every rule that was changed."""
        newest: dict[str, RuleChange] = {}
        async for doc in self._rules.find({}).sort([("rule_id", ASCENDING), ("version", ASCENDING)]):
            newest[doc["rule_id"]] = _change(doc)
        return list(newest.values())


def _day_added(day: Day) -> UpdateOne:
    sums = {"resources": day.resources, "checked": day.checked, "failed": day.failed}
    which = {"_id": f"{day.organization_id}:{day.on}", "organization_id": day.organization_id}
    return UpdateOne(which, {"$inc": sums, "$setOnInsert": {"on": day.on.isoformat()}}, upsert=True)


def _count_added(organization_id: str, on: date, count: Count) -> UpdateOne:
    change: Document = {
        "$inc": {"checked": count.checked, "failed": count.failed},
        "$setOnInsert": {"on": on.isoformat(), "rule_id": count.rule_id, "counted_at": clock.now()},
    }
    if count.samples:
        change["$push"] = {"samples": {"$each": list(count.samples), "$slice": MOST_SAMPLES}}
    which = {"_id": f"{organization_id}:{on}:{count.rule_id}", "organization_id": organization_id}
    return UpdateOne(which, change, upsert=True)


def _day(doc: Document) -> Day:
    return Day(
        doc["organization_id"],
        date.fromisoformat(doc["on"]),
        doc["resources"],
        doc["checked"],
        doc["failed"],
    )


def _change(doc: Document) -> RuleChange:
    return RuleChange(
        rule_id=doc["rule_id"],
        version=doc["version"],
        fields=doc["fields"],
        changed_by=doc["changed_by"],
        changed_at=doc["changed_at"],
        reason=doc["reason"],
    )
