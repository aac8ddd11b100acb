"""The collections `birth_files`, uploaded materials sealed as they are, and `agency_callbacks`."""

from __future__ import annotations

import base64
from datetime import datetime

from pymongo.errors import DuplicateKeyError

from backend.births.models import MaterialFile
from backend.db.client import Database
from backend.security.fields import FieldCipher
from backend.security.lasting import declare_sealed

FILES, CALLBACKS = "birth_files", "agency_callbacks"
declare_sealed(FILES, "content")


class FileStore:
    """Contents by id. What a file is called and who sent it stands in the filing."""

    def __init__(self, db: Database, cipher: FieldCipher) -> None:
        self._files = db.collection(FILES)
        self._cipher = cipher

    async def put(self, file: MaterialFile, content: bytes) -> None:
        """Keep a file's content."""
        sealed = self._cipher.seal(FILES, "content", file.id, base64.b64encode(content).decode())
        await self._files.insert_one(
            {
                "_id": file.id,
                "filing_id": file.filing_id,
                "size": file.size,
                "created_at": file.created_at,
                "content": sealed,
            }
        )

    async def content(self, file_id: str) -> bytes | None:
        """A file's content, or None."""
        doc = await self._files.find_one({"_id": file_id})
        if doc is None:
            return None
        return base64.b64decode(self._cipher.open(FILES, "content", file_id, doc["content"]))

    async def delete(self, file_id: str) -> None:
        """Forget one."""
        await self._files.delete_one({"_id": file_id})

    async def delete_of(self, filing_id: str) -> None:
        """Forget all of a filing."""
        await self._files.delete_many({"filing_id": filing_id})


class CallbackStore:
    """Nonces of callbacks, for as long as a signature counts."""

    def __init__(self, db: Database) -> None:
        self._seen = db.collection(CALLBACKS)

    async def is_seen(self, key: str) -> bool:
        """Whether this callback has been taken before."""
        return await self._seen.find_one({"_id": key}, {"_id": 1}) is not None

    async def see(self, key: str, at: datetime) -> None:
        """It has been taken."""
        try:
            await self._seen.insert_one({"_id": key, "at": at})
        except DuplicateKeyError:
            return
