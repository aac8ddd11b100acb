"""Documents that lie apart from their resources: kept, then named and bound in one write, read by piece.

Who may read a resource may read its documents: their ids stand beside the body, and come from nowhere else.
"""

from __future__ import annotations

import base64
from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta

from backend import clock
from backend.db.client import Along, Session
from backend.errors import AppError, ErrorCode
from backend.records import apart
from backend.records.blobs import BlobError, Blobs, blob_name, new_key
from backend.records.file_store import FileStore, StoredFile
from backend.records.ids import fresh_resource_id, owner_of
from backend.records.models import Resource
from backend.records.store import Change

# Between its first piece and the write that names it lie seconds; after a day nobody comes back for it.
LOOSE_FOR = timedelta(days=1)
_SWEPT_AT_ONCE = 100


@dataclass(frozen=True, slots=True)
class Content:
    """A document on its way out: how large it is, and its pieces."""

    size: int
    chunks: AsyncIterator[bytes]


class RecordFiles:
    """Keeps and hands out."""

    def __init__(self, store: FileStore, blobs: Blobs) -> None:
        self._store = store
        self._blobs = blobs

    # -- with the write of a resource ------------------------------------------------------------------

    async def placed(
        self, changes: Sequence[Change], known: Mapping[str, Mapping[str, str]], kept: dict[str, str]
    ) -> list[Change]:
        """The changes, each with the files of the documents it names.

        `known`: what the standing versions name, by resource and name. What is there is not kept again;
        what this call has kept stands in `kept`, for when the changes are planned anew.
        """
        placed = []
        for change in changes:
            draft, ids = change.draft, []
            for name in draft.apart:
                id = known.get(draft.id, {}).get(name) or kept.get(f"{owner_of(draft.id)}/{name}")
                if id is None:
                    id = await self._keep(draft.organization_id, draft.id, draft.contents[name])
                    kept[f"{owner_of(draft.id)}/{name}"] = id
                ids.append(id)
            placed.append(replace(change, files=tuple(ids)) if ids else change)
        return placed

    def binding(self, changes: Sequence[Change], kept: Mapping[str, str]) -> list[Along]:
        """What has to be written with the changes for the files kept for them to stay."""
        named = {id for change in changes for id in change.files} & set(kept.values())
        if not named:
            return []

        async def bind(session: Session) -> None:
            if not await self._store.bind(named, session):
                raise AppError(ErrorCode.UNAVAILABLE, "a file that was kept for this write is gone")

        return [bind]

    async def _keep(self, organization_id: str, resource_id: str, content: bytes) -> str:
        file = StoredFile(fresh_resource_id(owner_of(resource_id)), organization_id, len(content), new_key())
        await self._store.insert(file, clock.now())
        await self._blobs.put(_blob(file), file.key, content)
        return file.id

    # -- reading ---------------------------------------------------------------------------------------

    async def open(self, file: apart.File) -> Content:
        """A document of a resource that has been read on a basis. Raises UNAVAILABLE."""
        stored = await self._store.find(file.id)
        if stored is None:
            raise AppError(ErrorCode.UNAVAILABLE, f"file {file.id} is not there")
        return Content(stored.size, self._chunks(stored))

    async def _chunks(self, file: StoredFile) -> AsyncIterator[bytes]:
        try:
            async for chunk in self._blobs.stream(_blob(file), file.key, file.size):
                yield chunk
        except BlobError as error:
            raise AppError(ErrorCode.UNAVAILABLE, str(error)) from error

    async def whole(self, resource: Resource) -> Resource:
        """A resource that has been read on a basis, with its documents in it, as it was sent."""
        contents = {
            name: await _base64(await self.open(apart.File(id, 0)))
            for name, id in apart.files_of(resource).items()
        }
        return replace(resource, body=apart.put_in(resource.body, contents)) if contents else resource

    # -- what nobody has named -------------------------------------------------------------------------

    async def sweep(self) -> None:
        """Forget what was kept for a write that did not come about."""
        for file in await self._store.loose(clock.now() - LOOSE_FOR, _SWEPT_AT_ONCE):
            if await self._store.condemn(file.id):
                await self._blobs.delete(_blob(file))
                await self._store.delete(file.id)


def _blob(file: StoredFile) -> str:
    return blob_name(file.id, file.key)


async def _base64(content: Content) -> str:
    """Encoded as it comes: never the bytes and the letters of all of it at once."""
    parts, left = [], b""
    async for chunk in content.chunks:
        chunk = left + chunk
        even = len(chunk) - len(chunk) % 3
        parts.append(base64.b64encode(chunk[:even]).decode())
        left = chunk[even:]
    return "".join([*parts, base64.b64encode(left).decode()])


def unknown(named: Collection[str], contents: Collection[str], standing: Collection[str]) -> set[str]:
    """Documents that a body names without bringing them, and that do not stand there either."""
    return set(named).difference(contents, standing)
