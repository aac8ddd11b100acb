"""Questionnaires by version. A published version is never written again."""

from __future__ import annotations

from collections.abc import Collection as Ids
from typing import Any

from pydantic import TypeAdapter
from pymongo import DESCENDING
from pymongo.errors import DuplicateKeyError

from backend import clock
from backend.db.client import Database, Document
from backend.surveys.models import Version, VersionState
from backend.surveys.questionnaire import Questionnaire

_CONTENT = TypeAdapter(Questionnaire)


class QuestionnaireStore:
    """Collection `survey_questionnaires`."""

    def __init__(self, db: Database) -> None:
        self._versions = db.collection("survey_questionnaires")
        # Published versions never change.
        self._known: dict[tuple[str, int], Version] = {}

    async def insert(self, version: Version) -> bool:
        """Write a new version; False when there is one of this number."""
        try:
            await self._versions.insert_one(_write(version))
        except DuplicateKeyError:
            return False
        return True

    async def save_draft(self, version: Version, before: int) -> bool:
        """Write a draft over the revision it was read at; False when that is no longer the draft."""
        result = await self._versions.replace_one(
            {**_key(version.questionnaire_id, version.number), "state": "draft", "revision": before},
            _write(version),
        )
        return result.matched_count == 1

    async def set_state(
        self, questionnaire_id: str, number: int, before: VersionState, to: VersionState
    ) -> bool:
        """Publish or retire a version."""
        now = clock.now()
        changes: Document = {"state": str(to), "updated_at": now}
        if to is VersionState.PUBLISHED:
            changes["published_at"] = now
        result = await self._versions.update_one(
            {**_key(questionnaire_id, number), "state": str(before)}, {"$set": changes}
        )
        self._known.pop((questionnaire_id, number), None)
        return result.matched_count == 1

    async def find(self, questionnaire_id: str, number: int | None = None) -> Version | None:
        """A version, or the newest one."""
        known = self._known.get((questionnaire_id, number)) if number is not None else None
        if known is not None:
            return known
        which: Document = {"questionnaire_id": questionnaire_id}
        if number is not None:
            which["number"] = number
        found = await self._versions.find_one(which, sort=[("number", DESCENDING)])
        version = _read(found) if found else None
        if version is not None and version.state is VersionState.PUBLISHED:
            self._known[questionnaire_id, version.number] = version
        return version

    async def list_newest(self, within: Ids[str] | None, limit: int = 300) -> list[Version]:
        """The newest version of every questionnaire of the city and of these places, newest first."""
        matching: Document = {} if within is None else {"organization_id": {"$in": [None, *sorted(within)]}}
        rows = await self._versions.aggregate(
            [
                {"$match": matching},
                {"$sort": {"questionnaire_id": -1, "number": -1}},
                {"$group": {"_id": "$questionnaire_id", "newest": {"$first": "$$ROOT"}}},
                {"$sort": {"_id": -1}},
                {"$limit": limit},
            ]
        )
        return [_read(row["newest"]) async for row in rows]

    async def list_versions(self, questionnaire_id: str) -> list[Version]:
        """Every version, newest first."""
        found = self._versions.find({"questionnaire_id": questionnaire_id}).sort("number", DESCENDING)
        return [_read(doc) async for doc in found]


def _key(questionnaire_id: str, number: int) -> Document:
    return {"_id": f"{questionnaire_id}:{number:04d}", "questionnaire_id": questionnaire_id}


def _write(version: Version) -> Document:
    content: dict[str, Any] = _CONTENT.dump_python(version.content, mode="json")
    return {
        **_key(version.questionnaire_id, version.number),
        "number": version.number,
        "organization_id": version.organization_id,
        "state": str(version.state),
        "revision": version.revision,
        "title": version.content.title,
        "content": content,
        "updated_at": version.updated_at,
        "published_at": version.published_at,
    }


def _read(doc: Document) -> Version:
    return Version(
        questionnaire_id=doc["questionnaire_id"],
        number=doc["number"],
        organization_id=doc["organization_id"],
        state=VersionState(doc["state"]),
        revision=doc["revision"],
        content=_CONTENT.validate_python(doc["content"]),
        updated_at=doc["updated_at"],
        published_at=doc["published_at"],
    )
