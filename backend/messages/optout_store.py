"""Opt-outs in MongoDB: the phone sealed, found by its blind index."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from pymongo.errors import DuplicateKeyError

from backend import clock
from backend.db.client import Database
from backend.db.gather import GatheredCalls
from backend.ids import new_id
from backend.messages.optouts import OptOut
from backend.messages.policies import Group
from backend.security.fields import BlindIndex, FieldCipher
from backend.security.lasting import declare_sealed

_COLLECTION = "message_optouts"
declare_sealed(_COLLECTION, "phone")


class OptOutStore:
    """The collection `message_optouts`: the phone sealed, found by its blind index."""

    def __init__(self, db: Database, cipher: FieldCipher, blind: BlindIndex) -> None:
        self._optouts = db.collection(_COLLECTION)
        self._cipher = cipher
        self._blind = blind
        self._asked = GatheredCalls(self._have_many)

    async def add(self, phone: str, group: Group, by: Literal["sms", "resident"]) -> datetime:
        """Stop a group for a phone; since when it is stopped."""
        at = clock.now()
        for known in await self.list_of(phone):
            if known.group is group:
                return known.at
        optout_id = new_id()
        try:
            await self._optouts.insert_one(
                {
                    "_id": optout_id,
                    "phone_blind": self._blind.of("phone", phone),
                    "phone": self._cipher.seal(_COLLECTION, "phone", optout_id, phone),
                    "group": str(group),
                    "by": by,
                    "at": at,
                }
            )
        except DuplicateKeyError:
            return await self.add(phone, group, by)  # Somebody else was quicker: it is there now.
        return at

    async def has(self, phone: str, group: Group) -> bool:
        """Whether a phone wants nothing of a group."""
        return await self._asked.ask((tuple(self._blind.candidates("phone", phone)), str(group)))

    async def _have_many(self, asked: list[tuple[tuple[str, ...], str]]) -> list[bool]:
        blinds = {blind for several, _ in asked for blind in several}
        groups = {group for _, group in asked}
        rules = {"phone_blind": {"$in": list(blinds)}, "group": {"$in": list(groups)}}
        cursor = self._optouts.find(rules, {"_id": 0, "phone_blind": 1, "group": 1})
        stopped = {(doc["phone_blind"], doc["group"]) async for doc in cursor}
        return [any((blind, group) in stopped for blind in blinds) for blinds, group in asked]

    async def list_of(self, phone: str) -> list[OptOut]:
        """What a phone has stopped."""
        rules = {"phone_blind": {"$in": self._blind.candidates("phone", phone)}}
        return [
            OptOut(Group(doc["group"]), doc["by"], doc["at"])
            async for doc in self._optouts.find(rules).sort("group", 1)
        ]

    async def remove(self, phone: str, group: Group) -> bool:
        """The person wants them again; False when nothing was stopped."""
        rules = {"phone_blind": {"$in": self._blind.candidates("phone", phone)}, "group": str(group)}
        return (await self._optouts.delete_many(rules)).deleted_count > 0

    async def page(self, after: str | None, limit: int) -> list[tuple[str, str, str]]:
        """The next ones by id: id, blind index, phone."""
        rules = {"_id": {"$gt": after}} if after is not None else {}
        docs = await self._optouts.find(rules).sort("_id", 1).to_list(limit)
        return [
            (
                doc["_id"],
                doc["phone_blind"],
                self._cipher.open(_COLLECTION, "phone", doc["_id"], doc["phone"]),
            )
            for doc in docs
        ]

    async def set_index(self, optout_id: str, phone_blind: str) -> None:
        """Put another blind index in place."""
        await self._optouts.update_one({"_id": optout_id}, {"$set": {"phone_blind": phone_blind}})
