"""Wordings that staff have written, and which version of each kind is in use, in MongoDB."""

from __future__ import annotations

from collections.abc import Mapping

from pymongo import DESCENDING
from pymongo.errors import DuplicateKeyError

from backend import clock
from backend.db.client import Database, Document
from backend.messages.models import MessageKind
from backend.messages.wording import TemplateVersion, Wording


class TemplateStore:
    """The collections `message_templates`, a document per version, and `message_template_choices`."""

    def __init__(self, db: Database) -> None:
        self._versions = db.collection("message_templates")
        self._choices = db.collection("message_template_choices")

    async def choices(self) -> dict[str, int]:
        """The version in use of every kind that is not at its first."""
        return {doc["_id"]: doc["version"] async for doc in self._choices.find({})}

    async def choose(self, kind: MessageKind, number: int, by: str) -> None:
        """Put a version into use."""
        chosen = {"version": number, "chosen_by": by, "chosen_at": clock.now()}
        await self._choices.update_one({"_id": str(kind)}, {"$set": chosen}, upsert=True)

    async def add(self, version: TemplateVersion, by: str) -> bool:
        """Keep a new version; False when its number is taken."""
        wording = version.wording
        try:
            await self._versions.insert_one(
                {
                    "_id": _id_of(version.kind, version.number),
                    "kind": str(version.kind),
                    "number": version.number,
                    "title": wording.title,
                    "lines": [list(line) for line in wording.lines],
                    "sms": wording.sms,
                    "approved": wording.approved,
                    "wechat": wording.wechat,
                    "template_ids": {},
                    "note": version.note,
                    "made_by": by,
                    "made_at": clock.now(),
                }
            )
        except DuplicateKeyError:
            return False
        return True

    async def find(self, first: TemplateVersion, number: int) -> TemplateVersion | None:
        """A version by its number; `first` is what stands in code, and lends what nobody can change."""
        doc = await self._versions.find_one({"kind": str(first.kind), "_id": _id_of(first.kind, number)})
        return _version(first, doc) if doc else None

    async def list_of(self, first: TemplateVersion) -> list[TemplateVersion]:
        """Every version of a kind but the first, newest first."""
        cursor = self._versions.find({"kind": str(first.kind)}).sort("number", DESCENDING)
        return [_version(first, doc) async for doc in cursor]

    async def set_template_ids(self, kind: MessageKind, number: int, ids: Mapping[str, str]) -> bool:
        """What a version is called at the providers that have approved it; False when there is none."""
        which = {"kind": str(kind), "_id": _id_of(kind, number)}
        result = await self._versions.update_one(which, {"$set": {"template_ids": dict(ids)}})
        return result.matched_count == 1


def _id_of(kind: MessageKind, number: int) -> str:
    return f"{kind}:{number}"


def _version(first: TemplateVersion, doc: Document) -> TemplateVersion:
    kept = first.wording
    wording = Wording(
        title=doc["title"],
        lines=tuple((label, text) for label, text in doc["lines"]),
        sms=doc["sms"],
        approved=doc["approved"],
        wechat=doc["wechat"],
        channels=kept.channels,
        page=kept.page,
        redact=kept.redact,
    )
    return TemplateVersion(
        kind=first.kind,
        number=doc["number"],
        wording=wording,
        template_ids=doc["template_ids"],
        note=doc["note"],
        made_by=doc["made_by"],
        made_at=doc["made_at"],
    )
