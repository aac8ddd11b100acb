"""The collection `referral_limits`: every edition of the city's time limits; the last one counts."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from pymongo import DESCENDING
from pymongo.errors import DuplicateKeyError

from backend.db.client import Database, Document
from backend.referrals.limits import TimeLimits

LIMITS = "referral_limits"


@dataclass(frozen=True, slots=True)
class Edition:
    """The table by number; 0 is the one that the city came with."""

    number: int
    limits: TimeLimits
    made_by: str = ""
    made_at: datetime | None = None


class LimitsStore:
    """Editions by number: of two who change the same one at once, one has made the next."""

    def __init__(self, db: Database) -> None:
        self._editions = db.collection(LIMITS)

    async def last(self) -> Edition | None:
        """The one that counts."""
        doc = await self._editions.find_one({}, sort=[("_id", DESCENDING)])
        return _read(doc) if doc else None

    async def add(self, edition: Edition) -> bool:
        """Keep the next; False when somebody else has made that number."""
        document: Document = {
            "_id": edition.number,
            "table": edition.limits.model_dump_json(by_alias=True),
            "made_by": edition.made_by,
            "made_at": edition.made_at,
        }
        try:
            await self._editions.insert_one(document)
        except DuplicateKeyError:
            return False
        return True


def _read(doc: Document) -> Edition:
    return Edition(doc["_id"], TimeLimits.model_validate_json(doc["table"]), doc["made_by"], doc["made_at"])
