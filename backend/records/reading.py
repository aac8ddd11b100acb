"""Reading the record: only on a basis, only what it covers, each time written down before it is answered."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from backend.audit.service import AuditService
from backend.records.models import Basis, Found, Overview, RecordQuery, Resource
from backend.records.queries import cursor_of
from backend.records.store import ResourceStore

ACTION = "records.read"
_MOST = 200
_MOST_COUNTED = 10_000


class RecordReader:
    """Every method takes the basis first and leaves exactly one entry in the audit log."""

    def __init__(self, store: ResourceStore, audit: AuditService) -> None:
        self._store = store
        self._audit = audit

    async def read(self, basis: Basis, id: str) -> Resource | None:
        """A resource as it stands; one that was taken back has `deleted` and no body."""
        found = await self._store.find(basis, id)
        await self._note(basis, "read", [found] if found else [], _asked(id, found))
        return found

    async def history(self, basis: Basis, id: str) -> list[Resource]:
        """All versions, the newest first; empty when the basis does not cover the resource as it stands."""
        newest = await self._store.find(basis, id)
        found = [newest, *await self._store.versions(basis, id, _MOST)] if newest else []
        await self._note(basis, "history", found, {"asked": id})
        return found

    async def version(self, basis: Basis, id: str, number: int) -> Resource | None:
        """One version of a resource."""
        newest = await self._store.find(basis, id)
        found = newest
        if newest is not None and newest.version != number:
            found = await self._store.version(basis, id, number)
        await self._note(basis, "version", [found] if found else [], {"asked": f"{id}/{number}"})
        return found

    async def search(self, basis: Basis, query: RecordQuery) -> Found:
        """A page of what the basis covers and the query asks for."""
        return await self._page(basis, query, "search", shown=False)

    async def search_with_referring(
        self, basis: Basis, query: RecordQuery, types: Sequence[str]
    ) -> tuple[list[Resource], list[Resource]]:
        """What a query finds, and beside it what of these types refers to that: results with their reports.

        One reading, and one entry: whoever asks for results has been shown whose they are.
        """
        query = replace(query, limit=max(1, min(query.limit, _MOST)))
        found = (await self._store.search(basis, query, shown=False))[: query.limit]
        beside: list[Resource] = []
        if found:
            of = RecordQuery(types=tuple(types), refs=tuple(each.id for each in found), limit=_MOST)
            beside = (await self._store.search(basis, of, shown=False))[:_MOST]
        about = {"types": [*query.types, *types], "kinds": list(query.kinds)}
        await self._note(basis, "search", [*found, *beside], about)
        return found, beside

    async def timeline(
        self, basis: Basis, kinds: Sequence[str] = (), cursor: str | None = None, limit: int = 50
    ) -> Found:
        """What a person has lived through, the newest first."""
        query = RecordQuery(kinds=tuple(kinds), cursor=cursor, limit=limit)
        return await self._page(basis, query, "timeline", shown=True)

    async def overview(
        self, basis: Basis, kinds: Sequence[str] = (), cursor: str | None = None, limit: int = 50
    ) -> Overview:
        """What a doctor needs at first sight: the timeline, allergies, and the results of what is reported.

        One reading, and one entry, however much of it is looked up.
        """
        wanted = RecordQuery(kinds=tuple(kinds), cursor=cursor, limit=max(1, min(limit, _MOST)))
        page, allergies = await asyncio.gather(
            self._store.search(basis, wanted, shown=True),
            self._store.search(basis, RecordQuery(types=("AllergyIntolerance",), limit=_MOST)),
        )
        items = page[: wanted.limit]
        results = await self._results(basis, items)
        # An allergy of this page is read once, though it stands in two places.
        seen = list({each.id: each for each in (*items, *allergies, *results)}.values())
        await self._note(basis, "overview", seen, {"types": [], "kinds": list(kinds)})
        more = cursor_of(basis, wanted.sort, items[-1]) if len(page) > len(items) else None
        return Overview(Found(items, more), allergies, {each.id: each for each in results})

    async def read_with_results(self, basis: Basis, id: str) -> tuple[Resource | None, dict[str, Resource]]:
        """A resource with what it refers to in the same chart, by id; one reading, and one entry."""
        found = await self._store.find(basis, id)
        results = await self._results(basis, [found] if found else [], among=())
        seen = [*([found] if found else []), *results]
        await self._note(basis, "read", seen, _asked(id, found))
        return found, {each.id: each for each in results}

    async def _results(
        self, basis: Basis, items: Sequence[Resource], among: Sequence[str] = ("Observation",)
    ) -> list[Resource]:
        reports = [each for each in items if each.type == "DiagnosticReport" or not among]
        ids = tuple(dict.fromkeys(ref for each in reports for ref in each.refs))[:_MOST]
        if not ids:
            return []
        return await self._store.search(basis, RecordQuery(ids=ids, types=tuple(among), limit=len(ids)))

    async def _page(self, basis: Basis, query: RecordQuery, way: str, *, shown: bool) -> Found:
        query = replace(query, limit=max(1, min(query.limit, _MOST)))
        found = await self._store.search(basis, query, shown=shown)
        total = None
        if query.count:
            total = await self._store.count(basis, query, shown=shown, most=_MOST_COUNTED)
        items = found[: query.limit]
        await self._note(basis, way, items, {"types": list(query.types), "kinds": list(query.kinds)})
        more = len(found) > len(items)
        return Found(items, cursor_of(basis, query.sort, items[-1]) if more else None, total)

    async def _note(self, basis: Basis, way: str, found: Sequence[Resource], data: Mapping[str, Any]) -> None:
        about = f"person/{basis.person_id}" if basis.person_id else f"organization/{basis.organization_id}"
        ids = list(dict.fromkeys(each.id for each in found))
        await self._audit.record(
            basis.actor,
            ACTION,
            about,
            f"{basis.kind}:{basis.reference}" if basis.reference else str(basis.kind),
            basis.organization_id,
            {
                "way": way,
                "basis": str(basis.kind),
                "purpose": str(basis.purpose),
                "practitioner": basis.practitioner,
                "count": len(found),
                "resources": ids,
                "found": sorted({str(each.kind) for each in found}),
                **({"encounter": basis.encounter} if basis.encounter else {}),
                **({} if basis.person_id else {"charts": _charts(basis, found)}),
                **data,
            },
        )


def _charts(basis: Basis, found: Sequence[Resource]) -> list[str]:
    """Whose: a page of all that a hospital has sent is about many people, and each of them may see it."""
    return sorted({each.owner for each in found} - {basis.organization_id})


def _asked(id: str, found: Resource | None) -> dict[str, Any]:
    return {"asked": id, "types": [found.type] if found else []}
