"""Health cards, phones, printed codes and uses in MongoDB. A use is claimed by its insertion."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime

from pymongo import ASCENDING, DESCENDING
from pymongo.errors import DuplicateKeyError

from backend.db.client import Database, Document
from backend.db.gather import GatheredInserts
from backend.healthcodes.models import CodeKind, PhoneDevice, StaticCode, Use
from backend.security.fields import FieldCipher
from backend.security.lasting import declare_sealed
from backend.worker.events import Event, embedded, pushed

# So many conflicts are remembered with a use; a photo passed around adds no end of them.
_MOST_CONFLICTS = 20
declare_sealed("code_devices", "secret")
declare_sealed("static_codes", "text")


class HealthCodeStore:
    """Reads and writes `health_cards`, `code_devices`, `static_codes` and `code_uses`."""

    def __init__(self, db: Database, cipher: FieldCipher) -> None:
        self._cipher = cipher
        self._cards = db.collection("health_cards")
        self._devices = db.collection("code_devices")
        self._static = db.collection("static_codes")
        self._uses = db.collection("code_uses")
        self._new_uses = GatheredInserts(self._uses)

    # -- cards -----------------------------------------------------------------------------------------

    async def save_card(self, patient_id: str, card_index: str, at: datetime) -> None:
        """Remember by which national card id a patient may come."""
        await self._cards.update_one(
            {"_id": patient_id},
            {"$set": {"card_index": card_index, "updated_at": at}, "$setOnInsert": {"created_at": at}},
            upsert=True,
        )

    async def find_patient_by_card(self, card_indexes: list[str]) -> str | None:
        """The patient of a national card id, under any key of the blind index."""
        doc = await self._cards.find_one({"card_index": {"$in": card_indexes}}, {"_id": 1})
        return doc["_id"] if doc else None

    async def page_of_cards(self, after: str | None, limit: int) -> dict[str, str]:
        """The next cards by patient: their indexes."""
        rules: Document = {"_id": {"$gt": after}} if after is not None else {}
        docs = self._cards.find(rules, {"card_index": 1}).sort("_id", 1).limit(limit)
        return {doc["_id"]: doc["card_index"] async for doc in docs}

    async def delete_card(self, patient_id: str) -> None:
        """Forget a patient's card."""
        await self._cards.delete_one({"_id": patient_id})

    # -- phones ----------------------------------------------------------------------------------------

    async def add_device(self, device: PhoneDevice) -> None:
        """Store a phone's pseudo-id and sealed secret."""
        await self._devices.insert_one(
            {
                "_id": device.pseudo_id,
                "patient_id": device.patient_id,
                "resident_id": device.resident_id,
                "session_id": device.session_id,
                "on": device.on.isoformat(),
                "secret": self._seal("code_devices", "secret", device.pseudo_id, device.secret.hex()),
                "created_at": device.created_at,
                "expires_at": device.expires_at,
                "revoked_at": None,
            }
        )

    async def find_device(self, pseudo_id: str) -> PhoneDevice | None:
        """The phone behind a pseudo-id, revoked or not."""
        doc = await self._devices.find_one({"_id": pseudo_id})
        return self._device(doc) if doc else None

    async def find_device_of(self, session_id: str, patient_id: str, on: date) -> PhoneDevice | None:
        """What a session got for a patient on a day, unless revoked."""
        doc = await self._devices.find_one(
            {"session_id": session_id, "patient_id": patient_id, "on": on.isoformat(), "revoked_at": None}
        )
        return self._device(doc) if doc else None

    # -- printed codes ---------------------------------------------------------------------------------

    async def add_static(self, code: StaticCode) -> StaticCode:
        """Store a printed code; a repeated request gets the one it made before."""
        doc = {
            "_id": code.id,
            "patient_id": code.patient_id,
            "resident_id": code.resident_id,
            "code_hash": code.code_hash,
            "text": self._seal("static_codes", "text", code.id, code.text),
            "created_at": code.created_at,
            "revoked_at": None,
        }
        if code.request_key is not None:
            doc["request_key"] = code.request_key
        try:
            await self._static.insert_one(doc)
        except DuplicateKeyError:
            earlier = await self._static.find_one(
                {"patient_id": code.patient_id, "request_key": code.request_key}
            )
            if earlier is None:
                raise
            return self._static_code(earlier)
        return code

    async def find_static(self, code_hash: str) -> StaticCode | None:
        """The printed code of a hash, revoked or not."""
        doc = await self._static.find_one({"code_hash": code_hash})
        return self._static_code(doc) if doc else None

    async def find_static_by_id(self, code_id: str, patient_ids: Iterable[str]) -> StaticCode | None:
        """A printed code of one of these patients."""
        doc = await self._static.find_one({"_id": code_id, "patient_id": {"$in": list(patient_ids)}})
        return self._static_code(doc) if doc else None

    async def list_static(self, patient_ids: Iterable[str]) -> list[StaticCode]:
        """The printed codes in force of these patients, newest first."""
        in_force = {"patient_id": {"$in": list(patient_ids)}, "revoked_at": None}
        docs = await self._static.find(in_force).sort("_id", DESCENDING).limit(100).to_list(None)
        return [self._static_code(doc) for doc in docs]

    async def revoke_static(self, code: StaticCode, at: datetime) -> None:
        """Put a printed code out of force."""
        await self._static.update_one(
            {"_id": code.id, "patient_id": code.patient_id, "revoked_at": None}, {"$set": {"revoked_at": at}}
        )

    # -- putting out of force --------------------------------------------------------------------------

    async def revoke_of_guardian(self, patient_id: str, guardian_id: str, at: datetime) -> None:
        """Put out of force whatever a guardian made for a patient: phones and printed codes."""
        of_guardian = {"patient_id": patient_id, "resident_id": guardian_id, "revoked_at": None}
        await self._devices.update_many(of_guardian, {"$set": {"revoked_at": at}})
        await self._static.update_many(of_guardian, {"$set": {"revoked_at": at}})

    async def revoke_of_patient(self, patient_id: str, at: datetime) -> None:
        """Put out of force whatever there is for a patient."""
        in_force = {"patient_id": patient_id, "revoked_at": None}
        await self._devices.update_many(in_force, {"$set": {"revoked_at": at}})
        await self._static.update_many(in_force, {"$set": {"revoked_at": at}})

    async def revoke_devices(self, patient_id: str, resident_id: str, at: datetime) -> None:
        """Put out of force every phone on which a resident carries a patient's offline code."""
        await self._devices.update_many(
            {"patient_id": patient_id, "resident_id": resident_id, "revoked_at": None},
            {"$set": {"revoked_at": at}},
        )

    # -- uses ------------------------------------------------------------------------------------------

    async def claim(self, use: Use, *events: Event) -> Use | None:
        """Use a code up. Returns None when this did it, else the use that was there before."""
        try:
            await self._new_uses.insert(_use_to_doc(use) | embedded(*events))
        except DuplicateKeyError:
            doc = await self._uses.find_one({"_id": use.claim_key})
            if doc is None:
                raise
            return _use_from_doc(doc)
        return None

    async def flag(self, earlier: Use, conflicting: Use, *events: Event) -> None:
        """Note on a use that its code was shown again elsewhere. The events go out the first time only."""
        conflict = {
            "terminal_id": conflicting.terminal_id,
            "organization_id": conflicting.organization_id,
            "step": conflicting.step,
            "at": conflicting.at,
            "offline": conflicting.offline,
        }
        noted: Document = {"conflicts": {"$each": [conflict], "$slice": -_MOST_CONFLICTS}}
        telling = pushed(*events)
        first = await self._uses.update_one(
            {"_id": earlier.claim_key, "flagged": False},
            {"$push": noted | telling["$push"], "$set": telling["$set"] | {"flagged": True}},
        )
        if first.modified_count == 0:
            await self._uses.update_one({"_id": earlier.claim_key}, {"$push": noted})

    async def list_uses(self, patient_ids: list[str], limit: int, before: str | None) -> list[Use]:
        """The uses of these patients' codes, newest first, older than the use `before`."""
        where: Document = {"patient_id": {"$in": patient_ids}}
        if before is not None:
            where["use_id"] = {"$lt": before}
        docs = await self._uses.find(where).sort("use_id", DESCENDING).limit(limit).to_list(None)
        return [_use_from_doc(doc) for doc in docs]

    async def delete_uses(self, before: datetime, limit: int) -> tuple[int, bool]:
        """Delete the next old uses; how many, and whether there may be more.

        In the order in which they were written, which costs no index: the oldest stand first.
        """
        oldest = self._uses.find({}, {"at": 1, "events_due": 1}).sort("$natural", ASCENDING).limit(limit)
        # One whose event has not gone out yet (`events_due`) is still somebody's work.
        old = [doc["_id"] async for doc in oldest if doc["at"] < before and not doc.get("events_due")]
        if old:
            await self._uses.delete_many({"_id": {"$in": old}})
        return len(old), len(old) == limit

    async def delete_revoked(self, before: datetime) -> int:
        """Delete printed codes that were revoked so long ago. Shown again, they look made up."""
        result = await self._static.delete_many({"revoked_at": {"$lt": before}})
        return result.deleted_count

    async def drained(self) -> None:
        """Return when no use is waiting to be written; for shutdown."""
        await self._new_uses.drained()

    # -- forms -----------------------------------------------------------------------------------------

    def _seal(self, collection: str, field: str, doc_id: str, text: str) -> Document:
        return self._cipher.seal(collection, field, doc_id, text)

    def _device(self, doc: Document) -> PhoneDevice:
        return PhoneDevice(
            pseudo_id=doc["_id"],
            patient_id=doc["patient_id"],
            resident_id=doc["resident_id"],
            session_id=doc["session_id"],
            on=date.fromisoformat(doc["on"]),
            secret=bytes.fromhex(self._cipher.open("code_devices", "secret", doc["_id"], doc["secret"])),
            created_at=doc["created_at"],
            expires_at=doc["expires_at"],
            revoked_at=doc["revoked_at"],
        )

    def _static_code(self, doc: Document) -> StaticCode:
        return StaticCode(
            id=doc["_id"],
            patient_id=doc["patient_id"],
            resident_id=doc["resident_id"],
            code_hash=doc["code_hash"],
            text=self._cipher.open("static_codes", "text", doc["_id"], doc["text"]),
            created_at=doc["created_at"],
            revoked_at=doc["revoked_at"],
            request_key=doc.get("request_key"),
        )


def _use_to_doc(use: Use) -> Document:
    return {
        "_id": use.claim_key,
        "use_id": use.id,
        "patient_id": use.patient_id,
        "terminal_id": use.terminal_id,
        "organization_id": use.organization_id,
        "step": use.step,
        "kind": use.kind,
        "at": use.at,
        "offline": use.offline,
        "uploaded_at": use.uploaded_at,
        "flagged": use.flagged,
        "conflicts": [],
    }


def _use_from_doc(doc: Document) -> Use:
    return Use(
        claim_key=doc["_id"],
        id=doc["use_id"],
        patient_id=doc["patient_id"],
        terminal_id=doc["terminal_id"],
        organization_id=doc["organization_id"],
        step=doc["step"],
        kind=CodeKind(doc["kind"]),
        at=doc["at"],
        offline=doc["offline"],
        uploaded_at=doc["uploaded_at"],
        flagged=doc["flagged"],
    )
