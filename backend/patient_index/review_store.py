"""The `chart_reviews` collection: pairs that a human has to look at, and what was said of them."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from pymongo import DESCENDING

from backend import clock
from backend.db.client import Database, Document
from backend.patient_index.review_models import WAITING, Cause, Review, ReviewState, review_id
from backend.security.fields import FieldCipher
from backend.security.lasting import declare_sealed

REVIEWS = "chart_reviews"
declare_sealed(REVIEWS, "reason")


class ReviewStore:
    """Pairs by id: two charts are one pair, whichever was found first."""

    def __init__(self, db: Database, cipher: FieldCipher) -> None:
        self._reviews = db.collection(REVIEWS)
        self._cipher = cipher

    async def put(
        self,
        chart_id: str,
        other_id: str,
        cause: Cause,
        *,
        grade: str = "",
        bits: float = 0.0,
        degrees: Mapping[str, str] | None = None,
    ) -> None:
        """Put a pair before a human, unless somebody has said what it is already."""
        found_id, at = review_id(chart_id, other_id), clock.now()
        weight = {"grade": grade, "bits": bits, "degrees": dict(degrees or {}), "updated_at": at}
        pair = {"chart_id": chart_id, "other_id": other_id, "sides": sorted((chart_id, other_id))}
        await self._reviews.update_one(
            {"_id": found_id},
            {
                "$setOnInsert": {
                    **pair,
                    **weight,
                    "cause": str(cause),
                    "state": str(ReviewState.OPEN),
                    "decided_by": "",
                    "decided_at": None,
                    "reason": None,
                    "turn": 0,
                    "created_at": at,
                }
            },
            upsert=True,
        )
        change = {"$set": {**weight, "cause": str(cause)}}
        await self._reviews.update_one({"_id": found_id, "state": {"$in": [*map(str, WAITING)]}}, change)
        change["$set"]["state"] = str(ReviewState.OPEN)
        await self._reviews.update_one({"_id": found_id, "state": str(ReviewState.WITHDRAWN)}, change)

    async def find(self, found_id: str) -> Review | None:
        """A pair by id."""
        doc = await self._reviews.find_one({"_id": found_id})
        return self._read(doc) if doc else None

    async def find_pair(self, one: str, other: str) -> Review | None:
        """The pair of two."""
        return await self.find(review_id(one, other))

    async def list_in(self, state: ReviewState, after: tuple[float, str] | None, limit: int) -> list[Review]:
        """Pairs in a state, what weighs most first."""
        wanted: Document = {"state": str(state)}
        if after is not None:
            bits, last = after
            wanted["$or"] = [{"bits": {"$lt": bits}}, {"bits": bits, "_id": {"$lt": last}}]
        docs = self._reviews.find(wanted).sort([("bits", DESCENDING), ("_id", DESCENDING)]).limit(limit)
        return [self._read(doc) async for doc in docs]

    async def counts(self) -> dict[ReviewState, int]:
        """How many pairs wait."""
        return {state: await self._reviews.count_documents({"state": str(state)}) for state in WAITING}

    async def list_of(self, chart_ids: Collection[str]) -> list[Review]:
        """Every pair that one of these charts is in."""
        return [self._read(doc) async for doc in self._reviews.find({"sides": {"$in": list(chart_ids)}})]

    async def said(self, one: str, other: str) -> ReviewState | None:
        """What stands of a pair; None when nobody was ever asked."""
        doc = await self._reviews.find_one({"_id": review_id(one, other)}, {"state": 1})
        return ReviewState(doc["state"]) if doc else None

    async def decide(self, review: Review, state: ReviewState, by: str, reason: str) -> bool:
        """Write what somebody said; False when another has said something meanwhile."""
        fields = {
            "state": str(state),
            "decided_by": by,
            "decided_at": clock.now(),
            "reason": self._cipher.seal(REVIEWS, "reason", review.id, reason) if reason else None,
            "updated_at": clock.now(),
        }
        result = await self._reviews.update_one(
            {"_id": review.id, "turn": review.turn}, {"$set": fields, "$inc": {"turn": 1}}
        )
        return result.matched_count == 1

    async def withdraw(self, review_ids: Collection[str]) -> None:
        """Take pairs off the list that nobody has looked at yet."""
        if review_ids:
            await self._reviews.update_many(
                {"_id": {"$in": list(review_ids)}, "state": {"$in": [*map(str, WAITING)]}},
                {"$set": {"state": str(ReviewState.WITHDRAWN), "updated_at": clock.now()}},
            )

    def _read(self, doc: Document) -> Review:
        sealed = doc["reason"]
        return Review(
            id=doc["_id"],
            chart_id=doc["chart_id"],
            other_id=doc["other_id"],
            cause=Cause(doc["cause"]),
            state=ReviewState(doc["state"]),
            grade=doc["grade"],
            bits=doc["bits"],
            degrees=doc["degrees"],
            created_at=doc["created_at"],
            turn=doc["turn"],
            decided_by=doc["decided_by"],
            decided_at=doc["decided_at"],
            reason=self._cipher.open(REVIEWS, "reason", doc["_id"], sealed) if sealed else "",
        )
