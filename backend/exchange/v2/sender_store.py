"""The `hl7_senders` collection: names on the wire and whose they are; strangers are counted, too."""

from __future__ import annotations

from backend import clock
from backend.db.client import Database, Document
from backend.exchange.v2.models import Sender, SenderKind, SenderState
from backend.ids import named_id

# Strangers are counted, not collected: anybody who reaches the port could fill the collection.
_MOST_STRANGERS = 500


def sender_id(kind: SenderKind, value: str) -> str:
    """The id of a name on the wire."""
    return named_id("hl7_sender", str(kind), value)


class SenderStore:
    """Senders by kind and value."""

    def __init__(self, db: Database) -> None:
        self._senders = db.collection("hl7_senders")

    async def find(self, sender: str) -> Sender | None:
        """A sender by its id, or None."""
        found = await self._senders.find_one({"_id": sender})
        return _read(found) if found else None

    async def among(self, senders: list[str]) -> list[Sender]:
        """Those of these that are known, whatever is said of them."""
        return [_read(doc) async for doc in self._senders.find({"_id": {"$in": senders}})]

    async def list_of(self, organization_ids: frozenset[str] | None) -> list[Sender]:
        """All that concern these hospitals; strangers are shown to whoever sees the whole city."""
        matching: Document = {}
        if organization_ids is not None:
            matching["organization_id"] = {"$in": sorted(organization_ids)}
        found = self._senders.find(matching).sort([("state", 1), ("_id", 1)]).limit(1000)
        return [_read(doc) async for doc in found]

    async def ports(self) -> list[int]:
        """The ports that hospitals have for themselves."""
        matching = {"kind": str(SenderKind.PORT), "state": str(SenderState.ALLOWED)}
        return [int(doc["value"]) async for doc in self._senders.find(matching, {"value": 1})]

    async def allow(self, kind: SenderKind, value: str, organization_id: str, charset: str) -> Sender:
        """Say whose a name is."""
        return await self._set(kind, value, organization_id, SenderState.ALLOWED, charset)

    async def block(self, kind: SenderKind, value: str, organization_id: str) -> Sender:
        """Take nothing from a name any more."""
        return await self._set(kind, value, organization_id, SenderState.BLOCKED, "")

    async def _set(
        self, kind: SenderKind, value: str, organization_id: str, state: SenderState, charset: str
    ) -> Sender:
        sender = sender_id(kind, value)
        await self._senders.update_one(
            {"_id": sender},
            {
                "$set": {
                    "kind": str(kind),
                    "value": value,
                    "organization_id": organization_id,
                    "state": str(state),
                    "charset": charset,
                    "updated_at": clock.now(),
                },
                "$setOnInsert": {"seen": 0, "last_seen_at": None, "last_kind": ""},
            },
            upsert=True,
        )
        found = await self.find(sender)
        assert found is not None  # noqa: S101 written just now
        return found

    async def note_stranger(self, value: str, message_kind: str) -> None:
        """Count a message of somebody whom nobody has allowed."""
        seen = {"$inc": {"seen": 1}, "$set": {"last_seen_at": clock.now(), "last_kind": message_kind[:20]}}
        sender = sender_id(SenderKind.FACILITY, value)
        result = await self._senders.update_one({"_id": sender}, seen)
        if result.matched_count:
            return
        strangers = {"state": str(SenderState.UNKNOWN)}
        if await self._senders.count_documents(strangers, limit=_MOST_STRANGERS) >= _MOST_STRANGERS:
            return
        first: Document = {
            "kind": str(SenderKind.FACILITY),
            "value": value,
            "organization_id": "",
            "state": str(SenderState.UNKNOWN),
            "charset": "",
            "updated_at": clock.now(),
        }
        await self._senders.update_one({"_id": sender}, {**seen, "$setOnInsert": first}, upsert=True)


def _read(doc: Document) -> Sender:
    return Sender(
        id=doc["_id"],
        kind=SenderKind(doc["kind"]),
        value=doc["value"],
        organization_id=doc["organization_id"],
        state=SenderState(doc["state"]),
        charset=doc["charset"],
        seen=doc["seen"],
        last_seen_at=doc["last_seen_at"],
        last_kind=doc["last_kind"],
    )
