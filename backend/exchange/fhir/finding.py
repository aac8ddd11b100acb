"""Reading for a hospital: on which basis, a page of what was asked for, what comes along, all of a person."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import parse_qsl

from backend.errors import AppError, ErrorCode
from backend.exchange.fhir.definitions import served_types
from backend.exchange.fhir.issues import Refused, refuse
from backend.exchange.fhir.patients import ID_NUMBER_SYSTEM, golden
from backend.exchange.fhir.ports import Files, Gate, Index, Reader
from backend.exchange.fhir.references import read
from backend.exchange.fhir.searching import Search, parse
from backend.exchange.fhir.values import values
from backend.permissions import Actor
from backend.records.gate import organization_of
from backend.records.ids import is_resource_id, owner_of
from backend.records.models import Basis, Purpose, RecordQuery, Resource
from backend.records.sharing_models import NOBODY, Asked

_MOST_INCLUDED = 200
# Of a condition that only the bodies answer, so many resources a page and so many pages are looked through.
_AT_ONCE, _MOST_PAGES = 200, 50


@dataclass(frozen=True, slots=True)
class Page:
    """A page of a search: what matched, what came along, where it goes on; `total` where it is known."""

    search: Search
    matches: list[dict[str, Any]] = field(default_factory=list)
    included: list[dict[str, Any]] = field(default_factory=list)
    cursor: str | None = None
    total: int | None = None
    # More refers to what was found than comes along.
    incomplete: bool = False


class Finder:
    """Every reading goes through the gate, and leaves its entry in the audit log."""

    def __init__(self, reader: Reader, files: Files, gate: Gate, index: Index, base: str) -> None:
        self._reader = reader
        self._files = files
        self._gate = gate
        self._index = index
        self._base = base

    # -- on what basis ---------------------------------------------------------------------------------

    async def basis(self, actor: Actor, owner: str, asked: Asked) -> Basis:
        """For what an owner has: one's own organization or chart, another hospital's chart, or a person."""
        organization_id = organization_of(actor)
        if owner == organization_id:
            return await self._gate.origin(actor, practitioner=asked.practitioner)
        chart = await self._index.chart(owner)
        if chart is not None and chart.organization_id == organization_id:
            return await self._gate.origin(actor, owner, practitioner=asked.practitioner)
        # From here on nobody and a stranger must look the same: the gate decides on both.
        return await self._care(actor, chart.person_id if chart else owner, asked)

    async def _care(self, actor: Actor, person_id: str, asked: Asked) -> Basis:
        if not asked.practitioner:
            raise not_there()
        return await self._gate.care(actor, person_id, asked)

    # -- one resource ----------------------------------------------------------------------------------

    async def one(
        self, actor: Actor, type: str, id: str, asked: Asked, *, whole: bool = True
    ) -> Resource | dict[str, Any]:
        """A resource as it stands, or a person over all hospitals. Raises NOT_FOUND, GONE.

        `whole`: with the large documents that lie apart from it, which pages of many come without.
        """
        basis = await self._basis_of(actor, type, id, asked)
        if type == "Patient" and id == basis.person_id and id not in basis.chart_ids:
            return await self._person(basis)
        found = checked(await self._reader.read(basis, id), type)
        return await self._files.whole(found) if whole else found

    async def history(self, actor: Actor, type: str, id: str, asked: Asked) -> list[Resource]:
        """All versions, the newest first."""
        found = await self._reader.history(await self._basis_of(actor, type, id, asked), id)
        if not found or found[0].type != type:
            raise not_there()
        return found

    async def version(
        self, actor: Actor, type: str, id: str, number: str, asked: Asked, *, whole: bool = True
    ) -> Resource:
        """One version."""
        basis = await self._basis_of(actor, type, id, asked)
        if not number.isdecimal() or len(number) > 9:
            raise not_there()
        found = checked(await self._reader.version(basis, id, int(number)), type)
        return await self._files.whole(found) if whole else found

    async def _basis_of(self, actor: Actor, type: str, id: str, asked: Asked) -> Basis:
        if not is_resource_id(id) or (type == "Patient") is ("-" in id):
            raise not_there()
        return await self.basis(actor, owner_of(id), asked)

    async def _person(self, basis: Basis) -> dict[str, Any]:
        found = await self._reader.search(basis, RecordQuery(types=("Patient",), sort="-updated"))
        return golden(basis.person_id, basis.chart_ids, [each.body for each in found.items])

    # -- searching -------------------------------------------------------------------------------------

    async def search(self, actor: Actor, search: Search, asked: Asked) -> Page:
        """One page."""
        number = search.person_number or _id_number_asked(search)
        if number:
            return await self._by_person_number(actor, search, number, asked)
        if search.linked_to:
            return await self._golden_page(actor, search, await self._person_of(search.linked_to), asked)
        basis = await self.basis(actor, search.person or organization_of(actor), asked)
        if search.person in basis.chart_ids:
            # The person's other charts are somebody else to FHIR: only what names this one.
            search = _narrowed(search, search.person)
        return await self._page(basis, search)

    async def ids(self, actor: Actor, kind: str, criteria: str) -> list[str]:
        """At most two of the sender's own resources that fit a condition."""
        if kind not in served_types():
            raise refuse(Refused.TYPE_UNKNOWN, f"Resources of type {kind[:40]} are not kept here.")
        search = parse(kind, parse_qsl(criteria, keep_blank_values=True), self._base)
        told_apart = any(name == "_id" or not name.startswith("_") for name, _ in search.said)
        if not told_apart or search.includes or search.reverses or search.only_count:
            raise refuse(
                Refused.PARAMETER_VALUE, "A condition needs search parameters that tell resources apart."
            )
        found: list[str] = []
        cursor: str | None = None
        for _ in range(_MOST_PAGES):
            query = replace(search.query, limit=_AT_ONCE, cursor=cursor)
            page = await self.search(actor, replace(search, query=query), Asked())
            found += [match["id"] for match in page.matches]
            cursor = page.cursor
            if cursor is None or len(found) > 1:
                return found[:2]
        raise refuse(
            Refused.PARAMETER_VALUE, "The condition is looked for among too many: name an identifier."
        )

    async def everything(self, actor: Actor, id: str, query: RecordQuery, asked: Asked) -> Page:
        """All of a chart, or of a person over all hospitals, a page at a time."""
        basis = await self._basis_of(actor, "Patient", id, asked)
        refs = (id,) if id in basis.chart_ids and basis.person_id and len(basis.chart_ids) > 1 else ()
        found = await self._reader.search(basis, replace(query, refs=refs))
        search = Search("Patient", query)
        total = len(found.items) if query.cursor is None and found.cursor is None else None
        return Page(search, [each.body for each in found.items], [], found.cursor, total)

    async def _by_person_number(self, actor: Actor, search: Search, number: str, asked: Asked) -> Page:
        """A person by the ID number, or one's own patient by the hospital's number."""
        system, _, value = number.rpartition("|")
        if system == ID_NUMBER_SYSTEM:
            person_id = await self._index.person_by_id_number(value)
            if search.kind == "Patient":
                return await self._golden_page(actor, search, person_id, replace(asked, presented=True))
            if person_id is None:
                return await self._nobody(actor, search, replace(asked, presented=True))
            basis = await self._care(actor, person_id, replace(asked, presented=True))
            return await self._page(basis, replace(search, person=person_id))
        own = await self._reader.search(
            await self._gate.origin(actor, practitioner=asked.practitioner),
            RecordQuery(types=("Patient",), business=(number,), limit=2),
        )
        if len(own.items) != 1:
            return Page(search, total=0)
        return await self.search(actor, replace(search, person_number="", person=own.items[0].id), asked)

    async def _golden_page(self, actor: Actor, search: Search, person_id: str | None, asked: Asked) -> Page:
        if person_id is None:
            return await self._nobody(actor, search, asked)
        basis = await self._care(actor, person_id, asked)
        page = Page(search, [await self._person(basis)], total=1)
        return await self._with_referring(basis, page, basis.chart_ids)

    async def _nobody(self, actor: Actor, search: Search, asked: Asked) -> Page:
        """An unknown number is refused like one of somebody who may not be asked about.

        In an emergency that is for want of a reason; who has given one is told that there is nobody.
        """
        try:
            await self._care(actor, NOBODY, asked)
        except AppError as error:
            if error.code is not ErrorCode.NOT_FOUND or asked.purpose is not Purpose.BREAK_GLASS:
                raise
        return Page(search, total=0)

    async def _person_of(self, chart_id: str) -> str | None:
        chart = await self._index.chart(chart_id)
        return chart.person_id if chart else None

    async def _page(self, basis: Basis, search: Search) -> Page:
        counted = search.only_count and not search.filters
        found = await self._reader.search(basis, replace(search.query, count=counted))
        matches = [each.body for each in found.items if all(fits(each.body) for fits in search.filters)]
        whole = search.query.cursor is None and found.cursor is None
        total = found.total if counted else len(matches) if whole else None
        if search.only_count:
            return Page(search, total=total)
        included = await self._included(basis, search, matches)
        page = Page(search, matches, included, found.cursor, total)
        return await self._with_referring(basis, page, [body["id"] for body in matches])

    async def _with_referring(self, basis: Basis, page: Page, ids: Sequence[str]) -> Page:
        """What refers to these at the places that were named, as far as the basis covers it, comes along."""
        reverses = page.search.reverses
        if not reverses or not ids:
            return page
        if not basis.chart_ids:
            owners = {owner_of(id) for id in ids}
            if len(owners) > 1 or basis.organization_id in owners:
                told = "_revinclude is for what is about one patient: name one, or search for one."
                raise refuse(Refused.PARAMETER_VALUE, told)
            basis = await self._gate.origin(basis.actor, owners.pop(), practitioner=basis.practitioner)
        types = tuple(dict.fromkeys(each.type for each in reverses))
        query = RecordQuery(types=types, refs=tuple(ids), limit=_MOST_INCLUDED)
        found = await self._reader.search(basis, query)
        there = {body["id"] for body in (*page.matches, *page.included)}
        along = [
            each.body
            for each in found.items
            if each.id not in there and any(reverse.leads_to(each.body, ids) for reverse in reverses)
        ]
        return replace(
            page, included=[*page.included, *along], incomplete=page.incomplete or found.cursor is not None
        )

    async def _included(
        self, basis: Basis, search: Search, matches: Sequence[dict[str, Any]]
    ) -> list[dict[str, Any]]:
        """What the matches refer to at the places that were named, as far as the basis covers it."""
        ids = dict.fromkeys(
            reference.id
            for body in matches
            for path in search.includes
            for value in values(body, path)
            if isinstance(value, dict)
            and is_resource_id((reference := read(str(value.get("reference", "")), self._base)).id)
        )
        wanted = tuple(id for id in ids if id not in {body["id"] for body in matches})[:_MOST_INCLUDED]
        if not wanted:
            return []
        # What is the hospital's own and about nobody lies beside every chart.
        own = tuple(id for id in wanted if owner_of(id) == basis.organization_id)
        others = tuple(id for id in wanted if id not in own)
        found: list[dict[str, Any]] = []
        if others:
            found += await self._by_ids(basis, others)
        if own:
            found += await self._by_ids(
                await self._gate.origin(basis.actor, practitioner=basis.practitioner), own
            )
        return found

    async def _by_ids(self, basis: Basis, ids: tuple[str, ...]) -> list[dict[str, Any]]:
        found = await self._reader.search(basis, RecordQuery(ids=ids, limit=len(ids)))
        return [each.body for each in found.items]


def checked(found: Resource | None, type: str) -> Resource:
    """The resource, if it is one of this type and not gone."""
    if found is None or found.type != type:
        raise not_there()
    if found.deleted:
        raise refuse(Refused.GONE, "The resource was deleted; its history is still there.")
    return found


def not_there() -> Exception:
    """Another's and nobody's look the same."""
    return refuse(
        Refused.NOT_FOUND,
        "It is not among what you have sent. What other hospitals have sent is read in the name of somebody "
        "who treats: say who (X-Practitioner), and what for (X-Purpose).",
    )


def _id_number_asked(search: Search) -> str:
    if search.kind != "Patient":
        return ""
    return next((each for each in search.query.business if each.startswith(f"{ID_NUMBER_SYSTEM}|")), "")


def _narrowed(search: Search, chart_id: str) -> Search:
    if search.query.refs or search.kind == "Patient":
        return search
    return replace(search, query=replace(search.query, refs=(chart_id,)))
