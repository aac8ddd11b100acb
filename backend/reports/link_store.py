"""The `report_links` collection: who shared what and for how long; the contents lie encrypted in pieces."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from pymongo import DESCENDING, ReturnDocument

from backend.db.client import Database, Document
from backend.records.piece_store import PieceStore
from backend.security.fields import FieldCipher
from backend.security.lasting import declare_sealed

declare_sealed("report_links", "label", "recipient")
_MOST = 50
_PIECE = 8 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class File:
    """One file of a link: its type, and where its encrypted pieces lie."""

    content_type: str
    blob_id: str


@dataclass(frozen=True, slots=True, repr=False)
class Link:
    """A shared link; its id is a hash of the secret in its address."""

    id: str
    resident_id: str
    patient_id: str
    label: str
    files: tuple[File, ...]
    passcode: str | None
    attempts_left: int
    created_at: datetime
    expires_at: datetime
    revoked_at: datetime | None = None
    opened: int = 0
    last_opened_at: datetime | None = None
    recipient: str = ""

    def is_live(self, now: datetime) -> bool:
        """Whether it still opens."""
        return self.revoked_at is None and now < self.expires_at and self.attempts_left > 0


class LinkStore:
    """Links by id and by who made them."""

    def __init__(self, db: Database, cipher: FieldCipher) -> None:
        self._links = db.collection("report_links")
        self._pieces = PieceStore(db)
        self._cipher = cipher

    async def insert(self, link: Link, contents: dict[str, str]) -> None:
        """Keep a link with its encrypted files: the files first."""
        pieces = self._pieces.until(link.expires_at)
        for blob_id, content in contents.items():
            data = content.encode()
            for number, start in enumerate(range(0, len(data), _PIECE)):
                await pieces.put(blob_id, number, data[start : start + _PIECE])
        await self._links.insert_one(
            {
                "_id": link.id,
                "resident_id": link.resident_id,
                "patient_id": link.patient_id,
                "label": self._cipher.seal("report_links", "label", link.id, link.label),
                "recipient": None,
                "blobs": [{"type": file.content_type, "id": file.blob_id} for file in link.files],
                "passcode": link.passcode,
                "attempts_left": link.attempts_left,
                "opened": 0,
                "last_opened_at": None,
                "revoked_at": None,
                "expires_at": link.expires_at,
                "created_at": link.created_at,
            }
        )

    async def find(self, link_id: str) -> Link | None:
        """A link, or None."""
        found = await self._links.find_one({"_id": link_id})
        return self._read(found) if found else None

    async def content(self, file: File) -> str:
        """A file, as it was encrypted when the link was made."""
        return b"".join(await self._pieces.read(file.blob_id)).decode()

    async def of_resident(self, resident_id: str) -> list[Link]:
        """The latest first."""
        order = [("created_at", DESCENDING)]
        found = self._links.find({"resident_id": resident_id}).sort(order).limit(_MOST)
        return [self._read(doc) async for doc in found]

    async def count_live(self, resident_id: str, now: datetime) -> int:
        """How many still open."""
        matching = {"resident_id": resident_id, "revoked_at": None, "expires_at": {"$gt": now}}
        return await self._links.count_documents(matching)

    async def take_attempt(self, link_id: str) -> int | None:
        """One try at the passcode less; how many are left, None when none was."""
        taken = await self._links.find_one_and_update(
            {"_id": link_id, "attempts_left": {"$gt": 0}},
            {"$inc": {"attempts_left": -1}},
            return_document=ReturnDocument.AFTER,
        )
        return taken["attempts_left"] if taken else None

    async def give_attempts(self, link_id: str, count: int) -> None:
        """The passcode was right: tries begin anew."""
        await self._links.update_one({"_id": link_id}, {"$set": {"attempts_left": count}})

    async def opened(self, link: Link, at: datetime, recipient: str) -> None:
        """Somebody has opened it."""
        sealed = self._cipher.seal("report_links", "recipient", link.id, recipient) if recipient else None
        changed = {"last_opened_at": at, "recipient": sealed}
        await self._links.update_one({"_id": link.id}, {"$inc": {"opened": 1}, "$set": changed})

    async def revoke(self, link: Link, at: datetime) -> None:
        """End it, and forget what it opened."""
        await self._links.update_one({"_id": link.id, "revoked_at": None}, {"$set": {"revoked_at": at}})
        for file in link.files:
            await self._pieces.delete(file.blob_id)

    async def delete(self, link: Link) -> None:
        """Forget it altogether."""
        for file in link.files:
            await self._pieces.delete(file.blob_id)
        await self._links.delete_one({"_id": link.id})

    def _read(self, doc: Document) -> Link:
        def text(name: str) -> str:
            return self._cipher.open("report_links", name, doc["_id"], doc[name]) if doc[name] else ""

        return Link(
            id=doc["_id"],
            resident_id=doc["resident_id"],
            patient_id=doc["patient_id"],
            label=text("label"),
            files=tuple(File(each["type"], each["id"]) for each in doc["blobs"]),
            passcode=doc["passcode"],
            attempts_left=doc["attempts_left"],
            created_at=doc["created_at"],
            expires_at=doc["expires_at"],
            revoked_at=doc["revoked_at"],
            opened=doc["opened"],
            last_opened_at=doc["last_opened_at"],
            recipient=text("recipient"),
        )
