"""The `images` collection: DICOM instances; header and key of each are sealed, its picture lies in pieces."""

from __future__ import annotations

import orjson
from pymongo import ASCENDING, DESCENDING
from pymongo.errors import DuplicateKeyError

from backend.db.client import Database, Document
from backend.reports.image_models import ImageQuery, Stored
from backend.security.fields import FieldCipher
from backend.security.lasting import declare_sealed

declare_sealed("images", "header", "key")
_PLAIN = (
    "chart", "organization_id", "study_uid", "series_uid", "instance_uid", "class_uid", "modality", "syntax",
    "series_number", "number", "frames", "rows", "columns", "size", "at", "created_at", "center", "width",
)  # fmt: skip


class ImageStore:
    """Instances by id, and by the study they are of."""

    def __init__(self, db: Database, cipher: FieldCipher) -> None:
        self._images = db.collection("images")
        self._cipher = cipher

    async def insert(self, image: Stored) -> bool:
        """Keep an instance; False when it is here already."""
        header = orjson.dumps({"tags": image.tags, "digest": image.digest}).decode()
        document = {name: getattr(image, name) for name in _PLAIN} | {
            "_id": image.id,
            "header": self._cipher.seal("images", "header", image.id, header),
            "key": self._cipher.seal("images", "key", image.id, image.key.hex()),
        }
        try:
            await self._images.insert_one(document)
        except DuplicateKeyError:
            return False
        return True

    async def find(self, image_id: str) -> Stored | None:
        """One instance, or None."""
        found = await self._images.find_one({"_id": image_id})
        return self._read(found) if found else None

    async def search(self, wanted: ImageQuery) -> list[Stored]:
        """Instances, the latest study first, in the order of their series."""
        order = [("at", DESCENDING), ("study_uid", ASCENDING), ("series_number", ASCENDING)]
        order += [("series_uid", ASCENDING), ("number", ASCENDING)]
        found = self._images.find(_matching(wanted)).sort(order).limit(wanted.limit)
        return [self._read(doc) async for doc in found]

    async def ids_of(self, chart: str, study_uid: str, series_uid: str | None) -> list[str]:
        """All of a chart's study or series, in the order of its index: ids only, however many there are."""
        matching = {"chart": chart, "study_uid": study_uid}
        found = self._images.find(
            matching | ({"series_uid": series_uid} if series_uid else {}), {"_id": True}
        )
        order = [(name, ASCENDING) for name in ("chart", "study_uid", "series_uid", "number")]
        return [doc["_id"] async for doc in found.sort(order).hint("of_chart")]

    async def study_uids(self, wanted: ImageQuery, offset: int) -> list[str]:
        """The studies of what is looked for, the latest first."""
        stages: list[Document] = [
            {"$match": _matching(wanted)},
            {"$group": {"_id": "$study_uid", "at": {"$max": "$at"}}},
            {"$sort": {"at": -1, "_id": 1}},
            {"$skip": offset},
            {"$limit": wanted.limit},
        ]
        return [doc["_id"] async for doc in await self._images.aggregate(stages)]

    def _read(self, document: Document) -> Stored:
        image_id = document["_id"]
        header = orjson.loads(self._cipher.open("images", "header", image_id, document["header"]))
        key = self._cipher.open("images", "key", image_id, document["key"])
        plain: Document = {name: document.get(name) for name in _PLAIN}
        return Stored(
            id=image_id, tags=header["tags"], digest=header["digest"], key=bytes.fromhex(key), **plain
        )


def _matching(wanted: ImageQuery) -> Document:
    plain = {
        "organization_id": wanted.organization_id,
        "series_uid": wanted.series_uid,
        "instance_uid": wanted.instance_uid,
        "modality": wanted.modality,
    }
    matching: Document = {name: value for name, value in plain.items() if value is not None}
    if wanted.charts is not None:
        matching["chart"] = {"$in": list(wanted.charts)}
    if wanted.study_uids is not None:
        matching["study_uid"] = {"$in": list(wanted.study_uids)}
    times = {"$gte": wanted.since, "$lt": wanted.until}
    if any(times.values()):
        matching["at"] = {name: value for name, value in times.items() if value is not None}
    return matching
