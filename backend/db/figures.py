"""Figures added up beside what they are about: each document counted once, however often it changes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from pymongo import UpdateOne
from pymongo.asynchronous.client_session import AsyncClientSession

from backend.db.client import DURABLE, Database, Document

Place = tuple[str, ...]


class _CountedElsewhere(Exception):  # noqa: N818 no error: another process was faster
    pass


class FigureStore:
    """Documents to count (`count_due`), and the collection of their figures, named by `attributes`."""

    def __init__(self, db: Database, counted: str, figures: str, attributes: tuple[str, ...]) -> None:
        self._client = db.client
        self._counted = db.collection(counted)
        self._figures = db.collection(figures)
        self._attributes = attributes

    async def uncounted(self, limit: int) -> list[Document]:
        """Documents to which something has happened that no figure knows."""
        return [doc async for doc in self._counted.find({"count_due": True}).limit(limit)]

    async def settle(self, marks: Sequence[UpdateOne], increments: Mapping[Place, Mapping[str, int]]) -> bool:
        """Mark documents as counted and add up; all of it or, if one changed meanwhile, nothing.

        A transaction, because the marks and the counters are several documents: a process that dies between
        them would lose a count or make it twice.
        """
        sums = self._sums(increments)

        async def both(session: AsyncClientSession) -> None:
            marked = await self._counted.bulk_write(marks, ordered=False, session=session)
            if marked.matched_count != len(marks):
                raise _CountedElsewhere
            if sums:
                await self._figures.bulk_write(sums, ordered=False, session=session)

        try:
            async with self._client.start_session() as session:
                await session.with_transaction(both, write_concern=DURABLE)
        except _CountedElsewhere:
            return False
        return True

    async def bring_in(self, increments: Mapping[Place, Mapping[str, int]]) -> None:
        """Add what nobody has documents of. That it is done once is for the caller to see to."""
        sums = self._sums(increments)
        if sums:
            await self._figures.bulk_write(sums, ordered=False)

    async def read(self, level: str, months: tuple[str, str], within: Sequence[str] | None) -> list[Document]:
        """The counters of one level, months from and to, of some institutions or all."""
        matching: Document = {"level": level, "month": {"$gte": months[0], "$lte": months[1]}}
        if within is not None:
            matching["organization_id"] = {"$in": sorted(within)}
        return [doc async for doc in self._figures.find(matching)]

    async def count_again(self) -> int:
        """Have every document counted anew: only what its figures lack is added. Returns how many."""
        result = await self._counted.update_many({"count_due": False}, {"$set": {"count_due": True}})
        return result.modified_count

    def _sums(self, increments: Mapping[Place, Mapping[str, int]]) -> list[UpdateOne]:
        return [
            UpdateOne(
                {"_id": "|".join(place)},
                {"$inc": dict(added), "$setOnInsert": self._named(place)},
                upsert=True,
            )
            for place, added in increments.items()
            if added
        ]

    def _named(self, place: Place) -> Document:
        return dict(zip(self._attributes, place, strict=True))
