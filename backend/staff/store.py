"""Where staff, their sessions and their failed sign-ins are kept."""

from __future__ import annotations

import hmac
import re
from datetime import datetime
from typing import Any

from pymongo import ASCENDING, ReturnDocument
from pymongo.errors import DuplicateKeyError

from backend import clock
from backend.db.client import Database, Document
from backend.errors import AppError, ErrorCode
from backend.permissions import Role
from backend.security.derive import derive_key
from backend.security.fields import FieldCipher
from backend.security.keys import Keyring
from backend.security.lasting import declare_sealed
from backend.staff.models import (
    ATTEMPTS_ALLOWED,
    LOCK_LIFETIME,
    SessionStage,
    StaffFilter,
    StaffMember,
    StaffSecrets,
    StaffSession,
    StaffState,
)

_STAFF = "staff"
declare_sealed(_STAFF, "name", "totp_secret")


class StaffStore:
    """Collections `staff`, `staff_sessions`, `staff_attempts`."""

    def __init__(self, db: Database, cipher: FieldCipher, keyring: Keyring) -> None:
        self._staff = db.collection(_STAFF)
        self._sessions = db.collection("staff_sessions")
        self._attempts = db.collection("staff_attempts")
        self._cipher = cipher
        # A rotation only starts the counting anew, and a count lives minutes.
        self._attempt_key = derive_key(keyring.active("blind").secret, "staff attempts")

    # -- members ---------------------------------------------------------------------------------------

    async def insert(self, member: StaffMember, secrets: StaffSecrets) -> None:
        """Open an account; LOGIN_TAKEN when the login belongs to another."""
        doc = {
            "_id": member.id,
            "login": member.login,
            "name": self._cipher.seal(_STAFF, "name", member.id, member.name),
            "role": member.role.value,
            "organization_ids": _ids_to_doc(member.organization_ids),
            "state": member.state.value,
            "password_hash": secrets.password_hash,
            "totp_secret": self._cipher.seal(_STAFF, "totp_secret", member.id, secrets.totp_secret),
            "totp_step": 0,
            "must_change_password": member.must_change_password,
            "disabled_reason": "",
            "practitioner_id": member.practitioner_id,
            "created_at": member.created_at,
            "updated_at": member.updated_at,
            "last_signed_in_at": None,
        }
        try:
            await self._staff.insert_one(doc)
        except DuplicateKeyError as error:
            raise AppError(ErrorCode.LOGIN_TAKEN) from error

    async def find_by_login(self, login: str) -> tuple[StaffMember, StaffSecrets] | None:
        """The member of this login with what a sign-in is checked against."""
        doc = await self._staff.find_one({"login": login})
        if doc is None:
            return None
        secret = self._cipher.open(_STAFF, "totp_secret", doc["_id"], doc["totp_secret"])
        return self._member(doc), StaffSecrets(doc["password_hash"], secret, doc["totp_step"])

    async def find(self, staff_id: str) -> StaffMember | None:
        """The member of this id."""
        doc = await self._staff.find_one({"_id": staff_id})
        return self._member(doc) if doc else None

    async def list_members(
        self, wanted: StaffFilter, within: frozenset[str] | None, after: str, limit: int
    ) -> list[StaffMember]:
        """Members by login after `after`; `within` keeps those whose whole scope lies inside it."""
        query: Document = {"login": {"$gt": after}}
        if wanted.text:
            query["login"]["$regex"] = re.escape(wanted.text.lower())
        if wanted.role:
            query["role"] = wanted.role.value
        if wanted.state:
            query["state"] = wanted.state.value
        if within is not None:
            query["organization_ids"] = {"$type": "array", "$not": {"$elemMatch": {"$nin": sorted(within)}}}
        found = self._staff.find(query).sort("login", ASCENDING).limit(limit)
        return [self._member(doc) async for doc in found]

    async def names(self, staff_ids: set[str]) -> dict[str, str]:
        """Names by id."""
        found = self._staff.find({"_id": {"$in": sorted(staff_ids)}}, {"name": 1})
        return {doc["_id"]: self._cipher.open(_STAFF, "name", doc["_id"], doc["name"]) async for doc in found}

    async def update(self, member: StaffMember, **changes: Any) -> StaffMember:
        """Set plain fields of one member and return what it is now."""
        doc = await self._staff.find_one_and_update(
            {"login": member.login, "_id": member.id},
            {"$set": {**changes, "updated_at": clock.now()}},
            return_document=ReturnDocument.AFTER,
        )
        if doc is None:
            raise AppError(ErrorCode.NOT_FOUND, "staff member vanished")
        return self._member(doc)

    async def set_totp_secret(self, member: StaffMember, secret: str) -> StaffMember:
        """Replace the one-time-code secret."""
        sealed = self._cipher.seal(_STAFF, "totp_secret", member.id, secret)
        return await self.update(member, totp_secret=sealed, totp_step=0)

    async def spend_totp_step(self, member: StaffMember, step: int) -> bool:
        """Claim a code's time step; False when that step or a later one was used, so no code works twice."""
        result = await self._staff.update_one(
            {"login": member.login, "_id": member.id, "totp_step": {"$lt": step}},
            {"$set": {"totp_step": step, "last_signed_in_at": clock.now()}},
        )
        return result.modified_count == 1

    # -- sessions --------------------------------------------------------------------------------------

    async def insert_session(self, session: StaffSession) -> None:
        """Keep a session under the hash of its cookie."""
        await self._sessions.insert_one(
            {
                "_id": session.id,
                "staff_id": session.staff_id,
                "login": session.login,
                "stage": session.stage.value,
                "created_at": session.created_at,
                "seen_at": session.seen_at,
                "expires_at": session.expires_at,
            }
        )

    async def find_session(self, session_id: str) -> StaffSession | None:
        """A session that has not run out; the TTL index only tidies up later."""
        doc = await self._sessions.find_one({"_id": session_id, "expires_at": {"$gt": clock.now()}})
        return _session(doc) if doc else None

    async def member_of(self, session: StaffSession) -> StaffMember | None:
        """The member of a session, by the shard key."""
        doc = await self._staff.find_one({"login": session.login, "_id": session.staff_id})
        return self._member(doc) if doc else None

    async def touch_session(self, session_id: str, seen_at: datetime, expires_at: datetime) -> None:
        """Push the idle end further off."""
        await self._sessions.update_one(
            {"_id": session_id}, {"$set": {"seen_at": seen_at, "expires_at": expires_at}}
        )

    async def delete_session(self, session_id: str) -> bool:
        """End one session; True for whoever ended it."""
        return (await self._sessions.delete_one({"_id": session_id})).deleted_count == 1

    async def delete_sessions_of(self, staff_id: str, keep: str = "") -> None:
        """End every session of a member, but for `keep`."""
        await self._sessions.delete_many({"staff_id": staff_id, "_id": {"$ne": keep}})

    # -- failed sign-ins -------------------------------------------------------------------------------

    async def count_attempt(self, login: str) -> int:
        """Count an attempt before it is checked, so that many at once cannot pass together.

        A lock runs from the attempt that caused it: trying on does not make it longer, else anyone could
        keep a colleague out for good.
        """
        now = clock.now()
        running = {"$gt": [{"$ifNull": ["$expires_at", now]}, now]}
        failed = {"$add": [{"$cond": [running, "$failed", 0]}, 1]}
        until = {"$cond": [{"$gt": ["$failed", ATTEMPTS_ALLOWED]}, "$expires_at", now + LOCK_LIFETIME]}
        doc = await self._attempts.find_one_and_update(
            {"_id": self._attempt_id(login)},
            [{"$set": {"failed": failed}}, {"$set": {"expires_at": until}}],
            upsert=True,
            return_document=ReturnDocument.AFTER,
        )
        return int(doc["failed"]) if doc else 1

    async def forgive_attempt(self, login: str) -> None:
        """Take back the count of an attempt that proved right."""
        await self._attempts.update_one(
            {"_id": self._attempt_id(login), "failed": {"$gt": 0}}, {"$inc": {"failed": -1}}
        )

    async def clear_attempts(self, login: str) -> None:
        """Forget the failures: a full sign-in, or an administrator, unlocks the account."""
        await self._attempts.delete_one({"_id": self._attempt_id(login)})

    def _attempt_id(self, login: str) -> str:
        # People type passwords into the login box: without the key nobody can try what it was.
        return hmac.digest(self._attempt_key, login.encode(), "sha256").hex()

    def _member(self, doc: Document) -> StaffMember:
        ids = doc.get("organization_ids")
        return StaffMember(
            id=doc["_id"],
            login=doc["login"],
            name=self._cipher.open(_STAFF, "name", doc["_id"], doc["name"]),
            role=Role(doc["role"]),
            organization_ids=None if ids is None else frozenset(ids),
            state=StaffState(doc["state"]),
            must_change_password=doc["must_change_password"],
            created_at=doc["created_at"],
            updated_at=doc["updated_at"],
            last_signed_in_at=doc.get("last_signed_in_at"),
            disabled_reason=doc.get("disabled_reason", ""),
            practitioner_id=doc.get("practitioner_id", ""),
        )


def _ids_to_doc(ids: frozenset[str] | None) -> list[str] | None:
    return None if ids is None else sorted(ids)


def _session(doc: Document) -> StaffSession:
    return StaffSession(
        id=doc["_id"],
        staff_id=doc["staff_id"],
        login=doc["login"],
        stage=SessionStage(doc["stage"]),
        created_at=doc["created_at"],
        seen_at=doc["seen_at"],
        expires_at=doc["expires_at"],
    )
