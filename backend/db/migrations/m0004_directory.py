"""Organisations, departments, practitioners, and the clients that speak for hospitals and terminals."""

from __future__ import annotations

from pymongo import ASCENDING, IndexModel

from backend.db.client import Database, Document
from backend.db.collections import (
    ARRAY,
    BOOL,
    DATE,
    INT,
    OBJECT,
    OPTIONAL_STRING,
    STRING,
    ensure_collection,
    schema,
)

_ENTRY: dict[str, Document] = {
    "external": OBJECT,
    "name": STRING,
    "active": BOOL,
    "search_keys": ARRAY,
    "order": STRING,
    "version": INT,
    "created_at": DATE,
    "updated_at": DATE,
}
_OPTIONAL_NUMBER: Document = {"bsonType": ["double", "int", "null"]}


async def up(db: Database) -> None:
    """State the directory's collections."""
    await _organizations(db)
    await _departments(db)
    await _practitioners(db)
    await _clients(db)


async def _organizations(db: Database) -> None:
    await ensure_collection(
        db,
        "organizations",
        shard_key="_id",
        validator=schema(
            [*_ENTRY, "short_name", "kind", "level"],
            **_ENTRY,
            short_name=STRING,
            kind=STRING,
            level=STRING,
            lat=_OPTIONAL_NUMBER,
            lng=_OPTIONAL_NUMBER,
            credit_code=OPTIONAL_STRING,
        ),
        indexes=[
            _index("order", "active", "order", "_id"),
            _index("kind", "active", "kind", "order", "_id"),
            _index("search", "search_keys"),
        ],
    )


async def _departments(db: Database) -> None:
    await ensure_collection(
        db,
        "departments",
        shard_key="_id",
        validator=schema(
            [*_ENTRY, "organization_id", "code"], **_ENTRY, organization_id=STRING, code=STRING, place=STRING
        ),
        indexes=[_index("organization", "organization_id", "order"), _index("search", "search_keys")],
    )


async def _practitioners(db: Database) -> None:
    await ensure_collection(
        db,
        "practitioners",
        shard_key="_id",
        validator=schema(
            [*_ENTRY, "organization_id", "department_ids"],
            **_ENTRY,
            organization_id=STRING,
            department_ids=ARRAY,
            title=STRING,
        ),
        indexes=[
            _index("department", "department_ids", "order"),
            _index("organization", "organization_id", "order"),
            _index("search", "search_keys"),
        ],
    )


async def _clients(db: Database) -> None:
    await ensure_collection(
        db,
        "clients",
        shard_key="_id",
        validator=schema(
            ["kind", "organization_id", "name", "secrets", "active", "created_at"],
            kind={"enum": ["hospital", "terminal"]},
            organization_id=STRING,
            name=STRING,
            secrets=ARRAY,
            active=BOOL,
            terminal_kind=OPTIONAL_STRING,
            department_id=OPTIONAL_STRING,
            created_at=DATE,
        ),
        indexes=[_index("organization", "organization_id", "kind")],
    )


def _index(name: str, *fields: str) -> IndexModel:
    return IndexModel([(field, ASCENDING) for field in fields], name=name)
