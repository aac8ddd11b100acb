"""Turning a typed query into filters, and hits into an order a person would have chosen."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import TypeVar

from backend.db.client import Document
from backend.directory.models import Department, Found, Organization, Practitioner
from backend.directory.pinyin import normalise, search_keys, search_terms
from backend.directory.store import DirectoryStore, Shelf, starts

E = TypeVar("E", bound=Organization | Department | Practitioner)

SHOWN = 20


async def search(store: DirectoryStore, query: str) -> Found:
    """Institutions, departments and practitioners whose names hold every word of `query`.

    With several words, some may name what the entry belongs to: `人民医院 心内科`, `xnk zhang`.
    """
    terms = search_terms(query)
    if not terms:
        return Found()
    organizations, departments, practitioners = await asyncio.gather(
        store.organizations.search(active_named(terms)),
        _search_members(store.departments, store.organizations, "organization_id", terms),
        _search_members(store.practitioners, store.departments, "department_ids", terms),
    )
    return Found(
        organizations=tuple(_best(organizations, query)),
        departments=tuple(_best(departments, query)),
        practitioners=tuple(_best(practitioners, query)),
    )


def active_named(terms: Sequence[str]) -> Document:
    """The filter for entries in use whose names hold every word."""
    return {"active": True} | ({"$and": [starts(term) for term in terms]} if terms else {})


async def _search_members(
    shelf: Shelf[E],
    owners: Shelf[Organization] | Shelf[Department],
    owner_field: str,
    terms: list[str],
) -> list[E]:
    """Entries of which one word names the entry and each other word the entry or its owner."""
    if len(terms) == 1:
        return await shelf.search(active_named(terms))
    owned = await asyncio.gather(*(owners.search_ids(term) for term in terms))
    either = [
        {"$or": [starts(term), {owner_field: {"$in": ids}}]} for term, ids in zip(terms, owned, strict=True)
    ]
    return await shelf.search({"active": True, "$or": [starts(term) for term in terms], "$and": either})


def _best(entries: list[E], query: str) -> list[E]:
    wanted = normalise(query).replace(" ", "")
    best = sorted(entries, key=lambda entry: (_distance(entry.name, wanted), len(entry.name), entry.name))
    return best[:SHOWN]


def _distance(name: str, wanted: str) -> int:
    """0 the very name, 1 its beginning, 2 within it, 3 its pinyin or initials from the start, 4 the rest."""
    plain = normalise(name).replace(" ", "")
    if plain == wanted:
        return 0
    if plain.startswith(wanted):
        return 1
    if wanted in plain:
        return 2
    # The keys of a name come in order of length within their kind, so a whole reading is longer than a tail.
    readings = [key for key in search_keys(name) if key.isascii()]
    longest = max((len(key) for key in readings), default=0)
    whole = [key for key in readings if len(key) in (longest, len(plain))]
    return 3 if any(key.startswith(wanted) for key in whole) else 4
