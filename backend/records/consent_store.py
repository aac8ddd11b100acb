"""The `record_consents` collection: what people let others read; the asker's words are sealed."""

from __future__ import annotations

from collections.abc import Collection as Ids
from dataclasses import replace
from datetime import date
from typing import Any

from pymongo import DESCENDING
from pymongo.errors import DuplicateKeyError

from backend.db.client import Database, Document
from backend.records.models import Purpose
from backend.records.sharing_models import Consent, ConsentState, Terms, Via
from backend.security.fields import FieldCipher
from backend.security.lasting import declare_sealed
from backend.worker.events import Event, embedded

_CONSENTS = "record_consents"
declare_sealed(_CONSENTS, "reason")
# Nobody reads through more of them; whoever has more is shown the newest.
MOST_LISTED = 200


class ConsentStore:
    """Consents by id and person. Every change names the turn it changes, so that only one of two happens."""

    def __init__(self, db: Database, cipher: FieldCipher) -> None:
        self._consents = db.collection(_CONSENTS)
        self._cipher = cipher

    async def insert(self, consent: Consent, event: Event | None = None) -> bool:
        """Keep a new consent; False when it is there already."""
        document = self._write(consent) | (embedded(event) if event else {})
        try:
            await self._consents.insert_one(document)
        except DuplicateKeyError:
            return False
        return True

    async def find(self, consent_id: str) -> Consent | None:
        """A consent, or None."""
        doc = await self._consents.find_one({"_id": consent_id})
        return self._read(doc) if doc else None

    async def find_many(self, ids: Ids[str]) -> list[Consent]:
        """Those of these ids that there are."""
        found = self._consents.find({"_id": {"$in": sorted(ids)}}) if ids else None
        return [self._read(doc) async for doc in found] if found is not None else []

    async def write(self, after: Consent, event: Event | None = None) -> bool:
        """Write the next turn; False when another has been written meanwhile."""
        document = self._write(replace(after, turn=after.turn + 1))
        for kept in ("_id", "person_id", "reason"):
            del document[kept]
        change: Document = {"$set": document}
        if event is not None:
            change["$push"] = {"events": event.to_doc()}
            change["$set"]["events_due"] = True
        where = {"_id": after.id, "person_id": after.person_id, "turn": after.turn}
        return (await self._consents.update_one(where, change)).matched_count == 1

    async def granted(self, person_id: str) -> list[Consent]:
        """What a person has granted and not taken back."""
        where = {"person_id": person_id, "state": str(ConsentState.GRANTED)}
        found = self._consents.find(where).sort("_id", DESCENDING).limit(MOST_LISTED)
        return [self._read(doc) async for doc in found]

    async def of_person(self, person_id: str) -> list[Consent]:
        """Everything a person was asked or has said, newest first."""
        found = self._consents.find({"person_id": person_id}).sort("_id", DESCENDING).limit(MOST_LISTED)
        return [self._read(doc) async for doc in found]

    async def asked_by(self, within: Ids[str] | None, before: str, limit: int) -> list[Consent]:
        """What institutions have asked for, newest first, beyond the id `before`."""
        where: Document = {"asked_by": {"$type": "string"} if within is None else {"$in": sorted(within)}}
        if before:
            where["_id"] = {"$lt": before}
        found = self._consents.find(where).sort("_id", DESCENDING).limit(limit)
        return [self._read(doc) async for doc in found]

    async def forget(self, person_id: str) -> None:
        """Take out the words about somebody; what was granted ends."""
        open_states = [str(ConsentState.GRANTED), str(ConsentState.REQUESTED)]
        await self._consents.update_many(
            {"person_id": person_id, "state": {"$in": open_states}},
            {"$set": {"state": str(ConsentState.REVOKED)}, "$inc": {"turn": 1}},
        )
        await self._consents.update_many({"person_id": person_id}, {"$set": {"reason": None}})

    def _write(self, consent: Consent) -> Document:
        reason = (
            self._cipher.seal(_CONSENTS, "reason", consent.id, consent.reason) if consent.reason else None
        )
        return {
            "_id": consent.id,
            "person_id": consent.person_id,
            "state": str(consent.state),
            "terms": _write_terms(consent.terms),
            "turn": consent.turn,
            "created_at": consent.created_at,
            "asked_by": consent.asked_by,
            "practitioner": consent.practitioner,
            "reason": reason,
            "lapses_at": consent.lapses_at,
            "answered_by": consent.answered_by,
            "via": str(consent.via) if consent.via else None,
            "answered_at": consent.answered_at,
            "ended_at": consent.ended_at,
        }

    def _read(self, doc: Document) -> Consent:
        sealed = doc["reason"]
        return Consent(
            id=doc["_id"],
            person_id=doc["person_id"],
            state=ConsentState(doc["state"]),
            terms=_read_terms(doc["terms"]),
            turn=doc["turn"],
            created_at=doc["created_at"],
            asked_by=doc["asked_by"],
            practitioner=doc["practitioner"],
            reason=self._cipher.open(_CONSENTS, "reason", doc["_id"], sealed) if sealed else "",
            lapses_at=doc["lapses_at"],
            answered_by=doc["answered_by"],
            via=Via(doc["via"]) if doc["via"] else None,
            answered_at=doc["answered_at"],
            ended_at=doc["ended_at"],
        )


def _write_terms(terms: Terms) -> Document:
    return {
        "purpose": str(terms.purpose),
        "expires_at": terms.expires_at,
        "kinds": None if terms.kinds is None else sorted(terms.kinds),
        "since": terms.since.isoformat() if terms.since else None,
        "until": terms.until.isoformat() if terms.until else None,
        "organization_ids": None if terms.organization_ids is None else sorted(terms.organization_ids),
        "department_ids": sorted(terms.department_ids),
        "sensitive": terms.sensitive,
    }


def _read_terms(doc: dict[str, Any]) -> Terms:
    return Terms(
        purpose=Purpose(doc["purpose"]),
        expires_at=doc["expires_at"],
        kinds=None if doc["kinds"] is None else frozenset(doc["kinds"]),
        since=date.fromisoformat(doc["since"]) if doc["since"] else None,
        until=date.fromisoformat(doc["until"]) if doc["until"] else None,
        organization_ids=None if doc["organization_ids"] is None else frozenset(doc["organization_ids"]),
        department_ids=frozenset(doc["department_ids"]),
        sensitive=doc["sensitive"],
    )
