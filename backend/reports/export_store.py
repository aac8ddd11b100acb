"""The `record_exports` collection: whole files made ready to be fetched; contents lie sealed in pieces."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from pymongo import DESCENDING

from backend.db.client import Database, Document
from backend.records.blobs import Blobs, blob_name, new_key
from backend.records.piece_store import PieceStore
from backend.security.fields import FieldCipher
from backend.security.lasting import declare_sealed
from backend.worker.events import Event, embedded

declare_sealed("record_exports", "key")

Form = Literal["fhir", "pdf"]


@dataclass(frozen=True, slots=True, repr=False)
class Export:
    """One file on the way. `done` of `total` resources are in it so far."""

    id: str
    resident_id: str
    patient_id: str
    form: Form
    state: Literal["due", "running", "done", "failed"]
    done: int
    total: int
    key: bytes
    created_at: datetime
    expires_at: datetime


class ExportStore:
    """Exports by id; MongoDB forgets them and their pieces by itself."""

    def __init__(self, db: Database, cipher: FieldCipher) -> None:
        self._exports = db.collection("record_exports")
        self._pieces = PieceStore(db)
        self._cipher = cipher

    async def insert(self, export: Export, event: Event) -> None:
        """Keep what is asked for, with the event that has it made."""
        await self._exports.insert_one(
            {
                "_id": export.id,
                "resident_id": export.resident_id,
                "patient_id": export.patient_id,
                "form": export.form,
                "state": export.state,
                "done": 0,
                "total": 0,
                "key": self._cipher.seal("record_exports", "key", export.id, export.key.hex()),
                "created_at": export.created_at,
                "expires_at": export.expires_at,
                **embedded(event),
            }
        )

    async def find(self, export_id: str) -> Export | None:
        """One export, or None."""
        found = await self._exports.find_one({"_id": export_id})
        return self._read(found) if found else None

    async def latest(self, resident_id: str, patient_id: str) -> list[Export]:
        """What the resident has asked for about somebody lately."""
        matching = {"resident_id": resident_id, "patient_id": patient_id}
        found = self._exports.find(matching).sort([("created_at", DESCENDING)]).limit(10)
        return [self._read(doc) async for doc in found]

    async def progress(self, export_id: str, done: int, total: int) -> None:
        """How far it is."""
        changed = {"state": "running", "done": done, "total": total}
        await self._exports.update_one({"_id": export_id}, {"$set": changed})

    async def finish(self, export: Export, content: bytes) -> None:
        """It is there: the pieces first. Made a second time it has another key: one key, one content."""
        key = new_key()
        await Blobs(self._pieces.until(export.expires_at)).put(blob_name(export.id, key), key, content)
        sealed = self._cipher.seal("record_exports", "key", export.id, key.hex())
        await self._exports.update_one({"_id": export.id}, {"$set": {"state": "done", "key": sealed}})

    async def fail(self, export_id: str) -> None:
        """It could not be made."""
        await self._exports.update_one({"_id": export_id}, {"$set": {"state": "failed"}})

    async def content(self, export: Export) -> bytes:
        """The file. Raises BlobError."""
        return await Blobs(self._pieces).get(blob_name(export.id, export.key), export.key)

    async def delete_of(self, resident_id: str) -> None:
        """Forget all of an account's."""
        async for doc in self._exports.find({"resident_id": resident_id}):
            export = self._read(doc)
            await self._pieces.delete(blob_name(export.id, export.key))
        await self._exports.delete_many({"resident_id": resident_id})

    def _read(self, doc: Document) -> Export:
        return Export(
            id=doc["_id"],
            resident_id=doc["resident_id"],
            patient_id=doc["patient_id"],
            form=doc["form"],
            state=doc["state"],
            done=doc["done"],
            total=doc["total"],
            key=bytes.fromhex(self._cipher.open("record_exports", "key", doc["_id"], doc["key"])),
            created_at=doc["created_at"],
            expires_at=doc["expires_at"],
        )
