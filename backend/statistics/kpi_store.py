"""Where targets, comments and the monthly reports lie."""

from __future__ import annotations

from collections.abc import Sequence

from backend.db.client import Database, Document
from backend.statistics.kpi_models import Comment, Target


class KPIStore:
    """Collections `statistics_targets`, `statistics_comments` and `statistics_reports`."""

    def __init__(self, db: Database) -> None:
        self._targets = db.collection("statistics_targets")
        self._comments = db.collection("statistics_comments")
        self._reports = db.collection("statistics_reports")

    async def targets(self, month: str, organization_ids: Sequence[str] | None) -> list[Target]:
        """The targets of a month, of some institutions or of all."""
        found = self._targets.find(_of(month, organization_ids), {"_id": 0})
        return [Target(**doc) async for doc in found]

    async def set_target(self, target: Target) -> None:
        """Write a target over the one there is."""
        names = ("organization_id", "month", "figure", "value", "tolerance", "set_by", "set_at")
        document = {name: getattr(target, name) for name in names}
        key = {"_id": _key(target.organization_id, target.month, target.figure)}
        await self._targets.replace_one(key, document, upsert=True)

    async def remove_target(self, organization_id: str, month: str, figure: str) -> bool:
        """Take a target away; False when there is none."""
        gone = await self._targets.delete_one({"_id": _key(organization_id, month, figure)})
        return gone.deleted_count == 1

    async def comments(self, month: str, organization_ids: Sequence[str] | None) -> list[Comment]:
        """What was said of a month, the oldest first."""
        found = self._comments.find(_of(month, organization_ids)).sort("_id", 1)
        return [_comment(doc) async for doc in found]

    async def add_comment(self, comment: Comment) -> None:
        """Keep a comment; the same one again changes nothing."""
        names = ("organization_id", "month", "figure", "text", "author_id", "at")
        document = {name: getattr(comment, name) for name in names}
        await self._comments.update_one({"_id": comment.id}, {"$setOnInsert": document}, upsert=True)

    async def report(self, organization_id: str, month: str) -> bytes | None:
        """A report that has been made."""
        doc = await self._reports.find_one({"_id": _key(organization_id, month)})
        return bytes(doc["content"]) if doc else None

    async def reported(self, month: str) -> set[str]:
        """Whose reports of a month have been made."""
        return {doc["organization_id"] async for doc in self._reports.find({"month": month}, {"content": 0})}

    async def keep_report(self, organization_id: str, month: str, report: Document) -> None:
        """Keep a report in place of the one there is."""
        document = {"organization_id": organization_id, "month": month, **report}
        await self._reports.replace_one({"_id": _key(organization_id, month)}, document, upsert=True)

    async def forget_report(self, organization_id: str, month: str) -> None:
        """What it said has changed: it is made anew."""
        await self._reports.delete_one({"_id": _key(organization_id, month)})


def _of(month: str, organization_ids: Sequence[str] | None) -> Document:
    rules: Document = {"month": month}
    if organization_ids is not None:
        rules["organization_id"] = {"$in": list(organization_ids)}
    return rules


def _key(*parts: str) -> str:
    return "|".join(parts)


def _comment(doc: Document) -> Comment:
    return Comment(id=doc.pop("_id"), **doc)
