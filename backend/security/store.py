"""Sessions and revocations in MongoDB. Refresh tokens are here as hashes only."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from pymongo import ReturnDocument

from backend.db.client import Database, Document
from backend.permissions import Actor, Role


@dataclass(frozen=True, slots=True)
class Revocation:
    """One thing that no longer counts: `session:<id>`, or `account:<id>` for its tokens up to `at`."""

    what: str
    at: datetime
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class Session:
    """One signed-in device: the family of all refresh tokens that came from one sign-in."""

    id: str
    actor: Actor
    device: str
    generation: int
    refresh_hash: str
    previous_hash: str | None
    created_at: datetime
    rotated_at: datetime
    expires_at: datetime
    ended_at: datetime | None
    end_reason: str | None


class SessionStore:
    """Reads and writes `sessions` and `revocations`."""

    def __init__(self, db: Database) -> None:
        self._sessions = db.collection("sessions")
        self._revocations = db.collection("revocations")

    async def add(self, session: Session) -> None:
        """Store a new session."""
        await self._sessions.insert_one(_session_to_doc(session))

    async def find(self, session_id: str) -> Session | None:
        """Return a session, ended or not."""
        doc = await self._sessions.find_one({"_id": session_id})
        return _session_from_doc(doc) if doc else None

    async def list_open(self, account_id: str, at: datetime) -> list[Session]:
        """Return an account's open sessions, newest first."""
        open_ones = {"account_id": account_id, "ended_at": None, "expires_at": {"$gt": at}}
        docs = await self._sessions.find(open_ones).sort("_id", -1).limit(100).to_list(None)
        return [_session_from_doc(doc) for doc in docs]

    async def rotate(
        self, session_id: str, presented_hash: str, next_hash: str, at: datetime, expires_at: datetime
    ) -> Session | None:
        """Replace the refresh token, if the presented one is the session's present one."""
        doc = await self._sessions.find_one_and_update(
            {"_id": session_id, "refresh_hash": presented_hash, "ended_at": None, "expires_at": {"$gt": at}},
            {
                "$set": {
                    "refresh_hash": next_hash,
                    "previous_hash": presented_hash,
                    "rotated_at": at,
                    "expires_at": expires_at,
                },
                "$inc": {"generation": 1},
            },
            return_document=ReturnDocument.AFTER,
        )
        return _session_from_doc(doc) if doc else None

    async def set_actor(self, session_id: str, actor: Actor) -> None:
        """Store what the session's next access tokens say (after a real-name check, a change of role)."""
        await self._sessions.update_one({"_id": session_id}, {"$set": _actor_to_doc(actor)})

    async def end(self, session_id: str, at: datetime, reason: str) -> None:
        """End a session; its refresh token is refused from now on."""
        await self._sessions.update_one(
            {"_id": session_id, "ended_at": None}, {"$set": {"ended_at": at, "end_reason": reason}}
        )

    async def end_all(self, account_id: str, at: datetime, reason: str) -> None:
        """End every session of an account."""
        await self._sessions.update_many(
            {"account_id": account_id, "ended_at": None}, {"$set": {"ended_at": at, "end_reason": reason}}
        )

    async def add_revocation(self, revocation: Revocation) -> None:
        """Store a revocation; a later one of the same thing extends it."""
        await self._revocations.update_one(
            {"_id": revocation.what},
            {"$max": {"at": revocation.at, "expires_at": revocation.expires_at}},
            upsert=True,
        )

    async def list_revocations(self, since: datetime) -> list[Revocation]:
        """Return what was revoked since an instant."""
        docs = await self._revocations.find({"at": {"$gte": since}}).to_list(None)
        return [Revocation(doc["_id"], doc["at"], doc["expires_at"]) for doc in docs]


def _actor_to_doc(actor: Actor) -> Document:
    organizations = None if actor.organization_ids is None else sorted(actor.organization_ids)
    return {
        "account_id": actor.id,
        "kind": actor.kind,
        "role": actor.role,
        "organization_ids": organizations,
        "channel": actor.channel,
        "real_name": actor.real_name,
    }


def _actor_from_doc(doc: Document) -> Actor:
    organizations: list[str] | None = doc["organization_ids"]
    return Actor(
        kind=doc["kind"],
        id=doc["account_id"],
        role=Role(doc["role"]) if doc["role"] else None,
        organization_ids=None if organizations is None else frozenset(organizations),
        session_id=doc["_id"],
        channel=doc["channel"],
        real_name=doc["real_name"],
    )


def _session_to_doc(session: Session) -> Document:
    fields: dict[str, Any] = {
        "_id": session.id,
        "device": session.device,
        "generation": session.generation,
        "refresh_hash": session.refresh_hash,
        "previous_hash": session.previous_hash,
        "created_at": session.created_at,
        "rotated_at": session.rotated_at,
        "expires_at": session.expires_at,
        "ended_at": session.ended_at,
        "end_reason": session.end_reason,
    }
    return fields | _actor_to_doc(session.actor)


def _session_from_doc(doc: Document) -> Session:
    return Session(
        id=doc["_id"],
        actor=_actor_from_doc(doc),
        device=doc["device"],
        generation=doc["generation"],
        refresh_hash=doc["refresh_hash"],
        previous_hash=doc["previous_hash"],
        created_at=doc["created_at"],
        rotated_at=doc["rotated_at"],
        expires_at=doc["expires_at"],
        ended_at=doc["ended_at"],
        end_reason=doc["end_reason"],
    )
