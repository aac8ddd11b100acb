"""Institutions for tests of the figures."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True)
class KnownPlace:
    name: str
    district: str


class KnownPlaces:
    """Institutions by ids like `ORG-1`; the odd ones lie in the east."""

    async def organizations_by_id(self, ids: Iterable[str]) -> dict[str, KnownPlace]:
        return {id: KnownPlace(f"{id}医院", self.district_of(id)) for id in ids}

    @staticmethod
    def district_of(id: str) -> str:
        return "东区" if int(id[4:]) % 2 else "西区"
