"""The `hl7_tables` collection: a hospital's own rows of code tables, which go before the city's."""

from __future__ import annotations

from collections.abc import Mapping

from backend import clock
from backend.db.client import Database
from backend.exchange.v2.mapping.codes import Codes


class TableStore:
    """Rows by hospital and table."""

    def __init__(self, db: Database) -> None:
        self._tables = db.collection("hl7_tables")

    async def codes_of(self, organization_id: str) -> Codes:
        """The tables as they hold for a hospital."""
        found = self._tables.find({"organization_id": organization_id})
        own = {doc["table"]: {row["code"]: row["to"] for row in doc["rows"]} async for doc in found}
        return Codes(organization_id, own)

    async def write(self, organization_id: str, table: str, rows: Mapping[str, str], by: str) -> None:
        """Put a hospital's rows of one table in the place of those before."""
        await self._tables.replace_one(
            {"_id": f"{organization_id}:{table}"},
            {
                "organization_id": organization_id,
                "table": table,
                # A list: codes may hold dots and dollars.
                "rows": [{"code": code, "to": to} for code, to in rows.items()],
                "updated_at": clock.now(),
                "by": by,
            },
            upsert=True,
        )
