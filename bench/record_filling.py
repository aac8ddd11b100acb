"""Filling a store of records: the documents that writing makes, put in by several processes at once."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from operator import attrgetter
from pathlib import Path

import pymongo
import uvloop
from pymongo import WriteConcern
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from backend.db.client import Database, Document
from backend.records.documents import Documents
from backend.records.service import draft_of
from backend.records.store import RESOURCES, VERSIONS
from backend.records.telling import events_of
from backend.security.fields import BlindIndex, FieldCipher
from backend.security.keys import Keyring
from bench.record_people import Sent, messages_of

# What is written of one visit lies between what is written of others: so it does here, for so many people.
PEOPLE_AT_ONCE = 100
_INSERTED_AT_ONCE = 1_000
_BUILT_WITHIN_S = 7_200
# Durable or not is for the server to say afterwards; nothing that is made up is missed.
_QUICK = WriteConcern(w=1, j=False)


@dataclass(frozen=True)
class Place:
    """Where to fill: a server, a database, a key ring."""

    uri: str
    database: str
    keys: Path


@contextlib.asynccontextmanager
async def indexes_afterwards(db: Database) -> AsyncIterator[None]:
    """Take the collection's indexes off, and build the same ones when everything lies there.

    As after the restoring of a dump: it takes a third of the time. Stores that are compared are filled alike.
    """
    resources = db.native.get_collection(RESOURCES)
    specifications = [spec async for spec in await resources.list_indexes() if spec["name"] != "_id_"]
    await resources.drop_indexes()
    yield
    building = Console(stderr=True).status(f"  building {len(specifications)} indexes of {db.native.name}")
    with building, pymongo.timeout(_BUILT_WITHIN_S):
        await db.native.command("createIndexes", RESOURCES, indexes=specifications)


def fill(place: Place, resources: int) -> tuple[int, int]:
    """Put in people until there are so many resources; returns how many people, how many resources."""
    processes = os.cpu_count() or 1
    people = made = 0
    bar = Progress(
        TextColumn("  filling {task.fields[name]}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn(),
        console=Console(stderr=True),
    )  # fmt: skip
    context = multiprocessing.get_context("spawn")
    with bar, ProcessPoolExecutor(processes, mp_context=context) as pool:
        task = bar.add_task("", total=resources, name=place.database)
        waiting = {pool.submit(_fill_some, place, first) for first in _next(0, processes + 1)}
        while waiting:
            done = next(as_completed(waiting))
            waiting.remove(done)
            people += PEOPLE_AT_ONCE
            made += done.result()
            bar.update(task, completed=made)
            if made < resources:
                waiting.add(pool.submit(_fill_some, place, people + len(waiting) * PEOPLE_AT_ONCE))
    return people, made


def _next(first: int, count: int) -> Iterator[int]:
    return iter(range(first, first + count * PEOPLE_AT_ONCE, PEOPLE_AT_ONCE))


def documents_of(documents: Documents, sent: Sent) -> Iterator[Document]:
    """What the store holds of a message once it is written and its events have been passed on."""
    for incoming in sent.batch:
        draft = draft_of(sent.organization_id, incoming, sent.source)
        events = events_of(draft, None)
        made = documents.first(draft, sent.source.received_at, events)
        yield made | ({"events": [], "events_due": False} if events else {})


def _fill_some(place: Place, first: int) -> int:
    return uvloop.run(_insert_people(place, first))


async def _insert_people(place: Place, first: int) -> int:
    ring = Keyring.from_file(place.keys)
    documents = Documents(FieldCipher(ring), BlindIndex(ring), RESOURCES, VERSIONS)
    people = range(first, first + PEOPLE_AT_ONCE)
    messages = [message for person in people for message in messages_of(person)]
    messages.sort(key=attrgetter("source.received_at"))
    made = [doc for message in messages for doc in documents_of(documents, message)]
    db = Database(place.uri, place.database, app_name="bench")
    try:
        resources = db.native.get_collection(RESOURCES, write_concern=_QUICK)
        for start in range(0, len(made), _INSERTED_AT_ONCE):
            await resources.insert_many(
                made[start : start + _INSERTED_AT_ONCE], ordered=False, bypass_document_validation=True
            )
    finally:
        await db.close()
    return len(made)
