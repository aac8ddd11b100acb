"""How a migration states a collection: validator, indexes and shard key, made or brought up to date."""

from __future__ import annotations

from collections.abc import Sequence

from pymongo import ASCENDING, IndexModel
from pymongo.errors import CollectionInvalid, OperationFailure

from backend.db.client import Database, Document

# What each collection would be sharded by. A guard test checks every unique index against it.
SHARD_KEYS: dict[str, str] = {}

_INDEX_CONFLICTS = (85, 86)  # IndexOptionsConflict, IndexKeySpecsConflict


async def ensure_collection(
    db: Database,
    name: str,
    *,
    shard_key: str,
    validator: Document | None = None,
    indexes: Sequence[IndexModel] = (),
) -> None:
    """Create the collection, or bring its validator and indexes up to what is stated. Safe to repeat."""
    SHARD_KEYS[name] = shard_key
    try:
        await db.native.create_collection(name)
    except CollectionInvalid:
        pass  # It is there already, which is what was wanted.
    except OperationFailure as error:
        if error.code != 48:  # NamespaceExists, when two processes migrate at once
            raise
    rules = {"$jsonSchema": validator} if validator else {}
    await db.native.command("collMod", name, validator=rules, validationLevel="strict")
    for index in indexes:
        await _ensure_index(db, name, index)


async def _ensure_index(db: Database, name: str, index: IndexModel) -> None:
    collection = db.collection(name)
    try:
        await collection.create_indexes([index])
    except OperationFailure as error:
        if error.code not in _INDEX_CONFLICTS:
            raise
        # The options changed under the same name: the statement in the migration wins.
        await collection.drop_index(index.document["name"])
        await collection.create_indexes([index])


def schema(required: Sequence[str], **properties: Document) -> Document:
    """A `$jsonSchema` for an object: required fields and the BSON types of the known ones."""
    return {"bsonType": "object", "required": list(required), "properties": properties}


def events_due(name: str = "events_due") -> IndexModel:
    """The index by which the relay finds the few documents with an event to pass on."""
    return IndexModel([("events_due", ASCENDING)], name=name, partialFilterExpression={"events_due": True})


STRING: Document = {"bsonType": "string"}
OPTIONAL_STRING: Document = {"bsonType": ["string", "null"]}
INT: Document = {"bsonType": ["int", "long"]}
BOOL: Document = {"bsonType": "bool"}
DATE: Document = {"bsonType": "date"}
OPTIONAL_DATE: Document = {"bsonType": ["date", "null"]}
OBJECT: Document = {"bsonType": "object"}
ARRAY: Document = {"bsonType": "array"}
# Sealed fields are objects: a name or a number in plain text is refused by the database itself.
SEALED: Document = {**OBJECT, "required": ["kid", "ct"]}
OPTIONAL_SEALED: Document = {"bsonType": ["object", "null"], "required": ["kid", "ct"]}
