"""The `clients` collection: hospitals' systems and terminals, with the hashes of their secrets."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

from pymongo import ASCENDING
from pymongo.errors import DuplicateKeyError

from backend.db.client import Database, Document
from backend.directory.models import Client, ClientFilter, ClientKind, TerminalKind
from backend.security.lasting import declare_kid

declare_kid(
    "blind", "clients", "secrets.kid", "secrets of hospitals and terminals, kept anew at their next token"
)


class ClientStore:
    """Clients by their id, which is also their login."""

    def __init__(self, db: Database) -> None:
        self._clients = db.collection("clients")

    async def add(self, client: Client, secrets: Sequence[Document]) -> bool:
        """Insert a client; False when one of that id is there already."""
        try:
            await self._clients.insert_one(_doc(client) | {"secrets": list(secrets)})
        except DuplicateKeyError:
            return False
        return True

    async def find(self, client_id: str) -> Client | None:
        """One client, or None."""
        doc = await self._clients.find_one({"_id": client_id})
        return _client(doc) if doc else None

    async def find_with_secrets(self, client_id: str) -> tuple[Client, list[Document]] | None:
        """One client with the hashes its secret is compared to."""
        doc = await self._clients.find_one({"_id": client_id})
        return (_client(doc), doc["secrets"]) if doc else None

    async def list_of(self, organization_id: str, kind: ClientKind) -> list[Client]:
        """An institution's clients of a kind, in the order in which they were made."""
        cursor = self._clients.find({"organization_id": organization_id, "kind": str(kind)})
        return [_client(doc) async for doc in cursor.sort("_id", ASCENDING)]

    async def replace_secrets(self, client_id: str, secrets: Sequence[Document]) -> bool:
        """Put other secrets in place; False when there is no such client."""
        changed = await self._clients.update_one({"_id": client_id}, {"$set": {"secrets": list(secrets)}})
        return changed.matched_count == 1

    async def replace_secret(self, client_id: str, old: Document, new: Document) -> None:
        """Put another hash of the same secret in place, if the old one still stands."""
        await self._clients.update_one(
            {"_id": client_id, "secrets.hash": old["hash"]},
            {"$set": {"secrets.$[it].kid": new["kid"], "secrets.$[it].hash": new["hash"]}},
            array_filters=[{"it.hash": old["hash"]}],
        )

    async def list_page(
        self, organization_ids: Iterable[str] | None, wanted: ClientFilter, *, after: str, limit: int
    ) -> list[Client]:
        """Clients of these institutions (None: of all) beyond the id `after`, oldest first."""
        where: Document = {"_id": {"$gt": after}}
        if organization_ids is not None:
            where["organization_id"] = {"$in": sorted(organization_ids)}
        if wanted.kind is not None:
            where["kind"] = str(wanted.kind)
        if wanted.active is not None:
            where["active"] = wanted.active
        cursor = self._clients.find(where).sort("_id", ASCENDING).limit(limit)
        return [_client(doc) async for doc in cursor]

    async def drop_lapsed_secrets(self, client_id: str, now: datetime) -> None:
        """Forget secrets that were kept for a while only."""
        await self._clients.update_one(
            {"_id": client_id}, {"$pull": {"secrets": {"until_at": {"$lte": now}}}}
        )

    async def set_origins(self, client_id: str, origins: Sequence[str]) -> bool:
        """Put other origins in place; False when there is no such client."""
        changed = await self._clients.update_one({"_id": client_id}, {"$set": {"origins": list(origins)}})
        return changed.matched_count == 1

    async def shut_out(self, client_id: str) -> bool:
        """Keep a client out for good, its secrets forgotten; False when there is no such client."""
        changed = await self._clients.update_one(
            {"_id": client_id}, {"$set": {"active": False, "secrets": []}}
        )
        return changed.matched_count == 1


def _doc(client: Client) -> Document:
    return {
        "_id": client.id,
        "kind": str(client.kind),
        "organization_id": client.organization_id,
        "name": client.name,
        "created_at": client.created_at,
        "terminal_kind": str(client.terminal_kind) if client.terminal_kind else None,
        "department_id": client.department_id,
        "active": client.active,
        "origins": list(client.origins),
    }


def _client(doc: Document) -> Client:
    return Client(
        id=doc["_id"],
        kind=ClientKind(doc["kind"]),
        organization_id=doc["organization_id"],
        name=doc["name"],
        created_at=doc["created_at"],
        terminal_kind=TerminalKind(doc["terminal_kind"]) if doc.get("terminal_kind") else None,
        department_id=doc.get("department_id"),
        active=doc["active"],
        origins=tuple(doc.get("origins", ())),
    )
