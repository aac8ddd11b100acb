"""The keys of residents' claims and indexes, replaced after a rotation of the blind-index key.

At every moment both claims, where there are two, are named by their resident: nobody who signs in meanwhile
meets a claim that looks left over.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from backend.db.client import Database, Document
from backend.residents.models import Resident, ResidentState, WeChatApp
from backend.residents.store import RESIDENTS, ResidentStore

_PATHS = ("phone_key", "id_key", "name_index", "contact_index")
_LIVE = [ResidentState.ACCOUNT, ResidentState.FILE]


@dataclass(frozen=True, slots=True)
class Indexes:
    """Everything about one person that is looked up or compared by blind index."""

    phone: str | None = None
    id_number: str | None = None
    name: str | None = None
    contact: str | None = None
    wechat: Mapping[WeChatApp, str] = field(default_factory=dict)

    @property
    def keys(self) -> list[str]:
        """Those that are claims."""
        return [key for key in (self.phone, self.id_number, *self.wechat.values()) if key is not None]

    def to_fields(self) -> Document:
        """As they stand in the document."""
        fields = {
            "phone_key": self.phone,
            "id_key": self.id_number,
            "name_index": self.name,
            "contact_index": self.contact,
        }
        fields |= {f"wechat.{app}.key": key for app, key in self.wechat.items()}
        return {path: key for path, key in fields.items() if key is not None}


class ResidentIndexStore:
    """The index fields of `residents`."""

    def __init__(self, db: Database, residents: ResidentStore) -> None:
        self._residents = db.collection(RESIDENTS)
        self._read = residents.read

    async def page(self, after: str | None, limit: int) -> list[tuple[Resident, Indexes]]:
        """The next people by id, with the indexes they have."""
        rules: Document = {"_id": {"$gt": after}} if after is not None else {}
        docs = await self._residents.find(rules).sort("_id", 1).limit(limit).to_list(None)
        return [(self._read(doc), _indexes(doc)) for doc in docs]

    async def note(self, person: Resident, now: Indexes, other_keys: Sequence[str]) -> bool:
        """Say which other claims the person holds; false when the indexes have changed meanwhile."""
        change = {"$set": {"other_keys": list(other_keys)}} if other_keys else {"$unset": {"other_keys": ""}}
        return (await self._residents.update_one(_still(person, now), change)).matched_count == 1

    async def switch(self, person: Resident, now: Indexes, wanted: Indexes) -> bool:
        """Put the new indexes in place; the old claims become the other ones."""
        fields = wanted.to_fields() | {"other_keys": [key for key in now.keys if key not in wanted.keys]}
        noted = {"other_keys": [key for key in wanted.keys if key not in now.keys]}
        still = _still(person, now) | (noted if noted["other_keys"] else {})
        return (await self._residents.update_one(still, {"$set": fields})).matched_count == 1


def _still(person: Resident, now: Indexes) -> Document:
    return {
        "_id": person.id,
        "state": {"$in": _LIVE},
        "merging_into": None,
        **{path: now.to_fields().get(path) for path in _PATHS},
        **{f"wechat.{app}.key": now.wechat.get(app) for app in WeChatApp},
    }


def _indexes(doc: Document) -> Indexes:
    wechat = {WeChatApp(app): bound["key"] for app, bound in doc.get("wechat", {}).items()}
    phone, id_number, name, contact = (doc.get(path) for path in _PATHS)
    return Indexes(phone, id_number, name, contact, wechat)
